"""Long work, asked for and driven.

Whoever drives a work takes a lease and does steps (`stepping`) for as long as their activity has time. The next driver
goes on where that ended, whoever it is: a person's command, or the schedule.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from twinvault.envelope import require_id
from twinvault.errors import Conflict, InvalidInput, NotFound
from twinvault.keys.rows import dek_prefix
from twinvault.maintenance.holding import Holding
from twinvault.maintenance.jobs import JOBS, Job
from twinvault.maintenance.rows import is_of_erasures, is_of_keys
from twinvault.maintenance.stepping import Stepper
from twinvault.maintenance.work import Work
from twinvault.records.typed.kind import Kind
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.acting import Acting
    from twinvault.records.spec import KindSpec


class Maintenance:
    """The long work of one activity's tenant: what there is, more of it, and a drive of one."""

    def __init__(
        self,
        acting: "Acting",
        *,
        kinds: Iterable["Kind | KindSpec"],
        jobs: Iterable[Job] = JOBS,
        now: Callable[[], str],
    ) -> None:
        """`kinds` and `jobs` are what may be asked for. `now`: RFC 3339 UTC time as text, to the microsecond."""
        self._acting = acting
        self._holding = Holding.of(acting, now=now)
        self._works = self._holding.works
        specs = [kind.spec if isinstance(kind, Kind) else kind for kind in kinds]
        self._kinds = {spec.kind: spec for spec in specs}
        self._jobs = {require_id(job.name, field="job"): job for job in jobs}

    def begin(self, job: str, kind: str, *, partition: str = "") -> tuple[Work, bool]:
        """A work that runs, and whether this call began it; nothing of it is done yet.

        `partition` is the one that it is done to; empty: all of the kind.

        Raises:
            InvalidInput: there is no such job or kind, or this can be no partition's id.
            NotFound: the tenant has no keys, so there is nothing to do; or it has no such partition.
            Conflict: as many works run as may.
            OutcomeUnknown, DependencyError: as for any write; repeating is safe.
        """
        for name, known, field in ((job, self._jobs, "work"), (kind, self._kinds, "kind")):
            if name not in known:
                raise InvalidInput(f"{field}: must be {' or '.join(sorted(known))}", field=field)
        if partition:
            self._require_there(Scope(self._acting.tenant, kind, partition))
        begun = self._works.begin(job, kind, partition=partition)
        self._acting.release()
        return begun

    def get(self, work_id: str) -> Work:
        """How a work stands.

        Raises:
            NotFound, InvalidInput: there is none of this id, or it cannot be one.
            IntegrityError: its row was changed or moved.
            DependencyError: as for any key.
        """
        work = self._works.get(work_id).work
        self._acting.release()
        return work

    def newest(self) -> list[Work]:
        """The tenant's newest works of partitions, at most 100, the newest first. Errors as for `get`."""
        works = [work for work in self._works.newest() if not is_of_keys(work) and not is_of_erasures(work)]
        self._acting.release()
        return works

    def drive(self, work_id: str) -> Work:
        """Does as much of a work as the activity has time for; returns how it then stands.

        Where somebody else is at it nothing is done, and its lease says until when.

        Raises:
            NotFound, InvalidInput, IntegrityError: as for `get`.
            Conflict: this release knows no such job or kind; or a partition is being written by too many.
            DependencyError: a partition cannot be done now. What was done before it is written down.
        """
        return self._holding.drive(self._works.get(work_id).work, lambda work: self._stepper(work).step)

    def _require_there(self, scope: Scope) -> None:
        """Lets a partition pass that has a key; whether it opens is seen when its turn comes."""
        if not self._works.table.query(scope.keys_pk, dek_prefix(scope), limit=1):
            raise NotFound("there is no such partition")

    def _stepper(self, work: Work) -> Stepper:
        job, kind = self._jobs.get(work.job), self._kinds.get(work.kind)
        if job is None or kind is None:
            raise Conflict("this release knows no such job, or no such kind: another one began this work")
        return Stepper(self._holding, job, kind)
