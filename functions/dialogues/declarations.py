"""How elements are declared: fields, where each is kept, the sort key of their records, and what statuses they pass."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from dialogues import forms
from dialogues.forms import Form
from twinvault import NULLABLE, TEXT, InvalidInput

type Element = dict[str, Any]
"""An element of a document, as JSON has it."""

CREATED = "created"


class Kept(Enum):
    """Where a field's value is kept."""

    SEALED = auto()
    CLEAR = auto()
    HEAD = auto()
    """In the clear, in the partition's head."""
    KEY = auto()
    """In the record's sort key, and nowhere else."""
    RECORDS = auto()
    """In records of their own."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an element.

    Attributes:
        name: what the layout calls it.
        stored: what its record calls it.
        required: whether it must be there; what need not may also be null.
        parts: of a field that is an object, the fields that its record keeps in its place.
    """

    name: str
    form: Form
    kept: Kept
    stored: str
    required: bool = False
    parts: "Declared | None" = None

    @property
    def clear_types(self) -> frozenset[str]:
        """The DynamoDB types of its clear attribute."""
        return self.form.clear if self.required else self.form.clear | NULLABLE


def sealed(name: str, form: Form = forms.TEXT, *, stored: str = "", required: bool = False) -> Field:
    """A field that nobody reads by reading the table."""
    return Field(name, form, Kept.SEALED, stored or name, required)


def clear(name: str, form: Form, *, stored: str = "", required: bool = False) -> Field:
    """A field that stands in the clear, authenticated."""
    return Field(name, form, Kept.CLEAR, stored or name, required)


def in_head(name: str, form: Form, *, required: bool = False) -> Field:
    """A field of the dialogue that stands in the clear in its head."""
    return Field(name, form, Kept.HEAD, name, required)


def in_key(name: str, form: Form) -> Field:
    """A field that is part of the sort key and not kept beside it."""
    return Field(name, form, Kept.KEY, "", required=True)


@dataclass(frozen=True, slots=True)
class Declared:
    """What elements of one sort have in common: their fields, and the entity that their records are.

    Attributes:
        entity: the records' entity; also how their sort keys begin.
        about: one sentence, for the schema.
        clear, sealed: the record's attributes that keep the fields.
    """

    entity: str
    about: str
    fields: tuple[Field, ...]
    clear: Mapping[str, frozenset[str]] = field(init=False, repr=False)
    sealed: frozenset[str] = field(init=False, repr=False)
    _by_name: Mapping[str, Field] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derives the record's attributes."""
        here = [one for one in self.fields if one.kept is not Kept.RECORDS]
        parts = [part for one in here for part in (one.parts.fields if one.parts else (one,))]
        shown = {one.stored: one.clear_types for one in parts if one.kept in {Kept.CLEAR, Kept.HEAD}}
        object.__setattr__(self, "clear", shown)
        object.__setattr__(self, "sealed", frozenset(one.stored for one in parts if one.kept is Kept.SEALED))
        object.__setattr__(self, "_by_name", {one.name: one for one in self.fields})

    def named(self, name: str) -> Field | None:
        """The field that the layout calls so."""
        return self._by_name.get(name)

    def own(self, document: Element) -> Element:
        """Of a document, the members that are fields of this."""
        return {name: value for name, value in document.items() if name in self._by_name}


@dataclass(frozen=True, slots=True)
class ElementKey:
    """The sort key of one entity's records: its name and these parts, joined with `#`."""

    entity: str
    parts: tuple[tuple[str, Form], ...]
    pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derives the pattern of the whole."""
        groups = (f"(?P<{name}>{form.pattern})" for name, form in self.parts)
        object.__setattr__(self, "pattern", re.compile("#".join((self.entity, *groups))))

    def write(self, values: Mapping[str, Any]) -> str:
        """The sort key with these values."""
        return "#".join((self.entity, *(form.to_key(values[name]) for name, form in self.parts)))

    def read(self, sk: str) -> Element:
        """The values in a sort key.

        Raises:
            InvalidInput: it is not one of this entity.
        """
        match = self.pattern.fullmatch(sk)
        if match is None:
            raise InvalidInput(f"{self.entity}: its sort key has not the declared form", field="sk")
        return {name: form.from_key(match[name]) for name, form in self.parts}


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The statuses of an item, the first one first, and what its recorded events leave it in.

    History is recorded: it is taken as it is if it fits together.

    Attributes:
        also: statuses that another word may stand for. A reopened tension is open again, and records say it either way.
    """

    statuses: tuple[str, ...]
    also: Mapping[str, str] = field(default_factory=dict)

    def fits(self, status: str, events: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a status is what its events leave. Events that are no change of status leave it as it is."""
        left: str | None = None
        for event in events:
            if event["type"] == CREATED:
                left = self.statuses[0]
            elif event["type"] in self.statuses:
                left = event["type"]
        return left is None or status in {left, self.also.get(left)}


@dataclass(frozen=True, slots=True)
class ElementSpec(Declared):
    """One list of the layout: its elements, each with a record.

    Attributes:
        name: the list's name.
        key: the names of the fields that make up the sort key, in order.
        model: what the schema calls an element.
        lifecycle: of items.
        listed: whether the index ByList finds them, by status.
        derived: clear attributes that follow from the element.
    """

    name: str = ""
    key: tuple[str, ...] = ()
    model: str = ""
    lifecycle: Lifecycle | None = None
    listed: bool = False
    derived: Mapping[str, Callable[[Element], str]] = field(default_factory=dict)
    sort_key: ElementKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derives the sort key and the clear attributes that follow from an element."""
        Declared.__post_init__(self)
        parts = [(name, found.form) for name in self.key if (found := self.named(name))]
        object.__setattr__(self, "sort_key", ElementKey(self.entity, tuple(parts)))
        object.__setattr__(self, "clear", {**self.clear, **dict.fromkeys(self.derived, TEXT)})

    @property
    def letter(self) -> str:
        """What the display ids of an item begin with; empty for what is no item."""
        found = self.named("id")
        return found.form.letter if found else ""

    def in_key(self, values: Mapping[str, Any]) -> Element:
        """Of an element, or of what its sort key holds, the fields that are kept in the sort key and nowhere else."""
        return {one.name: values[one.name] for one in self.fields if one.kept is Kept.KEY}
