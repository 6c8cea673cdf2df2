"""The erasures that were asked for in one activity's tenant, as they stand in the keys table.

Each has marks (`keys.marked`): one that was called off does not come back, and what is final does not become a request
again, by putting an older row in its place. Who takes a row away is found out where it is asked for by its id; a list
says what is there.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import erasure_mark_key
from twinvault.dynamodb.transaction import Outcome
from twinvault.envelope import ID, Label, require_id, tenant_key
from twinvault.envelope.item import text_of
from twinvault.erasure.facts import Erased
from twinvault.erasure.request import ErasureRequest, Said, decode, later
from twinvault.errors import Contention, IntegrityError, NotFound, OutcomeUnknown, Step, Undeclared
from twinvault.keys.marked import FoundRow, MarkedPlace, MarkedRows
from twinvault.keys.rows import ERASURE, row_place
from twinvault.records.committing import AuditedCommits

if TYPE_CHECKING:
    from twinvault.audit.activity import Activity
    from twinvault.audit.log import AuditLog
    from twinvault.keys.sealed import Written

MAX_LISTED = 100
_TRIES = 12
_PAUSE = 0.02

type RequestPlan = Callable[[ErasureRequest], ErasureRequest | None]
"""Looks at the erasure as it is and says what becomes of it; None: nothing. Called anew when it changed meanwhile."""


@dataclass(frozen=True, slots=True)
class ErasureRequests:
    """The erasures of one activity's tenant. `now`: RFC 3339 UTC time as text, to the microsecond."""

    rows: MarkedRows
    audit: "AuditLog"
    activity: "Activity"
    now: Callable[[], str]

    def request(
        self, *, kind: str | None, partition: str | None, caller_id: str | None, hold_hours: int
    ) -> tuple[ErasureRequest, bool]:
        """An erasure that can be called off for so many hours, and whether this call asked for it.

        Where the same is asked for already and not done, that is the answer.

        Raises:
            NotFound: the tenant has no keys, so there is nothing to erase.
            OutcomeUnknown: it may or may not be asked for; repeating is safe.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        self.rows.register_key(self._place(self.audit.event_id()), observer=self.activity)
        for one in self.newest()[0]:
            if one.is_open and (one.kind, one.partition) == (kind, partition):
                return one, False
        now = self.now()
        made = ErasureRequest(
            id=self.audit.event_id(),
            kind=kind,
            partition=partition,
            caller_id=caller_id,
            requested=Said(self.activity.principal, now),
            not_before=later(now, hours=hold_hours),
            last_event="",
        )
        return self._written(made.id, lambda found: made if found is None else None, now=now), True

    def get(self, erasure_id: str) -> ErasureRequest:
        """The erasure.

        Raises:
            NotFound: there is none of this id.
            IntegrityError: its row was changed, moved, taken away or put back.
            InvalidInput: this cannot be an id.
            Undeclared, KeyRefused, DependencyError: as for any key.
        """
        found = self._found(erasure_id)
        if found is None:
            raise NotFound("there is no such erasure")
        return found.says

    def newest(self) -> tuple[list[ErasureRequest], list[str]]:
        """The newest erasures, at most 100, the newest first; and the sort keys of rows that do not open.

        Of those the audit log says why.

        Raises:
            KeyRefused, DependencyError: as for any key.
        """
        return self._opened(self._names()[-MAX_LISTED:])

    def forget(self, *, kind: str | None, partition: str | None) -> None:
        """The caller's own id of a partition that was erased is in no request any more; of a tenant, none of any.

        Others asked for the same, and called it off or did not go on with it: the id may say as much as the content.

        Raises:
            OutcomeUnknown, KeyRefused, DependencyError: as for `change`; repeating is safe.
        """
        for one in self._opened(self._names())[0]:
            if one.caller_id is not None and kind in (None, one.kind) and partition in (None, one.partition):
                self.change(one.id, ErasureRequest.forgotten)

    def _names(self) -> list[str]:
        return [text_of(item, "sk") for item in self.rows.table.query(tenant_key(self.activity.tenant), ERASURE)]

    def _opened(self, names: list[str]) -> tuple[list[ErasureRequest], list[str]]:
        """Those of these rows that open, the newest first, and the names of the others."""
        found, refused = list[ErasureRequest](), list[str]()
        for name in reversed(names):
            erasure_id = name.removeprefix(ERASURE)
            try:
                if not ID.fullmatch(erasure_id):
                    raise IntegrityError(Step.PLACE, where=row_place(self.activity.tenant, name))  # noqa: TRY301  # as every other
                found.append(self.get(erasure_id))
            except NotFound:
                continue  # it went while this looked
            except (IntegrityError, Undeclared) as refusal:
                self.audit.refused(self.activity, refusal)
                refused.append(name)
        return found, refused

    def cancel(self, erasure_id: str) -> ErasureRequest:
        """Calls it off, and returns it as it then is; safe to repeat.

        Raises:
            Conflict: it is final.
            OutcomeUnknown: it may or may not be called off.
            NotFound, IntegrityError, DependencyError: as for `get`.
        """
        return self.change(erasure_id, lambda one: one.called_off(self._by()))

    def make_final(self, erasure_id: str, *, four_eyes: bool) -> ErasureRequest:
        """From now on nobody calls it off; returns it as it then is. Safe to repeat. Nothing is erased yet.

        Raises:
            Conflict: it was called off, or its time has not come.
            Forbidden: with `four_eyes`, the one who asked for it says so.
            OutcomeUnknown: it may or may not be final.
            NotFound, IntegrityError, DependencyError: as for `get`.
        """
        return self.change(erasure_id, lambda one: one.made_final(self._by(), four_eyes=four_eyes))

    def done(self, erasure_id: str, erased: Erased) -> ErasureRequest:
        """Says what was erased; what was said first stays. Errors as for `make_final`."""
        return self.change(erasure_id, lambda one: one.done(erased))

    def change(self, erasure_id: str, plan: RequestPlan) -> ErasureRequest:
        """Makes of an erasure what `plan` wants, and returns it as it then is.

        Raises:
            OutcomeUnknown: it may or may not be changed; repeating is safe.
            NotFound, IntegrityError, DependencyError: as for `get`; also what `plan` raises.
        """

        def planned(found: ErasureRequest | None) -> ErasureRequest | None:
            if found is None:
                raise NotFound("there is no such erasure")
            return plan(found)

        return self._written(erasure_id, planned)

    def _written(
        self, erasure_id: str, plan: Callable[[ErasureRequest | None], ErasureRequest | None], *, now: str | None = None
    ) -> ErasureRequest:
        """Commits what `plan` wants and returns what there then is; planned anew where another change came first."""
        committer = AuditedCommits(self.audit, self.activity)
        tried, outcome = set[str](), Outcome.CANCELLED
        with self.activity.writing():
            for attempt in range(_TRIES):
                found = self._found(erasure_id)
                if found is not None and found.says.last_event in tried:
                    # The answer was lost, or the cancellation was of our own repetition: it is written.
                    self.audit.found_committed(self.activity, found.says.last_event)
                    return found.says
                if outcome is Outcome.UNKNOWN:
                    raise OutcomeUnknown("the erasure was sent and the outcome is unknown; repeating is safe")
                wanted = plan(found.says if found else None)
                if wanted is None:
                    assert found is not None  # noqa: S101  # for the type checker: of nothing, something is made
                    return found.says
                event_id = self.audit.event_id()
                wanted = replace(wanted, last_event=event_id)
                tried.add(event_id)
                outcome = self.rows.commit(
                    self._place(erasure_id),
                    wanted.encode(),
                    before=found,
                    event_id=event_id,
                    now=now or self.now(),
                    committer=committer,
                )
                if outcome is Outcome.COMMITTED:
                    return wanted
                self.rows.sleep(_PAUSE * (attempt + 1) * (1 + self.rows.randomness(1)[0] / 256))
                self.activity.new_attempt()
        raise Contention("others keep changing this erasure", retry_after=1)

    def _found(self, erasure_id: str) -> FoundRow[ErasureRequest] | None:
        opening = partial(_opened, erasure_id=erasure_id)
        return self.rows.require(self._place(erasure_id), opening, observer=self.activity)

    def _place(self, erasure_id: str) -> MarkedPlace:
        tenant, name = self.activity.tenant, ERASURE + require_id(erasure_id, field="id")
        return MarkedPlace(tenant, name, erasure_mark_key(tenant, erasure_id), Label.ERASURE, even_erased=True)

    def _by(self) -> Said:
        return Said(self.activity.principal, self.now())


def _opened(plaintext: bytes, written: "Written", *, erasure_id: str) -> ErasureRequest:
    return decode(plaintext, erasure_id=erasure_id, requested_at=written.created_at)
