"""Entities as JSON documents, for the journal and for snapshots. The only place that knows both forms."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import cast

from twinvault_kms.model import (
    Alias,
    Change,
    Counter,
    DropEntity,
    Entity,
    Grant,
    Key,
    KeyOrigin,
    Material,
    MaterialState,
    PutEntity,
)

type Document = dict[str, object]

_KINDS: dict[str, type[Key | Alias | Grant | Counter]] = {
    "key": Key,
    "alias": Alias,
    "grant": Grant,
    "counter": Counter,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode_record(changes: Sequence[Change]) -> Document:
    """Return changes that belong together as one document."""
    return {"changes": [encode_change(change) for change in changes]}


def decode_record(document: Document) -> list[Change]:
    """Return the changes that a document holds.

    Raises:
        KeyError, TypeError, ValueError: It holds none.
    """
    return [decode_change(change) for change in cast("list[Document]", document["changes"])]


def encode_change(change: Change) -> Document:
    """Return a change as a document."""
    verb = "put" if isinstance(change, PutEntity) else "drop"
    return {verb: _NAMES[type(change.entity)], "value": _plain(change.entity)}


def decode_change(document: Mapping[str, object]) -> Change:
    """Return the change that a document holds.

    Raises:
        KeyError, TypeError, ValueError: It holds none.
    """
    value = cast("Document", document["value"])
    if "put" in document:
        return PutEntity(_entity(str(document["put"]), value))
    entity = _entity(str(document["drop"]), value)
    if isinstance(entity, Counter):
        raise TypeError("a counter is never dropped")
    return DropEntity(entity)


def _plain(entity: Entity | Material) -> Document:
    return {field.name: _scalar(getattr(entity, field.name)) for field in fields(entity)}


def _scalar(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, tuple):
        return [_plain(each) if isinstance(each, Material) else each for each in value]
    return value


def _entity(kind: str, value: Document) -> Entity:
    shaped = {
        name: _SHAPES[name](each) if name in _SHAPES and each is not None else each for name, each in value.items()
    }
    return _KINDS[kind](**shaped)  # type: ignore[arg-type]  # the journal's checksum vouches for the shapes


def _material(document: Document) -> Material:
    sealed = cast("str | None", document["sealed"])
    shaped = document | {
        "sealed": base64.b64decode(sealed) if sealed is not None else None,
        "state": MaterialState(str(document["state"])),
    }
    return Material(**shaped)  # type: ignore[arg-type]  # likewise


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    return tuple((name, text) for name, text in cast("list[tuple[str, str]]", value))


_SHAPES: dict[str, Callable[[object], object]] = {
    "materials": lambda value: tuple(_material(each) for each in cast("list[Document]", value)),
    "origin": lambda value: KeyOrigin(str(value)),
    "tags": _pairs,
    "context_equals": _pairs,
    "context_subset": _pairs,
    "operations": lambda value: tuple(cast("list[str]", value)),
}
