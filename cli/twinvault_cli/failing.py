"""How a call ends that fails: in words on standard error, or with `--json` as one object `{"error": …}`.

That object is on standard output, unless a result is there already: then on standard error. So standard output is one
JSON document, whatever happens.
"""

import errno
import sys
import traceback
from collections.abc import Sequence

from rich.markup import escape
from typer import Abort
from typer._click.exceptions import ClickException  # Typer has no public name for what Click refuses
from typer.rich_utils import rich_format_error

from twinvault_cli import output
from twinvault_cli.errors import UNAVAILABLE, UNEXPECTED, CliError, exit_code
from twinvault_cli.given import carried
from twinvault_cli.output import console
from twinvault_kms.errors import LocalKmsError
from twinvault_local.errors import TwinError

_FULL = "Free some space, then type the command again.    How much where: twinvault doctor"


def told(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what went wrong and what to type next; the exit code."""
    in_json = wants_json(arguments)
    match error:
        case CliError() | TwinError() | LocalKmsError():
            return _say(error.message, error.next_step, exit_code(error), in_json=in_json)
        case ClickException():
            if in_json:
                return _say(error.format_message(), "", error.exit_code, in_json=True)
            rich_format_error(error)
            return error.exit_code
        case Abort():
            return _say("Aborted.", "", UNEXPECTED, in_json=in_json)
        case OSError():
            full = error.errno == errno.ENOSPC
            message = "The disk is full." if full else f"The machine refuses: {error}"
            return _say(message, _FULL if full else "", UNAVAILABLE, in_json=in_json)
        case _:
            console.print("".join(traceback.format_exception(error)), markup=False)
            return _say("This is a bug in twinvault: nobody foresaw it.", "", UNEXPECTED, in_json=in_json)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a call has `--json` among its options, also where the others are wrong."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def _say(message: str, next_step: str, code: int, *, in_json: bool) -> int:
    next_step = carried(next_step)
    if in_json:
        content = {"error": {"message": message, "next_step": next_step, "exit_code": code}}
        stream = sys.stderr if output.printed() else sys.stdout
        stream.write(output.as_json(content) + "\n")
        return code
    console.print(f"[bold red]{escape(message)}[/]")
    if next_step:
        console.print(escape(next_step))
    return code
