"""What makes all erasures of a period final: the epochs that may have wrapped an erased key are destroyed.

Long work of keys (`maintenance.rekeying` is the other one), in phases, each of which may be done twice:

    rotate     a new epoch, under which keys are wrapped from now on
    retire     every active epoch below it: none of them seals any more
    wait       until no environment can hold a register in which one of them still seals
    rewrap     every DEK and the index key, under the new epoch
    destroy    the epochs below, the oldest first; each looks at every row once more

After the wait nothing can come under the old epochs, so one walk over the rows is enough. Which phase it is says the
work's cursor; which epochs it is about says the register: those below the lowest active one. So nothing has to be
remembered that a kill could lose, and who rotates or retires meanwhile only adds to the work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.erasure.finalizing_steps import (
    RETIRED,
    REWRAPPED,
    ROTATED,
    FinalizingStepper,
    register_of,
    waits_until,
)
from twinvault.errors import NotFound
from twinvault.keys.destroying import Destroying
from twinvault.maintenance.holding import Holding
from twinvault.maintenance.rekeying import Rekeying
from twinvault.maintenance.rows import FINALIZE, KEY_INDEX, KEYS
from twinvault.maintenance.work import Work

if TYPE_CHECKING:
    from twinvault.acting import Acting


@dataclass(frozen=True, slots=True)
class FinalizingWork:
    """A work that makes erasures final, and until when it waits (RFC 3339, UTC; None: it need not)."""

    work: Work
    waits_until: str | None

    @property
    def phase(self) -> str:
        """What it does next, or has ended with."""
        if not self.work.is_running:
            return self.work.state.value
        cursor = self.work.cursor
        if cursor == RETIRED:
            return "waiting" if self.waits_until else "rewrapping"
        return {"": "rotating", ROTATED: "retiring", REWRAPPED: "destroying"}.get(cursor, "rewrapping")


class Finalizing:
    """The works of one activity's tenant that make its erasures final."""

    def __init__(self, acting: "Acting", *, now: Callable[[], str], longest_seconds: float) -> None:
        """`now`: RFC 3339 UTC time, to the microsecond. `longest_seconds`: the longest that any activity may take."""
        self._acting = acting
        self._holding = Holding.of(acting, now=now, index=KEY_INDEX)
        self._destroying = Destroying(acting.vault.changes, acting.vault.key_table, longest_seconds)

    def begin(self) -> tuple[FinalizingWork, bool]:
        """A work that runs, and whether this call began it; nothing of it is done yet.

        Raises:
            NotFound: the tenant has no keys.
            OutcomeUnknown, DependencyError: as for any write; repeating is safe.
        """
        work, is_new = self._holding.works.begin(FINALIZE, KEYS)
        self._acting.release()
        return FinalizingWork(work, None), is_new

    def get(self, work_id: str) -> FinalizingWork:
        """How a work stands.

        Raises:
            NotFound, InvalidInput: there is none of this id, or it cannot be one.
            IntegrityError: its row was changed or moved.
            DependencyError: as for any key.
        """
        found = self._seen(self._get(work_id))
        self._acting.release()
        return found

    def newest(self) -> list[Work]:
        """The tenant's newest works of this sort, the newest first. Errors as for `get`."""
        works = [work for work in self._holding.works.newest() if _is_finalizing(work)]
        self._acting.release()
        return works

    def drive(self, work_id: str) -> FinalizingWork:
        """Does as much of a work as the activity has time for; returns how it then stands.

        Where somebody else is at it, or it waits, nothing is done.

        Raises:
            NotFound, InvalidInput, IntegrityError: as for `get`.
            Conflict: it cannot go on; the message says why. What was done before it is written down.
            DependencyError: the keys cannot be changed now; likewise.
        """
        found = self._seen(self._get(work_id))
        if not found.waits_until:
            stepper = FinalizingStepper(self._holding, self._destroying)
            found = self._seen(self._holding.drive(found.work, lambda _: stepper.step))
        if self._acting.activity.notes.unsaid():
            self._acting.release()
        return found

    def _get(self, work_id: str) -> Work:
        work = self._holding.works.get(work_id).work
        if not _is_finalizing(work):
            raise NotFound("there is no such work")
        return work

    def _seen(self, work: Work) -> FinalizingWork:
        """The work with what it waits for, by the register as it is in memory: a wait is not shortened by looking."""
        if not work.is_running or work.cursor != RETIRED:
            return FinalizingWork(work, None)
        register = register_of(self._acting, fresh=False)
        return FinalizingWork(work, waits_until(register, self._destroying, now=self._holding.now()))


class KeyWorks:
    """What drives a tenant's works of keys, of whatever sort: for a schedule that knows an id and no more."""

    def __init__(self, acting: "Acting", *, now: Callable[[], str], longest_seconds: float) -> None:
        """As for `Finalizing`."""
        self._acting = acting
        self._now = now
        self._longest_seconds = longest_seconds

    def drive(self, work_id: str) -> Work:
        """Does as much of the work as the activity has time for; errors as for `Finalizing.drive`."""
        acting, now = self._acting, self._now
        found = Holding.of(acting, now=now, index=KEY_INDEX).works.get(work_id).work
        if _is_finalizing(found):
            return Finalizing(acting, now=now, longest_seconds=self._longest_seconds).drive(work_id).work
        return Rekeying(acting, now=now).drive(work_id)


def _is_finalizing(work: Work) -> bool:
    return (work.job, work.kind) == (FINALIZE, KEYS)
