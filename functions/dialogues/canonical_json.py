"""A dialogue's canonical JSON, by which two documents are compared, and how a place within one is named."""

import hashlib
import json
from collections.abc import Iterable

MAX_BYTES = 2 * 1024 * 1024
"""What a document may be in canonical JSON, as a request may be when it is sent: numbers grow (`1e15` becomes
1000000000000000.0), and what is taken in must fit into an answer again."""

MAX_ERRORS = 20
_MAX_NAME = 80


def canonical(value: object) -> bytes:
    """Canonical JSON for comparing two documents: keys sorted, no white space, UTF-8. `1` and `1.0` stay different."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(encoded: bytes) -> bytes:
    """SHA-256 of a document's canonical JSON: what its dialogue's sealed record says of it, in hex."""
    return hashlib.sha256(encoded).digest()


def join(path: str, step: str | int) -> str:
    """A field's path: `perspectives[3].origin.round`. A name that only the caller knows is cut to a readable length."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    step = step if len(step) <= _MAX_NAME else f"{step[:_MAX_NAME]}..."
    if not step:
        return path
    return f"{path}.{step}" if path else step


def first_of(errors: Iterable[tuple[str, str]]) -> tuple[str, str, list[tuple[str, str]]]:
    """Parts findings into the first one's field and message, and at most 19 others."""
    (field, message), *others = list(errors)[:MAX_ERRORS]
    return field, message, others
