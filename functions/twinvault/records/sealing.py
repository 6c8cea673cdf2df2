"""What all records of one write have in common, and one record of it, sealed. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from twinvault.dynamodb.transaction import Statement, insert, replace
from twinvault.envelope.item import Item
from twinvault.errors import InvalidInput, Place, Undeclared
from twinvault.keys.rows import NamedKey
from twinvault.records.blind import Blinder
from twinvault.records.carried import NOTHING, CarriedFields
from twinvault.records.record import TABLE, Draft, StoredRecord, new_stamp, seal_record
from twinvault.records.spec import EntitySpec, KindSpec
from twinvault.records.value import Value
from twinvault.scope import Scope


class Put(Value, frozen=True):
    """One record of a write, sealed."""

    hidden: ClassVar = frozenset({"item"})

    item: Item
    size: int
    record: StoredRecord
    replaced: StoredRecord | None
    removed: tuple[str, ...] = ()

    def statement(self, table: str) -> Statement:
        """INSERT for a new record, a conditional UPDATE for one that replaces another."""
        if self.replaced is None:
            return insert(table, self.item)
        return replace(table, self.item, remove=self.removed, commitment=self.replaced.commitment)


@dataclass(frozen=True, slots=True)
class Sealing:
    """What all records of one write have in common: the head's version of that write is the version of each.

    `blinder` is there where the kind has fields that can be found. With `keeps_times` what replaces a record is that
    record, and was not updated.
    """

    scope: Scope
    kind: KindSpec
    key: NamedKey
    version: int
    now: str
    randomness: Callable[[int], bytes]
    blinder: Blinder | None = None
    keeps_times: bool = False

    def put(self, draft: Draft, old: StoredRecord | None) -> Put:
        """Seals a draft, as the successor of `old` if there is one, with whatever of that is not declared.

        Raises:
            InvalidInput, TooLarge: as for `seal_record`; or the kind has no such entity, or it is retired, or
                `old` is of another.
            Undeclared: `old` is of an entity that is not declared, or at such a sort key.
        """
        if not draft.carried.whole:
            self.require_known(old)
        carried = old.carried if old else NOTHING
        draft = Draft(draft.entity, draft.sk, draft.fields, carried)
        spec = self.kind.spec_of(draft)
        if old is not None and old.entity != draft.entity:
            raise InvalidInput(f"kind {self.kind.kind}: there is no entity '{draft.entity}' at this place")
        created_at = old.created_at if old else self.now
        updated_at = old.updated_at if old and self.keeps_times else self.now
        stamp = new_stamp(
            version=self.version, created_at=created_at, updated_at=updated_at, randomness=self.randomness
        )
        blind = self._blind(draft, spec)
        sealed = seal_record(draft, spec, scope=self.scope, key=self.key, stamp=stamp, blind=blind)
        record = StoredRecord(
            entity=spec.name,
            sk=draft.sk,
            version=self.version,
            created_at=created_at,
            updated_at=updated_at,
            fields=spec.own(sealed.clear, _without(sealed.read, carried)),
            key_id=self.key.name,
            attributes=frozenset(sealed.clear),
            commitment=sealed.commitment,
            digest=sealed.digest,
            blind=carried.blind | blind,
            carried=carried,
        )
        # By what is stored, not by what is declared: what an older declaration wrote goes as well.
        removed = tuple(sorted(old.attributes - sealed.clear.keys())) if old else ()
        return Put(sealed.item, sealed.size, record, old, removed)

    def require_known(self, old: StoredRecord | None) -> None:
        """Lets a record be replaced, or deleted, that is declared.

        Raises:
            Undeclared: it is carried whole: nobody here knows what would be lost with it.
        """
        if old is not None and old.foreign:
            raise Undeclared(["entity_type"], where=Place(TABLE, self.scope.pk, old.sk))

    def _blind(self, draft: Draft, spec: EntitySpec) -> dict[str, str]:
        """Its blind indexes.

        Raises:
            InvalidInput: as for `Blinder.attributes`.
        """
        if not spec.searchable:
            return {}
        assert self.blinder is not None  # noqa: S101  # for the type checker: whoever seals such a kind made one
        return self.blinder.attributes(spec.name, spec.searchable, fields=spec.complete(draft.fields))


def _without(sealed: dict[str, Any], carried: CarriedFields) -> dict[str, Any]:
    return {name: value for name, value in sealed.items() if name not in carried.sealed} if carried else sealed
