"""The life of a tenant's epochs after they were made: retired, revoked, reinstated.

Each move is one transaction as in `keys.changing`: the register with its mark and the audit entry, on the condition
that the register is still the one that was read. What a move means is `keys.transitions`.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from twinvault.errors import DependencyError, IntegrityError, NotFound, Undeclared
from twinvault.keys import transitions
from twinvault.keys.changing import KeyChanges
from twinvault.keys.moving import open_index_to_move
from twinvault.keys.planning import PlannedChange
from twinvault.keys.register import Epoch, Register, State
from twinvault.keys.rows import IDX, epoch_of, kek_name
from twinvault.keys.table import Committer
from twinvault.keys.tenant import Tenant

if TYPE_CHECKING:
    from twinvault.dynamodb.transaction import Statement
    from twinvault.observe import KeyOperation, Observer


class _Move(Protocol):
    def __call__(self, register: Register, *, now: str, event_id: str) -> Register | None:
        """What becomes of a register at a time, by the event of this id; None: it is so already."""


@dataclass(frozen=True, slots=True)
class Epochs:
    """Moves epochs from one state to the next; thread-safe."""

    changes: KeyChanges

    def retire(self, tenant: str, number: int, *, committer: Committer) -> Register:
        """From now on this epoch opens what it sealed, and seals nothing new.

        Raises:
            NotFound: there is no such epoch, or the tenant has no keys.
            Conflict: it is the only active one, revoked or destroyed; or others kept changing the tenant's keys.
            OutcomeUnknown: it may or may not be done; repeating is safe.
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        move = partial(transitions.retired, number=number)
        return self._move(tenant, move, operation="retire", committer=committer)

    def revoke(self, tenant: str, number: int | None, *, committer: Committer) -> Register:
        """From now on this epoch neither seals nor opens; None: none of the tenant's does. Errors as for `retire`.

        The index key moves from under it, where another epoch seals, KMS still opens the one that is revoked, and the
        index key's row opens; if that does not, the audit log says so and the epoch is revoked all the same.
        """
        move = partial(transitions.revoked, number=number)
        return self._move(tenant, move, operation="revoke", committer=committer)

    def reinstate(self, tenant: str, number: int, *, committer: Committer) -> Register:
        """This epoch was revoked, and from now on opens again what it sealed. Errors as for `retire`."""
        move = partial(transitions.reinstated, number=number)
        return self._move(tenant, move, operation="reinstate", committer=committer)

    def move_index(self, tenant: str, *, committer: Committer) -> Register:
        """The index key is under the epoch that seals now; returns the register. Errors as for `retire`.

        Raises:
            KeyRefused: KMS refuses one of the two KEKs, or no epoch seals.
        """
        changes, observer = self.changes, committer.observer

        def plan(found: Tenant | None, event_id: str) -> PlannedChange | None:
            if found is None:
                raise NotFound("this tenant has no keys")
            if found.rows.index.wrapped_under == kek_name(found.register.sealing_epoch().epoch):
                return None
            now, key = changes.now(), changes.hierarchy.register_key(found, observer=observer)
            rows = [self._index_under(found, found.register, now=now, observer=observer)]
            observer.crypto("encrypt", key.name)
            register = replace(found.register, last_event=event_id)
            return changes.planner.changed(found, register, rows=rows, register_key=key, now=now)

        changes.change(tenant, plan, committer=committer)
        return self._after(tenant, committer)

    def _move(self, tenant: str, move: _Move, *, operation: "KeyOperation", committer: Committer) -> Register:
        changes, observer = self.changes, committer.observer

        def plan(found: Tenant | None, event_id: str) -> PlannedChange | None:
            if found is None:
                raise NotFound("this tenant has no keys")
            now = changes.now()
            register = move(found.register, now=now, event_id=event_id)
            if register is None:
                return None
            key = changes.hierarchy.register_key(found, observer=observer)
            moved = self._index_moved(found, register, now=now, committer=committer)
            observer.crypto("encrypt", key.name)
            for number in _changed(found.register, register):
                observer.key_event(operation, kek_name(number))
            return changes.planner.changed(found, register, rows=moved, register_key=key, now=now)

        changes.change(tenant, plan, committer=committer)
        after = self._after(tenant, committer)
        for one in after.epochs:
            # Also what an attempt before this one changed, of which nobody heard.
            changes.hierarchy.forget(tenant, kek_name(one.epoch))
        return after

    def _after(self, tenant: str, committer: Committer) -> Register:
        """The register as it now is, also for this environment; others find out when they load theirs."""
        found = self.changes.look(tenant, committer)
        assert found is not None  # noqa: S101  # for the type checker: a tenant that has keys has them for good
        return found.register

    def _index_moved(self, found: Tenant, register: Register, *, now: str, committer: Committer) -> "list[Statement]":
        """What brings the index key from under an epoch that is revoked with this to under one that seals."""
        under = register.epoch(epoch_of(found.rows.index.wrapped_under) or 0)
        if under is None or under.state is not State.REVOKED or not any(map(_is_active, register.epochs)):
            return []
        try:
            return [self._index_under(found, register, now=now, observer=committer.observer)]
        except DependencyError:
            # A revocation waits for nobody, least of all for a key that KMS refuses already.
            return []
        except (IntegrityError, Undeclared) as refusal:
            # Nor for a row that does not open: who holds the key that leaked may well have changed that row.
            committer.refused(refusal)
            return []

    def _index_under(self, found: Tenant, register: Register, *, now: str, observer: "Observer") -> "Statement":
        """The index key's row under the epoch that seals by this register."""
        changes, tenant = self.changes, found.rows.tenant
        index = open_index_to_move(found, hierarchy=changes.hierarchy, root=changes.root, observer=observer)
        kek = changes.hierarchy.kek(tenant, kek_name(register.sealing_epoch().epoch), observer=observer)
        observer.crypto("wrap_dek", kek.name)
        observer.key_event("rewrap", IDX)
        return changes.planner.index_under(kek, found, index=index, now=now)


def _is_active(one: Epoch) -> bool:
    return one.state is State.ACTIVE


def _changed(before: Register, after: Register) -> list[int]:
    """The epochs whose state differs."""
    states = {one.epoch: one.state for one in before.epochs}
    return [one.epoch for one in after.epochs if states.get(one.epoch) is not one.state]
