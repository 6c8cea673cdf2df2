"""The sweep of a tenant that was erased: all its partitions, and every key's row but that of the register key.

An environment that had the tenant's keys in memory could write until its time was over. So the sweep does not end
before that: what is found until then is swept, and then it begins once more.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from twinvault.dynamodb.transaction import discard
from twinvault.envelope import tenant_key
from twinvault.envelope.item import text_of
from twinvault.erasure.sweep_steps import after_sweep
from twinvault.erasure.sweeper import LastSweeper
from twinvault.errors import Conflict, DependencyError, NotFound
from twinvault.keys.deks import rows_of_deks
from twinvault.keys.destroying import in_memory_seconds
from twinvault.keys.rows import IDX, REGISTER, REGISTER_KEY, after_partition, dek_name
from twinvault.keys.times import text_of_time
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.holding import Batch, Holding
from twinvault.maintenance.rows import SWEEP_TENANT, dek_of
from twinvault.maintenance.work import Work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twinvault.keys.tenant import ErasedTenant
    from twinvault.scope import Scope

STEP_PARTITIONS = 50
_PAGE = 100


@dataclass(frozen=True, slots=True)
class TenantSweepStepper:
    """Does a tenant's sweep's steps. `longest_seconds`: the longest that any activity of the store may take."""

    holding: Holding
    longest_seconds: float

    def step(self, work: Work) -> Work:
        """One step of a work that is held, written down; returns the work as it then is, held or given back.

        Raises:
            DependencyError, Conflict: a partition cannot be done now. What was done before it is written down.
        """
        erased = self._erased()
        batch = self._batch(work, erased)
        waits = batch.is_end and self.holding.now() < self._until(erased)
        if waits:
            batch = replace(batch, cursor="", is_end=False)
        return self.holding.written(work, batch, after=partial(_after, was=work, waits=waits))

    def _erased(self) -> "ErasedTenant":
        acting = self.holding.acting
        erased = acting.vault.keys.erased(acting.tenant, observer=acting.activity)
        if erased is None:
            raise NotFound("this tenant was not erased")
        return erased

    def _until(self, erased: "ErasedTenant") -> str:
        waited = in_memory_seconds(self.holding.acting.vault.changes, self.longest_seconds)
        return text_of_time(datetime.fromisoformat(erased.register.erased_at) + timedelta(seconds=waited))

    def _batch(self, work: Work, erased: "ErasedTenant") -> Batch:
        cursor, counts = work.cursor, Counts()
        for scope in self._scopes(after=cursor):
            if counts.partitions >= STEP_PARTITIONS or self.holding.is_over(work):
                return Batch(cursor, counts)
            try:
                rewritten, is_complete = self._one(work, scope, erased=erased)
            except (DependencyError, Conflict) as error:
                return Batch(cursor, counts, why=error)
            counts += Counts(int(is_complete), rewritten)
            if not is_complete:
                return Batch(cursor, counts)
            cursor = dek_name(scope, 1)
        return Batch(cursor, counts + Counts(rewritten=self._keys()), is_end=True)

    def _one(self, work: Work, scope: "Scope", *, erased: "ErasedTenant") -> tuple[int, bool]:
        with self.holding.activity(f"maintain.{SWEEP_TENANT}") as mine:
            key = mine.vault.keys.register_key(erased, observer=mine.activity)
            sweeper = LastSweeper(
                mine.vault, scope, mine.activity, lambda: True, lambda: self.holding.is_over(work), erased, key
            )
            done = sweeper.sweep()
        return done.rewritten, done.is_complete

    def _scopes(self, *, after: str) -> "Iterator[Scope]":
        """The partitions that have a DEK or a tombstone, whatever their kinds, in the order of their keys' names."""
        table, tenant = self.holding.works.table, self.holding.acting.tenant
        named = None
        for item in rows_of_deks(table, tenant, first=after_partition(after) if after else ""):
            scope = dek_of(item, tenant)
            if scope is not None and scope != named:
                named = scope
                yield scope

    def _keys(self) -> int:
        """Deletes KEKs and the index key that somebody put back; says how many."""
        acting = self.holding.acting
        pk = tenant_key(acting.tenant)
        rows = acting.vault.key_table.query_range(pk, IDX, last=REGISTER_KEY, limit=_PAGE)
        gone = [row for row in rows if text_of(row, "sk") not in {REGISTER, REGISTER_KEY}]
        if not gone:
            return 0
        with self.holding.activity(f"maintain.{SWEEP_TENANT}") as mine, mine.activity.writing():
            audit = mine.vault.audit
            statements = [discard(mine.vault.key_table.name, row) for row in gone]
            audit.commit(mine.activity, statements, event_id=audit.event_id(), wrote={})
        return len(gone)


def _after(before: Work, batch: Batch, *, was: Work, waits: bool, now: str, keep: bool) -> Work:
    """As of any sweep; one that waits is given back, and who comes next finds whether it may end.

    What cannot be deleted now is tried for as long as it takes: nothing of a tenant that was erased is passed over.
    """
    if batch.why is not None:
        return replace(before, cursor=batch.cursor, counts=before.counts + batch.counts, lease=None)
    return after_sweep(before, batch, was=was, now=now, keep=keep and not waits)
