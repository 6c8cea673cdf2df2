"""A tenant's erasure: one transaction that takes its KEKs and its index key, and leaves its last register.

Every key of the tenant's was under one of those, so nothing of it opens again. There is no way back from the last
register, and nobody makes keys where one stands. Safe to kill at any point, and to ask for again.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.dynamodb.transaction import Outcome
from twinvault.errors import Conflict, DependencyError, Gone, NotFound, OutcomeUnknown
from twinvault.keys.last_register import LastRegister
from twinvault.keys.planning import PlannedChange
from twinvault.keys.rows import IDX, REGISTER, epoch_of
from twinvault.keys.tenant import ErasedTenant, Tenant
from twinvault.records.committing import AuditedCommits

if TYPE_CHECKING:
    from twinvault.audit.activity import Activity
    from twinvault.vault import Vault

_TRIES = 12
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class TenantErasure:
    """The erasure of one tenant, for one activity."""

    vault: "Vault"
    tenant: str
    activity: "Activity"

    def run(self) -> ErasedTenant:
        """Erases it, unless that is done; returns what is left.

        Raises:
            NotFound: the tenant has no keys, so there is nothing.
            Held: something of it is under a legal hold.
            Conflict: others kept changing its keys.
            IntegrityError: its key rows are not those that its register lists: they have to be put back first.
            OutcomeUnknown: it may or may not be done; repeating is safe.
            KeyRefused, DependencyError: the register key cannot be used now, or the tables cannot.
        """
        tried, outcome = set[str](), Outcome.CANCELLED
        writer, by = self.vault.writer, AuditedCommits(self.vault.audit, self.activity)
        with self.activity.writing():
            for attempt in range(_TRIES):
                last = self.vault.keys.erased(self.tenant, observer=self.activity)
                if last is not None:
                    if last.register.last_event in tried:
                        by.found_committed(last.register.last_event)
                    # With the register go the KEKs that it listed, and the DEKs that they opened.
                    self.vault.keys.forget(self.tenant, REGISTER)
                    return last
                if outcome is Outcome.UNKNOWN:
                    raise OutcomeUnknown("the erasure was sent and its outcome is unknown; repeating it is safe")
                outcome = self._attempt(by, tried)
                if outcome is not Outcome.COMMITTED:
                    writer.sleep(_PAUSE * (attempt + 1) * (1 + writer.randomness(1)[0] / 256))
                    self.activity.new_attempt()
        raise Conflict("others keep changing this tenant's keys; try again")

    def _attempt(self, by: AuditedCommits, tried: set[str]) -> Outcome:
        """Tries it on the keys as they are; CANCELLED also where somebody else was faster."""
        try:
            found = self.vault.keys.tenant(self.tenant, observer=self.activity, fresh=True)
        except Gone:
            return Outcome.CANCELLED
        if found is None:
            raise NotFound("this tenant has no keys")
        guard = self.vault.holds.guard(self.tenant, None, committer=by)
        event_id = by.event_id()
        planned = self._planned(found, event_id)
        tried.add(event_id)
        result = by.commit([guard, *planned.statements], event_id=event_id, change=planned.change)
        if result.outcome is Outcome.REFUSED:
            raise DependencyError("the store cannot take the erasure now", cause=result.cause)
        return result.outcome

    def _planned(self, found: Tenant, event_id: str) -> PlannedChange:
        changes, register = self.vault.changes, found.register
        now, key = changes.now(), self.vault.keys.register_key(found, observer=self.activity)
        index = (IDX, epoch_of(found.rows.index.wrapped_under) or 0)
        last = LastRegister(
            incarnation=register.incarnation,
            lowest_epoch=register.newest + 1,
            register_root_key_id=register.register_root_key_id,
            erased_at=now,
            keys=(index, *((row.name, epoch) for epoch, row in found.rows.keks.items())),
            last_event=event_id,
        )
        self.activity.crypto("encrypt", key.name)
        for name, _ in last.keys:
            self.activity.key_event("erase", name)
        return changes.planner.erased(found, last, register_key=key, now=now)
