"""The audit log: one hash chain per execution environment, appended before anything is released.

A chain has one writer: this object, one entry at a time. It never reads the table. If the outcome of an append cannot
be learned, or the table says that the place is taken, the chain is closed and a new one begins whose first entry names
the old chain, the place and the candidate's digest, so a verifier can follow whichever of the two happened.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from twinvault.audit.activity import Activity
from twinvault.audit.chain import GENESIS, Closed, Entry, Event, EventOutcome, make_entry
from twinvault.dynamodb.transaction import Outcome, Result
from twinvault.errors import DependencyError, Forbidden, IntegrityError

_APPEND_TRIES = 3
_MOST_CLOSED = 100
"""How many chains a first entry names, the newest: with thousands it could never be stored itself."""


class AuditTable(Protocol):
    """Inserts one entry; an insert can never overwrite."""

    def append(self, item: dict[str, dict[str, Any]], *, deadline: float) -> Result:
        """Tries to insert the item, and the same bytes again while the outcome is unknown, until the deadline.

        It is a transaction of this one statement.
        """


@dataclass(slots=True)
class Pending:
    """An entry that has its place and is not stored yet; whoever stores it says how that ended.

    Attributes:
        entry: the entry.
        result: how the transaction that was to store it ended.
        position: where in that transaction its statement stands.
    """

    entry: Entry
    result: Result
    position: int = 0

    def ended(self, result: Result, *, position: int = 0) -> None:
        """Says how the transaction ended whose statement at `position` was to store the entry."""
        self.result, self.position = result, position

    @property
    def place_is_free(self) -> bool:
        """Whether the entry is certainly not stored, and nothing stands in its place either."""
        match self.result.outcome:
            case Outcome.REFUSED:
                return True
            case Outcome.CANCELLED:
                return self.position not in self.result.failed
            case Outcome.COMMITTED | Outcome.UNKNOWN:
                return False

    @property
    def item(self) -> dict[str, dict[str, Any]]:
        """The entry as a DynamoDB item."""
        pk, sk = self.entry.key
        return {
            "pk": {"S": pk},
            "sk": {"S": sk},
            "entry": {"S": self.entry.encoded.decode()},
            "digest": {"B": self.entry.digest},
        }


class AuditLog:
    """Appends events; safe for threads, which wait for one another."""

    def __init__(
        self,
        table: AuditTable,
        *,
        new_chain: Callable[[], str],
        event_id: Callable[[], str],
        now: Callable[[], str],
    ) -> None:
        """`new_chain` and `event_id` draw ids; `now` is RFC 3339 UTC time as text."""
        self._table = table
        self._new_chain = new_chain
        self._event_id = event_id
        self._now = now
        self._lock = threading.Lock()
        self._chain = ""
        self._seq = 0
        self._previous = GENESIS
        self._continues: tuple[Closed, ...] = ()

    def event(self, activity: Activity, outcome: EventOutcome, *, error: Exception | None = None) -> Event:
        """The event of an activity, with an id and the time."""
        return activity.event(outcome, event_id=self._event_id(), time=self._now(), error=error)

    @contextmanager
    def pending(self, event: Event) -> Iterator[Pending]:
        """Holds the chain while the caller stores the entry, together with a write, and says how that ended.

        Leaving without a word, or by an exception, counts as unknown: the chain is closed.
        """
        with self._lock:
            if not self._chain:
                self._chain, self._seq, self._previous = self._new_chain(), 1, GENESIS
            entry = make_entry(
                event, chain=self._chain, seq=self._seq, previous=self._previous, continues=self._continues
            )
            pending = Pending(entry, Result(Outcome.UNKNOWN))
            try:
                yield pending
            finally:
                self._settle(pending)

    def append(self, event: Event, activity: Activity) -> None:
        """Stores an event's entry; returns only once it is durable.

        Raises:
            DependencyError: it could not be stored in time; nothing may be released or acknowledged.
        """
        for _ in range(_APPEND_TRIES):
            with self.pending(event) as pending:
                pending.ended(self._table.append(pending.item, deadline=activity.deadline))
            if pending.result.outcome is Outcome.COMMITTED:
                activity.settled()
                return
            if pending.result.outcome is not Outcome.CANCELLED:
                break
        activity.metric("AuditAppendFailed")
        raise DependencyError("the audit log cannot be written now")

    def release(self, activity: Activity) -> None:
        """Appends the activity's success; call it before anything read for it leaves.

        Raises:
            DependencyError: the entry could not be made durable.
        """
        self.append(self.event(activity, "success"), activity)

    @contextmanager
    def recording(self, activity: Activity) -> Iterator[None]:
        """Logs the activity as denied or failed if it ends in an error, a bug included, before that is passed on.

        Raises:
            DependencyError: the failure itself cannot be logged.
        """
        try:
            yield
        except Exception as error:
            if isinstance(error, IntegrityError):
                activity.metric("OpenFailed")
            outcome: EventOutcome = "denied" if isinstance(error, Forbidden) else "failure"
            self.append(self.event(activity, outcome, error=error), activity)
            raise

    def _settle(self, pending: Pending) -> None:
        if pending.result.outcome is Outcome.COMMITTED:
            self._seq, self._previous, self._continues = self._seq + 1, pending.entry.digest, ()
        elif not pending.place_is_free:
            closed = (*self._continues, Closed(self._chain, self._seq, pending.entry.digest.hex()))
            self._continues = closed[-_MOST_CLOSED:]
            self._chain = ""
