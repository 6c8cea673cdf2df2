"""What a record's class declares, taken apart once, when the class is made.

What the store beneath gets of it is an `EntitySpec`: sort key's pattern, clear fields with their types, sealed ones,
and what older records hold.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, get_type_hints

from twinvault.errors import InvalidInput
from twinvault.records.blind import Blind
from twinvault.records.spec import HEAD, EntitySpec, head_spec
from twinvault.records.typed import sortkey
from twinvault.records.typed.annotations import Hint, clear_types, holds, kind_in_keys, marks_of, origin_of
from twinvault.records.typed.markers import is_retired
from twinvault.records.typed.older import Older, older
from twinvault.records.typed.sortkey import SortKey

_EMPTY = (list, dict, set)
_WORDS_OF_CALLS = frozenset({"expected", "idempotency_key", "limit", "cursor"})


@dataclass(frozen=True, slots=True)
class Declaration:
    """A record's class, taken apart.

    Attributes:
        entity: the entity's name, as each row says it in the clear.
        key: the form of its sort keys.
        hints: the types of the fields that are written, by name, in the order of the class.
        clear: the names of the clear fields, in that order.
        sealed: the names of the others.
        retired: the types of the fields that older records hold and nobody writes, by name.
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
    retired: Mapping[str, Hint]
    required: frozenset[str]
    lists: frozenset[str]
    ordered: frozenset[str]
    spec: EntitySpec = field(repr=False)


def declare(cls: type, *, sk: str, entity: str) -> Declaration:
    """Makes a record's class a frozen dataclass whose fields are given by name, and takes it apart.

    Raises:
        InvalidInput: it declares what could not be stored and read back; the field is named.
    """
    every = _hints(cls)
    fields = _make_dataclass(cls, every)
    retired = {name: every[name] for name, one in fields.items() if is_retired(one)}
    hints = {name: hint for name, hint in every.items() if name not in retired}
    marks = {name: marks_of(hint, field=name) for name, hint in hints.items()}
    types = {name: clear_types(hints[name], field=name) for name, mark in marks.items() if mark.is_clear}
    sealed = tuple(name for name in hints if name not in types)
    searchable = {name: mark.kept for name, mark in marks.items() if isinstance(mark.kept, Blind)}
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
        retired=retired,
        required=frozenset(name for name in hints if _is_required(fields[name])),
        lists=frozenset(name for name, one in found.items() if one.tuples),
        ordered=frozenset(name for name, one in found.items() if one.sets),
        spec=_spec(
            name,
            key,
            clear=types,
            sealed=frozenset(sealed),
            searchable=searchable,
            before=older(hints, marks, retired=retired),
        ),
    )


def constants(cls: type, declared: Declaration) -> Iterator[tuple[str, Any]]:
    """The fields that have the same default in all records, and that: of factories the empty `[]` and the like."""
    for one in dataclasses.fields(cls):
        if one.name not in declared.hints:
            continue
        if one.default is not dataclasses.MISSING:
            yield one.name, one.default
        elif one.default_factory in _EMPTY:
            yield one.name, one.default_factory()


def with_defaults(declared: Declaration, defaults: Mapping[str, Any]) -> Declaration:
    """The same with these defaults beneath, so that a record that lacks one is found by it, and rewritten with it."""
    return replace(declared, spec=replace(declared.spec, defaults=defaults)) if defaults else declared


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


def _make_dataclass(cls: type, hints: Mapping[str, Hint]) -> "dict[str, dataclasses.Field[Any]]":
    for name, default in [*vars(cls).items()]:
        if name in hints and isinstance(default, list | dict | set):
            if default:
                raise InvalidInput(f"{name}: a default that can be changed must be empty", field=name)
            # As it stands in the class it would be one list of all records.
            setattr(cls, name, dataclasses.field(default_factory=type(default)))
    dataclasses.dataclass(frozen=True, kw_only=True, repr=False)(cls)
    fields = {one.name: one for one in dataclasses.fields(cls)}
    for one in fields.values():
        if not ((one.init and one.compare) or is_retired(one)):
            raise InvalidInput(f"{one.name}: is part of what a record is: init and compare", field=one.name)
    if odd := hints.keys() - fields.keys():
        raise InvalidInput(f"{min(odd)}: is no field", field=min(odd))
    return fields


def _is_required(one: "dataclasses.Field[Any]") -> bool:
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
    before: Older,
) -> EntitySpec:
    if HEAD in {entity, key.form}:
        if entity != key.form:
            raise InvalidInput("sk: the head's is 'head', and no other record's", field="sk")
        return head_spec(
            clear, sealed, searchable=searchable, retired=before.retired, was=before.was, moved=before.moved
        )
    return EntitySpec(
        entity,
        key.pattern,
        clear,
        sealed,
        searchable,
        retired=before.retired,
        was=before.was,
        moved=before.moved,
    )
