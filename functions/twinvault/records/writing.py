"""Writes of one partition: frozen once, together or not at all (docs/design.md, "Life of a write").

A write is a transaction of the head (conditional on its commitment, which is unique per write), its records, the head's
mark, for a new partition its first DEK, and the audit entry. If it is cancelled, what that means is told by which of
the statements failed, never by a code, for engines differ in those.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import cast

from twinvault.audit.activity import Activity
from twinvault.audit.log import AuditLog
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.transaction import Outcome, Result
from twinvault.errors import Conflict, DependencyError, OutcomeUnknown
from twinvault.keys.changing import KeyChanges
from twinvault.records.beginning import FIRST
from twinvault.records.changes import Changes
from twinvault.records.committing import AuditedCommits
from twinvault.records.freezing import Freezer
from twinvault.records.frozen import HEAD_POSITION, Frozen
from twinvault.records.partition import Look, Snapshot
from twinvault.records.reading import Reader
from twinvault.records.requests import Idempotency, NewAnswer, request_name
from twinvault.records.spec import KindSpec
from twinvault.scope import Scope

_TRIES = 12
_PAUSE = 0.02

type WholePlan = Callable[[Snapshot | None], Changes | None]
"""Looks at the partition as it is and says what to write; None: nothing. Called anew whenever someone else wrote."""
type RowsPlan = Callable[[Look | None], Changes | None]
"""`WholePlan` for the head and some records alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes partitions; thread-safe. Clock and randomness are `time`'s and `os`'s outside of tests."""

    reader: Reader
    freezer: Freezer
    changes: KeyChanges
    audit: AuditLog
    randomness: Callable[[int], bytes]
    sleep: Callable[[float], None]
    monotonic: Callable[[], float]

    def write(
        self, scope: Scope, kind: KindSpec, *, activity: Activity, plan: WholePlan, base: Snapshot | None = None
    ) -> Snapshot | None:
        """Writes what `plan` wants, and returns the partition as it then is.

        `base` spares the first read where the caller holds a snapshot already; if it is stale the write is cancelled
        and planned on a fresh one.

        Raises:
            Conflict: other writers were faster, too often; or a record that was to be new is there.
            OutcomeUnknown: it may or may not be written; repeating is safe.
            InvalidInput, TooLarge: the plan's records cannot be stored; nothing was.
            DependencyError: as for reads, or the activity's deadline has passed; nothing was stored by this call.
            IntegrityError: as for reads, or something stands where only this write could have put it.
        """
        after = self._run(_Write(self, scope, kind, activity), cast("RowsPlan", plan), base=base)
        assert after is None or isinstance(after, Snapshot)  # noqa: S101  # for the type checker: all was looked at
        return after

    def write_rows(
        self,
        scope: Scope,
        kind: KindSpec,
        *,
        sks: Collection[str],
        activity: Activity,
        plan: RowsPlan,
        base: Look | None = None,
        idempotency: Idempotency | None = None,
    ) -> Look | None:
        """`write` at the cost of what it writes: it looks at the head and at these records, and at nothing else.

        The plan may put and delete only these records, and add any. Returns the head as it then is, and what was
        written; where the plan wants nothing, what was looked at. The rest of the partition is neither read nor vouched
        for: if something was lost or put back behind the store's back, the next full read refuses it as before.

        With `idempotency`, a request that was answered before is not written again: what is looked at is returned, and
        its `answered` says with what.

        Raises:
            Conflict, OutcomeUnknown, InvalidInput, TooLarge, DependencyError, IntegrityError: as for `write`.
        """
        write = _Write(self, scope, kind, activity, frozenset(sks))
        if idempotency is not None:
            write.idempotency, write.request = idempotency, self.request_name(scope, idempotency, activity=activity)
        return self._run(write, plan, base=base)

    def request_name(self, scope: Scope, idempotency: Idempotency, *, activity: Activity) -> str:
        """The sort key of the request's row; makes the tenant's first keys, if it has none.

        Raises:
            OutcomeUnknown, IntegrityError, KeyRefused, DependencyError: as for `begin`.
        """
        self.begin(scope.tenant, activity)
        key = self.freezer.keys.index_key(scope.tenant, observer=activity)
        assert key is not None  # noqa: S101  # for the type checker: `begin` made it
        return request_name(idempotency, principal=activity.principal, index_key=key.key)

    def _run(self, write: "_Write", plan: RowsPlan, *, base: Look | None) -> Look | None:
        with write.activity.writing():
            usable = base is not None and base.shows(write.asked or ())
            return write.run(plan, replace(base, answered=None) if base and usable else write.look())

    def begin(self, tenant: str, activity: Activity) -> None:
        """Makes the tenant's first keys, if it has none: they are durable before what is sealed under them.

        Raises:
            OutcomeUnknown: they may or may not be made; repeating is safe.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        self.changes.begin(tenant, AuditedCommits(self.audit, activity))


