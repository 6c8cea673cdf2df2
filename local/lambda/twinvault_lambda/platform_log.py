"""A function's log: what its workers write, line by line, between the platform's own START, END and REPORT lines.

The lines are Lambda's text format ("Lambda log formats" and "Working with Lambda function logs"). There is one file per
function and one writer, so lines of two workers never mix.
"""

import contextlib
import math
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from twinvault_lambda.environment import VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of one finished invocation; ``init_ms`` for the first one of a worker."""

    request_id: str
    duration_ms: float
    memory_mb: int
    used_mb: int
    init_ms: float | None = None
    status: str = ""  # "", "timeout", or "error"
    error_type: str = ""

    def line(self) -> str:
        """As Lambda writes it."""
        parts = [
            f"REPORT RequestId: {self.request_id}",
            f"Duration: {self.duration_ms:.2f} ms",
            f"Billed Duration: {math.ceil(self.duration_ms)} ms",
            f"Memory Size: {self.memory_mb} MB",
            f"Max Memory Used: {self.used_mb} MB",
        ]
        if self.init_ms is not None:
            parts.append(f"Init Duration: {self.init_ms:.2f} ms")
        if self.status:
            parts.append(f"Status: {self.status}")
        if self.error_type:
            parts.append(f"Error Type: {self.error_type}")
        return "\t".join(parts)


class FunctionLog:
    """Appends to one file, each call whole lines by one write; the file is readable by its owner alone."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._open = True

    def write(self, data: bytes) -> None:
        """Append lines as they are. On a full disk they are lost: a request must not fail for want of its log line."""
        with contextlib.suppress(OSError):
            os.write(self._file, data)

    def line(self, text: str) -> None:
        """Append one line of the platform's."""
        self.write(text.encode(errors="replace") + b"\n")

    def start(self, request_id: str) -> None:
        """An invocation begins."""
        self.line(f"START RequestId: {request_id} Version: {VERSION}")

    def end(self, report: Report) -> None:
        """An invocation is over, one way or the other."""
        self.line(f"END RequestId: {report.request_id}")
        self.line(report.line())

    def timed_out(self, request_id: str, seconds: float) -> None:
        """The function ran longer than its timeout."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        self.line(f"{now}Z {request_id} Task timed out after {seconds:.2f} seconds")

    def exited(self, request_id: str, *, cause: str, error_type: str) -> None:
        """The worker is gone while it had an invocation."""
        self.line(f"RequestId: {request_id} Error: Runtime exited with error: {cause}")
        self.line(error_type)

    def init_failed(self, *, init_ms: float, error_type: str) -> None:
        """A worker ended before it asked for its first invocation."""
        self.line(f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: error\tError Type: {error_type}")

    def close(self) -> None:
        """Close the file; a second call changes nothing."""
        if self._open:
            self._open = False
            os.close(self._file)
