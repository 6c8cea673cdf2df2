"""Free space on the disk: checked before work begins that would fail half way without it."""

import shutil
from pathlib import Path

from twinvault_local.errors import DiskFullError

NEEDED_BYTES = 200_000_000  # an unpacked artifact, its compiled modules, and some data
_EXHAUSTED_BYTES = 16_384  # not even a line of a log
_MB = 1_000_000


def free(folder: Path) -> int:
    """The bytes that are free where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def refuse_full(folder: Path) -> None:
    """Raise DiskFullError where fewer than NEEDED_BYTES are free."""
    if (left := free(folder)) < NEEDED_BYTES:
        raise DiskFullError(
            f"The disk is full: {left // _MB} MB are free for {folder}, and {NEEDED_BYTES // _MB} MB are needed.",
            next_step="Free some space, then type the command again.    How much where: twinvault doctor",
        )


def is_exhausted(folder: Path) -> bool:
    """Whether nothing more can be written where `folder` is."""
    return free(folder) < _EXHAUSTED_BYTES


def refuse_exhausted(folder: Path) -> None:
    """Raise DiskFullError where nothing more can be written."""
    if is_exhausted(folder):
        raise DiskFullError(
            f"The disk is full: nothing more can be written to {folder}.",
            next_step="Free some space, then type the command again.    How much where: twinvault doctor",
        )
