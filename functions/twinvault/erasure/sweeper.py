"""The rows that are left of what was erased, deleted: as they were found, so many in a transaction as it takes."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.transaction import Outcome, Statement, discard, insert
from twinvault.envelope import NONCE_BYTES, SALT_BYTES
from twinvault.envelope.item import Item, text_of
from twinvault.errors import DependencyError, OutcomeUnknown
from twinvault.keys.rows import NamedKey, dek_prefix, dek_version, epoch_of, is_dek_name, tombstone_name
from twinvault.keys.sealed import Written
from twinvault.keys.tenant import ErasedTenant
from twinvault.keys.tombstone import MAX_DEKS, ErasedDek, Tombstone, seal_tombstone
from twinvault.maintenance.jobs import JobStep
from twinvault.records.batches import PARTITION_UNITS, write_units
from twinvault.records.mending import Move, item_bytes, parts
from twinvault.records.requests import requests_key

if TYPE_CHECKING:
    from twinvault.audit.activity import Activity
    from twinvault.scope import Scope
    from twinvault.vault import Vault

_PAGE = 100
_PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Deletes rows of one partition, for one activity.

    Attributes:
        may: whether what was found before this is asked may go.
        is_over: whether nothing new may be started.
    """

    vault: "Vault"
    scope: "Scope"
    activity: "Activity"
    may: Callable[[], bool]
    is_over: Callable[[], bool]

    def sweep(self) -> JobStep:
        """Deletes records, requests, and DEKs that somebody put back, as long as there are any and there is time.

        Raises:
            OutcomeUnknown: rows may or may not be deleted; repeating is safe.
            DependencyError: the store cannot take it now.
        """
        swept = 0
        while (rows := self.records() or self.deks()) and self.may():
            for part in parts([Move(text_of(row, "sk"), statement, item_bytes(row)) for row, statement in rows]):
                if self.is_over():
                    return JobStep(rewritten=swept, is_complete=False)
                began = time.monotonic()
                swept += len(part) if self.commit([one.statement for one in part]) else 0
                cost = sum(write_units(one.size) for one in part) / PARTITION_UNITS
                time.sleep(max(0.0, began + cost - time.monotonic()))
        return JobStep(rewritten=swept)

    def records(self) -> list[tuple[Item, Statement]]:
        """Some of the partition's records or requests, each with what deletes it."""
        table = self.vault.records
        for pk in (self.scope.pk, requests_key(self.scope)):
            if rows := table.query(pk, limit=_PAGE):
                return [(row, discard(table.name, row)) for row in rows]
        return []

    def deks(self) -> list[tuple[Item, Statement]]:
        """The rows of its DEKs, likewise."""
        table = self.vault.key_table
        rows = table.query(self.scope.keys_pk, dek_prefix(self.scope))
        return [(row, discard(table.name, row)) for row in rows if is_dek_name(text_of(row, "sk"), scope=self.scope)]

    def commit(self, statements: Sequence[Statement]) -> bool:
        """Does this in one transaction; False where somebody changed a row of it meanwhile."""
        audit, activity = self.vault.audit, self.activity
        activity.asked(head_mark_key(self.scope.pk))
        with activity.writing():
            result = audit.commit(activity, statements, event_id=audit.event_id(), wrote={})
        match result.outcome:
            case Outcome.REFUSED:
                raise DependencyError("the store cannot take this now", cause=result.cause)
            case Outcome.UNKNOWN:
                raise OutcomeUnknown("rows were to be deleted and the outcome is unknown; repeating is safe")
            case Outcome.CANCELLED:
                self.vault.writer.sleep(_PAUSE)
        return result.outcome is Outcome.COMMITTED


@dataclass(frozen=True, slots=True)
class LastSweeper(Sweeper):
    """Deletes a partition of a tenant that was erased, and leaves its tombstone, so that its marks are answered for."""

    erased: ErasedTenant
    key: NamedKey

    def deks(self) -> list[tuple[Item, Statement]]:
        """See `Sweeper.deks`. The tombstone stands before they go: by one of the two the partition is known."""
        deks = Sweeper.deks(self)  # the decorator makes the class anew, which `super()` does not know
        if deks:
            self._leave([row for row, _ in deks])
        return deks

    def _leave(self, deks: Sequence[Item]) -> None:
        """Writes the tombstone, where there is none. No mark names it: the last register says what became of it all."""
        table = self.vault.key_table
        if table.get(self.scope.keys_pk, tombstone_name(self.scope)) is not None:
            return
        last, now = self.erased.register, self.vault.writer.freezer.now()
        keys = [
            ErasedDek(dek_version(text_of(row, "sk"), scope=self.scope), epoch_of(text_of(row, "key_id")) or 0)
            for row in deks[:MAX_DEKS]
        ]
        stone = Tombstone(
            head_version=0,
            dek_version=max(one.version for one in keys),
            erased_at=last.erased_at,
            keys=tuple(sorted(keys, key=lambda one: one.version)),
            newest_epoch=last.newest,
            records=None,
            last_event=last.last_event,
        )
        salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
        written = Written(1, now, now)
        item, _ = seal_tombstone(stone, scope=self.scope, key=self.key, written=written, salt=salt, nonce=nonce)
        self.commit([insert(table.name, item)])
