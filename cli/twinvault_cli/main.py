"""`twinvault`: the command people type, and what its exit codes mean.

0 well; 1 unexpected; 2 the caller's fault; 3 tampering; 4 a dependency is missing or the twin is not up.
"""

import sys
import traceback

import typer
from rich.markup import escape

from twinvault_cli import deployed, dialogues, keys, kms, logs, raw, twin
from twinvault_cli.errors import UNAVAILABLE, UNEXPECTED, CliError, exit_code
from twinvault_cli.output import console
from twinvault_local.errors import TwinError

app = typer.Typer(
    name="twinvault",
    help="An encrypted record store on DynamoDB whose laptop and production are twins.",
    no_args_is_help=True,
    # A traceback's local variables would show tokens.
    pretty_exceptions_enable=False,
)
app.add_typer(twin.app)
app.add_typer(logs.app)
app.add_typer(dialogues.app)
app.add_typer(raw.app)
app.add_typer(keys.app)
app.add_typer(kms.app)
app.add_typer(deployed.app)


def run() -> None:
    """The entry point: maps every family of errors to its exit code and prints it in words."""
    try:
        app()
    except (CliError, TwinError) as error:
        console.print(f"[bold red]{escape(error.message)}[/]")
        if error.next_step:
            console.print(escape(error.next_step))
        sys.exit(exit_code(error))
    except OSError as error:
        console.print(f"[bold red]The machine refuses: {escape(str(error))}[/]")
        sys.exit(UNAVAILABLE)
    except Exception:  # noqa: BLE001  # the last place where anything unexpected can still be said in words
        traceback.print_exc()
        console.print("[bold red]This is a bug in twinvault: nobody foresaw it.[/]")
        sys.exit(UNEXPECTED)
