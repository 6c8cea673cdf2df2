"""All that KMS wrapped of a tenant's, wrapped under the first root key of the settings' list: KMS's ReEncrypt.

KEKs, whatever their states, and the register key, at most 33 rows, with the register that lists them: one transaction.
The keys stay what they are and do not leave KMS, and what they wrapped is not touched.
"""

from dataclasses import dataclass, replace

from twinvault.errors import NotFound
from twinvault.keys.changing import KeyChanges
from twinvault.keys.planning import PlannedChange
from twinvault.keys.table import Committer
from twinvault.keys.tenant import Tenant
from twinvault.keys.wrapped import WrappedRow


@dataclass(frozen=True, slots=True)
class Rerooted:
    """What was wrapped anew.

    Attributes:
        root_key_id: the root key under which all of the tenant's keys now are.
        rewrapped: how many of its keys were wrapped anew.
        unused: the root keys that wrapped some of them before, and none now. Of other tenants this says nothing.
    """

    root_key_id: str
    rewrapped: int
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rerooting:
    """Wraps tenants' keys under the first root key; thread-safe."""

    changes: KeyChanges

    def rewrap(self, tenant: str, *, again: bool, committer: Committer) -> Rerooted:
        """Wraps what is under another root key; with `again` what is under the first, too: under its newest material.

        Raises:
            NotFound: the tenant has no keys.
            Conflict: others kept changing the tenant's keys.
            KeyRefused: KMS refuses one of the root keys; nothing was changed.
            OutcomeUnknown: it may or may not be done; repeating is safe.
            IntegrityError, DependencyError: as for any key.
        """
        changes, observer, left = self.changes, committer.observer, list[WrappedRow]()

        def plan(found: Tenant | None, event_id: str) -> PlannedChange | None:
            if found is None:
                raise NotFound("this tenant has no keys")
            rows = [found.rows.register_key, *found.rows.keks.values()]
            left[:] = [row for row in rows if again or row.root_key_id != changes.root.first]
            if not left:
                return None
            now, key = changes.now(), changes.hierarchy.register_key(found, observer=observer)
            moved = [(row, changes.root.rewrap(row, now=now, observer=observer)) for row in left]
            first = changes.root.first
            epochs = tuple(replace(one, root_key_id=first) for one in found.register.epochs)
            register = replace(found.register, epochs=epochs, register_root_key_id=first, last_event=event_id)
            observer.crypto("encrypt", key.name)
            statements = [changes.planner.rewrapped(before, after) for before, after in moved]
            return changes.planner.changed(found, register, rows=statements, register_key=key, now=now)

        changes.change(tenant, plan, committer=committer)
        changes.look(tenant, committer)
        first = changes.root.first
        unused = {row.root_key_id for row in left} - {first}
        return Rerooted(first, len(left), tuple(sorted(unused)))
