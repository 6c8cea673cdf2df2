"""The transactions that mend a partition: each seals a head above all that was, moves rows, and is audited.

What it means that one was cancelled, the next look at the partition says: whatever failed, it is planned anew.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from twinvault.audit.elements import HeadSeen, Wrote, row_hash
from twinvault.dynamodb.marks import Mark, head_mark_key, mark_statement
from twinvault.dynamodb.transaction import Outcome, Statement, discard, insert, overwrite
from twinvault.errors import Conflict, DependencyError, OutcomeUnknown
from twinvault.keys.rows import dek_name
from twinvault.maintenance.holding import RESERVE_SECONDS
from twinvault.records.batches import PARTITION_UNITS, write_units
from twinvault.records.blinding import find_blinder
from twinvault.records.head import STORE
from twinvault.records.mending import MendTarget, Move, is_plain, moves, next_version, parts
from twinvault.records.record import TABLE, Draft
from twinvault.records.sealing import Put, Sealing
from twinvault.records.spec import HEAD, KindSpec
from twinvault.records.surveying import Survey, SurveyKeys
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.audit.activity import Activity
    from twinvault.vault import Vault

_OTHERS = "somebody else writes this partition while it is being mended: let that end, look, and begin again"


@dataclass(slots=True)
class Applying:
    """The transactions of one call.

    Attributes:
        was_cancelled: whether the last one was, and nothing of it is stored.
        events: of those that were stored.
        doubtful: of one of which that is not known, its event and the error to raise.
    """

    vault: "Vault"
    activity: "Activity"
    kind: KindSpec
    scope: Scope
    was_cancelled: bool = False
    events: set[str] = field(default_factory=set)
    doubtful: tuple[str, OutcomeUnknown] | None = None

    def found(self, living: Survey) -> None:
        """Looks at what there is for what the last transaction left.

        Raises:
            OutcomeUnknown: whether it was stored cannot be said.
            Conflict: somebody else has written since this began: that is not to be undone unseen.
        """
        event = living.head[1].last_event if living.head else ""
        if self.doubtful is not None:
            tried, error = self.doubtful
            if event != tried:
                raise error
            self.vault.audit.found_committed(self.activity, tried)
            self.events.add(tried)
            self.doubtful = None
        if self.events and event not in self.events:
            raise Conflict(_OTHERS)

    def is_over(self) -> bool:
        """Whether nothing new may be started."""
        return time.monotonic() >= self.activity.deadline - RESERVE_SECONDS

    def apply(self, target: MendTarget, living: Survey, *, mark: Mark | None, keys: SurveyKeys) -> None:
        """Seals a head over the target and moves rows, part by part, until it is over or one is cancelled.

        Raises:
            DependencyError: the store cannot take it now; what was moved before stays so.
            Conflict: the marks leave no version.
            InvalidInput, TooLarge: the head cannot be stored.
        """
        table, before = self.vault.records.name, living.items.get(HEAD)
        if before is not None and not is_plain(before):
            # It cannot be exchanged, for its names must not come near a statement; and it is no head anyway.
            self._commit([discard(table, before)], event_id=self.vault.audit.event_id(), wrote={})
            return
        seen = HeadSeen(living.head[0].version, living.head[0].digest) if living.head else None
        sealing, pace = self._sealing(next_version(mark, target=target, living=living), target=target, keys=keys), 0.0
        for part in parts(moves(target, living, table=table)):
            self.vault.writer.sleep(max(0.0, pace - time.monotonic()))
            if self.is_over():
                return
            event_id = self.vault.audit.event_id()
            head = self._head(sealing, target, event_id=event_id)
            first = insert(table, head.item) if before is None else overwrite(table, head.item, before=before)
            deleted = sorted(row_hash(TABLE, pk=self.scope.pk, sk=one.sk) for one in part if one.is_deletion)
            wrote = Wrote(sealing.version, head.record.digest, seen, tuple(deleted))
            if not self._store(first, part, head=head, event_id=event_id, wrote=wrote):
                return
            before, seen = head.item, HeadSeen(sealing.version, head.record.digest)
            sealing = replace(sealing, version=sealing.version + 1, now=self.vault.writer.freezer.now())
            pace = time.monotonic() + sum(write_units(one.size) for one in part) / PARTITION_UNITS

    def _sealing(self, version: int, *, target: MendTarget, keys: SurveyKeys) -> Sealing:
        freezer, kind, tenant = self.vault.writer.freezer, self.kind.reopened(), self.scope.tenant
        blinder = find_blinder(freezer.keys, kind, tenant=tenant, observer=self.activity) if kind.searchable else None
        key = keys.there[dek_name(self.scope, target.state.dek_version)]
        return Sealing(self.scope, kind, key, version, freezer.now(), freezer.randomness, blinder)

    def _head(self, sealing: Sealing, target: MendTarget, *, event_id: str) -> Put:
        state = replace(target.state, last_event=event_id)
        self.activity.crypto("encrypt", sealing.key.name)
        return sealing.put(Draft(HEAD, HEAD, {**target.fields, STORE: state.to_fields()}), target.head)

    def _store(self, first: Statement, part: Sequence[Move], *, head: Put, event_id: str, wrote: Wrote) -> bool:
        """Commits the head, its mark and the moves; says whether they are stored."""
        mark_pk = head_mark_key(self.scope.pk)
        mark = mark_statement(
            mark_pk,
            Mark(head.record.version, head.record.digest, event_id),
            table=self.vault.writer.freezer.tables.marks,
        )
        statements = [first, *(one.statement for one in part), mark]
        return self._commit(statements, event_id=event_id, wrote={mark_pk: wrote})

    def _commit(self, statements: Sequence[Statement], *, event_id: str, wrote: Mapping[str, Wrote]) -> bool:
        result = self.vault.audit.commit(self.activity, statements, event_id=event_id, wrote=wrote)
        self.was_cancelled = result.outcome is Outcome.CANCELLED
        match result.outcome:
            case Outcome.COMMITTED:
                if wrote:
                    self.events.add(event_id)
                return True
            case Outcome.REFUSED:
                raise DependencyError("the store cannot take this now", cause=result.cause)
            case Outcome.UNKNOWN:
                message = "the outcome of mending this partition is unknown; repeating the request is safe"
                self.doubtful = (event_id, OutcomeUnknown(message, cause=result.cause))
        return False
