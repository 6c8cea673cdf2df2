"""A tenant's works as they stand in the keys table, for one activity: begun, read, and changed by transactions.

Each change is one transaction with its audit entry: the work's row (conditional on its commitment, which is unique per
write), and where the work begins or ends the row of the index. A cancelled one is planned anew on what is there then;
of one whose answer was lost, the event that the row names says whether it was ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from twinvault.audit.activity import Activity
from twinvault.audit.log import AuditLog
from twinvault.dynamodb.transaction import Outcome, Statement
from twinvault.envelope import tenant_key
from twinvault.errors import Conflict, Contention, DependencyError, NotFound, OutcomeUnknown
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.rows import REGISTER_KEY, WORK, NamedKey
from twinvault.keys.table import KeyTable
from twinvault.maintenance.rows import INDEX, WorkRow, WorkSealer, listed_ids, open_work, work_name
from twinvault.maintenance.work import Work

if TYPE_CHECKING:
    from twinvault.envelope.item import Item

MAX_RUNNING = 8
"""How many works of a tenant may run at once."""
MAX_LISTED = 100
_TRIES = 12
_PAUSE = 0.02

type WorkPlan = Callable[[Work], Work | None]
"""Looks at the work as it is and says what becomes of it; None: nothing. Called anew whenever it changed meanwhile."""


@dataclass(slots=True, kw_only=True)
class Works:
    """The works of an activity's tenant, those that this index lists while they run.

    `now`: RFC 3339 UTC time as text, to the microsecond.
    """

    table: KeyTable
    table_name: str
    keys: KeyHierarchy
    audit: AuditLog
    activity: Activity
    now: Callable[[], str]
    randomness: Callable[[int], bytes]
    sleep: Callable[[float], None]
    index: str = INDEX
    even_erased: bool = False
    """Whether they are also those of a tenant that was erased: its register key is left."""
    _key: NamedKey | None = field(default=None, init=False)

    def get(self, work_id: str) -> WorkRow:
        """The work.

        Raises:
            NotFound: there is none of this id.
            IntegrityError: its row was changed or moved.
            InvalidInput: this cannot be an id.
            DependencyError: as for any key.
        """
        name = work_name(work_id)
        self._require_tenant()
        self.activity.asked(work_mark_key(self.activity.tenant, work_id))
        item = self.table.get(self._pk, name)
        if item is None:
            raise NotFound("there is no such work")
        return self._open(item)

    def newest(self) -> list[Work]:
        """The newest works, at most 100, the newest first.

        Raises:
            IntegrityError, DependencyError: as for `get`.
        """
        self._require_tenant()
        items = self.table.query(self._pk, WORK)
        return [self._open(item).work for item in reversed(items[-MAX_LISTED:])]

    def begin(self, job: str, kind: str, *, partition: str = "") -> tuple[Work, bool]:
        """A work that runs, and whether this call began it: of one job and kind there is one at a time.

        Of one that is done to a single partition there is one at a time of each.

        Raises:
            NotFound: the tenant has no keys, so there is nothing to do.
            Conflict: as many works run as may.
            OutcomeUnknown, DependencyError: as for any write; repeating is safe.
        """
        self._register_key()
        begun, outcome = None, Outcome.CANCELLED
        with self.activity.writing():
            for attempt in range(_TRIES):
                before = self.table.get(self.index, self.activity.tenant)
                running = [found.work for found in map(self._listed, listed_ids(before)) if found is not None]
                for work in running:
                    if begun is not None and work.id == begun.id:
                        # The answer was lost, or the cancellation was of our own repetition: it is written.
                        self.audit.found_committed(self.activity, begun.last_event)
                        return work, True
                    if (work.job, work.kind, work.partition) == (job, kind, partition):
                        return work, False
                if len(running) >= MAX_RUNNING:
                    raise Conflict(f"{MAX_RUNNING} works of this tenant are running: let one end first")
                _require_known(outcome)
                begun = self._new(job, kind, partition=partition)
                ids = [*(work.id for work in running), begun.id]
                outcome = self._commit(begun, [self._sealer.added(begun), self._sealer.listed(ids, before)])
                if outcome is Outcome.COMMITTED:
                    return begun, True
                self._again(attempt)
        raise Contention("others keep beginning works of this tenant", retry_after=1)

    def change(self, work_id: str, plan: WorkPlan) -> Work:
        """Makes of the work what `plan` wants, and returns it as it then is.

        Raises:
            NotFound, IntegrityError: as for `get`; also what `plan` raises.
            OutcomeUnknown, DependencyError: as for any write.
        """
        tried, outcome = set[str](), Outcome.CANCELLED
        with self.activity.writing():
            for attempt in range(_TRIES):
                found = self.get(work_id)
                if found.work.last_event in tried:
                    # As above: it is written.
                    self.audit.found_committed(self.activity, found.work.last_event)
                    return found.work
                _require_known(outcome)
                planned = plan(found.work)
                if planned is None:
                    return found.work
                planned = replace(planned, updated=self.now(), last_event=self.audit.event_id())
                tried.add(planned.last_event)
                outcome = self._commit(planned, [self._sealer.changed(planned, found), *self._ended(planned)])
                if outcome is Outcome.COMMITTED:
                    return planned
                self._again(attempt)
        raise Contention("others keep changing this work", retry_after=1)

    def again(self, work: Work) -> Work:
        """The same work from its beginning on, if it still runs; whoever is at it goes on from there.

        Raises:
            NotFound, IntegrityError, OutcomeUnknown, DependencyError: as for `change`.
        """
        return self.change(work.id, lambda before: replace(before, cursor="") if before.is_running else None)

    def _new(self, job: str, kind: str, *, partition: str) -> Work:
        now, event_id = self.now(), self.audit.event_id()
        return Work(
            id=self.audit.event_id(),
            job=job,
            kind=kind,
            partition=partition,
            principal=self.activity.principal,
            begun=now,
            updated=now,
            last_event=event_id,
        )

    def _listed(self, work_id: str) -> WorkRow | None:
        """A work that the index names, if it is there and runs: the index is a hint."""
        try:
            found = self.get(work_id)
        except NotFound:
            return None
        return found if found.work.is_running else None

    def _ended(self, work: Work) -> Sequence[Statement]:
        """What takes a work that has ended off the index."""
        if work.is_running:
            return ()
        before = self.table.get(self.index, self.activity.tenant)
        ids = listed_ids(before)
        return [self._sealer.listed([one for one in ids if one != work.id], before)] if work.id in ids else ()

    def _commit(self, work: Work, statements: Sequence[Statement]) -> Outcome:
        self.activity.crypto("encrypt", REGISTER_KEY)
        self.activity.asked(work_mark_key(self.activity.tenant, work.id))
        result = self.audit.commit(self.activity, statements, event_id=work.last_event, wrote={})
        outcome = result.outcome
        if outcome is Outcome.REFUSED:
            raise DependencyError("the work cannot be written now", cause=result.cause)
        return outcome

    def _again(self, attempt: int) -> None:
        """Waits a moment: from once to twice as long, so that two that met do not meet again at once."""
        self.sleep(_PAUSE * (attempt + 1) * (1 + self.randomness(1)[0] / 256))
        self.activity.new_attempt()

    def _open(self, item: "Item") -> WorkRow:
        key = self._register_key()
        found = open_work(item, tenant=self.activity.tenant, key=key)
        self.activity.crypto("decrypt", key.name)
        return found

    def _require_tenant(self) -> None:
        """Refuses a tenant that was erased, of which nothing is told any more: neither what works it has, nor of one.

        Raises:
            Gone: it was.
        """
        if not self.even_erased:
            self.keys.tenant(self.activity.tenant, observer=self.activity)

    def _register_key(self) -> NamedKey:
        if self._key is None:
            erased = self.keys.erased(self.activity.tenant, observer=self.activity) if self.even_erased else None
            tenant = erased or self.keys.tenant(self.activity.tenant, observer=self.activity)
            if tenant is None:
                raise NotFound("this tenant has no keys")
            self._key = self.keys.register_key(tenant, observer=self.activity)
        return self._key

    @property
    def _sealer(self) -> WorkSealer:
        return WorkSealer(self.table_name, self.activity.tenant, self._register_key(), self.randomness, self.index)

    @property
    def _pk(self) -> str:
        return tenant_key(self.activity.tenant)


def _require_known(outcome: Outcome) -> None:
    """Refuses to go on after an attempt of which nobody can say whether it was stored, once a look has not shown it."""
    if outcome is Outcome.UNKNOWN:
        raise OutcomeUnknown("the work was sent and the outcome is unknown; repeating the request is safe")


def work_mark_key(tenant: str, work_id: str) -> str:
    """What the audit log names a work by, as its hash. A work has no marks."""
    return f"work#{tenant}#{work_id}"
