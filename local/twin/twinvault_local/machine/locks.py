"""Locks between processes, by files: gone with the process that held them, however it ended."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twinvault_local.errors import BusyError


@contextmanager
def held(path: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock file at `path`, made if need be; with `wait` false, refuse rather than wait.

    Raises:
        BusyError: another process holds it and `wait` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise BusyError(
                f"Another twinvault command is at work here (it holds {path}).",
                next_step="Wait for it to end, then type the command again.",
            ) from None
        yield
