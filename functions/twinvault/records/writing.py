"""Writes of one partition: frozen once, together or not at all (docs/design.md, "Life of a write").

A write is a transaction of its records, the head (conditional on its commitment, which is unique per write), the audit
entry and, for a new partition, its first DEK. If it is cancelled, someone else wrote first: the plan is made anew on
the fresh head, sealed anew, and tried under a new token, a bounded number of times.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from twinvault.audit.activity import Activity
from twinvault.audit.elements import HeadSeen, Wrote
from twinvault.audit.log import AuditLog
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.transaction import Outcome, Result, Statement, insert
from twinvault.errors import Conflict, DependencyError, InvalidInput, OutcomeUnknown, TooLarge
from twinvault.keys.cache import Use
from twinvault.keys.hierarchy import KeyHierarchy, NewDek
from twinvault.keys.rows import NamedKey, dek_name
from twinvault.records.batches import MAX_DRAFT_BYTES, MAX_DRAFTS
from twinvault.records.head import HASH_KEY_BYTES, STORE, empty_head
from twinvault.records.partition import Snapshot
from twinvault.records.reading import Reader
from twinvault.records.record import Draft, item_size
from twinvault.records.sealing import Put, Sealing
from twinvault.records.spec import HEAD, Fields, KindSpec
from twinvault.scope import Scope

_TRIES = 12
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Changes:
    """What a plan wants written.

    Attributes:
        head: the head's own fields, all of them: what is absent becomes absent.
        put: records to be; one whose sort key exists replaces that record, whole.
        new_dek: seal this write, and all later ones, under a new version of the partition's DEK.
    """

    head: Fields = field(repr=False)
    put: Sequence[Draft] = ()
    new_dek: bool = False


type Plan = Callable[[Snapshot | None], Changes | None]
"""Looks at the partition as it is and says what to write; None: nothing. Called anew whenever someone else wrote."""


@dataclass(frozen=True, slots=True)
class TableNames:
    """The physical names of the tables that a write touches."""

    records: str
    keys: str
    marks: str
    audit: str


@dataclass(frozen=True, slots=True)
class _Frozen:
    """A write, sealed: the same bytes at every attempt to deliver it."""

    statements: list[Statement]
    snapshot: Snapshot
    event_id: str
    wrote: Wrote


class Writer:
    """Writes partitions; thread-safe."""

    def __init__(
        self,
        *,
        reader: Reader,
        keys: KeyHierarchy,
        audit: AuditLog,
        tables: TableNames,
        now: Callable[[], str],
        randomness: Callable[[int], bytes],
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._keys = keys
        self._audit = audit
        self._tables = tables
        self._now = now
        self._randomness = randomness
        self._sleep = sleep
        self._monotonic = monotonic

    def write(
        self, scope: Scope, kind: KindSpec, *, activity: Activity, plan: Plan, base: Snapshot | None = None
    ) -> Snapshot | None:
        """Writes what `plan` wants, and returns the partition as it then is.

        `base` spares the first read where the caller holds a snapshot already; if it is stale the write is cancelled
        and planned on a fresh one.

        Raises:
            Conflict: other writers were faster, too often.
            OutcomeUnknown: it may or may not be written; repeating is safe.
            InvalidInput, TooLarge: the plan's records cannot be stored; nothing was.
            DependencyError: as for reads, or the activity's deadline has passed; nothing was stored by this call.
            IntegrityError: as for reads.
        """
        with activity.writing():
            return self._write(scope, kind, activity=activity, plan=plan, base=base)

    def _write(
        self, scope: Scope, kind: KindSpec, *, activity: Activity, plan: Plan, base: Snapshot | None
    ) -> Snapshot | None:
        mine = set[str]()
        snapshot = base if base is not None else self._reader.read(scope, kind, activity=activity)
        for attempt in range(_TRIES):
            if snapshot is not None and snapshot.state.last_event in mine:
                # The answer was lost, or the cancellation was of our own repetition: it is written.
                self._audit.found_committed(activity, snapshot.state.last_event)
                return snapshot
            changes = plan(snapshot)
            if changes is None:
                return snapshot
            if self._monotonic() >= activity.deadline:
                raise DependencyError("there was no time left to write; repeating the request is safe", retry_after=1)
            frozen = self._freeze(scope, kind, activity=activity, before=snapshot, changes=changes)
            result = self._deliver(frozen, scope, activity=activity)
            if result.outcome is Outcome.COMMITTED:
                return frozen.snapshot
            mine.add(frozen.event_id)
            if result.outcome is Outcome.UNKNOWN:
                return self._resolve(scope, kind, activity=activity, event_id=frozen.event_id)
            activity.metric("HeadConflict")
            activity.new_attempt()
            self._sleep(_PAUSE * (attempt + 1) * (1 + self._randomness(1)[0] / 256))
            snapshot = self._reader.read(scope, kind, activity=activity)
        raise Conflict("others keep writing this partition; try again")

    def _resolve(self, scope: Scope, kind: KindSpec, *, activity: Activity, event_id: str) -> Snapshot:
        """Committed if the head's last event is ours; otherwise nobody can say."""
        try:
            snapshot = self._reader.read(scope, kind, activity=activity)
        except DependencyError:
            snapshot = None
        if snapshot is not None and snapshot.state.last_event == event_id:
            self._audit.found_committed(activity, event_id)
            return snapshot
        raise OutcomeUnknown("the write was sent and its outcome is unknown; repeating the request is safe")

    def _deliver(self, frozen: _Frozen, scope: Scope, *, activity: Activity) -> Result:
        wrote = {head_mark_key(scope.pk): frozen.wrote}
        result = self._audit.commit(activity, frozen.statements, event_id=frozen.event_id, wrote=wrote)
        if result.outcome is Outcome.REFUSED:
            raise DependencyError("the store cannot take the write now")
        return result

    # -- sealing -----------------------------------------------------------------------------------------------------

    def _freeze(
        self, scope: Scope, kind: KindSpec, *, activity: Activity, before: Snapshot | None, changes: Changes
    ) -> _Frozen:
        """Seals the whole write once: records, head, and a DEK where the partition is new or asks for one."""
        if len(changes.put) > MAX_DRAFTS:
            raise InvalidInput(f"a write may hold at most {MAX_DRAFTS} records")
        if any(HEAD in {draft.sk, draft.entity} for draft in changes.put):
            raise InvalidInput("the head is not a record to be put: its fields are `Changes.head`")
        new = None
        if before is None or changes.new_dek:
            version = before.state.dek_version + 1 if before else 1
            new = self._keys.new_dek(scope, version, observer=activity)
            activity.key_event("make_dek", new.key.name)
        key = new.key if new else self._sealing_key(scope, before, activity=activity)
        state = before.state if before else empty_head(self._randomness(HASH_KEY_BYTES), dek_version=1)
        now = self._now()
        sealing = Sealing(scope, kind, key, now, self._randomness)
        sealed = [sealing.put(draft, before.records.get(draft.sk) if before else None) for draft in changes.put]
        if len({one.record.sk for one in sealed}) != len(sealed):
            raise InvalidInput("a write may hold each record once")
        # It goes into the head before the event knows the head's commitment.
        event_id = self._audit.event_id()
        state = state.after(
            added=[one.record.row for one in sealed],
            replaced=[one.replaced.row for one in sealed if one.replaced is not None],
            dek_version=new.version if new else state.dek_version,
            event_id=event_id,
        )
        head = sealing.put(
            Draft(HEAD, HEAD, {**changes.head, STORE: state.to_fields()}), before.head if before else None
        )
        for _ in range(len(sealed) + 1):
            activity.crypto("encrypt", key.name)
        replaced = HeadSeen(before.head.version, before.head.digest) if before else None
        wrote = Wrote(head.record.version, head.record.digest, replaced)
        records = {**(before.records if before else {}), **{one.record.sk: one.record for one in sealed}}
        snapshot = Snapshot(head.record, state, dict(sorted(records.items())))
        return _Frozen(self._statements([*sealed, head], new), snapshot, event_id, wrote)

    def _sealing_key(self, scope: Scope, before: Snapshot | None, *, activity: Activity) -> NamedKey:
        """The head's current DEK version: a writer never uses a lower one, whatever the keys table says."""
        assert before is not None  # noqa: S101  # for the type checker: a partition without a head has no key yet
        name = dek_name(scope, before.state.dek_version)
        return self._keys.dek(scope, name, observer=activity, use=Use.SEAL)

    def _statements(self, sealed: Sequence[Put], new: NewDek | None) -> list[Statement]:
        size = sum(item_size(one.item) for one in sealed)
        if size > MAX_DRAFT_BYTES:
            raise TooLarge(f"a write may hold at most {MAX_DRAFT_BYTES} bytes of records")
        statements = [one.statement(self._tables.records) for one in sealed]
        return [insert(self._tables.keys, new.row), *statements] if new else statements
