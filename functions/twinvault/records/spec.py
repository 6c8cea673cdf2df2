"""Entity specs: what a team declares of its records (docs/entities.md).

What is declared clear can be queried, indexed and seen by whoever reads the table, and cannot be changed unnoticed. All
else is sealed. What is not declared is refused.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from twinvault.envelope.aad import ATTRIBUTE_NAME, ClearValue, Context, Number
from twinvault.envelope.item import undeclared
from twinvault.envelope.names import require_id
from twinvault.envelope.numbers import number_text, number_value
from twinvault.errors import InvalidInput, Place, Undeclared
from twinvault.records.blind import BLIND_ATTRIBUTES, Searchable, require_searchable

type Fields = Mapping[str, Any]
"""A record's fields: clear ones are text, numbers, truth values or None; sealed ones are any JSON value."""

TEXT, NUMBER, FLAG = frozenset({"S"}), frozenset({"N"}), frozenset({"BOOL"})
NULLABLE = frozenset({"NULL"})
HEAD = "head"

COMMON: Mapping[str, frozenset[str]] = {
    "tenant_id": TEXT,
    "entity_type": TEXT,
    "version": NUMBER,
    "format": NUMBER,
    "created_at": TEXT,
    "updated_at": TEXT,
}
"""Clear attributes that every row carries."""

_RESERVED = frozenset(
    {"pk", "sk", "content_encrypted", "content_nonce", "content_salt", "key_commitment", "key_id", "expires_at"}
)
_BLIND_INDEX = "bi_"
# Of every entity, whatever it declares: a record from before a field ceased to be searchable opens.
_BLIND = dict.fromkeys(BLIND_ATTRIBUTES, TEXT)


@dataclass(frozen=True, slots=True)
class EntitySpec:
    """One kind of record within a partition.

    Attributes:
        name: the entity's name, stored in the clear as `entity_type`.
        sk: what its sort keys look like, whole.
        clear: the clear attributes with the DynamoDB types that each may have: TEXT, NUMBER, FLAG, and | NULLABLE.
        sealed: the names of the sealed fields.
        searchable: which of the sealed fields can be found by their value, and how.
    """

    name: str
    sk: re.Pattern[str]
    clear: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sealed: frozenset[str] = frozenset()
    searchable: Searchable = field(default_factory=dict)
    types: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)
    """All clear attributes of an item of this entity, those that every row carries included, with their types."""

    def __post_init__(self) -> None:
        """Refuses a spec that could not be stored as it says."""
        require_id(self.name, field="entity name")
        for name in (*self.clear, *self.sealed):
            if not ATTRIBUTE_NAME.fullmatch(name) or name in _RESERVED or name.startswith(_BLIND_INDEX):
                raise InvalidInput(
                    f"entity {self.name}: '{name}' is reserved or not of the form [a-z][a-z0-9_]{{0,63}}"
                )
            if name in COMMON or (name in self.clear and name in self.sealed):
                raise InvalidInput(f"entity {self.name}: '{name}' is declared twice")
        require_searchable(self.name, self.searchable, sealed=self.sealed)
        object.__setattr__(self, "types", {**COMMON, **_BLIND, **self.clear})

    def split(self, fields: Fields) -> tuple[dict[str, ClearValue], dict[str, Any]]:
        """Parts a record's fields into clear values and the sealed document.

        Raises:
            InvalidInput: a field is not declared, or a clear one has a type that its declaration does not allow.
        """
        clear: dict[str, ClearValue] = {}
        sealed: dict[str, Any] = {}
        for name, value in fields.items():
            if name in self.sealed:
                sealed[name] = value
            elif name in self.clear:
                clear[name] = _to_clear(value, allowed=self.clear[name], field=f"{self.name}.{name}")
            else:
                raise InvalidInput(f"{self.name}.{name}: is not a declared field", field=name)
        return clear, sealed

    def require_declared(self, context: Context, sealed: Mapping[str, Any], *, where: Place) -> None:
        """Lets an authentic row pass that holds nothing but what is declared here.

        Raises:
            Undeclared: a sort key, clear attributes or sealed fields are not, or not as they are.
        """
        names = undeclared(context.clear, self.types)
        names += sorted(_name(name) for name in sealed.keys() - self.sealed)
        if not self.sk.fullmatch(context.sk):
            names.append("sk")
        if names:
            raise Undeclared(names, where=where)


