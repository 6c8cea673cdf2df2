"""Records to drafts and back: msgspec converts, and what is to be sealed comes back as it was or is refused.

Every draft is converted back before it is written, and must equal the record that it was made of: so a value of another
type than declared, or one that JSON would change (`Any` with a tuple in it, a number as a key), never gets sealed. What
was opened behind our own seal and does not convert is authentic, and declared otherwise: `Undeclared`.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal

import msgspec

from twinvault.errors import InvalidInput, Place, Undeclared
from twinvault.records.payload import problem_of
from twinvault.records.record import TABLE, Draft, StoredRecord
from twinvault.records.typed.annotations import Hint, type_name
from twinvault.records.typed.declaration import Declaration

# What msgspec raises of a value: of another type, of one that it does not convert, or nested too deeply. Never chained
# to ours: a message may quote the value. Nor can all values be compared: a signalling NaN refuses.
_REFUSED = (msgspec.MsgspecError, TypeError, ValueError, ArithmeticError, RecursionError)


def to_fields(record: object, declared: Declaration) -> dict[str, Any]:
    """A record's fields as the store beneath takes them: clear ones first, each part in the order of the class.

    Raises:
        InvalidInput: a value does not fit its field's type, or JSON would not give it back; the field is named.
    """
    values = vars(record)
    try:
        fields = {name: _clear(values[name]) for name in declared.clear}
        fields |= _all_sealed(values, declared)
        comes_back = msgspec.convert(fields, type(record), str_keys=True) == record
    except _REFUSED:
        raise _misfit(values, declared) from None
    if not comes_back:
        raise _misfit(values, declared)
    return fields


def to_draft(record: object, declared: Declaration) -> Draft:
    """The record as a draft: its sort key made of its fields.

    Raises:
        InvalidInput: as for `to_fields`, or a field's value cannot stand in the sort key.
    """
    fields = to_fields(record, declared)
    return Draft(declared.entity, declared.key.make(fields, entity=declared.entity), fields)


def to_sort_key(values: Mapping[str, Any], declared: Declaration) -> str:
    """The sort key of the record of these fields, which are those of its sort key, all of them and no others.

    Raises:
        InvalidInput: one is missing, or no field of the sort key, or does not fit; it is named.
    """
    entity, fields = declared.entity, declared.key.fields
    for name in (*(values.keys() - set(fields)), *(set(fields) - values.keys())):
        raise InvalidInput(f"{entity}: its sort key is made of {', '.join(fields) or 'no fields'}", field=name)
    return declared.key.make(to_plain(values, declared), entity=entity)


def to_beginning(values: Mapping[str, Any], declared: Declaration) -> str:
    """What the sort keys begin with whose first fields these are.

    Raises:
        InvalidInput: they are not the first ones of its sort key, or a value does not fit; it is named.
    """
    return declared.key.beginning(to_plain(values, declared), entity=declared.entity)


def to_plain(values: Mapping[str, Any], declared: Declaration) -> dict[str, Any]:
    """Some fields as the store beneath takes them.

    Raises:
        InvalidInput: as for `to_field`.
    """
    return {name: to_field(value, name, declared=declared) for name, value in values.items()}


def to_field(value: Any, name: str, *, declared: Declaration) -> Any:  # noqa: ANN401  # of the field's own type
    """One field's value as the store beneath takes it.

    Raises:
        InvalidInput: there is no such field, the value does not fit its type, or JSON would not give it back.
    """
    field = f"{declared.entity}.{name}"
    if name not in declared.hints:
        of = "is retired: it is read and no longer written" if name in declared.retired else "is not a declared field"
        raise InvalidInput(f"{field}: {of}", field=name)
    hint = declared.hints[name]
    try:
        plain = _clear(value) if name in declared.clear else _sealed(value, name, declared=declared)
        same = msgspec.convert(plain, hint, str_keys=True) == value
    except _REFUSED:
        raise InvalidInput(f"{field}: {_rule(value, hint)}", field=name) from None
    problem = problem_of(plain) if name in declared.sealed else ""
    if problem or not same:
        other = f"{_rule(value, hint)}; this would be read back as another value"
        raise InvalidInput(f"{field}: {problem or other}", field=name)
    return plain


def from_stored[R](cls: type[R], stored: StoredRecord, *, declared: Declaration, pk: str) -> R:
    """The record that was opened, as its class has it.

    Raises:
        Undeclared: a field is missing, or not of its declared type, or the sort key is not of these fields.
    """
    where = Place(TABLE, pk, stored.sk)
    try:
        record = msgspec.convert(stored.fields, cls, str_keys=True)
    except _REFUSED:
        raise Undeclared(_undeclared(stored.fields, declared), where=where) from None
    try:
        as_made = declared.key.make(stored.fields, entity=declared.entity)
    except (InvalidInput, KeyError):
        as_made = ""
    if as_made != stored.sk:
        raise Undeclared(["sk"], where=where)
    held = vars(record)
    if not held.keys() >= declared.hints.keys():
        # msgspec leaves to the class what has its default, where `vars`, by which a record is written, does not look.
        held |= {name: getattr(record, name) for name in declared.hints}
    return record


def _all_sealed(values: Mapping[str, Any], declared: Declaration) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins({name: values[name] for name in declared.sealed}, str_keys=True)
    for name in declared.lists | declared.ordered:
        plain[name] = _sealed(values[name], name, declared=declared)
    return plain


def _sealed(value: Any, name: str, *, declared: Declaration) -> Any:  # noqa: ANN401  # any type, as JSON's own ones
    # A set has no order, and another one in each process: sorted, the same content is the same bytes.
    order: Literal["deterministic"] | None = "deterministic" if name in declared.ordered else None
    plain = msgspec.to_builtins(value, str_keys=True, order=order)
    return _with_lists(plain) if name in declared.lists else plain


def _with_lists(value: Any) -> Any:  # noqa: ANN401  # JSON's own types, and tuples
    """The same with lists for tuples. Only of a field that declares tuples: in others they are refused."""
    match value:
        case list() | tuple():
            return [_with_lists(one) for one in value]
        case dict():
            return {name: _with_lists(one) for name, one in value.items()}
        case _:
            return value


def _clear(value: Any) -> Any:  # noqa: ANN401  # a clear value, or an enum's member
    return value.value if isinstance(value, Enum) else value


def _rule(value: object, hint: Hint) -> str:
    """What a value must be that is not as it is declared. Of a field that takes anything, its type says nothing."""
    return (problem_of(value) if hint is Any else "") or f"must be {type_name(hint)}"


def _misfit(values: Mapping[str, Any], declared: Declaration) -> InvalidInput:
    """What is wrong with a record: found field by field, once it is known that something is."""
    for name in declared.hints:
        try:
            to_field(values[name], name, declared=declared)
        except InvalidInput as problem:
            return problem
    return InvalidInput(f"{declared.entity}: the checks of its own class refuse it")


def _undeclared(fields: Mapping[str, Any], declared: Declaration) -> list[str]:
    """The fields that are not as they are declared; all of them if none is by itself."""
    odd = []
    for name, hint in {**declared.hints, **declared.retired}.items():
        try:
            if name in fields:
                msgspec.convert(fields[name], hint, str_keys=True)
            elif name in declared.required:
                odd.append(name)
        except _REFUSED:
            odd.append(name)
    return odd or [*declared.hints]
