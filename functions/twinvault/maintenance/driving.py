"""Long work, asked for and driven.

Whoever drives a work takes a lease and does steps (`stepping`) for as long as their activity has time. The next driver
goes on where that ended, whoever it is: a person's command, or the schedule.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from twinvault.envelope import require_id
from twinvault.errors import Conflict, InvalidInput, NotFound
from twinvault.keys.rows import dek_prefix
from twinvault.maintenance.driven import DrivenWorks
from twinvault.maintenance.holding import Holding
from twinvault.maintenance.jobs import JOBS, Job
from twinvault.maintenance.rows import is_of_erasures, is_of_keys
from twinvault.maintenance.stepping import Stepper
from twinvault.maintenance.work import Work
from twinvault.records.typed.kind import Kind, specs_by_name
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.acting import Acting
    from twinvault.records.spec import KindSpec


class Maintenance(DrivenWorks):
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
        # By its id a work of any sort is found: who may maintain may see how it stands.
        super().__init__(Holding.of(acting, now=now), is_one=_is_of_partitions)
        self._kinds = specs_by_name(kinds)
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

    def _require_there(self, scope: Scope) -> None:
        """Lets a partition pass that has a key; whether it opens is seen when its turn comes."""
        if not self._works.table.query(scope.keys_pk, dek_prefix(scope), limit=1):
            raise NotFound("there is no such partition")

    def _stepping(self, work: Work) -> Callable[[Work], Work]:
        job, kind = self._jobs.get(work.job), self._kinds.get(work.kind)
        if job is None or kind is None:
            raise Conflict("this release knows no such job, or no such kind: another one began this work")
        return Stepper(self._holding, job, kind).step


def _is_of_partitions(work: Work) -> bool:
    return not is_of_keys(work) and not is_of_erasures(work)
