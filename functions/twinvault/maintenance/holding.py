"""A work that is held, whatever it is: its lease, its steps while the activity has time, and what each leaves behind.

Killed anywhere, nothing is lost but the lease's time: the next driver goes on from the cursor. While one driver holds
the lease no other begins a step; one that outlived its lease finds so when it writes, for the row is not the one that
it left, and what it did in between is done again and counted once.
"""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from twinvault.errors import Conflict, DependencyError
from twinvault.keys.times import text_of_time
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.rows import INDEX
from twinvault.maintenance.work import MAX_FINDINGS, Lease, RefusedPartition, Work
from twinvault.maintenance.works import Works

if TYPE_CHECKING:
    from twinvault.acting import Acting

LEASE_SECONDS = 30
"""Longer than one step and what a driver still does after it, and the longest that a killed driver holds others up."""
STEP_SECONDS = 5.0
RESERVE_SECONDS = 3.0
"""What is kept of an activity's time for writing down what was done."""
PATIENCE_SECONDS = 900
"""For so long what cannot be done now holds the work up; then it counts as refused."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step did: up to which cursor, and why it went no further.

    `at` is what could not be done now, and `why` the reason.
    """

    cursor: str
    counts: Counts
    findings: Sequence[RefusedPartition] = ()
    is_end: bool = False
    at: str = ""
    why: DependencyError | Conflict | None = None


def after_step(before: Work, batch: Batch, *, now: str, keep: bool) -> Work:
    """The work after a step; with `keep` its holder goes on."""
    moved = batch.cursor != before.cursor
    work = replace(
        before,
        cursor=batch.cursor,
        counts=before.counts + batch.counts,
        findings=(*before.findings, *batch.findings)[:MAX_FINDINGS],
        stopped_since=None,
        lease=_lease_from(before.lease.holder, now) if keep and before.lease else None,
    )
    if batch.is_end:
        return work.at_its_end()
    if batch.why is None:
        return work
    since = before.stopped_since if before.stopped_since and not moved else now
    if _time(now) - _time(since) >= timedelta(seconds=PATIENCE_SECONDS):
        findings = (*work.findings, RefusedPartition.of(batch.at, batch.why))[:MAX_FINDINGS]
        return replace(work, cursor=batch.at, counts=work.counts + Counts(partitions=1, failed=1), findings=findings)
    return replace(work, stopped_since=since)


@dataclass(frozen=True, slots=True)
class Holding:
    """What whoever drives a work does, for one activity. `now`: RFC 3339 UTC time as text, to the microsecond."""

    acting: "Acting"
    works: Works
    now: Callable[[], str]

    @classmethod
    def of(
        cls, acting: "Acting", *, now: Callable[[], str], index: str = INDEX, even_erased: bool = False
    ) -> "Holding":
        """Of the activity's tenant. `index` is the row that the works stand in which run; `even_erased`: `Works`."""
        vault = acting.vault
        works = Works(
            table=vault.key_table,
            table_name=vault.key_table.name,
            keys=vault.keys,
            audit=vault.audit,
            activity=acting.activity,
            now=now,
            randomness=os.urandom,
            sleep=time.sleep,
            index=index,
            even_erased=even_erased,
        )
        return cls(acting, works, now)

    def drive(self, found: Work, stepping: Callable[[Work], Callable[[Work], Work]]) -> Work:
        """Takes the work, if nobody else is at it, and does steps for as long as it is held; returns how it then is.

        `stepping` gives what does a step of this work. It is asked before the work is taken: who cannot, takes nothing.

        Raises:
            DependencyError, Conflict: a step cannot be done now. What was done before it is written down.
        """
        if found.is_free(self.now()):
            step = stepping(found)
            holder = os.urandom(16).hex()
            found = self.works.change(found.id, lambda work: self._taken(work, holder))
            while found.is_held_by(holder):
                found = step(found)
        if self.acting.activity.notes.unsaid():
            # Nothing was written that would have said what was seen.
            self.acting.release()
        return found

    def written(self, work: Work, batch: Batch, *, after: Callable[..., Work] = after_step) -> Work:
        """Writes down what a step of a held work did; returns the work as it then is, held or given back.

        Raises:
            DependencyError, Conflict: the step's own, once what was done before it is written down.
        """
        lease = work.lease
        assert lease is not None  # noqa: S101  # for the type checker: it is held
        last = self.is_over(work) or batch.why is not None

        def plan(before: Work) -> Work | None:
            if not before.is_held_by(lease.holder):
                return None  # the lease ran out, and somebody else goes on
            return after(before, batch, now=self.now(), keep=not last)

        written = self.works.change(work.id, plan)
        if batch.why is not None:
            raise batch.why
        return written

    def activity(self, action: str) -> AbstractContextManager["Acting"]:
        """An activity within this one, in its name: what is done in it is an entry of its own."""
        acting, origin = self.acting, self.acting.activity.origin
        return acting.vault.acting(
            tenant=acting.tenant,
            principal=acting.activity.principal,
            action=action,
            function=origin.function,
            request_id=origin.request_id,
            trace_id=origin.trace_id,
            span_id=origin.span_id,
            # A little more than there is for beginning something: what was begun in time shall end.
            seconds=acting.activity.deadline - time.monotonic() - RESERVE_SECONDS / 2,
            count=acting.activity.count,
        )

    def is_over(self, work: Work) -> bool:
        """Whether nothing new may be started: the activity's time is used up, or the lease has run out."""
        late = time.monotonic() >= self.acting.activity.deadline - RESERVE_SECONDS
        return late or not work.lease or work.lease.until <= self.now()

    def _taken(self, work: Work, holder: str) -> Work | None:
        now = self.now()
        return replace(work, lease=_lease_from(holder, now)) if work.is_free(now) else None


def _lease_from(holder: str, now: str) -> Lease:
    """A lease that begins now."""
    return Lease(holder, text_of_time(_time(now) + timedelta(seconds=LEASE_SECONDS)))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
