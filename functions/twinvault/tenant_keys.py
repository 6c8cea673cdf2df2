"""The keys of an activity's tenant, as its caller's code sees and renews them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.keys.overview import KeyRow, overview
from twinvault.records.committing import AuditedCommits

if TYPE_CHECKING:
    from twinvault.acting import Acting


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """The keys of an activity's tenant. Either call is audited before it returns."""

    _acting: "Acting"

    def overview(self) -> list[KeyRow]:
        """The tenant's keys: epochs with their states, and the rows of its DEKs, as they say of themselves.

        Raises:
            IntegrityError, KeyRefused: the tenant's register cannot be opened.
            DependencyError: the keys table or the audit log does not answer.
        """
        acting = self._acting
        with acting.activity.going_on():
            rows = overview(acting.vault.keys, acting.tenant, observer=acting.activity)
        self._acting.release()
        return rows

    def rotate(self) -> int:
        """Makes the tenant's next KEK, for what is wrapped from now on; returns its epoch. The old ones still open.

        Raises:
            NotFound: the tenant has no keys; its first write makes them.
            Conflict: it has 32 live epochs, or others kept changing its keys.
            OutcomeUnknown: the new epoch may or may not be made.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        acting = self._acting
        with acting.activity.going_on():
            epoch = acting.vault.changes.new_epoch(acting.tenant, AuditedCommits(acting.vault.audit, acting.activity))
        self._acting.release()
        return epoch
