"""The keys of an activity's tenant, as its caller's code sees and renews them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.keys.destroying import LONGEST_SECONDS, Destroying, in_memory_seconds
from twinvault.keys.epochs import Epochs
from twinvault.keys.overview import KeyRow, overview
from twinvault.keys.rerooting import Rerooted, Rerooting
from twinvault.keys.status import KeyStatus, key_status
from twinvault.keys.transitions import require_epoch
from twinvault.records.committing import AuditedCommits
from twinvault.records.dek_life import DekLife, DeksDestroyed, DekUse

if TYPE_CHECKING:
    from collections.abc import Callable

    from twinvault.acting import Acting
    from twinvault.keys.register import Register
    from twinvault.keys.table import Committer
    from twinvault.records.store import PartitionStore


@dataclass(frozen=True, slots=True)
class KeyEpoch:
    """An epoch of a tenant's KEK.

    Attributes:
        epoch: its number, from 1.
        state: active (seals and opens), retired (opens) or revoked (neither).
        since: when it came into that state, RFC 3339 in UTC.
    """

    epoch: int
    state: str
    since: str


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """The keys of an activity's tenant. Each call is audited before it returns."""

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

    def status(self) -> KeyStatus:
        """How the tenant's keys stand: which root key wraps how many, which epoch how many DEKs; errors: `overview`."""
        acting = self._acting
        vault, root = acting.vault, acting.vault.changes.root
        with acting.activity.going_on():
            found = key_status(
                vault.keys, vault.key_table, tenant=acting.tenant, first_root_key=root.first, observer=acting.activity
            )
        acting.release()
        return found

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

    def retire(self, epoch: int) -> list[KeyEpoch]:
        """Lets an active epoch seal nothing new; it still opens. Returns the live epochs; safe to repeat.

        Raises:
            InvalidInput: it can be no epoch.
            NotFound: there is none, or the tenant has no keys.
            Conflict: it is the only active one, revoked or destroyed; or others kept changing the tenant's keys.
            OutcomeUnknown: it may or may not be done.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        number = require_epoch(epoch)
        return self._moved(lambda epochs, by: epochs.retire(self._acting.tenant, number, committer=by))

    def revoke(self, epoch: int | None = None) -> list[KeyEpoch]:
        """Lets an epoch neither seal nor open; without one, all that are alive. Returns as `retire`, and its errors.

        Who has a key in memory may use it until the key TTL is over; who holds the key itself is not stopped.
        """
        number = None if epoch is None else require_epoch(epoch)
        return self._moved(lambda epochs, by: epochs.revoke(self._acting.tenant, number, committer=by))

    def reinstate(self, epoch: int) -> list[KeyEpoch]:
        """Lets a revoked epoch open again, as a retired one does. Returns as `retire`, and its errors."""
        number = require_epoch(epoch)
        return self._moved(lambda epochs, by: epochs.reinstate(self._acting.tenant, number, committer=by))

    def destroy(self, epoch: int, *, longest_seconds: float = LONGEST_SECONDS) -> list[KeyEpoch]:
        """Deletes the oldest epoch's key, once it wraps nothing. Returns as `retire`; safe to repeat.

        `longest_seconds`: the longest that any activity of this store may take, anywhere.

        Raises:
            InvalidInput: it can be no epoch.
            NotFound: there is none, or the tenant has no keys.
            Conflict: it is not the oldest, is active, still wraps something, or may still be in use somewhere: the
                message says until when.
            IntegrityError: a DEK's row does not open; nothing is destroyed while that is so.
            OutcomeUnknown: it may or may not be done.
            KeyRefused, DependencyError: as for any key.
        """
        number, vault = require_epoch(epoch), self._acting.vault
        destroying = Destroying(vault.changes, vault.key_table, longest_seconds)
        return self._audited(lambda by: destroying.destroy(self._acting.tenant, number, committer=by))

    def of_partition(self, partition: "PartitionStore") -> list[DekUse]:
        """What each version of a partition's DEK is used for, the lowest first, by a read of the whole partition.

        Raises:
            NotFound: there is no such partition.
            IntegrityError, DependencyError: as for any read.
        """
        acting = self._acting
        with acting.activity.going_on():
            found = self._dek_life(LONGEST_SECONDS).uses(partition)
        acting.release()
        return found

    def destroy_deks(self, partition: "PartitionStore", *, longest_seconds: float = LONGEST_SECONDS) -> DeksDestroyed:
        """Deletes the versions of a partition's DEK that no record is under any more; safe to repeat.

        `longest_seconds`: the longest that any activity of this store may take, anywhere.

        Raises:
            NotFound: there is no such partition.
            Held: a legal hold forbids it: a backup that a court may ask for would not open any more.
            Conflict: they may still be in use somewhere: the message says until when; or others keep writing it.
            IntegrityError: a row of the partition does not open; nothing is destroyed while that is so.
            OutcomeUnknown: it may or may not be done.
            KeyRefused, DependencyError: as for any key.
        """
        acting = self._acting
        with acting.activity.going_on():
            acting.vault.holds.require_none(acting.tenant, partition.scope, observer=acting.activity)
            done = self._dek_life(longest_seconds).destroy(partition)
        acting.release()
        return done

    def _dek_life(self, longest_seconds: float) -> DekLife:
        vault = self._acting.vault
        wait = in_memory_seconds(vault.changes, longest_seconds)
        return DekLife(vault.keys, vault.key_table, wait, vault.changes.now)

    def rewrap_root(self, *, again: bool = False) -> Rerooted:
        """Has KMS wrap all that it wrapped of this tenant's under the first root key; with `again`, also what is.

        Raises:
            NotFound: the tenant has no keys.
            Conflict: others kept changing its keys.
            KeyRefused: KMS refuses one of the root keys; nothing was changed.
            OutcomeUnknown: it may or may not be done; repeating is safe.
            IntegrityError, DependencyError: as for any key.
        """
        acting = self._acting
        with acting.activity.going_on():
            by = AuditedCommits(acting.vault.audit, acting.activity)
            done = Rerooting(acting.vault.changes).rewrap(acting.tenant, again=again, committer=by)
        acting.release()
        return done

    def _moved(self, move: "Callable[[Epochs, Committer], Register]") -> list[KeyEpoch]:
        return self._audited(lambda by: move(Epochs(self._acting.vault.changes), by))

    def _audited(self, change: "Callable[[Committer], Register]") -> list[KeyEpoch]:
        acting = self._acting
        with acting.activity.going_on():
            register = change(AuditedCommits(acting.vault.audit, acting.activity))
        acting.release()
        return [KeyEpoch(one.epoch, one.state.value, one.since) for one in register.epochs]
