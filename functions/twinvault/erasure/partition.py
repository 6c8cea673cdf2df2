"""A partition's erasure: one transaction, and whatever comes of it is told by what is there afterwards.

Head and DEKs go, and the tombstone comes, together with its marks and the audit entry, or not at all. A writer who is
faster makes it be planned anew. Another erasure who is faster has done it. So it may be killed at any point and asked
for again. What cannot be opened is erased like all else: nobody's right to it hangs on the integrity of what is there.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.audit.elements import HeadSeen
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.transaction import Outcome, discard
from twinvault.envelope.item import text_of
from twinvault.erasure.remains import ErasureSealer, PlannedErasure, Remains
from twinvault.errors import (
    Conflict,
    DependencyError,
    Gone,
    IntegrityError,
    KeyRefused,
    NotFound,
    OutcomeUnknown,
    Undeclared,
)
from twinvault.keys.erased import Tombstones
from twinvault.keys.rows import REGISTER_KEY, dek_name, dek_prefix, is_dek_name, tombstone_name
from twinvault.keys.tombstone import FoundTombstone
from twinvault.records.committing import AuditedCommits
from twinvault.records.mending import is_plain
from twinvault.records.partition import Snapshot
from twinvault.records.spec import HEAD, KindSpec

if TYPE_CHECKING:
    from twinvault.audit.activity import Activity
    from twinvault.envelope.item import Item
    from twinvault.scope import Scope
    from twinvault.vault import Vault

_TRIES = 12
_PAUSE = 0.02


@dataclass(slots=True)
class PartitionErasure:
    """The erasure of one partition, for one activity.

    Attributes:
        since: when it was asked for (RFC 3339); None: now. What began after an erasure that was not before then stays.
        told: whether the audit log says that it does not open: once is enough.
    """

    vault: "Vault"
    scope: "Scope"
    kind: KindSpec
    activity: "Activity"
    since: str | None = None
    told: bool = False

    def run(self) -> FoundTombstone:
        """Erases it, unless that is done; returns its tombstone.

        Raises:
            NotFound: there never was such a partition.
            Held: it, or its tenant, is under a legal hold.
            Conflict: it has too many versions of its key, its marks leave no version, or others kept writing it.
            IntegrityError: the tenant's keys, or a mark, are damaged.
            OutcomeUnknown: it may or may not be done; repeating is safe.
            KeyRefused, DependencyError: the register key cannot be used now, or the tables cannot.
        """
        tried, outcome = dict[str, PlannedErasure](), Outcome.CANCELLED
        with self.activity.writing():
            for attempt in range(_TRIES):
                found = self._look()
                standing = found.standing or (found.erased_since(self.since) if self.since else None)
                if standing is not None:
                    if standing.tombstone.last_event in tried:
                        self.vault.audit.found_committed(self.activity, standing.tombstone.last_event)
                    self._forget(found, standing)
                    return standing
                if outcome is Outcome.UNKNOWN:
                    raise OutcomeUnknown("the erasure was sent and its outcome is unknown; repeating it is safe")
                if found.is_nothing:
                    raise NotFound("there is no such partition")
                if not found.is_moving:
                    outcome = self._attempt(found, tried)
                if outcome is not Outcome.COMMITTED:
                    self._again(attempt)
        raise Conflict("others keep writing this partition; try again")

    def _attempt(self, found: Remains, tried: dict[str, PlannedErasure]) -> Outcome:
        """Tries it on the partition as it was found."""
        audit, freezer = self.vault.audit, self.vault.writer.freezer
        event_id = audit.event_id()
        if found.stone is not None and not is_plain(found.stone):
            # It cannot be exchanged, for its names must not come near a statement; and it is no tombstone anyway.
            outcome = audit.commit(
                self.activity, [discard(freezer.tables.keys, found.stone)], event_id=event_id, wrote={}
            ).outcome
            return Outcome.CANCELLED if outcome is Outcome.COMMITTED else outcome
        # As it is now: who erased this must not say later that a newer epoch did not matter.
        tenant = self.vault.keys.tenant(self.scope.tenant, observer=self.activity, fresh=True)
        if tenant is None:
            raise NotFound("this tenant has no keys")
        planned = ErasureSealer(freezer.tables, os.urandom).plan(
            found,
            key=self.vault.keys.register_key(tenant, observer=self.activity),
            newest_epoch=tenant.register.newest,
            now=freezer.now(),
            event_id=event_id,
        )
        guard = self.vault.holds.guard(self.scope.tenant, self.scope, committer=AuditedCommits(audit, self.activity))
        if found.snapshot is not None:
            # Another entry may have said so, if the holds had to be written: the erasure's own shall.
            head = found.snapshot.head
            self.activity.saw(head_mark_key(self.scope.pk), HeadSeen(head.version, head.digest))
        self.activity.crypto("encrypt", REGISTER_KEY)
        for one in planned.tombstone.keys:
            self.activity.key_event("erase", dek_name(self.scope, one.version))
        tried[event_id] = planned
        result = audit.commit(self.activity, [guard, *planned.statements], event_id=event_id, wrote=planned.wrote)
        if result.outcome is Outcome.REFUSED:
            raise DependencyError("the store cannot take the erasure now", cause=result.cause)
        return result.outcome

    def _look(self) -> Remains:
        """The partition as it is: whatever of it opens, and what is there all the same."""
        vault, scope = self.vault, self.scope
        snapshot = self._snapshot()
        # Before the rows: of a write that adds one to them meanwhile, the tombstone's mark would take the place.
        mark = vault.reader.marks.newest(head_mark_key(scope.pk))
        rows = vault.key_table.query(scope.keys_pk, dek_prefix(scope))
        stone = next((row for row in rows if text_of(row, "sk") == tombstone_name(scope)), None)
        head = vault.records.get_isolated(scope.pk, HEAD)
        return Remains(
            scope,
            head,
            [row for row in rows if is_dek_name(text_of(row, "sk"), scope=scope)],
            mark,
            vault.keys.loader.erased_up_to(scope),
            stone,
            self._opened(stone),
            snapshot,
            head is not None or bool(vault.records.query(scope.pk, limit=1)),
        )

    def _snapshot(self) -> Snapshot | None:
        try:
            return self.vault.reader.read(self.scope, self.kind, activity=self.activity)
        except Gone:
            return None
        except (IntegrityError, KeyRefused, Undeclared) as refusal:
            if not self.told:
                self.vault.audit.refused(self.activity, refusal)
                self.told = True
            return None

    def _opened(self, stone: "Item | None") -> FoundTombstone | None:
        if stone is None:
            return None
        try:
            found = Tombstones(self.vault.keys, self.vault.reader.marks)
            return found.open(stone, self.scope, observer=self.activity)
        except IntegrityError:
            return None  # planted, or changed: what is written over it is sealed

    def _forget(self, found: Remains, standing: FoundTombstone) -> None:
        """Nothing of it stays in this environment's memory; others have it until their time is over."""
        for version in {one.version for one in standing.tombstone.keys} | {standing.tombstone.dek_version}:
            if version:
                self.vault.keys.forget(found.scope.tenant, dek_name(found.scope, version))

    def _again(self, attempt: int) -> None:
        """Waits a moment: from once to twice as long, so that two that met do not meet again at once."""
        writer = self.vault.writer
        writer.sleep(_PAUSE * (attempt + 1) * (1 + writer.randomness(1)[0] / 256))
        self.activity.new_attempt()
