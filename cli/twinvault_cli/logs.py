"""logs: what functions and engines wrote, for people; with --json the lines of JSON, as they were written."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from twinvault_cli.errors import UsageError
from twinvault_cli.log_lines import parsed, shown
from twinvault_cli.output import results
from twinvault_cli.state import StateOption, state_folder

app = typer.Typer()

_LAST_LINES = 100
_PAUSE_SECONDS = 0.2


def complete_log(context: typer.Context, incomplete: str) -> list[str]:
    """For the shell: the logs that begin so."""
    names = sorted(path.stem for path in state_folder(context.params.get("state")).logs.glob("*.log"))
    short = [name.rpartition("-")[2] for name in names if name.startswith("twinvault-")]
    return [name for name in [*short, *names] if name.startswith(incomplete)]


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
    """Print the last lines of the functions' logs, or of one log."""
    chosen = _choose(state_folder(state).logs, name)
    ends = {}
    for path in chosen:
        content = path.read_bytes()
        ends[path] = len(content)
        for line in content.splitlines()[-_LAST_LINES:]:
            _print(path if len(chosen) > 1 else None, line, as_json=as_json)
    if follow:
        try:
            for path, line in _follow(ends):
                _print(path if len(chosen) > 1 else None, line, as_json=as_json)
        except KeyboardInterrupt:
            return


def _choose(folder: Path, name: str) -> list[Path]:
    """The log that `name` means, the functions' own where it is empty; `import` means `twinvault-dev-import`."""
    found = sorted(folder.glob("*.log"))
    if not name:
        return [path for path in found if path.stem.startswith("twinvault-")]
    matching = [path for path in found if path.stem == name] or [p for p in found if p.stem.endswith(f"-{name}")]
    if len(matching) != 1:
        there = ", ".join(path.stem for path in found) or "none yet: twinvault up"
        raise UsageError(f"There is no log {name!r}.", next_step=f"The logs are: {there}")
    return matching


def _follow(ends: dict[Path, int]) -> Iterator[tuple[Path, bytes]]:
    """Whole lines as they come; a log that became shorter was begun anew."""
    while True:
        for path, end in ends.items():
            size = path.stat().st_size if path.exists() else 0
            begin = end if size >= end else 0
            if size > begin:
                with path.open("rb") as file:
                    file.seek(begin)
                    content = file.read()
                whole = content[: content.rfind(b"\n") + 1]
                ends[path] = begin + len(whole)
                yield from ((path, line) for line in whole.splitlines())
        time.sleep(_PAUSE_SECONDS)


def _print(path: Path | None, line: bytes, *, as_json: bool) -> None:
    text = line.decode(errors="replace")
    if as_json:
        if parsed(text) is not None:
            typer.echo(text)
        return
    row = shown(text)
    if row is not None:
        results.print(Text(f"{_short(path)}  ", style="cyan").append_text(row) if path else row, soft_wrap=True)


def _short(path: Path) -> str:
    """`import` for the log of `twinvault-dev-import`."""
    return f"{path.stem.rpartition('-')[2]:<8}"
