"""One database of DynamoDB Local is one SQLite file: read as it is, and written over while the engine has it open.

Without -sharedDb the engine keeps a file for each access key id and region (docs/differences.md). SQLite's own backup
takes the locks that the engine takes, so neither sees half of anything; the engine keeps nothing of a table in memory.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

_BUSY_SECONDS = 20


def copy_database(source: Path, target: Path) -> None:
    """Make `target` hold what `source` holds; what the engine has open must be settled."""
    with (
        closing(sqlite3.connect(source, timeout=_BUSY_SECONDS)) as read,
        closing(sqlite3.connect(target, timeout=_BUSY_SECONDS)) as written,
    ):
        written.execute("PRAGMA synchronous = OFF")  # it need not survive this machine
        read.backup(written)


def settle(database: Path, *, write: Callable[[], object]) -> None:
    """Return when the file holds all that the engine has acknowledged; `write` is a request that changes nothing.

    The engine answers a transaction before it commits it to the file, and a commit that met a reader of the file stays
    undone until the next write, which waits for it. So there is one more write before anybody looks.

    Raises:
        TimeoutError: the engine does not let go of the file.
    """
    deadline, pause = time.monotonic() + _BUSY_SECONDS, 0.0
    while True:
        write()
        with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as probe:
            try:
                probe.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"DynamoDB Local does not let go of {database}") from None
            else:
                probe.execute("ROLLBACK")
                return
        pause += 0.002
        time.sleep(pause)
