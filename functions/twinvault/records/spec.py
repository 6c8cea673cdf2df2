"""Entity specs and kinds: what a team declares of its records (docs/entities.md).

What is declared clear can be queried, indexed and seen by whoever reads the table, and cannot be changed unnoticed. All
else is sealed. What is not declared is refused. What was declared otherwise once is read as it is declared now.
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any

from twinvault.envelope.aad import Context
from twinvault.errors import InvalidInput, Place, Undeclared
from twinvault.records.argument_types import listed, require_kind
from twinvault.records.blind import Searchable
from twinvault.records.entity import COMMON, HEAD, HEAD_SEALED, EntitySpec, Reading, foreign, spec_of_foreign
from twinvault.records.fields import FLAG, INDEXED, NULLABLE, NUMBER, SEALED, TEXT, Fields, Forms, from_clear

if TYPE_CHECKING:
    from twinvault.records.record import Draft

__all__ = [
    "COMMON",
    "FLAG",
    "HEAD",
    "HEAD_SEALED",
    "NULLABLE",
    "NUMBER",
    "SEALED",
    "TEXT",
    "EntitySpec",
    "Fields",
    "KindSpec",
    "from_clear",
    "head_spec",
]


def head_spec(
    clear: Mapping[str, Forms] | None = None,
    sealed: frozenset[str] = frozenset(),
    *,
    searchable: Searchable | None = None,
    retired: Mapping[str, Forms] | None = None,
    was: Mapping[str, str | Sequence[str]] | None = None,
    moved: Mapping[str, Forms] | None = None,
    defaults: Fields | None = None,
) -> EntitySpec:
    """The spec of a kind's head: the library's own sealed fields and the kind's (see `EntitySpec`)."""
    if not isinstance(sealed, AbstractSet):
        raise InvalidInput("head: `sealed` must be a set of names", field="sealed")
    if HEAD_SEALED & {*sealed, *(searchable or {})}:
        raise InvalidInput("head: store is the library's own field")
    return EntitySpec(
        HEAD,
        re.compile(HEAD),
        {} if clear is None else clear,
        HEAD_SEALED | sealed,
        searchable or {},
        retired=retired or {},
        was=was or {},
        moved=moved or {},
        defaults=defaults or {},
    )


@dataclass(frozen=True, slots=True)
class KindSpec:
    """A kind of partition: its head's own fields and the entities that may stand in it.

    Attributes:
        kind: its name, part of every key.
        entities: what is written, read and deleted.
        head: the head's own fields.
        retired: entities that older partitions hold: read and deleted, and no longer written.
        tolerate: whether fields, entities and sort keys' forms that are not declared are carried, not refused: for the
            time in which a newer release writes beside this one, or wrote before it was taken back.
    """

    kind: str
    entities: Sequence[EntitySpec]
    head: EntitySpec = field(default_factory=head_spec)
    _: KW_ONLY
    retired: Sequence[EntitySpec] = ()
    tolerate: bool = False
    _known: Mapping[str, EntitySpec] = field(init=False, repr=False, compare=False)
    _written: Mapping[object, EntitySpec] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuses a kind whose name cannot stand in a key, or with two entities of one name."""
        declared = [*listed(self.entities), *listed(self.retired)]
        require_kind(self.kind, declared, head=self.head, entity=EntitySpec, tolerate=self.tolerate)
        known = dict[str, EntitySpec]()
        for spec in (*self.entities, *self.retired):
            if spec.name == HEAD or spec.name in known:
                raise InvalidInput(f"kind {self.kind}: entity '{spec.name}' is declared twice", field=spec.name)
            known[spec.name] = spec
        if self.head.name != HEAD:
            raise InvalidInput(f"kind {self.kind}: its head must be of `head_spec`", field="head")
        object.__setattr__(self, "_known", known)
        object.__setattr__(self, "_written", {spec.name: spec for spec in self.entities})

    def entity(self, name: object) -> EntitySpec | None:
        """The entity of this name that is written, or None."""
        return self._written.get(name)

    @property
    def searchable(self) -> bool:
        """Whether any of its records, or its head, has a field that can be found by its value."""
        return any(spec.searchable for spec in (self.head, *self._known.values()))

    def spec_at(self, sk: str, *, entity: str) -> EntitySpec | None:
        """The spec of a row that stands at this sort key and says that it is of this entity; None if there is none."""
        if HEAD in {sk, entity}:
            return self.head if sk == entity else None
        return self.known(entity)

    def known(self, entity: str) -> EntitySpec | None:
        """The head's spec, or that of an entity that is written or retired; None if there is no such entity."""
        return self.head if entity == HEAD else self._known.get(entity)

    def written(self, entity: str) -> EntitySpec:
        """The spec by which records of this entity, or the head, are written.

        Raises:
            InvalidInput: the kind has no such entity, or it is retired.
        """
        spec = self.head if entity == HEAD else self.entity(entity)
        if spec is None:
            retired = f"entity '{entity}' is retired: its records are read and deleted, and no longer written"
            rule = retired if entity in self._known else f"there is no entity '{entity}'"
            raise InvalidInput(f"kind {self.kind}: {rule}", field="entity")
        return spec

    def require_listed(self, head: Fields) -> None:
        """Lets a head's fields pass that give a partition its place in the list, where the kind declares one.

        Raises:
            InvalidInput: one of the list's fields is absent: no list would ever find the partition.
        """
        fields = self.head.complete(head)
        if absent := sorted((INDEXED & self.head.clear.keys()) - fields.keys()):
            rule = "is declared and absent: without it no list would find the partition"
            raise InvalidInput(f"head.{absent[0]}: {rule}", field=absent[0])

    def reopened(self) -> "KindSpec":
        """The kind in which retired entities are written, too: for what is sealed anew as it is."""
        return KindSpec(self.kind, (*self.entities, *self.retired), self.head, tolerate=self.tolerate)

    @staticmethod
    def undeclared(kind: str) -> "KindSpec":
        """The kind as who knows nothing of it sees it: every record is carried, and can be sealed anew as it is."""
        return KindSpec(kind, (), tolerate=True)

    def read(self, context: Context, sealed: Mapping[str, Any], *, entity: str) -> Reading:
        """What an authentic row holds that says that it is of this entity (see `EntitySpec.read`).

        Raises:
            Undeclared: it holds what is not declared, and that is not tolerated. A head is never of another entity.
        """
        spec = self.spec_at(context.sk, entity=entity)
        if spec is not None:
            return spec.read(context, sealed, tolerant=self.tolerate)
        if self.tolerate and HEAD not in {context.sk, entity}:
            return foreign(context, sealed)
        raise Undeclared(["entity_type"], where=Place(context.table, context.pk, context.sk))

    def spec_of(self, draft: "Draft") -> EntitySpec:
        """The spec by which a draft is sealed.

        Raises:
            InvalidInput: as for `written`.
        """
        if draft.carried.whole:
            return spec_of_foreign(draft.entity)
        return self.written(HEAD if draft.sk == HEAD else draft.entity)

    def as_stored(self, entity: str, fields: Fields) -> dict[str, Any]:
        """These fields as they will be read back: `1.0` in a clear number becomes `1`, and what is absent its default.

        Raises:
            InvalidInput: the kind has no such entity, or the fields are not ones of it.
        """
        spec = self.written(entity)
        return spec.own(*spec.split(fields))