@dataclass(slots=True)
class _Write:
    """One write with all its attempts.

    Attributes:
        asked: the sort keys of the records that are looked at; None: all.
        idempotency: what tells that the request is a repetition.
        request: the sort key of its row.
        lost: how many races it lost.
        tried: what its attempts would have written, by event.
    """

    writer: Writer
    scope: Scope
    kind: KindSpec
    activity: Activity
    asked: frozenset[str] | None = None
    idempotency: Idempotency | None = None
    request: str | None = None
    lost: int = 0
    tried: dict[str, Frozen] = field(default_factory=dict)

    def run(self, plan: RowsPlan, before: Look | None) -> Look | None:
        """See `Writer.write` and `Writer.write_rows`."""
        while True:
            if before is not None and before.state.last_event in self.tried:
                # The answer was lost, or the cancellation was of our own repetition: it is written.
                return self._found_committed(before.state.last_event)
            if self.idempotency and before and self.idempotency.is_answered(before.answered, self.writer.freezer.now()):
                return before
            changes = plan(before)
            if changes is None:
                return before and replace(before, answered=None)
            changes.require(before, asked=self.asked, kind=self.kind)
            if self.writer.monotonic() >= self.activity.deadline:
                raise DependencyError("there was no time left to write; repeating the request is safe", retry_after=1)
            frozen = self._freeze(changes, before)
            result = self._deliver(frozen)
            if result.outcome is Outcome.COMMITTED:
                return frozen.after
            self.tried[frozen.event_id] = frozen
            if result.outcome is Outcome.UNKNOWN:
                return self._resolve(frozen, result)
            self.activity.new_attempt()
            before = self._after_cancellation(result, frozen, before=before)

    def look(self) -> Look | None:
        """The partition as it is, or what is asked for of it."""
        reader = self.writer.reader
        if self.asked is None:
            return reader.read(self.scope, self.kind, activity=self.activity)
        return reader.look(self.scope, self.kind, sks=self.asked, activity=self.activity, request=self.request)

    def _freeze(self, changes: Changes, before: Look | None) -> Frozen:
        beginning = FIRST
        if before is None:
            self.writer.begin(self.scope.tenant, self.activity)
            beginning = self.writer.reader.beginning(self.scope, activity=self.activity)
        answered = before.answered if before else None
        expired = answered.commitment if answered else None
        once, name = self.idempotency, self.request
        asked = NewAnswer(name, once.request, expired) if once and name else None
        return self.writer.freezer.freeze(
            self.scope,
            changes,
            kind=self.kind,
            before=before,
            event_id=self.writer.audit.event_id(),
            activity=self.activity,
            asked=asked,
            beginning=beginning,
        )

    def _deliver(self, frozen: Frozen) -> Result:
        """How the transaction ended. A place in the audit chain that is taken is the log's business, not this one's."""
        wrote = {head_mark_key(self.scope.pk): frozen.wrote}
        result = self.writer.audit.commit(self.activity, frozen.statements, event_id=frozen.event_id, wrote=wrote)
        if result.outcome is Outcome.REFUSED:
            raise result.refusal("the store cannot take the write now")
        return result

    def _found_committed(self, event_id: str) -> Look:
        self.writer.audit.found_committed(self.activity, event_id)
        return self.tried[event_id].after

    def _resolve(self, frozen: Frozen, result: Result) -> Look:
        """Committed if the head's last event is ours; otherwise nobody can say."""
        try:
            found = self.look()
        except DependencyError:
            found = None
        if found is not None and found.state.last_event == frozen.event_id:
            return self._found_committed(frozen.event_id)
        raise OutcomeUnknown("the write's outcome is unknown; repeating the request is safe", cause=result.cause)

    def _after_cancellation(self, result: Result, frozen: Frozen, *, before: Look | None) -> Look | None:
        """What to plan on anew; or raises what the cancellation means (docs/design.md has the table)."""
        found = self._look_after(result, frozen)
        held = (found and found.head.commitment) == (before and before.head.commitment)
        if held and not frozen.is_request(result.failed):
            raise frozen.refusal(result.failed, found=found, pk=self.scope.pk)
        self.activity.metric("HeadConflict")
        self._count_lost()
        return found

    def _look_after(self, result: Result, frozen: Frozen) -> Look | None:
        """The partition again, as closely as what failed asks for."""
        if HEAD_POSITION in result.failed:
            return self.look()
        reader = self.writer.reader
        if self.asked is not None and frozen.failed_as_new(result.failed):
            sks = self.asked | frozen.new(result.failed)
            return reader.look(self.scope, self.kind, sks=sks, activity=self.activity, request=self.request)
        # While the head held, nothing else of the write can have failed honestly but a record that was to be new.
        return reader.read_bracketed(self.scope, self.kind, activity=self.activity)

    def _count_lost(self) -> None:
        """Waits a moment after a lost race, or gives up.

        Raises:
            Conflict: too many were lost.
        """
        self.lost += 1
        if self.lost >= _TRIES:
            raise Conflict("others keep writing this partition; try again")
        # From once to twice as long: two writers that met do not meet again at once.
        self.writer.sleep(_PAUSE * self.lost * (1 + self.writer.randomness(1)[0] / 256))
