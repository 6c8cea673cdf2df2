"""Whole files, on disk before the caller goes on. Source: fsync(2), rename(2) and link(2)."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace `path` by `content` at once, on disk before this returns, never readable by more than `mode` allows."""
    _put(path, content, mode=mode, place=lambda fresh: fresh.replace(path))


def create(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """As `write`, where there is no file yet: of two processes that create at once, one does.

    Raises:
        FileExistsError: there is a file already; it is as it was.
    """
    _put(path, content, mode=mode, place=path.hardlink_to)


def _put(path: Path, content: bytes, *, mode: int, place: Callable[[Path], object]) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        place(fresh)
    finally:
        fresh.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name itself
    finally:
        os.close(folder)
