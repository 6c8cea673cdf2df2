"""The act of erasing: what a partition held is made unreadable by this store at once, and for good.

What that is worth against copies of the tables is another matter: a copied row of a key opens for as long as the KEK
that wrapped it is there.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.erasure.facts import Erased, ErasedKey
from twinvault.erasure.partition import PartitionErasure
from twinvault.erasure.proving import PartitionProof, tenant_refused_by
from twinvault.erasure.tenant import TenantErasure
from twinvault.keys.rows import IDX, dek_name
from twinvault.request_ids import collecting

if TYPE_CHECKING:
    from twinvault.audit.activity import Activity
    from twinvault.records.spec import KindSpec
    from twinvault.scope import Scope
    from twinvault.vault import Vault


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases what one store holds; thread-safe."""

    vault: "Vault"

    def erase_partition(
        self, scope: "Scope", kind: "KindSpec", *, activity: "Activity", since: str | None = None
    ) -> Erased:
        """The partition is no more: from now on whoever asks for it is told so. Safe to repeat, and to kill.

        Its records' rows still stand, and open to nobody; sweeping them is long work (`erasure.sweeping`). An erasure
        that was done already is told again as it was, but for the calls, which are those of this time. With `since`,
        when it was asked for (RFC 3339), so is one that was done from then on, and another partition that began at
        that place after it stays.

        Raises:
            NotFound: there never was such a partition.
            Held: it, or its tenant, is under a legal hold.
            Conflict: it has too many versions of its key, its marks leave no version, or others kept writing it.
            IntegrityError: the tenant's keys, or a mark, are damaged; or what was erased could still be opened.
            OutcomeUnknown: it may or may not be done.
            KeyRefused, DependencyError: the register key cannot be used now, or the tables cannot.
        """
        with activity.going_on(), collecting() as ids:
            found = PartitionErasure(self.vault, scope, kind, activity, since).run()
            stone = found.tombstone
            refused_by = PartitionProof(self.vault, scope, kind, activity).refused_by(stone)
        return Erased(
            kind=scope.kind,
            partition=scope.partition,
            erased_at=stone.erased_at,
            event_id=stone.last_event,
            head_version=stone.head_version,
            tombstone_digest=found.digest.hex(),
            keys=tuple(
                ErasedKey(name=dek_name(scope, one.version), version=one.version, epoch=one.epoch) for one in stone.keys
            ),
            newest_epoch=stone.newest_epoch,
            records=dict(stone.records) if stone.records is not None else None,
            dynamodb_request_ids=tuple(dict.fromkeys(ids.dynamodb)),
            kms_request_ids=tuple(dict.fromkeys(ids.kms)),
            refused_by=refused_by,
        )

    def erase_tenant(self, tenant: str, *, activity: "Activity") -> Erased:
        """The tenant is no more, for good: whoever asks for anything of it is told so. Safe to repeat, and to kill.

        What stands in the tables opens to nobody; sweeping it is long work (`erasure.sweeping`). Repetitions are as for
        `erase_partition`. An environment that has the tenant's keys in memory has them until the key TTL is over.

        Raises:
            NotFound: the tenant has no keys, so there is nothing.
            Held: something of it is under a legal hold.
            Conflict: others kept changing its keys.
            IntegrityError: its key rows are not those that its register lists; or it could still be opened.
            OutcomeUnknown: it may or may not be done.
            KeyRefused, DependencyError: as for `erase_partition`.
        """
        with activity.going_on(), collecting() as ids:
            found = TenantErasure(self.vault, tenant, activity).run()
            refused_by = tenant_refused_by(self.vault, tenant, activity=activity)
        last = found.register
        return Erased(
            kind=None,
            partition=None,
            erased_at=last.erased_at,
            event_id=last.last_event,
            head_version=None,
            tombstone_digest=found.rows.digest.hex(),
            keys=tuple(
                ErasedKey(name=name, version=1 if name == IDX else epoch, epoch=epoch) for name, epoch in last.keys
            ),
            newest_epoch=last.newest,
            records=None,
            dynamodb_request_ids=tuple(dict.fromkeys(ids.dynamodb)),
            kms_request_ids=tuple(dict.fromkeys(ids.kms)),
            refused_by=refused_by,
        )
