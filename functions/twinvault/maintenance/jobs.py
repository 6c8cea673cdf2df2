"""What long work does to one partition."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from twinvault.errors import DependencyError, TwinvaultError
from twinvault.records.rewriting import rewrite

if TYPE_CHECKING:
    from twinvault.records.store import PartitionStore


@dataclass(frozen=True, slots=True)
class JobStep:
    """What was done to a partition.

    Attributes:
        rewritten: records that were written again.
        skipped: records that were found as they should be.
        is_complete: whether nothing is left to do there; else the job goes on with it when there is time again.
        refusal: why it cannot be done, where the job has seen to it that the audit log says so.
        row: the sort key of the row that it was refused for, if not the one that the refusal names; empty: none that
            may be named.
    """

    rewritten: int = 0
    skipped: int = 0
    is_complete: bool = True
    refusal: TwinvaultError | None = None
    row: str | None = None


class Job(Protocol):
    """Work that is done partition by partition, in any order, and any number of times: what is done stays done."""

    @property
    def name(self) -> str:
        """What the work is called, an id."""

    def step(self, partition: "PartitionStore", *, since: str, is_over: Callable[[], bool]) -> JobStep:
        """Does the partition, or as much of it as there is time for.

        Args:
            partition: for an activity of its own, which ends with this call.
            since: when the work began, RFC 3339 in UTC.
            is_over: whether nothing new may be started.

        Raises:
            IntegrityError, Undeclared, CallerError: this partition cannot be done; the work goes on with the next.
            DependencyError, Conflict: it cannot be done now.
        """


@runtime_checkable
class JobOfMore(Job, Protocol):
    """A job that knows of partitions by more than the rows of their keys."""

    def further(self, tenant: str, *, kind: str, after: str) -> Iterator[str]:
        """The ids of such partitions of a tenant that come after `after`, in order; others may be among them.

        Raises:
            DependencyError: it cannot be known now.
        """


class Rewrite:
    """Seals every record of a partition anew, as its declaration writes it now; whoever writes meanwhile wins."""

    name = "rewrite"

    def step(self, partition: "PartitionStore", *, since: str, is_over: Callable[[], bool]) -> JobStep:
        """See `Job.step`. What was written after the work began, as it is declared now, is as it should be."""
        done = rewrite(partition, since=since, is_over=is_over)
        return JobStep(done.written, done.records - done.written - done.left, is_complete=not done.left)


class Reindex:
    """Makes the blind indexes of a partition's records anew where they are not what they should be."""

    name = "reindex"

    def step(self, partition: "PartitionStore", *, since: str, is_over: Callable[[], bool]) -> JobStep:  # noqa: ARG002  # what is outdated says so itself, whenever it was written
        """See `Job.step`. Only what is written again is counted: `PartitionStore.reindex` passes over all else."""
        try:
            return JobStep(partition.reindex())
        except DependencyError:
            if not is_over():
                raise
            # What it wrote stays, and the next step goes on from there.
            return JobStep(is_complete=False)


JOBS: tuple[Job, ...] = (Rewrite(), Reindex())
"""The jobs that the library brings with it."""
