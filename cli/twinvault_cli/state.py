"""Which checkout and which state folder a command is about."""

from pathlib import Path
from typing import Annotated

import typer

from twinvault_local.state import StateFolder

ROOT = Path(__file__).parents[2]

StateOption = Annotated[
    Path | None,
    typer.Option("--state", envvar="TWINVAULT_STATE", help="State folder.", show_default=".twinvault of the checkout"),
]


def state_folder(chosen: Path | None) -> StateFolder:
    """The state folder that `--state` or TWINVAULT_STATE names, or the checkout's own."""
    return StateFolder((chosen or ROOT / ".twinvault").absolute())
