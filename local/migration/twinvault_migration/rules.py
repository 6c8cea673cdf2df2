"""A mapping's rules: which items one takes, and the record that it makes of an item."""

import json
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from twinvault import HEAD, Draft, Kind, KindSpec, Record
from twinvault_migration.attributes import Plain
from twinvault_migration.errors import ItemRefused, MappingError
from twinvault_migration.target import Migrated

EVERYTHING = "*"
_FIELD = re.compile(r"\$\.([A-Za-z0-9_]+)")


def _time(value: Any) -> str:  # noqa: ANN401  # whatever the source holds
    return datetime.fromtimestamp(float(value), UTC).isoformat()


def _text(value: Any) -> str:  # noqa: ANN401  # likewise
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError  # noqa: TRY004  # refused as any value that a conversion would change
    return str(value)


def _int(value: Any) -> int:  # noqa: ANN401  # likewise
    found = int(value)
    if not isinstance(value, str) and found != value:
        raise ValueError
    return found


def _float(value: Any) -> float:  # noqa: ANN401  # likewise
    found = float(value)
    if Decimal(repr(found)) != Decimal(str(value)):
        raise ValueError
    return found


def _list(value: Any) -> list[Any]:  # noqa: ANN401  # likewise
    if not isinstance(value, set | frozenset):
        raise ValueError  # noqa: TRY004  # likewise
    return sorted(value)


CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "int": _int,
    "float": _float,
    "decimal": lambda value: Decimal(str(value)),
    "json": json.loads,
    "time": _time,
    "list": _list,
}
"""What `as` may say: `json` reads a text, `time` seconds since 1970, `list` makes a set one.

Each is without loss, for the comparison converts in the same way and would not see one.
"""
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Where a field comes from.

    Attributes:
        attribute: the source's attribute, or a named group of `when`; empty where it is always `value`.
        conversion: of `CONVERSIONS`, or empty: as it is.
        default: where the attribute is absent; `value` where there is no attribute.
    """

    attribute: str
    conversion: str = ""
    default: Any = _ABSENT

    def add_to(self, fields: dict[str, Any], name: str, *, values: Plain, entity: str) -> None:
        """Put the field into `fields`, if there is one.

        Raises:
            ItemRefused: its value cannot be converted.
        """
        value = values.get(self.attribute, _ABSENT) if self.attribute else _ABSENT
        if value is _ABSENT:
            if self.default is not _ABSENT:
                fields[name] = self.default
            return
        if not self.conversion or value is None:
            fields[name] = value
            return
        try:
            fields[name] = CONVERSIONS[self.conversion](value)
        except (ValueError, TypeError, ArithmeticError, OSError, RecursionError):
            raise ItemRefused(f"cannot be read as {self.conversion}", entity=entity, field=name) from None


@dataclass(frozen=True, slots=True)
class TextForm:
    """A text with attributes in it: `{org}`."""

    text: str
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Refuses what is no template."""
        try:
            parts = [*string.Formatter().parse(self.text)]
        except ValueError:
            raise MappingError("must be a text with attributes in braces, such as {org}") from None
        if any(form or conversion or name == "" for _, name, form, conversion in parts if name is not None):
            raise MappingError("takes attributes in braces as they are, such as {org}")
        object.__setattr__(self, "names", tuple(name for _, name, _, _ in parts if name is not None))

    def filled(self, values: Plain, *, of: str, entity: str) -> str:
        """The text for these values.

        Raises:
            ItemRefused: an attribute is absent, or neither text nor a whole number.
        """
        done = ""
        for literal, name, _, _ in string.Formatter().parse(self.text):
            done += literal
            if name is None:
                continue
            value = values.get(name)
            if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
                raise ItemRefused(
                    f"attribute {name}, of which `{of}` is made, must be text or a whole number",
                    entity=entity,
                    field=of,
                )
            done += str(value)
        return done


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[record]]` of a mapping.

    Attributes:
        when: by attribute, the pattern that its text must be of, whole; named groups become values.
        sk: of a `KindSpec`'s entity, its sort key.
        ignore: attributes that become nothing.
    """

    kind: Kind | KindSpec
    entity: str
    tenant: TextForm
    partition: TextForm
    hidden: bool
    sk: TextForm | None
    when: Mapping[str, re.Pattern[str]]
    fields: Mapping[str, FieldRule]
    ignore: frozenset[str]

    def taken(self, item: Plain) -> Plain | None:
        """The item's values with the groups of `when`, if this rule takes it."""
        values = dict(item)
        for name, pattern in self.when.items():
            value = item.get(name)
            text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
            found = pattern.fullmatch(text) if text is not None else None
            if found is None:
                return None
            values |= {group: part for group, part in found.groupdict().items() if part is not None}
        return values

    def target(self, item: Plain, values: Plain) -> Migrated:
        """The record that an item becomes.

        Raises:
            ItemRefused: a field does not fit, or an attribute would be lost.
        """
        self._require_used(item)
        fields = dict[str, Any]()
        for name, rule in self.fields.items():
            rule.add_to(fields, name, values=values, entity=self.entity)
        sk = self.sk.filled(values, of="sk", entity=self.entity) if self.sk else HEAD
        record = (
            record_of(record_type(self.kind, self.entity), fields, entity=self.entity)
            if isinstance(self.kind, Kind)
            else Draft(self.entity, sk, fields)
        )
        tenant = self.tenant.filled(values, of="tenant", entity=self.entity)
        partition = self.partition.filled(values, of="hidden" if self.hidden else "partition", entity=self.entity)
        return Migrated(tenant, self.kind, partition, record, hidden=self.hidden)

    def _require_used(self, item: Plain) -> None:
        if EVERYTHING in self.ignore:
            return
        used = {rule.attribute for rule in self.fields.values()} | self.when.keys() | self.ignore
        used |= {*self.tenant.names, *self.partition.names, *(self.sk.names if self.sk else ())}
        if lost := sorted(item.keys() - used):
            raise ItemRefused("is mapped to nothing, and not ignored", entity=self.entity, field=lost[0])


def record_type(kind: Kind, entity: str) -> type[Record] | None:
    """The record type of a kind that has this entity's name; None: it has none."""
    types: Sequence[type[Record]] = [*kind.records, *([kind.head] if kind.head else [])]
    return next((one for one in types if one.__declared__.entity == entity), None)


def record_of(record: type[Record] | None, fields: Mapping[str, Any], *, entity: str) -> Record:
    """The record of these fields, as its class declares them; text becomes times, enums and the like.

    Raises:
        ItemRefused: one does not fit. What msgspec says of it may quote the value, and is not told.
    """
    if record is None:
        raise ItemRefused("its kind has no such entity", entity=entity)
    declared = record.__declared__
    if unknown := sorted(fields.keys() - declared.hints.keys()):
        raise ItemRefused("is not a declared field", entity=entity, field=unknown[0])
    if missing := sorted(declared.required - fields.keys()):
        raise ItemRefused("is absent, and has no default", entity=entity, field=missing[0])
    try:
        return msgspec.convert(dict(fields), record, str_keys=True)
    except (msgspec.MsgspecError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        found = _FIELD.search(str(error))
        raise ItemRefused("does not fit its declared type", entity=entity, field=found[1] if found else "") from None
