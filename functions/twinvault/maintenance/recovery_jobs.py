"""Long work that looks at every partition and, where it cannot be read, mends it (docs/recovery.md).

None of it gives a row up: a partition of which rows do not open is a finding, and somebody has to look at it.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.acting import Acting
from twinvault.errors import Conflict, IntegrityError, KeyRefused, Step
from twinvault.keys.register import State
from twinvault.keys.rows import dek_name, kek_name, row_place
from twinvault.maintenance.jobs import Job, JobStep
from twinvault.maintenance.recovery import Recovery
from twinvault.records.hits import REFUSALS, Refusal

if TYPE_CHECKING:
    from twinvault.audit.activity import Activity
    from twinvault.dynamodb.table import Table
    from twinvault.records.head import HeadState
    from twinvault.records.store import PartitionStore
    from twinvault.vault import Vault

_LOOKS = 3


@dataclass(slots=True)
class Fsck:
    """Reads every partition whole: every row and every key of it opened, the sum made again, the mark compared.

    Once a drive also the tenant's keys, each from its row, but for those that are revoked: nobody opens them. What is
    found of them is said of the first partition, unless something is found of that itself. Nothing is changed.
    """

    vault: "Vault"
    name: str = "fsck"
    _has_looked_at_keys: bool = False

    def step(self, partition: "PartitionStore", *, since: str, is_over: Callable[[], bool]) -> JobStep:  # noqa: ARG002  # it looks at what there is now
        """See `Job.step`. A key that may not be used is a finding too, for it keeps its partition from being read."""
        of_keys = self._look_at_keys(partition)
        try:
            return JobStep(skipped=self._read(partition), refusal=of_keys)
        except KeyRefused as refusal:
            self.vault.audit.refused(partition.activity, refusal)
            return JobStep(refusal=refusal)

    def _read(self, partition: "PartitionStore") -> int:
        """How many records it has; a rotation that comes between the two looks is waited out."""
        looks = 0
        while (snapshot := partition.peek()) is not None:
            looks += 1
            try:
                self._require_deks(partition, snapshot.state)
                return len(snapshot.records) + 1
            except IntegrityError:
                if looks == _LOOKS:
                    raise
        return 0

    def _require_deks(self, partition: "PartitionStore", state: "HeadState") -> None:
        """Lets the keys of a partition pass if they are those that its head has in use, and open.

        Raises:
            IntegrityError: one was taken away, changed or planted.
        """
        scope = partition.scope
        there, refused = self.vault.keys.open_deks(scope, observer=partition.activity)
        for refusal in refused.values():
            raise refusal
        wanted = {dek_name(scope, one) for one in range(state.lowest_dek_version, state.dek_version + 1)}
        for name in sorted(wanted - there.keys()):
            raise IntegrityError(Step.MISSING_KEY, where=row_place(scope.tenant, name))
        for name in sorted(name for name in there.keys() - wanted if name > max(wanted)):
            raise IntegrityError(Step.KEY_ROWS, where=row_place(scope.tenant, name), detail="no head has this key yet")

    def _look_at_keys(self, partition: "PartitionStore") -> Refusal | None:
        """Opens the tenant's keys, unless this was done before; returns why they do not open, which the log then says.

        The partition is read all the same: it may have nothing to do with the key that is refused.
        """
        if self._has_looked_at_keys:
            return None
        refusal = None
        try:
            self._require_keys(partition.scope.tenant, partition.activity)
        except REFUSALS as error:
            self.vault.audit.refused(partition.activity, error)
            refusal = error
        self._has_looked_at_keys = True
        return refusal

    def _require_keys(self, tenant: str, observer: "Activity") -> None:
        keys = self.vault.keys
        found = keys.tenant(tenant, observer=observer, fresh=True)
        if found is None:
            return
        usable = [kek_name(one.epoch) for one in found.register.epochs if one.state is not State.REVOKED]
        if found.rows.index.wrapped_under in usable:
            keys.open_index(found, observer=observer)
        for name in usable:
            keys.kek(tenant, name, observer=observer)


@dataclass(frozen=True, slots=True)
class Accept:
    """Mends every partition that cannot be read, of what is there, where all of that opens."""

    vault: "Vault"
    name: str = "accept"

    def step(self, partition: "PartitionStore", *, since: str, is_over: Callable[[], bool]) -> JobStep:  # noqa: ARG002  # what is whole says so itself
        """See `Job.step`."""
        return _mended(self.vault, partition, backup=None)


@dataclass(frozen=True, slots=True)
class Restore:
    """Puts every partition that cannot be read back from the vault's backup, where all of it opens there."""

    vault: "Vault"
    name: str = "restore"

    def step(self, partition: "PartitionStore", *, since: str, is_over: Callable[[], bool]) -> JobStep:  # noqa: ARG002  # what is whole says so itself
        """See `Job.step`."""
        return _mended(self.vault, partition, backup=self.vault.backup)


def recovery_jobs(vault: "Vault") -> Sequence[Job]:
    """`Fsck` and `Accept`; and `Restore`, where the vault has a backup."""
    return (Fsck(vault), Accept(vault), *([Restore(vault)] if vault.backup is not None else []))


def _mended(vault: "Vault", partition: "PartitionStore", *, backup: "Table | None") -> JobStep:
    with contextlib.suppress(IntegrityError):
        snapshot = partition.peek()
        return JobStep(skipped=len(snapshot.records) + 1 if snapshot else 0)
    acting = Acting(vault, partition.activity)
    try:
        report = Recovery(acting, partition.kind, partition.scope.partition, backup).mend()
    except Conflict as refusal:
        if not refusal.field:
            raise  # a lost race, and not what is there
        vault.audit.refused(partition.activity, refusal)
        return JobStep(refusal=refusal)
    return JobStep(rewritten=report.kept + 1, is_complete=report.done)
