"""`twinvault`: the command people type, and what its exit codes mean.

0 well; 1 unexpected, a verdict of NO-GO, or an erasure that is not irrecoverable yet; 2 the caller's fault;
3 tampering; 4 a dependency is missing or the twin is not up.
"""

import importlib
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from twinvault_cli import failing, given, output
from twinvault_cli.given import COMMANDS


def app(arguments: Sequence[str]) -> typer.Typer:
    """The application that runs these arguments: with the one command that they begin with, or with all of them."""
    found = typer.Typer(
        name="twinvault",
        help="An encrypted record store on DynamoDB whose laptop and production are twins.",
        no_args_is_help=True,
        # A traceback's local variables would show tokens.
        pretty_exceptions_enable=False,
    )
    found.callback()(_twinvault)  # one command alone is still a command and not the whole application
    first = COMMANDS.get(arguments[0]) if arguments else None
    for module in dict.fromkeys([first] if first else COMMANDS.values()):
        found.add_typer(importlib.import_module(f"twinvault_cli.{module}").app)
    return found


def run() -> None:
    """The entry point: maps every family of errors to its exit code and tells it, in words or as JSON."""
    arguments = sys.argv[1:]
    output.prepare()
    given.forget()
    try:
        sys.exit(_outcome(arguments))
    except Exception as error:  # noqa: BLE001  # the last place where anything unexpected can still be said in words
        sys.exit(failing.told(error, arguments))


def _outcome(arguments: Sequence[str]) -> int:
    """Run the command; the exit code that it chose. What it raises, errors of the command line too, is the caller's."""
    chosen = app(arguments)(arguments, prog_name="twinvault", standalone_mode=False)
    return chosen if isinstance(chosen, int) else 0


def _version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415  # no other command need wait for it

        typer.echo(f"twinvault {version('twinvault-cli')}")
        raise typer.Exit


def _twinvault(
    *,
    version: Annotated[  # its callback answers
        bool, typer.Option("--version", callback=lambda value: _version(wanted=value), is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """An encrypted record store on DynamoDB whose laptop and production are twins."""
