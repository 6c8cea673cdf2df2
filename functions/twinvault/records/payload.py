"""The plaintext of a record: its sealed fields as one JSON object (docs/format.md, "Payload"). Pure.

What is sealed comes back as it was, or is refused before it is sealed. Python's own encoder would take names that are
no text and make them text (`{1: "a", "1": "b"}` loses a value), make lists of tuples, and write NaN, which is no JSON.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from twinvault.errors import IntegrityError, InvalidInput, Step

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
# NaN and the infinities are no JSON: `int` refuses their names with the ValueError of all other bad JSON.
_STRICT = json.JSONDecoder(parse_constant=int)


def encode_payload(sealed: Mapping[str, Any], *, entity: str) -> bytes:
    """The sealed fields as compact UTF-8 JSON.

    Raises:
        InvalidInput: a value that JSON does not give back as it was; the record and the field are named.
    """
    for name, value in sealed.items():
        if problem := problem_of(value):
            raise InvalidInput(f"{entity}.{name}: {problem}", field=name)
    try:
        return _COMPACT.encode(sealed).encode()
    except (TypeError, ValueError, RecursionError):
        # An integer of more digits than Python writes, or nesting that the encoder does not bear. Not chained: the
        # cause's message would quote the value.
        raise InvalidInput(f"{entity}: a sealed field holds something that is not a JSON value") from None


def decode_payload(payload: bytes) -> dict[str, Any]:
    """The sealed fields of an opened payload, declared or not.

    Raises:
        IntegrityError: not a JSON object.
    """
    try:
        # Decoded here: given bytes, `json` would guess an encoding, and let surrogates through.
        fields = _STRICT.decode(payload.decode())
    except (ValueError, RecursionError):
        raise IntegrityError(Step.PAYLOAD) from None
    if not isinstance(fields, dict):
        raise IntegrityError(Step.PAYLOAD)
    return fields


def problem_of(value: object) -> str:
    """What keeps a value from coming back from JSON as it was; empty if nothing does."""
    try:
        return _problem(value)
    except RecursionError:
        return "is nested too deeply"


def _problem(value: object) -> str:
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
            problem = "holds something that is not text, a number, true, false, null, a list or a dict"
    return problem or next(filter(None, map(_problem, within)), "")


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
