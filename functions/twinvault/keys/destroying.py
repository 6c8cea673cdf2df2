"""The end of an epoch: its KEK's row is deleted, and with it whatever was still wrapped under it.

So there must be nothing. Environments have registers in memory, and one in which the epoch still seals may make a
partition under it until its time is over. Therefore an epoch is destroyed only when it has sealed nothing for as long
as any environment can hold such a register and act on it; and then every DEK is looked at once more, and opened, for a
row that only says that it is under another KEK would be lost with this one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from twinvault.envelope import Label
from twinvault.envelope.item import text_of
from twinvault.errors import Conflict, NotFound
from twinvault.keys import transitions
from twinvault.keys.changing import KeyChanges
from twinvault.keys.deks import dek_rows
from twinvault.keys.planning import PlannedChange
from twinvault.keys.register import Epoch, Register, State
from twinvault.keys.rows import dek_version, epoch_of, kek_name, scope_of, tombstone_name
from twinvault.keys.sealed import parse_sealed, unwrap
from twinvault.keys.table import Committer, KeyTable
from twinvault.keys.tenant import Tenant
from twinvault.keys.tombstone import open_tombstone

if TYPE_CHECKING:
    from twinvault.observe import Observer

LONGEST_SECONDS = 900.0
"""The longest that a Lambda function may run: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
SLACK_SECONDS = 60.0
"""For clocks that differ, and for a transaction whose answer is still waited for."""


def in_memory_seconds(changes: KeyChanges, longest_seconds: float) -> float:
    """For how long an environment of the store may still act on keys, or on a register, that it had in memory.

    `longest_seconds`: the longest that any activity of the store may take, anywhere.
    """
    return changes.key_ttl_seconds + longest_seconds + SLACK_SECONDS


@dataclass(frozen=True, slots=True)
class Destroying:
    """Destroys epochs of one store; thread-safe.

    Attributes:
        longest_seconds: the longest that any activity of the store may take.
    """

    changes: KeyChanges
    table: KeyTable
    longest_seconds: float

    def destroy(self, tenant: str, number: int, *, committer: Committer) -> Register:
        """The tenant's oldest epoch is no more; returns the register. Safe to repeat.

        Raises:
            NotFound: there is no such epoch, or the tenant has no keys.
            Conflict: it is not the oldest, is active, wraps something, or an environment may still seal under it: the
                message says until when; or others kept changing the tenant's keys.
            IntegrityError: a DEK's row does not open: nothing is destroyed while that is so.
            OutcomeUnknown: it may or may not be done; repeating is safe.
            KeyRefused, DependencyError: as for any key.
        """
        changes, observer = self.changes, committer.observer

        def plan(found: Tenant | None, event_id: str) -> PlannedChange | None:
            if found is None:
                raise NotFound("this tenant has no keys")
            register = transitions.destroyed(found.register, number, event_id=event_id)
            if register is None:
                return None
            now = changes.now()
            self._require_waited(found.register, number, now=now)
            self._require_unused(found, number, observer=observer)
            key = changes.hierarchy.register_key(found, observer=observer)
            observer.crypto("encrypt", key.name)
            observer.key_event("destroy", kek_name(number))
            gone = changes.planner.destroyed(found.rows.keks[number])
            return changes.planner.changed(found, register, rows=[gone], register_key=key, now=now)

        changes.change(tenant, plan, committer=committer)
        after = changes.look(tenant, committer)
        assert after is not None  # noqa: S101  # for the type checker: a tenant that has keys has them for good
        return after.register

    def unused_from(self, epoch: Epoch) -> datetime:
        """From when on no environment can seal under this epoch, which is not active any more."""
        waited = in_memory_seconds(self.changes, self.longest_seconds)
        return datetime.fromisoformat(epoch.since) + timedelta(seconds=waited)

    def _require_waited(self, register: Register, number: int, *, now: str) -> None:
        until = self.unused_from(transitions.live_epoch(register, number))
        if datetime.fromisoformat(now) < until:
            from_then = until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            raise Conflict(f"epoch {number} may still be in use somewhere, from memory: not before {from_then}")

    def _require_unused(self, tenant: Tenant, number: int, *, observer: "Observer") -> None:
        name, under = kek_name(number), 0
        if tenant.rows.index.wrapped_under == name:
            raise Conflict(f"epoch {number} wraps the index key: rewrap first")
        for item in dek_rows(self.table, tenant.rows.tenant):
            row = parse_sealed(item, tenant=tenant.rows.tenant, name=text_of(item, "sk"))
            if row.wrapped_under == name:
                # One that was erased, and whose row was put back, is to be lost.
                under += not self._is_erased(row.name, tenant, observer=observer)
                continue
            listed = tenant.register.epoch(epoch_of(row.wrapped_under) or 0)
            if listed is None or listed.state is not State.REVOKED:
                kek = self.changes.hierarchy.kek(tenant.rows.tenant, row.wrapped_under, observer=observer)
                unwrap(row, kek=kek, label=Label.DEK)
                observer.crypto("unwrap_dek", kek.name)
        if under:
            raise Conflict(f"epoch {number} wraps {under} keys, which would never open again: rewrap first")

    def _is_erased(self, name: str, tenant: Tenant, *, observer: "Observer") -> bool:
        """Whether this DEK was erased: a mark says so, which any writer may insert, and a sealed tombstone, too."""
        hierarchy, scope = self.changes.hierarchy, scope_of(name, tenant.rows.tenant)
        item = self.table.get(scope.keys_pk, tombstone_name(scope))
        if item is None or not hierarchy.loader.is_erased(name, tenant=scope.tenant):
            return False
        key = hierarchy.register_key(tenant, observer=observer)
        stone = open_tombstone(item, scope=scope, key=key).tombstone
        observer.crypto("decrypt", key.name)
        return dek_version(name, scope=scope) <= stone.dek_version
