"""What the command prints: results on standard output, everything about them on standard error."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

console = Console(stderr=True, highlight=False, soft_wrap=True)
results = Console(highlight=False)


def print_json(content: object) -> None:
    """Clean JSON on standard output, whatever the terminal."""
    sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what it is of: `1 row`, `2 rows`; `many` where that is not `one` with an s."""
    return f"{count} {one if count == 1 else many or one + 's'}"


class ProgressLines:
    """Progress, one line for each step with the time that it took, and a spinner beside the one under way."""

    def __init__(self) -> None:
        self._began = self._step_began = time.monotonic()
        self._step = ""
        self._spinner = console.status("")

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
