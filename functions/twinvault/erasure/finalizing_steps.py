"""The steps of what makes erasures final (`erasure.finalizing` says which there are, and in which order)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from twinvault.erasure.requests import ErasureRequests
from twinvault.erasure.settling import Settling
from twinvault.errors import Conflict, DependencyError, IntegrityError, NotFound
from twinvault.keys.deks import DEK_NAME
from twinvault.keys.destroying import Destroying
from twinvault.keys.epochs import Epochs
from twinvault.keys.register import Epoch, Register, State
from twinvault.keys.times import text_of_time
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.holding import Batch, Holding
from twinvault.maintenance.rekeying import KeyStepper, after_key_step
from twinvault.maintenance.rows import FINALIZE
from twinvault.maintenance.work import Work
from twinvault.records.committing import AuditedCommits

if TYPE_CHECKING:
    from twinvault.acting import Acting
    from twinvault.vault import Vault

ROTATED, RETIRED, REWRAPPED = "rotated", "retired", "rewrapped"
"""The cursors of a work that has no row behind it: what was done last."""
ACTION = f"key.{FINALIZE}"


@dataclass(frozen=True, slots=True)
class FinalizingStepper:
    """Does the steps of such a work."""

    holding: Holding
    destroying: Destroying

    def step(self, work: Work) -> Work:
        """One step of a work that is held, written down; returns the work as it then is, held or given back.

        Raises:
            Conflict, DependencyError: it cannot go on now. What was done before it is written down.
        """
        try:
            batch, keep = self._batch(work)
        except (Conflict, DependencyError) as error:
            batch, keep = Batch(work.cursor, Counts(), at=work.cursor, why=error), False
        return self.holding.written(work, batch, after=after_key_step if keep else _handed_back)

    def _batch(self, work: Work) -> tuple[Batch, bool]:
        """What one step does, and whether whoever holds the work goes on."""
        match work.cursor:
            case "":
                self._acting(lambda by: self._vault.changes.new_epoch(self._tenant, by))
                return Batch(ROTATED, Counts()), True
            case cursor if cursor == ROTATED:
                for one in self._to_retire():
                    self._acting(partial(self._retired, one.epoch))
                return Batch(RETIRED, Counts()), True
            case cursor if cursor == REWRAPPED:
                return self._destroyed(work), True
        if work.cursor == RETIRED and waits_until(self._register(), self.destroying, now=self.holding.now()):
            return Batch(RETIRED, Counts()), False
        return self._rewrapped(work), True

    def _rewrapped(self, work: Work) -> Batch:
        """Some DEKs under the newest epoch, as any rewrapping does it."""
        of_rows = work if DEK_NAME.fullmatch(work.cursor) else replace(work, cursor="")
        batch = KeyStepper(self.holding).batch(of_rows)
        cursor = REWRAPPED if batch.is_end else batch.cursor or work.cursor
        return replace(batch, cursor=cursor, is_end=False, at=cursor if batch.why else "")

    def _destroyed(self, work: Work) -> Batch:
        """The oldest epoch below the lowest active one is no more; or, where there is none, the work is at its end."""
        register = self._register()
        number = register.lowest_epoch
        if number not in {one.epoch for one in below(register)}:
            return self._end(register)
        if waits_until(register, self.destroying, now=self.holding.now()):
            return Batch(RETIRED, Counts())  # somebody retired one more meanwhile: what it wrapped is brought along
        try:
            self._acting(lambda by: self.destroying.destroy(self._tenant, number, committer=by))
        except (Conflict, IntegrityError) as error:
            if isinstance(error, Conflict) and not work.counts.failed:
                raise
            # A row that does not open, or is under a revoked epoch: it was counted when it was refused.
            return replace(self._end(register), counts=Counts(failed=0 if work.counts.failed else 1))
        return Batch(REWRAPPED, Counts())

    def _end(self, register: Register) -> Batch:
        """The end, whichever: erasures whose epochs are all gone get their time before it is written down."""
        vault = self._vault
        with self.holding.activity(ACTION) as mine:
            requests = ErasureRequests(vault.holds.rows, vault.audit, mine.activity, self.holding.now)
            Settling(requests).settle_all(lowest_epoch=register.lowest_epoch)
            mine.release()
        return Batch(REWRAPPED, Counts(), is_end=True)

    def _to_retire(self) -> list[Epoch]:
        active = [one for one in self._register().epochs if one.state is State.ACTIVE]
        return active[:-1]

    def _retired(self, number: int, by: AuditedCommits) -> None:
        Epochs(self._vault.changes).retire(self._tenant, number, committer=by)

    def _acting(self, change: Callable[[AuditedCommits], object]) -> None:
        """A change in an activity of its own: it has an entry of its own."""
        with self.holding.activity(ACTION) as mine:
            change(AuditedCommits(self._vault.audit, mine.activity))

    def _register(self) -> Register:
        return register_of(self.holding.acting, fresh=True)

    @property
    def _vault(self) -> "Vault":
        return self.holding.acting.vault

    @property
    def _tenant(self) -> str:
        return self.holding.acting.tenant


def below(register: Register) -> tuple[Epoch, ...]:
    """The epochs below the lowest active one: they seal nothing, and their time is to come."""
    lowest = min((one.epoch for one in register.epochs if one.state is State.ACTIVE), default=0)
    return tuple(one for one in register.epochs if one.epoch < lowest)


def waits_until(register: Register, destroying: Destroying, *, now: str) -> str | None:
    """Until when an environment may still seal under one of the epochs below; None: none can."""
    until = max((destroying.unused_from(one) for one in below(register)), default=None)
    return text_of_time(until) if until is not None and datetime.fromisoformat(now) < until else None


def _handed_back(before: Work, batch: Batch, *, now: str, keep: bool) -> Work:  # noqa: ARG001  # as `after_key_step`
    """The work after a step, and whoever held it holds it no more, whatever time is left."""
    return after_key_step(before, batch, now=now, keep=False)


def register_of(acting: "Acting", *, fresh: bool) -> Register:
    """The register of the activity's tenant.

    Raises:
        NotFound: the tenant has no keys.
        IntegrityError, KeyRefused, DependencyError: as for any key.
    """
    found = acting.vault.keys.tenant(acting.tenant, observer=acting.activity, fresh=fresh)
    if found is None:
        raise NotFound("this tenant has no keys")
    return found.register
