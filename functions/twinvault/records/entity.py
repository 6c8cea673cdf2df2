"""What is declared of one entity; how a draft's fields part by it, and an opened row's come together. Pure."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import KW_ONLY, dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

from twinvault.envelope.aad import ClearValue, Context
from twinvault.errors import InvalidInput, Place, Undeclared
from twinvault.records.blind import BLIND_ATTRIBUTES, Searchable
from twinvault.records.carried import NOTHING, CarriedFields, beside, whole_of
from twinvault.records.declaring import known_fields, require_sound, usable_defaults
from twinvault.records.fields import NUMBER, TEXT, Fields, Forms, classes_of, from_clear, to_clear
from twinvault.records.history import History
from twinvault.records.value import Value

HEAD = "head"
HEAD_SEALED = frozenset({"store"})
"""The library's own sealed field of every head (see `head.STORE`)."""

COMMON: Mapping[str, Forms] = {
    "tenant_id": TEXT,
    "entity_type": TEXT,
    "version": NUMBER,
    "format": NUMBER,
    "created_at": TEXT,
    "updated_at": TEXT,
}
"""Clear attributes that every row carries."""

# Every entity's rows may have them, whatever it declares: a record from before a field ceased to be searchable opens.
_BLIND = dict.fromkeys(BLIND_ATTRIBUTES, TEXT)
_ANY = re.compile(r"(?s).+")


class Reading(Value, frozen=True):
    """What an opened row holds, as it is declared now.

    Attributes:
        fields: its fields by the names of today, those that have a default included.
        retired: the names among them of fields that nobody writes any more.
        outdated: whether a write of these fields would be stored otherwise.
        carried: what else it holds, where that is tolerated.
    """

    hidden: ClassVar = frozenset({"fields"})

    fields: dict[str, Any]
    retired: frozenset[str] = frozenset()
    outdated: bool = False
    carried: CarriedFields = NOTHING


