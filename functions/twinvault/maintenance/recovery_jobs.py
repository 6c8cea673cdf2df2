"""Long work that looks at every partition and, where it cannot be read, mends it (docs/recovery.md).

None of it gives a row up: a partition of which rows do not open is a finding, and somebody has to look at it.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.acting import Acting
from twinvault.envelope import tenant_key
from twinvault.errors import Conflict, IntegrityError, KeyRefused, Step
from twinvault.keys.register import State
from twinvault.keys.rows import dek_name, kek_name, row_place
from twinvault.maintenance.indexes import IndexLook
from twinvault.maintenance.jobs import Job, JobStep
from twinvault.maintenance.listed import ListedPartitions, walk_list
from twinvault.maintenance.recovery import Recovery
from twinvault.records.hits import REFUSALS, Refusal
from twinvault.records.record import TABLE

if TYPE_CHECKING:
    from twinvault.audit.activity import Activity
    from twinvault.dynamodb.table import Table
    from twinvault.records.head import HeadState
    from twinvault.records.partition import Snapshot
    from twinvault.records.store import PartitionStore
    from twinvault.vault import Vault

_LOOKS = 3


@dataclass(slots=True)
class Fsck:
    """Reads every partition whole: each row and key of it opened, the sum made again, mark and indexes compared.

    Once a drive also the tenant's keys, each from its row, but for those that are revoked, which nobody opens; and the
    list of the kind. What is found of them is said of the first partition, unless something is found of that itself.
    Nothing is changed.
    """

    vault: "Vault"
    name: str = "fsck"
    _has_looked_at_tenant: bool = False
    _listed: ListedPartitions | None = None

    def further(self, tenant: str, *, kind: str, after: str) -> Iterator[str]:
        """See `JobOfMore`: those whose heads stand in the list, for their keys may be gone."""
        if self._listed is None:
            self._listed = walk_list(self.vault.records, tenant, kind=kind)
        return self._listed.after(after)

    def step(self, partition: "PartitionStore", *, since: str, is_over: Callable[[], bool]) -> JobStep:  # noqa: ARG002  # it looks at what there is now
        """See `Job.step`. A key that may not be used is a finding too, for it keeps its partition from being read."""
        of_tenant = self._look_at_tenant(partition)
        try:
            snapshot = self._read(partition)
            return self._look_at_indexes(partition, snapshot) or JobStep(
                skipped=len(snapshot.records) + 1 if snapshot else 0,
                refusal=of_tenant,
                row=_own_row(of_tenant, partition),
            )
        except KeyRefused as refusal:
            self.vault.audit.refused(partition.activity, refusal)
            return JobStep(refusal=refusal)

    def _read(self, partition: "PartitionStore") -> "Snapshot | None":
        """The partition, whole; a rotation that comes between the two looks is waited out."""
        looks = 0
        while (snapshot := partition.peek()) is not None:
            looks += 1
            try:
                self._require_deks(partition, snapshot.state)
                break
            except IntegrityError:
                if looks == _LOOKS:
                    raise
        return snapshot

    def _look_at_indexes(self, partition: "PartitionStore", snapshot: "Snapshot | None") -> JobStep | None:
        """What is found of the indexes, which the log then says; None where they are as they should be."""
        look, listed = IndexLook(self.vault), self._listed
        refusal: IntegrityError | Conflict
        try:
            further = listed.places.get(partition.scope.partition, ()) if listed else ()
            look.require(partition, snapshot, further=further)
        except IntegrityError as error:
            refusal, row = error, _own_row(error, partition)
        else:
            outdated = look.outdated(partition, snapshot) if snapshot else None
            if outdated is None:
                return None
            row, said = outdated
            refusal = Conflict(said)
        self.vault.audit.refused(partition.activity, refusal)
        return JobStep(refusal=refusal, row=row)

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

    def _look_at_tenant(self, partition: "PartitionStore") -> Refusal | None:
        """Looks at what is the tenant's, unless this was done before; returns what is refused, which the log then says.

        The partition is read all the same: it may have nothing to do with the key, or the row, that is refused.
        """
        if self._has_looked_at_tenant:
            return None
        refused: list[Refusal] = []
        try:
            self._require_keys(partition.scope.tenant, partition.activity)
        except REFUSALS as error:
            refused.append(error)
        refused += self._listed.strays if self._listed else ()
        for one in refused:
            self.vault.audit.refused(partition.activity, one)
        self._has_looked_at_tenant = True
        return refused[0] if refused else None

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


def _own_row(refusal: Refusal | None, partition: "PartitionStore") -> str | None:
    """What of a refusal's row may be named: nothing of one in another tenant's partition, but to the audit log."""
    where = refusal.where if isinstance(refusal, IntegrityError) else None
    is_strange = (
        where is not None and where.table == TABLE and not where.pk.startswith(f"{tenant_key(partition.scope.tenant)}#")
    )
    return "" if is_strange else None


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