def _name(name: str) -> str:
    """A name as a log may show it: what could not be declared was never declared by anybody."""
    return name if ATTRIBUTE_NAME.fullmatch(name) else "?"


HEAD_SEALED = frozenset({"store"})
"""The library's own sealed field of every head (see `head.STORE`)."""


def head_spec(
    clear: Mapping[str, frozenset[str]] | None = None,
    sealed: frozenset[str] = frozenset(),
    *,
    searchable: Searchable | None = None,
) -> EntitySpec:
    """The spec of a kind's head: the library's own sealed fields and the kind's."""
    if HEAD_SEALED & {*sealed, *(searchable or {})}:
        raise InvalidInput("head: store is the library's own field")
    return EntitySpec(HEAD, re.compile(HEAD), clear or {}, HEAD_SEALED | sealed, searchable or {})


@dataclass(frozen=True, slots=True)
class KindSpec:
    """A kind of partition: its head's own fields and the entities that may stand in it."""

    kind: str
    entities: Sequence[EntitySpec]
    head: EntitySpec = field(default_factory=head_spec)

    def __post_init__(self) -> None:
        """Refuses a kind whose name cannot stand in a key, or with two entities of one name."""
        require_id(self.kind, field="kind")
        names = [entity.name for entity in (*self.entities, self.head)]
        if self.head.name != HEAD or len(set(names)) != len(names):
            raise InvalidInput(f"kind {self.kind}: entity names must be unique, and 'head' is the head's")

    def entity(self, name: object) -> EntitySpec | None:
        """The entity of this name, or None."""
        return next((entity for entity in self.entities if entity.name == name), None)

    @property
    def searchable(self) -> bool:
        """Whether any of its records, or its head, has a field that can be found by its value."""
        return any(spec.searchable for spec in (self.head, *self.entities))

    def spec_at(self, sk: str, *, entity: str) -> EntitySpec | None:
        """The spec of a row that stands at this sort key and says that it is of this entity; None if there is none."""
        if HEAD in {sk, entity}:
            return self.head if sk == entity else None
        return self.entity(entity)

    def as_stored(self, entity: str, fields: Fields) -> dict[str, Any]:
        """These fields as they will be read back: `1.0` in a clear number becomes `1`.

        Raises:
            InvalidInput: the kind has no such entity, or the fields are not ones of it.
        """
        spec = self.head if entity == HEAD else self.entity(entity)
        if spec is None:
            raise InvalidInput(f"kind {self.kind}: there is no entity '{entity}'")
        clear, sealed = spec.split(fields)
        return {**{name: from_clear(value) for name, value in clear.items()}, **sealed}


def from_clear(value: ClearValue) -> str | bool | int | Decimal | None:
    """A clear value as callers see it: numbers as `int` where whole, else `Decimal`."""
    return number_value(value.text) if isinstance(value, Number) else value


def _to_clear(value: object, *, allowed: frozenset[str], field: str) -> ClearValue:
    match value:
        case str() if "S" in allowed:
            return _unicode(value, field=field)
        case bool() if "BOOL" in allowed:
            return value
        case bool():
            pass
        case int() | float() | Decimal() if "N" in allowed:
            return Number(number_text(value, field=field))
        case None if "NULL" in allowed:
            return None
        case _:
            pass
    kinds = {"S": "text", "N": "a number", "BOOL": "true or false", "NULL": "null"}
    expected = " or ".join(kinds[kind] for kind in ("S", "N", "BOOL", "NULL") if kind in allowed)
    raise InvalidInput(f"{field}: must be {expected}", field=field)


def _unicode(text: str, *, field: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{field}: holds a lone surrogate, which is not Unicode text", field=field) from None
    return text
