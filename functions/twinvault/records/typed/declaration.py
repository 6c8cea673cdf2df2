"""What a record's class declares, taken apart once, when the class is made.

What the store beneath gets of it is an `EntitySpec`: sort key's pattern, clear fields with their types, sealed ones.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, get_type_hints

from twinvault.errors import InvalidInput
from twinvault.records.blind import Blind
from twinvault.records.spec import HEAD, EntitySpec, head_spec
from twinvault.records.typed import sortkey
from twinvault.records.typed.annotations import Hint, clear_types, holds, kind_in_keys, mark_of, origin_of
from twinvault.records.typed.markers import ClearMark
from twinvault.records.typed.sortkey import SortKey

_WORDS_OF_CALLS = frozenset({"expected", "idempotency_key", "limit", "cursor"})


@dataclass(frozen=True, slots=True)
class Declaration:
    """A record's class, taken apart.

    Attributes:
        entity: the entity's name, as each row says it in the clear.
        key: the form of its sort keys.
        hints: the fields' types by name, in the order of the class.
        clear: the names of the clear fields, in that order.
        sealed: the names of the others.
        required: the names of those that have no default.
        lists: the sealed fields that may hold tuples, which JSON has as lists.
        ordered: the sealed fields that may hold sets, which have no order of their own.
        spec: what the store beneath knows of it.
    """

    entity: str
    key: SortKey
    hints: Mapping[str, Hint]
    clear: tuple[str, ...]
    sealed: tuple[str, ...]
    required: frozenset[str]
    lists: frozenset[str]
    ordered: frozenset[str]
    spec: EntitySpec = field(repr=False)


def declare(cls: type, *, sk: str, entity: str) -> Declaration:
    """Makes a record's class a frozen dataclass whose fields are given by name, and takes it apart.

    Raises:
        InvalidInput: it declares what could not be stored and read back; the field is named.
    """
    hints = _hints(cls)
    _make_dataclass(cls, hints)
    marks = {name: mark_of(hint, field=name) for name, hint in hints.items()}
    types = {name: clear_types(hints[name], field=name) for name, mark in marks.items() if isinstance(mark, ClearMark)}
    sealed = tuple(name for name in hints if name not in types)
    searchable = {name: mark for name, mark in marks.items() if isinstance(mark, Blind)}
    found = {name: holds(hints[name], field=name) for name in sealed}
    kinds = {name: kind for name in types if (kind := kind_in_keys(hints[name])) is not None}
    key = sortkey.parse(sk, kinds)
    if within := _WORDS_OF_CALLS & set(key.fields):
        raise InvalidInput(f"{min(within)}: is a word of the calls that take a sort key's fields", field=min(within))
    name = entity or _entity(key)
    return Declaration(
        entity=name,
        key=key,
        hints=hints,
        clear=tuple(types),
        sealed=sealed,
        required=frozenset(one.name for one in dataclasses.fields(cls) if _is_required(one)),
        lists=frozenset(name for name, one in found.items() if one.tuples),
        ordered=frozenset(name for name, one in found.items() if one.sets),
        spec=_spec(name, key, clear=types, sealed=frozenset(sealed), searchable=searchable),
    )


def _hints(cls: type) -> dict[str, Hint]:
    """The fields' annotations, resolved; those of the classes that it is made of first."""
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as problem:
        raise InvalidInput(f"{cls.__name__}: {problem}, where its types must stand") from None
    fields = {name: hint for name, hint in hints.items() if hint is not ClassVar and origin_of(hint) is not ClassVar}
    if "stored" in fields:
        raise InvalidInput("stored: is what a record that was read has beside its fields", field="stored")
    return fields


def _make_dataclass(cls: type, hints: Mapping[str, Hint]) -> None:
    for name, default in [*vars(cls).items()]:
        if name in hints and isinstance(default, list | dict | set):
            if default:
                raise InvalidInput(f"{name}: a default that can be changed must be empty", field=name)
            # As it stands in the class it would be one list of all records.
            setattr(cls, name, dataclasses.field(default_factory=type(default)))
    dataclasses.dataclass(frozen=True, kw_only=True, repr=False)(cls)
    for one in dataclasses.fields(cls):
        if not (one.init and one.compare):
            raise InvalidInput(f"{one.name}: is part of what a record is: init and compare", field=one.name)
    if odd := hints.keys() - {one.name for one in dataclasses.fields(cls)}:
        raise InvalidInput(f"{min(odd)}: is no field", field=min(odd))


def _is_required(one: "dataclasses.Field[object]") -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _entity(key: SortKey) -> str:
    """What stands before the first `#` of the sort key, if that is always the same."""
    beginning, hash_sign, _ = key.literals[0].partition("#")
    if key.fields and not hash_sign:
        raise InvalidInput(
            f"sk: '{key.form}' does not begin with a name and '#': give the entity's name", field="entity"
        )
    return beginning


def _spec(
    entity: str,
    key: SortKey,
    *,
    clear: Mapping[str, frozenset[str]],
    sealed: frozenset[str],
    searchable: Mapping[str, Blind],
) -> EntitySpec:
    if HEAD in {entity, key.form}:
        if entity != key.form:
            raise InvalidInput("sk: the head's is 'head', and no other record's", field="sk")
        return head_spec(clear, sealed, searchable=searchable)
    return EntitySpec(entity, key.pattern, clear, sealed, searchable=searchable)
