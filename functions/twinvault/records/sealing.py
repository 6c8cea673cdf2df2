"""What all records of one write have in common, and one record of it, sealed. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from twinvault.dynamodb.transaction import Statement, insert, replace
from twinvault.envelope.item import Item
from twinvault.errors import InvalidInput
from twinvault.keys.rows import NamedKey
from twinvault.records.blind import Blinder
from twinvault.records.record import Draft, StoredRecord, new_stamp, seal_record
from twinvault.records.spec import HEAD, EntitySpec, KindSpec
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

    `blinder` is there where the kind has fields that can be found.
    """

    scope: Scope
    kind: KindSpec
    key: NamedKey
    version: int
    now: str
    randomness: Callable[[int], bytes]
    blinder: Blinder | None = None

    def put(self, draft: Draft, old: StoredRecord | None) -> Put:
        """Seals a draft, as the successor of `old` if there is one.

        Raises:
            InvalidInput, TooLarge: as for `seal_record`; or the kind has no such entity, or it is retired, or
                `old` is of another.
        """
        spec = self.kind.written(HEAD if draft.sk == HEAD else draft.entity)
        if old is not None and old.entity != draft.entity:
            raise InvalidInput(f"kind {self.kind.kind}: there is no entity '{draft.entity}' at this place")
        created_at = old.created_at if old else self.now
        stamp = new_stamp(version=self.version, created_at=created_at, updated_at=self.now, randomness=self.randomness)
        blind = self._blind(draft, spec)
        sealed = seal_record(draft, spec, scope=self.scope, key=self.key, stamp=stamp, blind=blind)
        record = StoredRecord(
            entity=spec.name,
            sk=draft.sk,
            version=self.version,
            created_at=created_at,
            updated_at=self.now,
            fields=spec.own(sealed.clear, sealed.read),
            key_id=self.key.name,
            attributes=frozenset(sealed.clear),
            commitment=sealed.commitment,
            digest=sealed.digest,
            blind=blind,
        )
        # By what is stored, not by what is declared: what an older declaration wrote goes as well.
        removed = tuple(sorted(old.attributes - sealed.clear.keys())) if old else ()
        return Put(sealed.item, sealed.size, record, old, removed)

    def _blind(self, draft: Draft, spec: EntitySpec) -> dict[str, str]:
        """Its blind indexes.

        Raises:
            InvalidInput: as for `Blinder.attributes`.
        """
        if not spec.searchable:
            return {}
        assert self.blinder is not None  # noqa: S101  # for the type checker: whoever seals such a kind made one
        return self.blinder.attributes(spec.name, spec.searchable, fields=spec.complete(draft.fields))
