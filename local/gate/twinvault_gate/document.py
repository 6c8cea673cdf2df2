"""A request's JSON document: read strictly, for what the engine would read otherwise must not be let through."""

import json
from collections.abc import Mapping

from twinvault_gate.errors import serialization

type JsonObject = Mapping[str, object]


def parse_document(body: bytes) -> JsonObject:
    """Return the JSON object that a body holds.

    Raises:
        DynamoDbError: SerializationException. A name that stands twice in one object is refused too: which of the two
            the engine takes is nobody's promise.
    """
    try:
        document = json.loads(body, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise serialization() from None
    if not isinstance(document, dict):
        raise serialization()
    return document


def text(document: JsonObject, name: str) -> str:
    """Return a member that must be a string.

    Raises:
        DynamoDbError: SerializationException.
    """
    value = document.get(name)
    if not isinstance(value, str):
        raise serialization()
    return value


def optional_text(document: JsonObject, name: str) -> str | None:
    """Return a member that may be absent or null, and is a string else.

    Raises:
        DynamoDbError: SerializationException.
    """
    return None if document.get(name) is None else text(document, name)


def mapping(document: JsonObject, name: str) -> JsonObject:
    """Return a member that is an object; empty where it is absent.

    Raises:
        DynamoDbError: SerializationException.
    """
    value = document.get(name)
    return {} if value is None else as_mapping(value)


def as_mapping(value: object) -> JsonObject:
    """Return a value that must be an object.

    Raises:
        DynamoDbError: SerializationException.
    """
    if not isinstance(value, dict):
        raise serialization()
    return value


def mappings(document: JsonObject, name: str) -> list[JsonObject]:
    """Return a member that is a list of objects; empty where it is absent.

    Raises:
        DynamoDbError: SerializationException.
    """
    return [as_mapping(each) for each in _list(document, name)]


def texts(document: JsonObject, name: str) -> list[str]:
    """Return a member that is a list of strings; empty where it is absent.

    Raises:
        DynamoDbError: SerializationException.
    """
    found = [each for each in _list(document, name) if isinstance(each, str)]
    if len(found) != len(_list(document, name)):
        raise serialization()
    return found


def _list(document: JsonObject, name: str) -> list[object]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise serialization()
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_constant(_name: str) -> object:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError
