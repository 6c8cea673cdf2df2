"""Strict JSON: what every reader understands alike, and no more of it than a function has room for."""

import json
import math
from decimal import Decimal
from typing import Any

from twinvault import InvalidInput, TooLarge

MAX_BODY_BYTES = 2 * 1024 * 1024
"""What one request may send. Lambda answers with at most 6 MB, in which a document travels as a JSON string, escaped:
what is taken in can be given out again."""

MAX_DEPTH = 64
MAX_VALUES = 50_000
"""Objects, lists and single values of one document. Findings about a layout are many times as large as what they are
about: without this, 2 MiB of `{}` would take 3 GB."""

_MAX_NAME = 80


def parse(body: bytes) -> dict[str, Any]:
    """Returns the JSON object in `body`.

    Raises:
        TooLarge: over 2 MiB, or over 50,000 values.
        InvalidInput: not UTF-8, not JSON, not an object; a name twice in one object, NaN or an infinity, a number that
            a double does not give back (`1e-400` would become 0.0), a lone surrogate, or nesting deeper than 64.
    """
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge(f"body: over the limit of {MAX_BODY_BYTES} bytes (2 MiB)", field="body")
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_float=_number, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError:
        raise InvalidInput("body: must be UTF-8", field="body") from None
    except json.JSONDecodeError as error:
        # Position only: the parser's message can quote the text.
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidInput(f"body: must be JSON; it is not from {place} on", field="body") from None
    except (RecursionError, ValueError):
        # ValueError: an integer of more digits than Python reads. InvalidInput from the hooks is not a ValueError.
        raise InvalidInput("body: nested too deeply, or a number with too many digits", field="body") from None
    if not isinstance(value, dict):
        raise InvalidInput("body: must be a JSON object", field="body")
    _check(value, path="", depth=1)
    if _values(value) > MAX_VALUES:
        raise TooLarge(f"body: over the limit of {MAX_VALUES} values, objects and lists included", field="body")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidInput(
                "body: an object holds one name twice", field=_within("", name) if name.isprintable() else ""
            )
        found[name] = value
    return found


def _refuse_constant(_constant: str) -> float:
    raise InvalidInput("body: NaN and infinities are not JSON", field="body")


def _number(text: str) -> float:
    """The double that a number with a point or an exponent is; NaN, which JSON cannot say, where it is another number.

    The parser does not say where the number stands: `_check` meets the NaN and names the place.
    """
    number = float(text)
    try:
        same = Decimal(repr(number)) == Decimal(text)
    except ArithmeticError:
        same = False  # an exponent beyond all decimals
    return number if same else math.nan


def _check(value: object, *, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidInput(f"body: nested deeper than {MAX_DEPTH}", field="body")
    match value:
        case str():
            _check_text(value, path)
        case float() if math.isnan(value):
            raise InvalidInput(f"{path}: must be a number that a 64-bit float gives back as it is", field=path)
        case dict():
            for name, inner in value.items():
                _check_text(name, path or "body")
                _check(inner, path=_within(path, name), depth=depth + 1)
        case list():
            for index, inner in enumerate(value):
                _check(inner, path=f"{path}[{index}]", depth=depth + 1)
        case _:
            pass


def _values(value: object) -> int:
    """How many values there are in all; nesting is known to be bounded."""
    match value:
        case dict():
            return 1 + sum(map(_values, value.values()))
        case list():
            return 1 + sum(map(_values, value))
        case _:
            return 1


def _check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{path}: holds a lone surrogate, which is not Unicode text", field=path) from None


def _within(path: str, name: str) -> str:
    """A member's path. A name that only the caller knows is cut to a readable length."""
    shown = name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}..."
    return f"{path}.{shown}" if path and shown else path or shown
