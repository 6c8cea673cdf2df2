"""One step of a work: a bounded number of partitions, then cursor and counts, written at once.

Killed anywhere, nothing is lost but the lease's time: the next driver goes on from the cursor. While one driver holds
the lease no other begins a step; one that outlived its lease finds so when it writes, for the row is not the one that
it left, and what it did in between is done again and counted once.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from twinvault.errors import CallerError, Conflict, DependencyError, IntegrityError, Undeclared
from twinvault.maintenance.jobs import Job, JobStep
from twinvault.maintenance.partitions import partitions
from twinvault.maintenance.work import MAX_FINDINGS, Counts, Lease, RefusedPartition, Work
from twinvault.maintenance.works import Works

if TYPE_CHECKING:
    from twinvault.acting import Acting
    from twinvault.records.spec import KindSpec

LEASE_SECONDS = 30
"""Longer than one step and what a driver still does after it, and the longest that a killed driver holds others up."""
STEP_SECONDS = 5.0
STEP_PARTITIONS = 50
RESERVE_SECONDS = 3.0
"""What is kept of an activity's time for writing down what was done."""
PATIENCE_SECONDS = 900
"""For so long a partition that cannot be done now holds the work up; then it counts as refused."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step did: up to which partition, and why it went no further.

    `at` is the partition that could not be done now, and `why` the reason.
    """

    cursor: str
    counts: Counts
    findings: Sequence[RefusedPartition] = ()
    is_end: bool = False
    at: str = ""
    why: DependencyError | Conflict | None = None


@dataclass(frozen=True, slots=True)
class Stepper:
    """Does a work's steps for one activity. `now`: RFC 3339 UTC time as text, to the microsecond."""

    acting: "Acting"
    works: Works
    job: Job
    kind: "KindSpec"
    now: Callable[[], str]

    def step(self, work: Work) -> Work:
        """One step of a work that is held, written down; returns the work as it then is, held or given back.

        Raises:
            DependencyError, Conflict: a partition cannot be done now. What was done before it is written down.
        """
        lease = work.lease
        assert lease is not None  # noqa: S101  # for the type checker: it is held
        batch = self._batch(work)
        last = self._is_over(work) or batch.why is not None

        def plan(before: Work) -> Work | None:
            if not before.is_held_by(lease.holder):
                return None  # the lease ran out, and somebody else goes on
            return after_step(before, batch, now=self.now(), keep=not last)

        written = self.works.change(work.id, plan)
        if batch.why is not None:
            raise batch.why
        return written

    def _batch(self, work: Work) -> Batch:
        cursor, counts, findings = work.cursor, Counts(), list[RefusedPartition]()
        until = time.monotonic() + STEP_SECONDS
        for partition in partitions(self.works.table, self.acting.tenant, kind=self.kind.kind, after=work.cursor):
            if counts.partitions >= STEP_PARTITIONS or time.monotonic() >= until or self._is_over(work):
                return Batch(cursor, counts, findings)
            try:
                done = self._one(work, partition)
            except (DependencyError, Conflict) as error:
                if self._is_over(work) and cursor != work.cursor:
                    return Batch(cursor, counts, findings)  # it was begun too late, that is all
                return Batch(cursor, counts, findings, at=partition, why=error)
            except (CallerError, IntegrityError, Undeclared) as error:
                # Its own activity has said so.
                done = JobStep(refusal=error)
            if done.refusal is not None:
                counts += Counts(partitions=1, failed=1)
                findings.append(RefusedPartition.of(partition, done.refusal))
            else:
                counts += Counts(int(done.is_complete), done.rewritten, done.skipped if done.is_complete else 0)
                if not done.is_complete:
                    return Batch(cursor, counts, findings)
            cursor = partition
        return Batch(cursor, counts, findings, is_end=True)

    def _one(self, work: Work, partition: str) -> JobStep:
        """One partition, in an activity of its own: what was seen, written or refused there is an entry of its own."""
        acting, origin = self.acting, self.acting.activity.origin
        with acting.vault.acting(
            tenant=acting.tenant,
            principal=acting.activity.principal,
            action=f"maintain.{self.job.name}",
            function=origin.function,
            request_id=origin.request_id,
            trace_id=origin.trace_id,
            span_id=origin.span_id,
            # A little more than there is for beginning something: what was begun in time shall end.
            seconds=acting.activity.deadline - time.monotonic() - RESERVE_SECONDS / 2,
            count=acting.activity.count,
        ) as mine:
            return self.job.step(
                mine.partition(self.kind, partition), since=work.begun, is_over=lambda: self._is_over(work)
            )

    def _is_over(self, work: Work) -> bool:
        """Whether nothing new may be started: the activity's time is used up, or the lease has run out."""
        late = time.monotonic() >= self.acting.activity.deadline - RESERVE_SECONDS
        return late or not work.lease or work.lease.until <= self.now()


def after_step(before: Work, batch: Batch, *, now: str, keep: bool) -> Work:
    """The work after a step; with `keep` its holder goes on."""
    moved = batch.cursor != before.cursor
    work = replace(
        before,
        cursor=batch.cursor,
        counts=before.counts + batch.counts,
        findings=(*before.findings, *batch.findings)[:MAX_FINDINGS],
        stopped_since=None,
        lease=lease_from(before.lease.holder, now) if keep and before.lease else None,
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


def lease_from(holder: str, now: str) -> Lease:
    """A lease that begins now."""
    until = _time(now) + timedelta(seconds=LEASE_SECONDS)
    return Lease(holder, until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
