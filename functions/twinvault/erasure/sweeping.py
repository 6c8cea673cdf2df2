"""Sweeping: the rows that were left of what was erased are deleted, as long work (docs/maintenance.md).

They open to nobody, since their keys are gone. What is swept is a partition whose tombstone is what was written last:
asked again for each page of rows, after they were read, so that no row of another partition that stands at the place by
then is ever among them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from twinvault.erasure.sweep_steps import after_sweep
from twinvault.erasure.sweeper import Sweeper
from twinvault.erasure.sweeping_tenants import TenantSweepStepper
from twinvault.errors import Conflict, Contention, InvalidInput, NotFound
from twinvault.keys.destroying import LONGEST_SECONDS
from twinvault.maintenance.driven import DrivenWorks
from twinvault.maintenance.holding import Holding
from twinvault.maintenance.jobs import JobStep
from twinvault.maintenance.partitions import erased_partitions
from twinvault.maintenance.rows import ERASURE_INDEX, SWEEP, SWEEP_TENANT, WHOLE_TENANT, is_of_erasures
from twinvault.maintenance.stepping import Stepper
from twinvault.maintenance.work import Work
from twinvault.records.typed.kind import Kind, specs_by_name

if TYPE_CHECKING:
    from twinvault.acting import Acting
    from twinvault.records.spec import KindSpec
    from twinvault.records.store import PartitionStore
    from twinvault.vault import Vault

_TRIES = 12


class Sweeping(DrivenWorks):
    """The sweeps of one activity's tenant: what there is, more of it, and a drive of one."""

    def __init__(
        self,
        acting: "Acting",
        *,
        kinds: "Iterable[Kind | KindSpec]",
        now: Callable[[], str],
        longest_seconds: float = LONGEST_SECONDS,
    ) -> None:
        """`kinds` are those whose partitions are swept. `now`: RFC 3339 UTC time as text, to the microsecond.

        `longest_seconds`: the longest that any activity of this store may take, anywhere.
        """
        holding = Holding.of(acting, now=now, index=ERASURE_INDEX, even_erased=True)
        super().__init__(holding, is_one=is_of_erasures, missing="there is no such sweep")
        self._longest_seconds = longest_seconds
        self._kinds = specs_by_name(kinds)

    def begin(self, kind: str | None) -> tuple[Work, bool]:
        """A sweep that runs and will come by all that is erased by now, and whether this call began it.

        `kind` is that of the partitions; None: the whole tenant, which was erased. That sweep ends once no environment
        can have its keys in memory any more.

        Raises:
            InvalidInput: there is no such kind.
            Conflict: the tenant was not erased; or as below.
            NotFound: the tenant has no keys, so nothing was erased.
            Conflict: as many works run as may.
            OutcomeUnknown, DependencyError: as for any write; repeating is safe.
        """
        if kind is None and self._acting.vault.keys.erased(self._acting.tenant, observer=self._acting.activity) is None:
            raise Conflict("this tenant was not erased: name the kind whose partitions are to be swept", field="kind")
        if kind is not None and kind not in self._kinds:
            raise InvalidInput(f"kind: must be {' or '.join(sorted(self._kinds))}", field="kind")
        for _ in range(_TRIES):
            work, is_new = self._works.begin(*((SWEEP_TENANT, WHOLE_TENANT) if kind is None else (SWEEP, kind)))
            # One that runs may have come by already: it begins again.
            work = work if is_new else self._works.again(work)
            if work.is_running:
                self._acting.release()
                return work, is_new
        raise Contention("sweeps keep ending before they could be told to go on", retry_after=1)

    def _stepping(self, work: Work) -> Callable[[Work], Work]:
        if work.job == SWEEP_TENANT:
            return TenantSweepStepper(self._holding, self._longest_seconds).step
        kind = self._kinds.get(work.kind)
        if kind is None:
            raise NotFound("this release knows no such kind: another one began this sweep")
        return SweepStepper(self._holding, Sweep(self._acting.vault), kind, erased_partitions).step


@dataclass(frozen=True, slots=True)
class SweepStepper(Stepper):
    """Does a sweep's steps."""

    def step(self, work: Work) -> Work:
        """See `Stepper.step`. Where it was told meanwhile to begin again it goes on from the beginning."""
        return self.holding.written(work, self.batch(work), after=partial(after_sweep, was=work))


@dataclass(frozen=True, slots=True)
class Sweep:
    """Deletes what is left of a partition that was erased: records, requests, and keys that somebody put back."""

    vault: "Vault"
    name: str = SWEEP

    def step(self, partition: "PartitionStore", *, since: str, is_over: Callable[[], bool]) -> JobStep:  # noqa: ARG002  # what stands there has to go, since whenever
        """See `Job.step`. Rows that were deleted count as written."""
        scope, activity = partition.scope, partition.activity

        def is_erased() -> bool:
            return self.vault.reader.tombstones.standing(scope, observer=activity) is not None

        return Sweeper(self.vault, scope, activity, is_erased, is_over).sweep()
