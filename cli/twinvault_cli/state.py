"""Which project and which state folder a command is about."""

import os
from pathlib import Path
from typing import Annotated

import typer

from twinvault_cli.given import remember
from twinvault_local.machine.checkout import project_above
from twinvault_local.state import FIRST_PORT, StateFolder

ROOT = Path(__file__).parents[2]

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="TWINVAULT_STATE",
        callback=remember,
        help="State folder.",
        show_default=".twinvault of the project",
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


AppOption = Annotated[
    Path | None,
    typer.Option(
        "--app",
        envvar="TWINVAULT_APP",
        help="The project: a folder with a cdk.json.",
        show_default="the one that you are in, or else this checkout",
    ),
]

StageOption = Annotated[
    str | None, typer.Option("--stage", help="A stage of its cdk.json.", show_default="the one that it names")
]


def project_folder(chosen: Path | None = None) -> Path:
    """The project that `--app` or TWINVAULT_APP names; else the one that the caller is in; else this checkout."""
    named = chosen or (Path(found) if (found := os.environ.get("TWINVAULT_APP")) else None)
    if named is not None:
        return named.absolute()
    return project_above(Path.cwd()) or ROOT


def state_folder(chosen: Path | None) -> StateFolder:
    """The state folder that `--state` or TWINVAULT_STATE names, or the project's own."""
    return StateFolder((chosen or project_folder() / ".twinvault").absolute())
