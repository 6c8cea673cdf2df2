"""JSON files of the twin: each holds the old or the new content, never a part, whatever interrupts the write."""

import json
from pathlib import Path
from typing import Any

import twinvault_durable as durable
from twinvault_local.errors import StateError


def write_json(path: Path, content: object) -> None:
    """Replace `path` by `content` as readable JSON, on disk before this returns."""
    durable.write(path, json.dumps(content, indent=2).encode() + b"\n")


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
