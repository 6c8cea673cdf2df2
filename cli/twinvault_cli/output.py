"""What the command prints: results on standard output, everything about them on standard error.

Whatever is printed here passes `hidden`: a console of these shows no control character as one, whoever wrote the text.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.text import Text

from twinvault_cli import hidden

_GAP = "  "
_LEAST = 12  # cells of a column that had to become narrower


class SafeConsole(Console):
    """A console that shows hidden characters as escapes: in strings before they are laid out, and last in all else."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401  # passed on as they are
        """As Console, of the visible form."""
        return super().render_str(hidden.visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As Console; what is no string, such as a panel's title, is made visible here."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(hidden.visible(segment.text), segment.style)


console = SafeConsole(stderr=True, highlight=False, soft_wrap=True)
results = SafeConsole(highlight=False, soft_wrap=True)
_printed = False


def prepare() -> None:
    """Begin a call: a terminal without Unicode shows escapes for what it has no characters for, and no error."""
    global _printed  # noqa: PLW0603  # a call is a process, but for tests
    _printed = False
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _has_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


def as_json(content: object, *, indent: int | None = 2) -> str:
    """JSON in which no control character stands as itself, for any terminal."""
    return hidden.in_json(json.dumps(content, indent=indent, ensure_ascii=not _has_unicode()))


def print_json(content: object) -> None:
    """Clean JSON on standard output, whatever the terminal: the one document of this call."""
    global _printed  # noqa: PLW0603  # a call is a process
    _printed = True
    sys.stdout.write(as_json(content) + "\n")


def printed() -> bool:
    """Whether this call's JSON is on standard output already."""
    return _printed


def print_table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, narrow: str = "", on: Console = results
) -> None:
    """Print rows of cells, which are markup, in columns. Every cell is whole, for an id is of use only so.

    In a terminal the column `narrow`, of text that is not copied, is cut where the row would be wider than that.
    """
    cells = [[Text.from_markup(hidden.one_line(cell)) for cell in row] for row in rows]
    table = [[Text(header, style="bold") for header in headers], *cells]
    widths = [max(row[column].cell_len for row in table) for column in range(len(headers))]
    if narrow and on.is_terminal:
        at = headers.index(narrow)
        over = sum(widths) + len(_GAP) * (len(widths) - 1) - on.width
        widths[at] = max(min(_LEAST, widths[at]), widths[at] - max(0, over))
    for row in table:
        for cell, width in zip(row, widths, strict=True):
            cell.truncate(width, overflow="ellipsis" if _has_unicode() else "crop")
            cell.pad_right(width - cell.cell_len)
        line = Text(_GAP).join(row)
        line.rstrip()
        on.print(line)


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what it is of: `1 row`, `2 rows`; `many` where that is not `one` with an s."""
    return f"{count} {one if count == 1 else many or one + 's'}"


class ProgressLines:
    """Progress, one line for each step with the time that it took, and a spinner beside the one under way."""

    def __init__(self) -> None:
        self._began = self._step_began = time.monotonic()
        self._step = ""
        self._spinner = console.status("", spinner="dots" if _has_unicode() else "line")

    def __call__(self, step: str) -> None:
        """Say that the step before ended and this one begins."""
        self._finish()
        self._step, self._step_began = step, time.monotonic()
        self._spinner.update(escape(step))

    @property
    def seconds(self) -> float:
        """Since the first step."""
        return time.monotonic() - self._began

    def _finish(self) -> None:
        if self._step:
            console.print(f"  {escape(self._step)} [dim]{time.monotonic() - self._step_began:.1f} s[/dim]")
        self._step = ""

    @contextmanager
    def shown(self) -> Iterator["ProgressLines"]:
        """The steps of one piece of work; the last one's line is printed only if the work succeeds."""
        with self._spinner:
            yield self
            self._finish()
