"""Compiled modules that outlive an artifact: what two artifacts share is compiled once.

Compiled modules lie beside the artifact, in a tree of their own (Python's `-X pycache_prefix`). One belongs to a source
file by path, size and modification time (Python's documentation, "Cached bytecode invalidation").
"""

import marshal
import os
import shutil
from pathlib import Path

_HEADER_BYTES = 16  # magic number, flags, time, size (PEP 552)


def carry(old: Path, new: Path, *, prefix: Path) -> int:
    """Give each module of the artifact at ``new`` the compiled form of the same module at ``old``; how many got one.

    The same means the same bytes: nothing that changed can run in an older form.
    """
    was, will = _tree(prefix, old), _tree(prefix, new)
    carried = 0
    for compiled in was.rglob("*.pyc"):
        place = compiled.relative_to(was)
        module = place.with_name(f"{place.name.partition('.')[0]}.py")
        if not _same(old / module, new / module):
            continue
        times = (old / module).stat()
        os.utime(new / module, ns=(times.st_atime_ns, times.st_mtime_ns))
        target = will / place
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.hardlink_to(compiled)
            carried += 1
    return carried


def sweep(prefix: Path) -> int:
    """Delete compiled modules that are not whole; how many there were.

    Python up to 3.13.0 keeps what it could write of one when the disk was full, and fails to import it ever after
    (CPython issue 126606).
    """
    swept = 0
    for compiled in prefix.rglob("*.pyc"):
        try:
            marshal.loads(compiled.read_bytes()[_HEADER_BYTES:])  # noqa: S302  # written by our own workers
        except (EOFError, ValueError, TypeError):
            compiled.unlink()
            swept += 1
    return swept


def forget(folder: Path, *, prefix: Path) -> None:
    """Delete the compiled modules of the artifact at ``folder``."""
    shutil.rmtree(_tree(prefix, folder), ignore_errors=True)


def _tree(prefix: Path, folder: Path) -> Path:
    return prefix / folder.absolute().relative_to("/")


def _same(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
    except FileNotFoundError:
        return False
