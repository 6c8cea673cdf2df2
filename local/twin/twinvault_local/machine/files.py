"""Files that are either the old or the new one, whatever happens between."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from twinvault_local.errors import StateError


def write(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace `path` by `content` at once, on disk before this returns, never readable by more than `mode` allows."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)


def write_json(path: Path, content: object) -> None:
    """As `write`, of `content` as readable JSON."""
    write(path, json.dumps(content, indent=2).encode() + b"\n")


def read_json(path: Path) -> dict[str, Any]:
    """The object that `write_json` left at `path`; empty where there is no file.

    Raises:
        StateError: the file is not such an object.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise StateError(
            f"{path} is not what twinvault wrote.", next_step="Put it back, or wipe data and keys: twinvault reset"
        )
    return content
