"""Which checkout and which state folder a command is about."""

from pathlib import Path
from typing import Annotated

import typer

from twinvault_cli.given import remember
from twinvault_local.state import FIRST_PORT, StateFolder

ROOT = Path(__file__).parents[2]

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="TWINVAULT_STATE",
        callback=remember,
        help="State folder.",
        show_default=".twinvault of the checkout",
    ),
]

PortOption = Annotated[
    int | None,
    typer.Option(
        callback=remember,
        help="Port of the API on 127.0.0.1.",
        min=1,
        max=65535,
        show_default=f"the one it had; at first {FIRST_PORT}",
    ),
]


def state_folder(chosen: Path | None) -> StateFolder:
    """The state folder that `--state` or TWINVAULT_STATE names, or the checkout's own."""
    return StateFolder((chosen or ROOT / ".twinvault").absolute())
