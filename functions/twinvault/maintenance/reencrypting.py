"""Long work that seals every record of every partition anew, under DEKs that were made after it began."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.errors import Held, KeyRefused
from twinvault.keys.deks import dek_made_at
from twinvault.maintenance.jobs import JobStep
from twinvault.records.reencrypting import reencrypt

if TYPE_CHECKING:
    from twinvault.records.store import PartitionStore
    from twinvault.vault import Vault


@dataclass(frozen=True, slots=True)
class Reencrypt:
    """Brings a partition under a new version of its DEK, and lets the head refuse what is under one before.

    A version that was made after the work began will do: so what a driver did who was killed is not done again. Whether
    anything is declared of a record does not matter.
    """

    vault: "Vault"
    name: str = "reencrypt"

    def step(self, partition: "PartitionStore", *, since: str, is_over: Callable[[], bool]) -> JobStep:
        """See `Job.step`. What is under a legal hold, or under a key that is revoked or refused, is passed over.

        The audit log says so.
        """
        vault, observer, scope = self.vault, partition.activity, partition.scope

        def is_new(version: int) -> bool:
            made = dek_made_at(vault.keys, vault.key_table, scope=scope, version=version, observer=observer)
            return made >= since

        try:
            vault.holds.require_none(scope.tenant, scope, observer=observer)
            done = reencrypt(partition, is_new=is_new, is_over=is_over)
        except (Held, KeyRefused) as refusal:
            vault.audit.refused(observer, refusal)
            return JobStep(refusal=refusal)
        return JobStep(done.written, done.records - done.written - done.left, is_complete=done.is_complete)
