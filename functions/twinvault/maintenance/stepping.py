"""One step of a work: a bounded number of partitions, each done or refused by itself (`holding` has the rest)."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import TYPE_CHECKING

from twinvault.errors import CallerError, Conflict, DependencyError, Gone, IntegrityError, Undeclared
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.holding import STEP_SECONDS, Batch, Holding
from twinvault.maintenance.jobs import Job, JobOfMore, JobStep
from twinvault.maintenance.partitions import partitions
from twinvault.maintenance.work import RefusedPartition, Work

if TYPE_CHECKING:
    from twinvault.records.spec import KindSpec

STEP_PARTITIONS = 50


@dataclass(frozen=True, slots=True)
class Stepper:
    """Does a work's steps, each of some partitions."""

    holding: Holding
    job: Job
    kind: "KindSpec"
    places: Callable[..., Iterator[str]] = partitions
    """Which partitions there are."""

    def step(self, work: Work) -> Work:
        """One step of a work that is held, written down; returns the work as it then is, held or given back.

        Raises:
            DependencyError, Conflict: a partition cannot be done now. What was done before it is written down.
        """
        return self.holding.written(work, self.batch(work))

    def batch(self, work: Work) -> Batch:
        """What one step does, not written down yet."""
        holding = self.holding
        cursor, counts, findings = work.cursor, Counts(), list[RefusedPartition]()
        until = time.monotonic() + STEP_SECONDS
        for partition in self._left(work):
            if counts.partitions >= STEP_PARTITIONS or time.monotonic() >= until or holding.is_over(work):
                return Batch(cursor, counts, findings)
            try:
                done = self._one(work, partition)
            except (DependencyError, Conflict) as error:
                if holding.is_over(work) and cursor != work.cursor:
                    return Batch(cursor, counts, findings)  # it was begun too late, that is all
                return Batch(cursor, counts, findings, at=partition, why=error)
            except Gone:
                done = JobStep()  # it was erased meanwhile: nothing is left to be done there
            except (CallerError, IntegrityError, Undeclared) as error:
                # Its own activity has said so.
                done = JobStep(refusal=error)
            if done.refusal is not None:
                counts += Counts(partitions=1, failed=1)
                findings.append(RefusedPartition.of(partition, done.refusal, row=done.row))
            else:
                counts += Counts(int(done.is_complete), done.rewritten, done.skipped if done.is_complete else 0)
                if not done.is_complete:
                    return Batch(cursor, counts, findings)
            cursor = partition
        return Batch(cursor, counts, findings, is_end=True)

    def _left(self, work: Work) -> Iterable[str]:
        """The partitions after the cursor that are known by their keys, and by what else the job knows; each once."""
        if work.partition:
            return () if work.cursor else (work.partition,)
        tenant, kind = self.holding.acting.tenant, self.kind.kind
        known = [self.places(self.holding.works.table, tenant, kind=kind, after=work.cursor)]
        if isinstance(self.job, JobOfMore):
            known.append(self.job.further(tenant, kind=kind, after=work.cursor))
        return (partition for partition, _ in groupby(merge(*known)))

    def _one(self, work: Work, partition: str) -> JobStep:
        """One partition, in an activity of its own: what was seen, written or refused there is an entry of its own."""
        with self.holding.activity(f"maintain.{self.job.name}") as mine:
            return self.job.step(
                mine.partition(self.kind, partition), since=work.begun, is_over=lambda: self.holding.is_over(work)
            )
