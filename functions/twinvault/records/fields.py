"""The values of a record's fields: what may stand in the clear, how it is stored, and how callers see it. Pure."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from twinvault.envelope.aad import ClearValue, Number
from twinvault.envelope.numbers import number_text, number_value
from twinvault.errors import InvalidInput

type Fields = Mapping[str, Any]
"""A record's fields: clear ones are text, numbers, truth values or None; sealed ones are any JSON value."""

type Forms = frozenset[str]
"""How a field may be stored: DynamoDB's types of a clear attribute, or `SEALED`."""

TEXT, NUMBER, FLAG = frozenset({"S"}), frozenset({"N"}), frozenset({"BOOL"})
NULLABLE = frozenset({"NULL"})
CLEAR = TEXT | NUMBER | FLAG | NULLABLE
SEALED = frozenset({"SEALED"})
"""How a field stood or stands that is no attribute of its own: for `retired` and `moved`."""

DECIMAL = frozenset({"DECIMAL"})
"""Beside a form in `moved`: what is a number in the clear is sealed as its text, as typed records seal a `Decimal`."""

INDEXED = frozenset({"list_kind", "list_status", "list_at"})
"""Clear fields that are keys of the index `ByList`."""
MAX_INDEXED_BYTES = 512
"""Half of what DynamoDB takes as an index's sort key, which `list_status` and `list_at` are together: 1,024 bytes.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""

_NUMBERS = (int, float, Decimal)
_CLASSES: Mapping[str, type] = {"S": str, "N": Number, "BOOL": bool, "NULL": type(None)}
_KINDS = {"S": "text", "N": "a number", "BOOL": "true or false", "NULL": "null"}


def classes_of(types: Forms) -> frozenset[type]:
    """What a clear value is in memory that is of one of these types."""
    return frozenset(_CLASSES[kind] for kind in types)


def to_clear(value: object, allowed: Forms, *, entity: str, name: str) -> ClearValue:
    """A caller's value as its field may stand in the clear.

    Raises:
        InvalidInput: it is of a type that is not `allowed`, not Unicode text, no number that DynamoDB stores, or not
            what an index takes; entity and field are named.
    """
    if isinstance(value, str) and "S" in allowed:
        return _text(value, entity=entity, name=name)
    if isinstance(value, bool):
        if "BOOL" in allowed:
            return value
    elif isinstance(value, _NUMBERS) and "N" in allowed:
        return Number(number_text(value, field=f"{entity}.{name}"))
    elif value is None and "NULL" in allowed:
        return None
    expected = " or ".join(said for kind, said in _KINDS.items() if kind in allowed)
    raise _refusal(f"{entity}.{name}", f"must be {expected}")


def from_clear(value: ClearValue) -> str | bool | int | Decimal | None:
    """A clear value as callers see it: numbers as `int` where whole, else `Decimal`."""
    return number_value(value.text) if isinstance(value, Number) else value


def as_sealed(value: ClearValue) -> object:
    """A clear value as callers see it where its field is sealed now: JSON gives a `float` where it gave a `Decimal`.

    A number of more digits than a `float` holds stays a `Decimal`: it is read, and cannot be sealed.
    """
    seen = from_clear(value)
    if not isinstance(seen, Decimal):
        return seen
    nearest = float(seen)
    return nearest if Decimal(repr(nearest)) == seen else seen


def as_decimal_text(value: ClearValue) -> object:
    """A clear value as callers see it where its field is sealed now, and numbers are sealed as their text."""
    return str(from_clear(value)) if isinstance(value, Number) else value


def from_decimal_text(value: object) -> object:
    """A sealed value whose field is clear now, and a number where it was sealed as its text; what is none stays."""
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value


def indexed_text(text: str, *, field: str) -> str:
    """Returns text that may stand in an index, or be asked for there.

    Raises:
        InvalidInput: it is empty, too long, or not Unicode text.
    """
    if not 1 <= _bytes_of(text, field) <= MAX_INDEXED_BYTES:
        raise _refusal(field, f"must have 1 to {MAX_INDEXED_BYTES} bytes, for it is in an index")
    return text


def _text(text: str, *, entity: str, name: str) -> str:
    if name in INDEXED:
        return indexed_text(text, field=f"{entity}.{name}")
    if not text.isascii():
        _bytes_of(text, f"{entity}.{name}")
    return text


def _bytes_of(text: str, field: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise _refusal(field, "holds a lone surrogate, which is not Unicode text") from None


def _refusal(field: str, rule: str) -> InvalidInput:
    return InvalidInput(f"{field}: {rule}", field=field)
