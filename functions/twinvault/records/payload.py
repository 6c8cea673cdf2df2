"""The plaintext of a record: its sealed fields as one JSON object (docs/format.md, "Payload"). Pure.

What is sealed comes back as it was, or is refused before it is sealed. An encoder alone would make text of names that
are none (`{1: "a", "1": "b"}` loses a value), lists of tuples, null of NaN, and text of times and bytes. So what was
written is read back, and compared.
"""

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from twinvault.errors import IntegrityError, InvalidInput, Step

_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder()

MAX_NESTING = 500
"""Lists and objects within each other in one field: fewer than any Python's own limit of reading them."""

_TOO_DEEP = f"is nested too deeply: over {MAX_NESTING} lists and objects within each other"


def encode_payload(sealed: dict[str, Any], *, entity: str) -> bytes:
    """The sealed fields as compact UTF-8 JSON.

    Raises:
        InvalidInput: as for `write_payload`.
    """
    payload, _ = write_payload(sealed, entity=entity)
    return payload


def write_payload(sealed: dict[str, Any], *, entity: str) -> tuple[bytes, dict[str, Any]]:
    """The sealed fields as compact UTF-8 JSON, and as they will be read: values of their own, which nobody else holds.

    Raises:
        InvalidInput: a value that JSON does not give back as it was; the record and the field are named.
    """
    try:
        payload = _ENCODER.encode(sealed)
        read = decode_payload(payload)
        # Reading it back is the check: whatever JSON would change is different now. Nor can a record be nested deeper
        # than it has brackets, so hardly any is looked through for that.
        is_flat = payload.count(b"[") + payload.count(b"{") <= MAX_NESTING
        if read == sealed and (is_flat or not any(map(_is_too_deep, sealed.values()))):
            return payload, read
    except (TypeError, ValueError, RecursionError, IntegrityError):
        # Not chained: the cause's message would quote the value.
        raise _refusal(sealed, entity) from None
    raise _refusal(sealed, entity)


def decode_payload(payload: bytes) -> dict[str, Any]:
    """The sealed fields of an opened payload, declared or not.

    Raises:
        IntegrityError: not a JSON object.
    """
    try:
        fields = _DECODER.decode(payload)
    except (ValueError, RecursionError):
        raise IntegrityError(Step.PAYLOAD) from None
    if not isinstance(fields, dict):
        raise IntegrityError(Step.PAYLOAD)
    return fields


def _refusal(sealed: dict[str, Any], entity: str) -> InvalidInput:
    """Why these fields cannot be sealed: the first of them that JSON does not give back as it was."""
    for name, value in sealed.items():
        if problem := problem_of(value):
            return InvalidInput(f"{entity}.{name}: {problem}", field=name)
    # For example an integer of more digits than Python writes.
    return InvalidInput(f"{entity}: a sealed field holds something that is not a JSON value")


def problem_of(value: object) -> str:
    """What keeps a value from coming back from JSON as it was; empty if nothing does."""
    try:
        return _problem(value) or (_TOO_DEEP if _is_too_deep(value) else "")
    except RecursionError:
        return _TOO_DEEP


def _is_too_deep(value: object) -> bool:
    """Whether there are more than `MAX_NESTING` levels of lists and objects, looked at level by level."""
    level = [value]
    for _ in range(MAX_NESTING + 1):
        level = [item for one in level for item in _within(one)]
    return bool(level)


def _within(value: object) -> Iterable[object]:
    """What stands in a list or an object."""
    match value:
        case list():
            return value
        case dict():
            return value.values()
        case _:
            return ()


def _problem(value: object) -> str:
    """What keeps a value from coming back as it was; empty if nothing does."""
    problem, within = "", list[object]()
    match value:
        case str() if not _is_unicode(value):
            problem = "holds a lone surrogate, which is not Unicode text"
        case float() if not math.isfinite(value):
            problem = "holds NaN or an infinity, which JSON does not have"
        case None | bool() | int() | float() | str():
            pass
        case list():
            within = value
        case dict() if all(isinstance(name, str) for name in value):
            within = [*value, *value.values()]
        case dict():
            problem = "holds a dict with names that are not text"
        case _:
            kept = "text, numbers, true, false, null, lists and dicts"
            problem = f"holds something of the type {type(value).__name__}; JSON gives back {kept} alone"
    return problem or next(filter(None, map(_problem, within)), "")


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
