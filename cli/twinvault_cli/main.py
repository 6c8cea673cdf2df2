"""`twinvault`: the command people type, and what its exit codes mean.

0 well; 1 unexpected, a verdict of NO-GO, or an erasure that is not irrecoverable yet; 2 the caller's fault;
3 tampering; 4 a dependency is missing or the twin is not up.
"""

import errno
import importlib
import sys
import traceback
from collections.abc import Sequence

import typer
from rich.markup import escape

from twinvault_cli.errors import UNAVAILABLE, UNEXPECTED, CliError, exit_code
from twinvault_cli.output import console
from twinvault_kms.errors import LocalKmsError
from twinvault_local.errors import TwinError

# Which module has a command. Only that one is imported for it: importing all of them takes longer than a reload.
COMMANDS = {
    **dict.fromkeys(("up", "down", "status", "reset", "token"), "twin"),
    **dict.fromkeys(("import", "export", "show", "list"), "dialogues"),
    "doctor": "doctor",
    "env": "environment",
    "erase": "erase",
    "iam": "iam",
    "keys": "keys",
    "kms": "kms",
    "logs": "logs",
    "maintain": "maintain",
    "raw": "raw",
    "receipt": "receipt",
    **dict.fromkeys(("fsck", "restore"), "recovering"),
    **dict.fromkeys(("reload", "tick"), "inner_loop"),
    "verdict": "verdict",
    "verify-deploy": "deployed",
}


def app(arguments: Sequence[str]) -> typer.Typer:
    """The application that runs these arguments: with the one command that they begin with, or with all of them."""
    found = typer.Typer(
        name="twinvault",
        help="An encrypted record store on DynamoDB whose laptop and production are twins.",
        no_args_is_help=True,
        # A traceback's local variables would show tokens.
        pretty_exceptions_enable=False,
    )
    found.callback()(lambda: None)  # one command alone is still a command and not the whole application
    first = COMMANDS.get(arguments[0]) if arguments else None
    for module in dict.fromkeys([first] if first else COMMANDS.values()):
        found.add_typer(importlib.import_module(f"twinvault_cli.{module}").app)
    return found


def run() -> None:
    """The entry point: maps every family of errors to its exit code and prints it in words."""
    try:
        app(sys.argv[1:])()
    except (CliError, TwinError, LocalKmsError) as error:
        console.print(f"[bold red]{escape(error.message)}[/]")
        if error.next_step:
            console.print(escape(error.next_step))
        sys.exit(exit_code(error))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            console.print("[bold red]The disk is full.[/]")
            console.print("Free some space, then type the command again.    How much where: twinvault doctor")
        else:
            console.print(f"[bold red]The machine refuses: {escape(str(error))}[/]")
        sys.exit(UNAVAILABLE)
    except Exception:  # noqa: BLE001  # the last place where anything unexpected can still be said in words
        traceback.print_exc()
        console.print("[bold red]This is a bug in twinvault: nobody foresaw it.[/]")
        sys.exit(UNEXPECTED)
