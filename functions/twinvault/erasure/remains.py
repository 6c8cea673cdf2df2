"""What there is of a partition that is to be erased, whole or damaged, and the transaction that erases it. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from twinvault.audit.elements import HeadSeen, Wrote, row_hash
from twinvault.dynamodb.marks import Mark, erased_mark_key, head_mark_key, mark_statement
from twinvault.dynamodb.table import TableNames
from twinvault.dynamodb.transaction import Statement, discard, insert, overwrite
from twinvault.envelope import NONCE_BYTES, SALT_BYTES
from twinvault.envelope.item import Item, text_of
from twinvault.errors import Conflict
from twinvault.keys.rows import MAX_NUMBER, NamedKey, dek_version, epoch_of
from twinvault.keys.rows import TABLE as KEYS
from twinvault.keys.sealed import Written
from twinvault.keys.tombstone import (
    MAX_DEKS,
    MAX_HEAD_VERSION,
    ErasedDek,
    FoundTombstone,
    Tombstone,
    seal_tombstone,
)
from twinvault.records.partition import Snapshot
from twinvault.records.record import TABLE as RECORDS
from twinvault.scope import Scope


@dataclass(frozen=True, slots=True)
class Remains:
    """A partition as it was found.

    Attributes:
        head: its head's row, if there is one.
        deks: the rows of its DEKs.
        mark: its newest mark.
        erased_up_to: the highest version of its DEK that was erased before; 0 where none was.
        stone: the row in the place of its tombstone, if there is one.
        before: the same, opened, where it opens.
        snapshot: the partition, where it could be opened whole.
        has_rows: whether any row stands in the partition.
    """

    scope: Scope
    head: Item | None = field(repr=False)
    deks: Sequence[Item] = field(repr=False)
    mark: Mark | None
    erased_up_to: int
    stone: Item | None = field(repr=False)
    before: FoundTombstone | None
    snapshot: Snapshot | None = field(repr=False)
    has_rows: bool

    @property
    def standing(self) -> FoundTombstone | None:
        """The tombstone, where its erasure is what was written last."""
        return self.before if self.before is not None and self.before.is_named_by(self.mark) else None

    def erased_since(self, time: str) -> FoundTombstone | None:
        """The tombstone of an erasure that was not before this time (RFC 3339): what stands there began after it."""
        if self.before is None:
            return None
        erased_at = datetime.fromisoformat(self.before.tombstone.erased_at)
        return self.before if erased_at >= datetime.fromisoformat(time) else None

    @property
    def is_nothing(self) -> bool:
        """Whether there never was such a partition."""
        return self.mark is None and self.stone is None and not self.deks and not self.has_rows

    @property
    def is_moving(self) -> bool:
        """Whether somebody wrote while it was looked at."""
        return self.snapshot is not None and (self.mark is None or self.snapshot.head.version != self.mark.version)

    @property
    def counts(self) -> dict[str, int] | None:
        """How many records there are, by entity; None where they do not open."""
        if self.snapshot is None:
            return None
        return dict(Counter(record.entity for record in self.snapshot.records.values()))

    def tombstone(self, *, newest_epoch: int, now: str, event_id: str) -> Tombstone:
        """What will be said of it.

        Raises:
            Conflict: it has too many DEKs for one transaction, or its marks leave no version.
        """
        if len(self.deks) > MAX_DEKS:
            raise Conflict(f"{len(self.deks)} versions of its key are there, {MAX_DEKS} can go at once: retire first")
        head_version = self.mark.version if self.mark else 0
        if head_version > MAX_HEAD_VERSION:
            raise Conflict("mark: the newest one leaves no version above it: no tombstone can be named", field="mark")
        versions = [
            ErasedDek(dek_version(text_of(row, "sk"), scope=self.scope), epoch_of(text_of(row, "key_id")) or 0)
            for row in self.deks
        ]
        return Tombstone(
            head_version=head_version,
            dek_version=max([self._highest_dek(), self.erased_up_to, *(one.version for one in versions)]),
            erased_at=now,
            keys=tuple(sorted(versions, key=lambda one: one.version)),
            newest_epoch=newest_epoch,
            records=self.counts,
            last_event=event_id,
        )

    def _highest_dek(self) -> int:
        """The highest version of its DEK that there can be, whichever rows somebody took away; 0 where there is none.

        Where the partition opens, its head says it. Else the marks bound it, which nobody takes away: a version of the
        DEK begins with a write, so there have been no more of them than writes since the erasure before.
        """
        if self.snapshot is not None:
            return self.snapshot.state.dek_version
        since, upto = (self.before.tombstone.version, self.before.tombstone.dek_version) if self.before else (0, 0)
        writes = max(0, (self.mark.version if self.mark else 0) - since)
        return min(upto + writes, MAX_NUMBER)


@dataclass(frozen=True, slots=True)
class PlannedErasure:
    """An erasure, sealed once.

    Attributes:
        tombstone: what it leaves.
        digest: of the tombstone's seal.
        statements: head and DEKs out; tombstone and marks in.
        wrote: what the audit entry will say, by the partition's mark.
    """

    tombstone: Tombstone
    digest: bytes
    statements: Sequence[Statement] = field(repr=False)
    wrote: Mapping[str, Wrote] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ErasureSealer:
    """Seals erasures of one store. `randomness` is `os.urandom` outside of tests."""

    tables: TableNames
    randomness: Callable[[int], bytes]

    def plan(self, found: Remains, *, key: NamedKey, newest_epoch: int, now: str, event_id: str) -> PlannedErasure:
        """The transaction that erases this partition, if it is still what was found; `key` is the register key.

        `newest_epoch` is that of the tenant's KEK.

        Raises:
            Conflict: as for `Remains.tombstone`.
        """
        scope, tables = found.scope, self.tables
        tombstone = found.tombstone(newest_epoch=newest_epoch, now=now, event_id=event_id)
        written = found.before.row.written.again(now) if found.before else Written(1, now, now)
        salt, nonce = self.randomness(SALT_BYTES), self.randomness(NONCE_BYTES)
        item, digest = seal_tombstone(tombstone, scope=scope, key=key, written=written, salt=salt, nonce=nonce)
        head_mark = head_mark_key(scope.pk)
        statements = [discard(tables.records, found.head)] if found.head else []
        statements += [discard(tables.keys, row) for row in found.deks]
        statements += [
            insert(tables.keys, item) if found.stone is None else overwrite(tables.keys, item, before=found.stone),
            mark_statement(head_mark, Mark(tombstone.version, digest, event_id), table=tables.marks),
        ]
        if tombstone.dek_version > found.erased_up_to:
            upto = Mark(tombstone.dek_version, digest, event_id)
            statements.append(mark_statement(erased_mark_key(scope.pk), upto, table=tables.marks))
        replaced = HeadSeen(found.mark.version, found.mark.digest) if found.mark else None
        wrote = Wrote(tombstone.version, digest, replaced, _deleted(found))
        return PlannedErasure(tombstone, digest, statements, {head_mark: wrote})


def _deleted(found: Remains) -> tuple[str, ...]:
    rows = [(KEYS, found.scope.keys_pk, text_of(row, "sk")) for row in found.deks]
    rows += [(RECORDS, found.scope.pk, text_of(found.head, "sk"))] if found.head else []
    return tuple(sorted(row_hash(table, pk=pk, sk=sk) for table, pk, sk in rows))
