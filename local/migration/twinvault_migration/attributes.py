"""Items as DynamoDB's API and its exports write them, and the plain values that they hold.

Numbers that are whole become `int`, others `Decimal`, exact either way. Sources: "DynamoDB low-level API", data type
descriptors (amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html); binary values are base64 in JSON.
"""

import base64
import binascii
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

type WireItem = Mapping[str, Mapping[str, Any]]
"""An item as boto3's client gives it: bytes are bytes."""
type Plain = dict[str, Any]


def plain(item: WireItem) -> Plain:
    """The values of an item.

    Raises:
        ValueError: an attribute is of no type that DynamoDB has. The message says nothing of it.
    """
    return {name: _value(typed) for name, typed in item.items()}


def from_json(item: object) -> dict[str, Any]:
    """An item of an export as boto3's client would have given it: base64 becomes bytes.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(item, dict) or not all(isinstance(one, dict) and len(one) == 1 for one in item.values()):
        raise ValueError("must be an item in DynamoDB's JSON")
    return {name: _from_json(typed) for name, typed in item.items()}


def to_json(item: WireItem) -> dict[str, Any]:
    """An item as JSON: bytes become base64. Of a key, which has neither lists nor maps."""
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in typed.items()}
        for name, typed in item.items()
    }


def _from_json(typed: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, value),) = typed.items()
    match kind, value:
        case "B", str():
            return {"B": _bytes(value)}
        case "BS", list():
            return {"BS": [_bytes(one) for one in value]}
        case "L", list():
            return {"L": [_from_json(one) for one in value]}
        case "M", dict():
            return {"M": from_json(value)}
    return {kind: value}


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("a binary value must be base64") from None


def _value(typed: Mapping[str, Any]) -> Any:  # noqa: ANN401, PLR0911  # any value that DynamoDB holds; one return a type
    ((kind, value),) = typed.items()
    match kind, value:
        case ("S", str()) | ("BOOL", bool()):
            return value
        case "B", _:
            return bytes(value)
        case "N", str():
            return _number(value)
        case "NULL", _:
            return None
        case "SS", list():
            return set(value)
        case "NS", list():
            return {_number(one) for one in value}
        case "BS", list():
            return {bytes(one) for one in value}
        case "L", list():
            return [_value(one) for one in value]
        case "M", dict():
            return plain(value)
    raise ValueError("an attribute is of no type that DynamoDB has")


def _number(text: str) -> int | Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number must be one") from None
    return int(number) if number == number.to_integral_value() else number
