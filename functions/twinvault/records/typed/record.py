"""A record type, declared as a class.

    class Visit(Record, sk="visit#{number:04d}"):
        number: Clear[int]
        state: Clear[Literal["open", "closed"]]
        note: str
        seen_at: datetime | None = None

It is a frozen dataclass whose fields are given by name. What is marked `Clear` is clear, all else is sealed.
"""

import dataclasses
from typing import ClassVar, dataclass_transform

from twinvault.errors import InvalidInput
from twinvault.records.record import Draft, StoredRecord
from twinvault.records.typed import conversion
from twinvault.records.typed.declaration import Declaration, constants, declare, with_defaults
from twinvault.records.typed.markers import retired

_STORED = "_stored"


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field, retired))
class Record:
    """The base of every record type.

    Args:
        sk: the form of its sort keys, a format string of clear fields: `visit#{number:04d}`; `head` for a head's type.
        entity: the entity's name, which each row says in the clear; what stands before the first `#` of `sk` if not
            given. Neither comes from the class's name, so that may change.

    Raises:
        InvalidInput: at the class statement: it declares what could not be stored and read back.
    """

    __declared__: ClassVar[Declaration]

    def __init_subclass__(cls, *, sk: str, entity: str = "", **others: object) -> None:
        """Takes the new class apart."""
        super().__init_subclass__(**others)
        declared = declare(cls, sk=sk, entity=entity)
        defaults = {
            name: conversion.to_field(value, name, declared=declared) for name, value in constants(cls, declared)
        }
        cls.__declared__ = with_defaults(declared, defaults)

    @property
    def sk(self) -> str:
        """The record's sort key, made of its fields.

        Raises:
            InvalidInput: they do not fit.
        """
        names = type(self).__declared__.key.fields
        return sort_key(type(self), **{name: getattr(self, name) for name in names})

    @property
    def stored(self) -> StoredRecord:
        """What was read or written: version and times. No part of what two records are compared by.

        Raises:
            InvalidInput: this one was made here.
        """
        found = vars(self).get(_STORED)
        if not isinstance(found, StoredRecord):
            raise InvalidInput(f"{type(self).__declared__.entity}: was made here, and not read", field="stored")
        return found

    def __repr__(self) -> str:
        """The sort key alone: what is sealed in the table should not be clear in a log."""
        try:
            return f"{type(self).__name__}(sk={self.sk!r})"
        except InvalidInput:
            return f"{type(self).__name__}(…)"


def to_draft(record: Record) -> Draft:
    """The record as the store beneath takes it.

    Raises:
        InvalidInput: a value does not fit its field's type, or JSON would not give it back, or it cannot stand in the
            sort key; the field is named.
    """
    return conversion.to_draft(record, type(record).__declared__)


def from_stored[R: Record](record: type[R], stored: StoredRecord, *, pk: str = "") -> R:
    """What was opened, as its type has it: of a listing, for example. `pk`, where it stood, is for the audit log alone.

    Raises:
        Undeclared: a field is missing, or not of its declared type, or the sort key is not of these fields.
    """
    made = conversion.from_stored(record, stored, declared=record.__declared__, pk=pk)
    vars(made)[_STORED] = stored  # no field: neither compared, nor shown, nor kept by `dataclasses.replace`
    return made


def sort_key(record: type[Record], /, **fields: object) -> str:
    """The sort key of the record of this type with these fields: `sort_key(Visit, number=7)` is `visit#0007`.

    Raises:
        InvalidInput: they are not the fields of its sort key, or a value does not fit; it is named.
    """
    return conversion.to_sort_key(fields, record.__declared__)
