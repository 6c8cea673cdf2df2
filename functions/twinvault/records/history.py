"""Records that an older declaration wrote, as the declaration of today gives them (docs/entities.md). Pure.

A record does not say which declaration wrote it, and need not: each stored name, on its side of the seal, is one
field's, by the name that the field has now or by one that it had. Two values for one field were written by a
declaration to which they were two fields. Which of them is meant cannot be told from here, so neither is given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from twinvault.envelope.aad import ATTRIBUTE_NAME, ClearValue
from twinvault.envelope.item import undeclared
from twinvault.errors import InvalidInput
from twinvault.records.fields import (
    CLEAR,
    DECIMAL,
    SEALED,
    Forms,
    as_decimal_text,
    as_sealed,
    from_clear,
    from_decimal_text,
    to_clear,
)


@dataclass(frozen=True, slots=True)
class KnownField:
    """A field that records may hold.

    Attributes:
        entity: whose field it is.
        name: what it is called now.
        older: what it was called.
        now: how it is written now; empty: nobody writes it.
        before: how else older records hold it.
    """

    entity: str
    name: str
    older: tuple[str, ...]
    now: Forms
    before: Forms

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which it may be stored."""
        return (self.name, *self.older)

    @property
    def forms(self) -> Forms:
        """All forms in which it may be stored."""
        return self.now | self.before

    def of_attribute(self, value: ClearValue) -> object:
        """What callers see of a clear attribute that holds it."""
        if self.now != SEALED:
            return from_clear(value)
        return as_decimal_text(value) if self.before & DECIMAL else as_sealed(value)

    def of_document(self, value: object) -> object:
        """What callers see of a sealed value that holds it.

        Raises:
            InvalidInput: it is written in the clear now, and this value cannot be.
        """
        if not self.now & CLEAR:
            return value
        meant = from_decimal_text(value) if self.before & DECIMAL else value
        return from_clear(to_clear(meant, self.now, entity=self.entity, name=self.name))


class History:
    """All forms that records of one entity may have."""

    def __init__(self, known: Iterable[KnownField], *, common: Mapping[str, Forms], hidden: frozenset[str]) -> None:
        """`common` are the clear attributes of every row, `hidden` the sealed fields that are the library's own."""
        named = [(stored, one) for one in known for stored in one.names]
        self._clear = {stored: one for stored, one in named if one.forms & CLEAR}
        self._sealed = {stored: one for stored, one in named if one.forms & SEALED}
        self._types = {**common, **{stored: one.forms & CLEAR for stored, one in self._clear.items()}}
        self._hidden = hidden

    def read(self, clear: Mapping[str, ClearValue], sealed: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """A record's fields by their names of today; and the stored names of what no declaration has.

        Those are names that are not declared, not on this side of the seal or not with such a value, and those of which
        one field has several.
        """
        problems = undeclared(clear, self._types)
        problems += sorted(_shown(name) for name in sealed.keys() - self._sealed.keys() - self._hidden)
        held = [
            (one, stored, one.of_attribute, clear[stored]) for stored, one in self._clear.items() if stored in clear
        ]
        held += [
            (one, stored, one.of_document, sealed[stored]) for stored, one in self._sealed.items() if stored in sealed
        ]
        fields, stored_as = dict[str, Any](), dict[str, str]()
        for one, stored, seen, value in held:
            if one.name in stored_as:
                problems += sorted({stored_as[one.name], stored})
            stored_as[one.name] = stored
            try:
                fields[one.name] = seen(value)
            except InvalidInput:
                problems.append(stored)
        return fields, problems


def _shown(name: str) -> str:
    """A name as a log may show it: what could not be declared was never declared by anybody."""
    return name if ATTRIBUTE_NAME.fullmatch(name) else "?"
