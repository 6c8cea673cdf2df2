"""The negative test: what was just erased is asked for as any other environment would, and has to be refused."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import head_mark_key
from twinvault.errors import Gone, IntegrityError, KeyRefused, Place, Step
from twinvault.keys.rows import dek_name, row_place
from twinvault.records.record import TABLE

if TYPE_CHECKING:
    from twinvault.audit.activity import Activity
    from twinvault.keys.tombstone import Tombstone
    from twinvault.records.spec import KindSpec
    from twinvault.scope import Scope
    from twinvault.vault import Vault


@dataclass(frozen=True, slots=True)
class PartitionProof:
    """Tries to open a partition that was erased, with nothing in memory."""

    vault: "Vault"
    scope: "Scope"
    kind: "KindSpec"
    activity: "Activity"

    def refused_by(self, tombstone: "Tombstone") -> str:
        """What refused it: the problem and the check.

        Raises:
            IntegrityError: nothing did: somebody put back what was erased.
            DependencyError: that cannot be asked now.
        """
        keys, refusals = self.vault.keys.uncached(), list[str]()
        for version in sorted({one.version for one in tombstone.keys} | {tombstone.dek_version} - {0}):
            name = dek_name(self.scope, version)
            try:
                keys.dek(self.scope, name, observer=self.activity)
            except (IntegrityError, KeyRefused) as refusal:
                check = f": {refusal.check}" if isinstance(refusal, IntegrityError) else ""
                refusals.append(f"{refusal.problem}{check}")
            else:
                where = row_place(self.scope.tenant, name)
                raise IntegrityError(Step.ERASED_KEY, where=where, detail="it still opens")
        try:
            self.vault.reader.read(self.scope, self.kind, activity=self.activity)
        except Gone as gone:
            return refusals[-1] if refusals else gone.problem
        mark = self.vault.reader.marks.newest(head_mark_key(self.scope.pk))
        if mark is not None and mark.version > tombstone.version:
            return refusals[-1] if refusals else Gone.problem  # another one began there: no key of this one opens it
        raise IntegrityError(Step.ERASED_KEY, where=Place(TABLE, self.scope.pk), detail="it can still be read")


def tenant_refused_by(vault: "Vault", tenant: str, *, activity: "Activity") -> str:
    """What refuses a tenant that was erased, asked with nothing in memory: the problem.

    Raises:
        IntegrityError: nothing does.
        DependencyError: that cannot be asked now.
    """
    try:
        vault.keys.uncached().index_key(tenant, observer=activity)
    except Gone as gone:
        return gone.problem
    raise IntegrityError(Step.ERASED_KEY, where=row_place(tenant), detail="it can still be opened")