@dataclass(frozen=True, slots=True)
class EntitySpec:
    """One kind of record within a partition.

    Attributes:
        name: the entity's name, stored in the clear as `entity_type`.
        sk: what its sort keys look like, whole.
        clear: the clear attributes with the DynamoDB types that each may have: TEXT, NUMBER, FLAG, and | NULLABLE.
        sealed: the names of the sealed fields.
        searchable: which of the sealed fields can be found by their value, and how.
        retired: fields that older records hold and nobody writes, each with its clear types or SEALED.
        was: what fields were called before, by what they are called now: a name, or several.
        moved: fields that older records hold on the other side of the seal: SEALED for what is clear now, the types
            that it had for what is sealed now. With `fields.DECIMAL` beside them numbers are sealed as text.
        defaults: what a field is in a record that lacks it. What is written has it.
    """

    name: str
    sk: re.Pattern[str]
    clear: Mapping[str, Forms] = field(default_factory=dict)
    sealed: frozenset[str] = frozenset()
    searchable: Searchable = field(default_factory=dict)
    _: KW_ONLY
    retired: Mapping[str, Forms] = field(default_factory=dict)
    was: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    moved: Mapping[str, Forms] = field(default_factory=dict)
    defaults: Fields = field(default_factory=dict)
    types: Mapping[str, Forms] = field(init=False, repr=False, compare=False)
    """All clear attributes of an item of this entity, those that every row carries included, with their types."""
    _classes: Mapping[str, frozenset[type]] = field(init=False, repr=False, compare=False)
    _hidden: frozenset[str] = field(init=False, repr=False, compare=False)
    _always: tuple[frozenset[str], frozenset[str]] = field(init=False, repr=False, compare=False)
    """The clear and the sealed fields that every record has which is written now: those that have a default."""
    _history: History = field(init=False, repr=False, compare=False)
    _names: frozenset[str] = field(init=False, repr=False, compare=False)
    """All names that fields of it have or had, the library's own included."""

    def __post_init__(self) -> None:
        """Refuses a spec that could not be stored as it says."""
        hidden = HEAD_SEALED if self.name == HEAD else frozenset[str]()
        require_sound(self, common=COMMON.keys(), hidden=hidden)
        types = {**COMMON, **_BLIND, **self.clear}
        known = [one for one in known_fields(self) if one.name not in hidden]
        compiled = {
            "defaults": usable_defaults(self),
            "types": types,
            "_classes": {name: classes_of(allowed) for name, allowed in types.items()},
            "_hidden": hidden,
            "_always": (self.defaults.keys() & self.clear.keys(), self.defaults.keys() & self.sealed),
            "_history": History(known, common={**COMMON, **_BLIND}, hidden=hidden),
            "_names": hidden.union(*(one.names for one in known)),
        }
        for name, value in compiled.items():
            object.__setattr__(self, name, value)

    def split(self, fields: Fields) -> tuple[dict[str, ClearValue], dict[str, Any]]:
        """Parts a record's fields into clear values and the sealed document, with the defaults of what is absent.

        Raises:
            InvalidInput: a field is not declared, or retired, or a clear one has a value that it may not have.
        """
        sealed = dict(self.complete(fields))
        clear = {
            name: to_clear(sealed.pop(name), types, entity=self.name, name=name)
            for name, types in self.clear.items()
            if name in sealed
        }
        if not sealed.keys() <= self.sealed:
            raise self._refusal(next(name for name in sealed if name not in self.sealed))
        return clear, sealed

    def complete(self, fields: Fields) -> Fields:
        """These fields, and the defaults of those that are absent: values of their own."""
        if not self.defaults or self.defaults.keys() <= fields.keys():
            return fields
        absent = self.defaults.keys() - fields.keys()
        return {**fields, **{name: deepcopy(self.defaults[name]) for name in absent}}

    def own(self, clear: Mapping[str, ClearValue], sealed: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a record as it is written now: of a head those of its kind, without the library's own."""
        fields = {name: from_clear(clear[name]) for name in self.clear if name in clear}
        fields |= sealed
        for name in self._hidden:
            fields.pop(name, None)
        return fields

    def read(self, context: Context, sealed: Mapping[str, Any], *, tolerant: bool = False) -> Reading:
        """What an authentic row holds, as it is declared now, whichever declaration it was written under.

        `tolerant`: fields of names that are not declared, and a record at a sort key of another form, are carried.

        Raises:
            Undeclared: a sort key, clear attributes or sealed fields are not declared, or not as they are.
        """
        in_place = self.sk.fullmatch(context.sk) is not None
        if in_place and self._is_as_written_now(context.clear, sealed):
            return Reading(self.own(context.clear, sealed))
        if tolerant and not in_place:
            return foreign(context, sealed)
        clear, carried = context.clear, NOTHING
        if tolerant and (carried := self._beside(clear, sealed)):
            clear = {name: value for name, value in clear.items() if name not in carried.clear}
            sealed = {name: value for name, value in sealed.items() if name not in carried.sealed}
            if self._is_as_written_now(clear, sealed):
                return Reading(self.own(clear, sealed), carried=carried)
        fields, problems = self._history.read(clear, sealed)
        problems += [] if in_place else ["sk"]
        if problems:
            raise Undeclared(problems, where=Place(context.table, context.pk, context.sk))
        retired = frozenset(fields.keys() & self.retired.keys())
        return Reading(dict(self.complete(fields)), retired, outdated=True, carried=carried)

    def _beside(self, clear: Mapping[str, ClearValue], sealed: Mapping[str, Any]) -> CarriedFields:
        indexed = [blind.attribute for blind in self.searchable.values()]
        return beside(clear, sealed, known=self._names, common=COMMON.keys(), indexed=indexed)

    def _is_as_written_now(self, clear: Mapping[str, ClearValue], sealed: Mapping[str, Any]) -> bool:
        """Whether nothing of this is to be looked up in the declaration's history, as of nearly all rows."""
        for name, value in clear.items():
            if type(value) not in self._classes.get(name, ()):
                return False
        always_clear, always_sealed = self._always
        return always_clear <= clear.keys() and always_sealed <= sealed.keys() <= self.sealed

    def _refusal(self, name: str) -> InvalidInput:
        """Why a field cannot be written."""
        rule = "is retired: it is read and no longer written" if name in self.retired else "is not a declared field"
        return InvalidInput(f"{self.name}.{name}: {rule}", field=name)


def foreign(context: Context, sealed: Mapping[str, Any]) -> Reading:
    """An authentic row of an entity, or at a sort key, that is not declared: none of its fields, and all carried."""
    return Reading({}, carried=whole_of(context.clear, sealed, common=COMMON.keys()))


@lru_cache(maxsize=256)
def spec_of_foreign(entity: str) -> EntitySpec:
    """By what such a row is sealed anew, as it is: at any sort key, with no field of its own."""
    return EntitySpec(entity, _ANY)
