"""env: the twin's endpoints, names and credentials, for a shell or a program that calls it."""

import os
import shlex
from typing import Annotated

import typer

from twinvault_cli import inner_loop
from twinvault_cli.connection import JsonOption
from twinvault_cli.output import print_json
from twinvault_cli.state import StateOption, state_folder
from twinvault_local import calling, status

app = typer.Typer()


@app.command()
def env(
    *,
    as_function: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="FUNCTION",
            autocompletion=inner_loop.complete_function,
            help="Whose credentials.",
            show_default="nobody's",
        ),
    ] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
) -> None:
    """Print what boto3, the AWS CLI and open_vault need to call the twin: eval "$(twinvault env --as read)".

    With --json one object, in which null means that there must be no such variable. Without --as there are no
    credentials: the operator is the account's root, whom the root key refuses.
    """
    folder = state_folder(state)
    status.facts(folder)
    name = inner_loop.full_name(folder, as_function) if as_function else None
    found = calling.variables(folder, name, already=os.environ)
    if as_json:
        print_json(found)
        return
    for variable, value in found.items():
        typer.echo(f"unset {variable}" if value is None else f"export {variable}={shlex.quote(value)}")
