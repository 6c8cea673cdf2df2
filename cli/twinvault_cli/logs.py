"""logs: what functions and engines wrote, for people; with --json the lines of JSON, as they were written."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from twinvault_cli import hidden
from twinvault_cli.errors import UsageError
from twinvault_cli.log_lines import parsed, refused, shown
from twinvault_cli.output import results
from twinvault_cli.state import StateOption, state_folder

app = typer.Typer()

_LAST_LINES = 100
_PAUSE_SECONDS = 0.2
_FUNCTION = "twinvault-"
_WHO_REFUSE = ("gate", "kms")


def complete_log(context: typer.Context, incomplete: str) -> list[str]:
    """For the shell: the logs that begin so."""
    names = sorted(path.stem for path in state_folder(context.params.get("state")).logs.glob("*.log"))
    short = [name.rpartition("-")[2] for name in names if name.startswith("twinvault-")]
    return [name for name in [*short, *names] if name.startswith(incomplete)]


@dataclass(frozen=True, slots=True)
class _Log:
    """One file, and which of its lines count: all, or the refusals that say these words."""

    path: Path
    refusals_of: str | None = None

    def row(self, text: str) -> Text | None:
        """The line for people; None if it does not count, or tells nothing that another does not."""
        if self.refusals_of is None:
            return shown(text)
        return refused(text) if self.refusals_of in text else None


@app.command()
def logs(
    name: Annotated[
        str,
        typer.Argument(metavar="[FUNCTION]", help="A function, an engine, or `access`.", autocompletion=complete_log),
    ] = "",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is written.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Only the lines of JSON, as they were written.")] = False,
    state: StateOption = None,
) -> None:
    """Print the last lines of the functions' logs, or of one log, and what gate and KMS refused the functions."""
    chosen = _choose(state_folder(state).logs, name)
    ends = {}
    for log in chosen:
        content = log.path.read_bytes()
        ends[log] = len(content)
        lines = _lines(content)
        for line in [line for line in lines if log.refusals_of is None or log.row(line)][-_LAST_LINES:]:
            _print(log, line, named=not name, as_json=as_json)
    if follow:
        try:
            for log, line in _follow(ends):
                _print(log, line, named=not name, as_json=as_json)
        except KeyboardInterrupt:
            return


def _choose(folder: Path, name: str) -> list[_Log]:
    """The log that `name` means, the functions' own where it is empty; `import` means `twinvault-dev-import`.

    What was refused follows them; of one function, what was refused its role, whose name begins with the function's.
    """
    found = sorted(folder.glob("*.log"))
    if not name:
        functions = [path for path in found if path.stem.startswith(_FUNCTION)]
        return [*(_Log(path) for path in functions), *_refusals(found, "")]
    matching = [path for path in found if path.stem == name] or [p for p in found if p.stem.endswith(f"-{name}")]
    if len(matching) != 1:
        there = ", ".join(path.stem for path in found) or "none yet: twinvault up"
        raise UsageError(f"There is no log {name!r}.", next_step=f"The logs are: {there}")
    own = matching[0].stem
    return [_Log(matching[0]), *(_refusals(found, f":role/{own}-") if own.startswith(_FUNCTION) else [])]


def _refusals(found: list[Path], words: str) -> list[_Log]:
    return [_Log(path, refusals_of=words) for path in found if path.stem in _WHO_REFUSE]


def _follow(ends: dict[_Log, int]) -> Iterator[tuple[_Log, str]]:
    """Whole lines as they come; a log that became shorter was begun anew."""
    while True:
        for log, end in ends.items():
            size = log.path.stat().st_size if log.path.exists() else 0
            begin = end if size >= end else 0
            if size > begin:
                with log.path.open("rb") as file:
                    file.seek(begin)
                    content = file.read()
                whole = content[: content.rfind(b"\n") + 1]
                ends[log] = begin + len(whole)
                yield from ((log, line) for line in _lines(whole))
        time.sleep(_PAUSE_SECONDS)


def _lines(content: bytes) -> list[str]:
    """The lines, ended by newlines alone: what else Python takes for an end may be part of what somebody wrote."""
    return [line.rstrip("\r") for line in content.decode(errors="replace").split("\n") if line]


def _print(log: _Log, text: str, *, named: bool, as_json: bool) -> None:
    if as_json:
        if parsed(text) is not None:
            typer.echo(hidden.in_json(text))  # the same JSON, for any terminal
        return
    row = log.row(text)
    if row is not None:
        results.print(Text(f"{_short(log.path)}  ", style="cyan").append_text(row) if named else row)


def _short(path: Path) -> str:
    """`import` for the log of `twinvault-dev-import`."""
    return f"{path.stem.rpartition('-')[2]:<8}"
