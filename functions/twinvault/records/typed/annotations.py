"""What the annotations of a record's class say of its fields. Pure; types alone are looked at, never a value."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NewType, TypeAliasType, Union, get_args, get_origin

import msgspec

from twinvault.errors import InvalidInput
from twinvault.records.blind import Blind
from twinvault.records.spec import FLAG, NULLABLE, NUMBER, TEXT
from twinvault.records.typed import sortkey
from twinvault.records.typed.markers import ClearMark, Moved, Was

_PLAIN = {int: NUMBER, Decimal: NUMBER, bool: FLAG, str: TEXT, type(None): NULLABLE}
_UNIONS = (Union, types.UnionType)
_TUPLES = (msgspec.inspect.TupleType, msgspec.inspect.VarTupleType, msgspec.inspect.NamedTupleType)
_NOT_JSON = (msgspec.inspect.CustomType, msgspec.inspect.ExtType, msgspec.inspect.RawType)
_SETS = (msgspec.inspect.SetType, msgspec.inspect.FrozenSetType)

type Hint = Any
"""An annotation: a type, or what `typing` makes of one."""


def origin_of(hint: Hint) -> object:
    """`typing.get_origin`, whose stubs do not know all that it returns."""
    return get_origin(hint)


@dataclass(frozen=True, slots=True)
class FieldMarks:
    """How a field is marked.

    Attributes:
        kept: to be clear, or to be found by its value; None: it is sealed, and that is all.
        was: what it was called before.
        moved: how it was annotated on the other side of the seal, if it was moved.
    """

    kept: ClearMark | Blind | None
    was: tuple[str, ...]
    moved: Moved | None

    @property
    def is_clear(self) -> bool:
        """Whether it is clear now."""
        return isinstance(self.kept, ClearMark)


_MARKS = (ClearMark, Blind, Was, Moved)


def marks_of(hint: Hint, *, field: str) -> FieldMarks:
    """The marks of a field.

    Raises:
        InvalidInput: a mark stands within the type, where it would say nothing; or two contradict each other.
    """
    marks = getattr(hint, "__metadata__", ())
    within = get_args(hint)[:1] if origin_of(hint) is Annotated else (hint,)
    if any(isinstance(mark, _MARKS) for one in within for mark in _marks_within(one)):
        raise InvalidInput(f"{field}: the mark is the outermost: Clear[int | None], not Clear[int] | None", field=field)
    if any(mark in _MARKS for mark in marks if isinstance(mark, type)):
        raise InvalidInput(f"{field}: a mark is made: Was('older'), not Was", field=field)
    kept = [mark for mark in marks if isinstance(mark, ClearMark | Blind)]
    moved = [mark for mark in marks if isinstance(mark, Moved)]
    if len(kept) > 1:
        raise InvalidInput(f"{field}: is clear, or sealed and searchable by one index, or sealed", field=field)
    if len(moved) > 1:
        raise InvalidInput(f"{field}: was moved from one side of the seal to the other", field=field)
    was = tuple(name for mark in marks if isinstance(mark, Was) for name in mark.names)
    return FieldMarks(kept[0] if kept else None, was, moved[0] if moved else None)


def _marks_within(hint: Hint) -> Iterator[object]:
    yield from getattr(hint, "__metadata__", ())
    for one in get_args(hint):
        yield from _marks_within(one)


def type_name(hint: Hint) -> str:
    """A type as its declaration says it, for messages."""
    if origin_of(hint) is Annotated:
        return type_name(get_args(hint)[0])
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")


def clear_types(hint: Hint, *, field: str) -> frozenset[str]:
    """The DynamoDB types that a clear field of this type may have.

    Raises:
        InvalidInput: it may hold what cannot be stored in the clear.
    """
    found = frozenset[str]().union(*(_clear_type(one) or _refused(field) for one in _alternatives(hint)))
    return found or _refused(field)


def kind_in_keys(hint: Hint) -> str | None:
    """What a clear field of this type is in a sort key, `NUMBER` or `TEXT`; None: it cannot stand there."""
    found = [*_alternatives(hint)]
    if all(one is int for one in found):
        return sortkey.NUMBER
    return sortkey.TEXT if all(_clear_type(one) == TEXT for one in found) else None


def may_be_decimal(hint: Hint) -> bool:
    """Whether a value of this type may be a `Decimal` itself, which JSON has as text."""
    return any(one is Decimal for one in _alternatives(hint))


def _refused(field: str) -> frozenset[str]:
    rule = (
        "a clear field is an int, a Decimal, a str, a bool, None, a Literal or Enum of str, or one of several of these"
    )
    raise InvalidInput(f"{field}: {rule}", field=field)


def _clear_type(hint: Hint) -> frozenset[str] | None:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return TEXT if all(isinstance(one.value, str) for one in hint) else None
    return _PLAIN.get(hint)


def _alternatives(hint: Hint) -> Iterator[Hint]:
    """The types, one by one, of which a value may be; of a literal, those of its values."""
    origin = origin_of(hint)
    if origin is Annotated:
        yield from _alternatives(get_args(hint)[0])
    elif isinstance(hint, TypeAliasType):
        yield from _alternatives(hint.__value__)
    elif isinstance(hint, NewType):
        yield from _alternatives(hint.__supertype__)
    elif origin in _UNIONS:
        for one in get_args(hint):
            yield from _alternatives(one)
    elif origin is Literal:
        # Numbers and truth values are no names of states: an index and a sort key are of text.
        yield from (type(one) if isinstance(one, str | None) else object for one in get_args(hint))
    else:
        yield hint


@dataclass(frozen=True, slots=True)
class Holds:
    """What may stand somewhere within a field's value."""

    tuples: bool
    sets: bool


def holds(hint: Hint, *, field: str) -> Holds:
    """Looks at all that a sealed field may hold.

    Raises:
        InvalidInput: there is something that msgspec does not convert to JSON and back.
    """
    try:
        parts = [*_parts(msgspec.inspect.type_info(hint), seen=set())]
    except (TypeError, NameError, RecursionError) as problem:
        # Of types, no values: such as that two of a union would look alike as JSON.
        raise InvalidInput(f"{field}: cannot be sealed: {problem}", field=field) from None
    unknown = next((one for one in parts if isinstance(one, _NOT_JSON)), None)
    if unknown:
        name = getattr(unknown, "cls", type(unknown)).__name__
        raise InvalidInput(f"{field}: {name} is no type that JSON gives back", field=field)
    return Holds(
        tuples=any(isinstance(one, _TUPLES) for one in parts),
        sets=any(isinstance(one, _SETS) for one in parts),
    )


def _parts(one: object, *, seen: set[int]) -> Iterator[msgspec.inspect.Type]:
    """A type and all types within it, each once: types may be within themselves."""
    if isinstance(one, tuple | list):
        for part in one:
            yield from _parts(part, seen=seen)
    elif isinstance(one, msgspec.inspect.Field):
        yield from _parts(one.type, seen=seen)
    elif isinstance(one, msgspec.inspect.Type) and id(one) not in seen:
        seen.add(id(one))
        yield one
        for name in one.__struct_fields__:
            yield from _parts(getattr(one, name), seen=seen)
