"""The audit log: entries in hash chains, durable before anything is released.

It never reads the table. If the outcome of an append cannot be learned, or the table says that the place is taken, the
chain is closed, and the first entry of a new one names it, the place and the candidate's digest, so that a verifier can
follow whichever of the two happened (docs/audit.md, "Closed chains").
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from twinvault.audit.activity import Activity
from twinvault.audit.chains import Chains
from twinvault.audit.composing import elements_of, event_of
from twinvault.audit.elements import Element, Wrote
from twinvault.audit.entry import Event, EventOutcome, make_entry
from twinvault.audit.notes import Note
from twinvault.audit.parts import split
from twinvault.audit.signing import ChainKey
from twinvault.deadlines import require_time, within
from twinvault.dynamodb.transaction import Outcome, Result, Statement, insert
from twinvault.errors import DependencyError, Forbidden, TwinvaultError

_TRIES = 3


class Transactions(Protocol):
    """Applies all statements or none (`dynamodb.transaction.Transactor`)."""

    def execute(self, statements: Sequence[Statement], *, deadline: float) -> Result:
        """Says how it ended; an unknown outcome is pursued with the same bytes until the deadline."""


class AuditLog:
    """Stores what activities did. Safe for threads, of which those of one activity wait for one another."""

    def __init__(
        self,
        transactions: Transactions,
        *,
        table: str,
        key: ChainKey,
        new_chain: Callable[[], str],
        event_id: Callable[[], str],
        now: Callable[[], str],
    ) -> None:
        """`table` is the audit table's name; `key` was made for this environment; `new_chain` and `event_id` draw ids.

        `now` is RFC 3339 UTC time as text, to the microsecond.
        """
        self._transactions = transactions
        self._table = table
        self._key = key
        self._chains = Chains(new_chain)
        self._event_id = event_id
        self._now = now

    def event_id(self) -> str:
        """A new event's id, for whoever seals it into what the event's own transaction writes."""
        return self._event_id()

    @contextmanager
    def recording(self, activity: Activity) -> Iterator[None]:
        """The activity from its begin to its end. It holds one chain; an activity outside of this has one to itself.

        If it ends in an error, a bug included, it is logged as denied or failed before that is passed on. If it ends
        well, what it did and no entry says yet is logged too.

        Raises:
            DependencyError: that cannot be logged.
        """
        activity.began = activity.began or self._now()
        activity.chain = self._chains.take(activity.origin.environment)
        try:
            with within(activity.deadline):
                yield
        except Exception as error:
            activity.count_error(error)
            outcome: EventOutcome = "denied" if isinstance(error, Forbidden) else "failure"
            self._append_last(activity, outcome, error=error)
            raise
        else:
            if activity.notes.unsaid(every=True):
                self.release(activity)
        finally:
            activity.ended = True
            self._give_back(activity)

    def release(self, activity: Activity) -> None:
        """Logs the activity's success so far; call it before anything that was read for it leaves.

        Raises:
            DependencyError: it could not be made durable; nothing may be released.
        """
        self._append(activity, "success")

    def refused(self, activity: Activity, error: TwinvaultError) -> None:
        """Logs that something did not open, for an activity that names it and goes on.

        Raises:
            DependencyError: it could not be made durable; nothing may be released.
        """
        activity.count_error(error)
        self._append(activity, "failure", error=error)

    def commit(
        self, activity: Activity, statements: Sequence[Statement], *, event_id: str, wrote: Mapping[str, Wrote]
    ) -> Result:
        """Applies the statements and the entry that tells of them, together or not at all.

        `wrote` says by its mark's partition key what each partition or register becomes. `failed` of the result counts
        among `statements`: a place in the chain that is taken is this function's own business.

        Raises:
            DependencyError: the log cannot be written; the statements were not applied.
        """
        with activity.turns(), activity.going_on():
            require_time()  # whoever had to wait for its turn begins nothing when the time is up
            return self._store(
                activity,
                self._event(activity, "success", event_id=event_id),
                statements=statements,
                wrote=wrote,
            )

    def found_committed(self, activity: Activity, event_id: str) -> None:
        """A commit whose outcome was unknown, or not what it seemed, turns out to have been applied, entry and all."""
        activity.notes.said(activity.doubtful.pop(event_id, ()))

    def _give_back(self, activity: Activity) -> None:
        # A thread that still has its turn has the chain as well: nobody else may go on with it.
        with contextlib.suppress(DependencyError), activity.turns():
            chain, activity.chain = activity.chain, None
            if chain is not None:
                self._chains.give_back(chain)

    def _append_last(self, activity: Activity, outcome: EventOutcome, *, error: Exception) -> None:
        try:
            self._append(activity, outcome, error=error)
        except DependencyError as unsaid:
            activity.count_error(unsaid)
            raise

    def _append(self, activity: Activity, outcome: EventOutcome, *, error: Exception | None = None) -> None:
        with activity.turns():
            event = self._event(activity, outcome, event_id=self._event_id(), error=error)
            result = self._store(activity, event)
        if result.outcome is not Outcome.COMMITTED:
            raise _cannot_be_written(activity, result)

    def _event(
        self, activity: Activity, outcome: EventOutcome, *, event_id: str, error: Exception | None = None
    ) -> Event:
        time = self._now()
        activity.began = activity.began or time
        return event_of(activity, outcome, event_id=event_id, time=time, error=error)

    def _store(
        self,
        activity: Activity,
        event: Event,
        *,
        statements: Sequence[Statement] = (),
        wrote: Mapping[str, Wrote] | None = None,
    ) -> Result:
        """Stores the event's entries, the last one with the statements. On another chain if a place is taken."""
        for _ in range(_TRIES):
            # What ends an activity says all: nothing that is still being tried can count any more.
            notes = activity.notes.unsaid(every=event.outcome != "success")
            elements, last = elements_of(notes, wrote or {})
            parts = split(event, elements, last=last)
            for number, part in enumerate(parts, 1):
                with_it = statements if number == len(parts) else ()
                result = self._send(activity, event, part=part, numbered=(number, len(parts)), statements=with_it)
                if result.outcome is not Outcome.COMMITTED:
                    break
            if result.outcome is Outcome.CANCELLED and not result.failed:
                continue  # the place was taken, and there is another chain now
            if number < len(parts):
                break
            if result.outcome is not Outcome.COMMITTED:
                activity.doubtful[event.event_id] = _sources(parts[-1])
            return result
        raise _cannot_be_written(activity, result)

    def _send(
        self,
        activity: Activity,
        event: Event,
        *,
        part: Sequence[Element],
        numbered: tuple[int, int],
        statements: Sequence[Statement],
    ) -> Result:
        """Tries to store one entry, with the statements, and keeps or closes the chain by how that ended.

        Cancelled for no statement: the place is taken.
        """
        chain = activity.chain = activity.chain or self._chains.new(activity.origin.environment)
        entry = make_entry(event, part, link=self._chains.link(chain), key=self._key, part=numbered)
        # Leaving by an exception counts as unknown.
        result = Result(Outcome.UNKNOWN)
        try:
            stored = insert(self._table, entry.to_item())
            result = self._transactions.execute([*statements, stored], deadline=activity.deadline)
        finally:
            if result.outcome is Outcome.COMMITTED:
                chain.stored(entry, is_last_part=numbered[0] == numbered[1])
                activity.notes.said(_sources(part))
            elif result.outcome is Outcome.UNKNOWN or len(statements) in result.failed:
                self._chains.close(chain, entry)
                activity.chain = None
            else:
                self._chains.not_stored(chain)
        return replace(result, failed=result.failed - {len(statements)})


def _sources(part: Sequence[Element]) -> list[Note]:
    return [note for element in part for note in element.sources]


def _cannot_be_written(activity: Activity, result: Result) -> DependencyError:
    activity.metric("AuditAppendFailed")
    return result.refusal("the audit log cannot be written now")
