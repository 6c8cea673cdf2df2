"""A tenant's legal holds: put, lifted, and asked for before anything of it is erased or sealed anew.

The row's version and digest stand in an insert-only mark, as a register's do. So who writes the keys table can neither
take a hold away nor put the time before it back without being found out: then whatever asks is refused, and nothing is
erased. Each change is one transaction: the row on its commitment, its mark, and the audit entry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import hold_mark_key
from twinvault.dynamodb.transaction import Outcome, Statement, exchange
from twinvault.envelope import Label
from twinvault.envelope.aad import ATTRIBUTE_NAME
from twinvault.errors import Contention, Held, IntegrityError, NotFound, OutcomeUnknown, Step, Undeclared
from twinvault.keys.holding import Hold, HoldList, decode
from twinvault.keys.marked import FoundRow, LostRow, MarkedPlace, MarkedRows
from twinvault.keys.rows import HOLDS, row_place
from twinvault.keys.table import Committer

if TYPE_CHECKING:
    from twinvault.keys.sealed import Written
    from twinvault.observe import Observer
    from twinvault.scope import Scope

_TRIES = 12
_PAUSE = 0.02

type _Planning = Callable[[HoldList | None], HoldList | None]
"""What becomes of the holds that there are (None: no row was ever made); None: nothing. `last_event` is replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHolds:
    """The legal holds of one store's tenants; thread-safe.

    `now`: RFC 3339 UTC time as text, to the microsecond.
    """

    rows: MarkedRows
    now: Callable[[], str]

    def standing(self, tenant: str, *, observer: "Observer") -> tuple[Hold, ...]:
        """The tenant's holds, its own first; none where it has no keys.

        Raises:
            IntegrityError: the row was changed, taken away or put back.
            Undeclared: it is authentic, and a newer release wrote it.
            KeyRefused, DependencyError: as for any key.
        """
        found = self._look(tenant, observer=observer)
        return found.says.holds if found else ()

    def require_none(self, tenant: str, scope: "Scope | None", *, observer: "Observer") -> None:
        """Refuses where a hold forbids to erase or reseal this partition; of no partition: to erase the tenant.

        A hold that is put after this looked is not seen: who must know puts `guard` into the transaction.

        Raises:
            Held: there is such a hold.
            IntegrityError, Undeclared, KeyRefused, DependencyError: as for `standing`.
        """
        found = self._look(tenant, observer=observer)
        if found:
            _require_free(found.says, scope)

    def guard(self, tenant: str, scope: "Scope | None", *, committer: Committer) -> Statement:
        """As `require_none`; and the statement by which a transaction fails if holds were changed since.

        A tenant without a row of holds is given an empty one first, for a transaction cannot ask for an absence.

        Raises:
            Held: there is such a hold.
            NotFound: the tenant has no keys.
            OutcomeUnknown: the empty row may or may not be made; repeating is safe.
            IntegrityError, Undeclared, KeyRefused, DependencyError: as for `standing`.
        """
        found = self._look(tenant, observer=committer.observer)
        if found is None:
            self._change(tenant, lambda listed: HoldList((), "") if listed is None else None, committer=committer)
            found = self._look(tenant, observer=committer.observer)
        if found is None:
            raise IntegrityError(Step.MARK, where=row_place(tenant, HOLDS), detail="the row that was made is not there")
        _require_free(found.says, scope)
        commitment = found.item["key_commitment"]
        return exchange(self.rows.names[0], found.item, name="key_commitment", before=commitment)

    def put(self, tenant: str, hold: Hold, *, committer: Committer) -> tuple[Hold, bool]:
        """Holds it; returns the hold, and whether this call put it: what is held already stays as it is.

        A hold of the tenant is put even where the row of holds is lost: what else was held went with it.

        Raises:
            NotFound: the tenant has no keys.
            TooLarge: there are as many holds as may be.
            OutcomeUnknown: it may or may not be put; repeating is safe.
            IntegrityError, Undeclared, KeyRefused, DependencyError: as for `standing`.
        """
        made = False

        def plan(listed: HoldList | None) -> HoldList | None:
            nonlocal made
            before = listed or HoldList((), "")
            made = before.of(hold.kind, hold.partition) is None
            return before.put(hold) if made else None

        listed = self._change(tenant, plan, committer=committer, anew=hold.kind is None)
        return listed.of(hold.kind, hold.partition) or hold, made

    def lift(self, tenant: str, *, kind: str | None, partition: str | None, committer: Committer) -> Hold:
        """Lifts a hold; returns what it was.

        Raises:
            NotFound: this is not held, or the tenant has no keys.
            OutcomeUnknown: it may or may not be lifted.
            IntegrityError, Undeclared, KeyRefused, DependencyError: as for `standing`.
        """
        lifted: Hold | None = None

        def plan(listed: HoldList | None) -> HoldList | None:
            nonlocal lifted
            lifted = listed.of(kind, partition) if listed else None
            if listed is None or lifted is None:
                raise NotFound("this is not under hold")
            return listed.lifted(lifted)

        self._change(tenant, plan, committer=committer)
        assert lifted is not None  # noqa: S101  # for the type checker: the plan says so
        return lifted

    def _change(self, tenant: str, plan: _Planning, *, committer: Committer, anew: bool = False) -> HoldList:
        """Commits what `plan` wants and returns what there then is. With `anew`, a row that is lost is begun again."""
        tried, outcome = dict[str, HoldList](), Outcome.CANCELLED
        with committer.writing():
            for attempt in range(_TRIES):
                found = self.rows.read(_place(tenant), _opened, observer=committer.observer)
                if isinstance(found, LostRow) and not anew:
                    raise found.why
                if isinstance(found, FoundRow) and found.says.last_event in tried:
                    # The answer was lost, or the cancellation was of our own repetition: it is written.
                    committer.found_committed(found.says.last_event)
                    return tried[found.says.last_event]
                if outcome is Outcome.UNKNOWN:
                    raise OutcomeUnknown("the holds were sent and the outcome is unknown; repeating is safe")
                event_id = committer.event_id()
                planned = plan(found.says if isinstance(found, FoundRow) else None)
                if planned is None:
                    return found.says if isinstance(found, FoundRow) else HoldList((), "")
                if isinstance(found, LostRow):
                    _require_writable(found)
                    committer.refused(found.why)
                planned = HoldList(planned.holds, event_id)
                tried[event_id] = planned
                outcome = self.rows.commit(
                    _place(tenant),
                    planned.encode(),
                    before=found,
                    event_id=event_id,
                    now=self.now(),
                    committer=committer,
                )
                if outcome is Outcome.COMMITTED:
                    return planned
                self.rows.sleep(_PAUSE * (attempt + 1) * (1 + self.rows.randomness(1)[0] / 256))
                committer.new_attempt()
        raise Contention("others keep changing the holds of this tenant", retry_after=1)

    def _look(self, tenant: str, *, observer: "Observer") -> FoundRow[HoldList] | None:
        return self.rows.require(_place(tenant), _opened, observer=observer)


def _place(tenant: str) -> MarkedPlace:
    return MarkedPlace(tenant, HOLDS, hold_mark_key(tenant), Label.HOLD)


def _opened(plaintext: bytes, _written: "Written") -> HoldList:
    return decode(plaintext)


def _require_free(listed: HoldList, scope: "Scope | None") -> None:
    found = listed.against(scope)
    if found is None:
        return
    if found.kind is None:
        raise Held(f"this tenant is under legal hold since {found.since}")
    if scope is not None:
        raise Held(f"this partition is under legal hold since {found.since}")
    raise Held(f"a partition of this tenant is under legal hold since {found.since}")


def _require_writable(lost: LostRow) -> None:
    """What is lost can be begun again where the names of all that stands there may be written into a statement.

    Raises:
        IntegrityError: they may not: the row must be deleted by hand first.
        Undeclared: it is not lost: a newer release wrote it.
    """
    if isinstance(lost.why, Undeclared) or not all(ATTRIBUTE_NAME.fullmatch(name) for name in lost.item or ()):
        raise lost.why
