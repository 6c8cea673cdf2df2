"""A file of many dialogues, one document a line (NDJSON), as it is written: whole at the end, or gone on with.

While it is written it is `FILE.partial`, which only its owner can read. Which dialogues stand in it the file itself
says, so nothing beside it can contradict it. A writer may be killed at any point: of what it leaves, the first line
that is not a whole document, and what follows, is cut by the next one. Sources: rename(2), flock(2), fsync(2).
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from twinvault_cli.errors import UsageError

_SUFFIX = ".partial"
_MODE = 0o600


def partial_of(path: Path) -> Path:
    """Where the file is while it is written."""
    return path.with_name(path.name + _SUFFIX)


class ExportFile:
    """One file, under way, held against other writers."""

    def __init__(self, file: BinaryIO, path: Path, *, force: bool) -> None:
        self._file = file
        self._path = path
        self._force = force
        self.last: dict[str, Any] | None = None
        """The last document that a call before this one wrote."""
        self.ids = self._whole_lines()

    def add(self, dialogue_id: str, document: bytes) -> None:
        """Write a document, JSON of any layout, as a line. The line is the kernel's before this returns.

        Raises:
            OSError: the disk is full, or refuses; a part of the line may stand there then.
        """
        # Between the tokens of JSON a line break is a blank, and within them there is none (RFC 8259, section 2).
        self._file.write(document.strip().replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
        self._file.flush()
        self.ids.add(dialogue_id)

    def finish(self) -> None:
        """Give the file its name, all of it on disk before.

        Raises:
            UsageError: there is a file of this name by now, and nobody said that it may be replaced.
        """
        os.fsync(self._file.fileno())
        _refuse_existing(self._path, force=self._force)
        partial_of(self._path).replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name itself
        finally:
            os.close(folder)

    def _whole_lines(self) -> set[str]:
        """The ids of the documents that stand whole in the file, which ends after them from now on."""
        found, end = set[str](), 0
        for line in self._file:
            document = dialogue_of(line) if line.endswith(b"\n") else None
            if document is None:
                if end == 0 and (line.endswith(b"\n") or not line.lstrip().startswith(b"{")):
                    partial = partial_of(self._path)
                    raise UsageError(
                        f"{partial} is not what an export left: its first line is no dialogue.",
                        next_step="Move it away, or export to another file.",
                    )
                break
            found.add(document["id"])
            self.last = document
            end += len(line)
        self._file.seek(end)
        self._file.truncate()
        return found


@contextmanager
def under_way(path: Path, *, force: bool) -> Iterator[ExportFile]:
    """The file of this name to write, or to go on with. With `force` one that is there already is replaced at the end.

    Raises:
        UsageError: it is there already, or cannot be written, or another command is writing it.
    """
    _refuse_existing(path, force=force)
    partial = partial_of(path)
    try:
        # Neither through a link that somebody else put there, nor into what is no file.
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, _MODE)
    except OSError as error:
        raise UsageError(f"{partial} cannot be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "r+b") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{partial} is no file.", next_step="Export to another file.")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"Another command is writing {partial}.", next_step="Wait for it.") from None
        _refuse_moved(partial, descriptor)
        os.fchmod(descriptor, _MODE)
        yield ExportFile(file, path, force=force)


def dialogue_of(line: bytes) -> dict[str, Any] | None:
    """The document that a line is, if it is a whole one: a JSON object with an id."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and isinstance(document.get("id"), str) else None


def _refuse_existing(path: Path, *, force: bool) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", next_step="Name a file in it: --output FILE")
    if not force and os.path.lexists(path):
        raise UsageError(f"{path} is there already.", next_step="Export to another file, or replace it: --force")


def _refuse_moved(partial: Path, descriptor: int) -> None:
    """Refuses a file that got another name between its opening and its lock: its writer was just done with it."""
    try:
        there = partial.stat()
    except FileNotFoundError:
        there = None
    ours = os.fstat(descriptor)
    if there is None or (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
        raise UsageError(f"Another command was writing {partial}.", next_step="Type the command again.")
