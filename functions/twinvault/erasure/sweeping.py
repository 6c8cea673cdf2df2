"""Sweeping: the rows that were left of what was erased are deleted, as long work (docs/maintenance.md).

They open to nobody, since their keys are gone. What is swept is a partition whose tombstone is what was written last:
asked again for each page of rows, after they were read, so that no row of another partition that stands at the place by
then is ever among them.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.transaction import Outcome, discard
from twinvault.envelope.item import Item, text_of
from twinvault.errors import Contention, DependencyError, InvalidInput, NotFound, OutcomeUnknown
from twinvault.keys.erased import Tombstones
from twinvault.keys.rows import dek_prefix, is_dek_name
from twinvault.maintenance.holding import Batch, Holding, after_step
from twinvault.maintenance.jobs import JobStep
from twinvault.maintenance.partitions import erased_partitions
from twinvault.maintenance.rows import ERASURE_INDEX, SWEEP, is_of_erasures
from twinvault.maintenance.stepping import Stepper
from twinvault.maintenance.work import Work
from twinvault.records.batches import PARTITION_UNITS, write_units
from twinvault.records.mending import Move, item_bytes, parts
from twinvault.records.requests import requests_key
from twinvault.records.typed.kind import Kind

if TYPE_CHECKING:
    from twinvault.acting import Acting
    from twinvault.audit.activity import Activity
    from twinvault.records.spec import KindSpec
    from twinvault.records.store import PartitionStore
    from twinvault.scope import Scope
    from twinvault.vault import Vault

_PAGE = 100
_TRIES = 12
_PAUSE = 0.02


class Sweeping:
    """The sweeps of one activity's tenant: what there is, more of it, and a drive of one."""

    def __init__(self, acting: "Acting", *, kinds: "Iterable[Kind | KindSpec]", now: Callable[[], str]) -> None:
        """`kinds` are those whose partitions are swept. `now`: RFC 3339 UTC time as text, to the microsecond."""
        self._acting = acting
        self._holding = Holding.of(acting, now=now, index=ERASURE_INDEX)
        self._works = self._holding.works
        specs = [kind.spec if isinstance(kind, Kind) else kind for kind in kinds]
        self._kinds = {spec.kind: spec for spec in specs}

    def begin(self, kind: str) -> tuple[Work, bool]:
        """A sweep that runs and will come by all that is erased by now, and whether this call began it.

        Raises:
            InvalidInput: there is no such kind.
            NotFound: the tenant has no keys, so nothing was erased.
            Conflict: as many works run as may.
            OutcomeUnknown, DependencyError: as for any write; repeating is safe.
        """
        if kind not in self._kinds:
            raise InvalidInput(f"kind: must be {' or '.join(sorted(self._kinds))}", field="kind")
        for _ in range(_TRIES):
            work, is_new = self._works.begin(SWEEP, kind)
            # One that runs may have come by already: it begins again.
            work = work if is_new else self._works.again(work)
            if work.is_running:
                self._acting.release()
                return work, is_new
        raise Contention("sweeps keep ending before they could be told to go on", retry_after=1)

    def get(self, work_id: str) -> Work:
        """How a sweep stands.

        Raises:
            NotFound, InvalidInput: there is none of this id, or it cannot be one.
            IntegrityError: its row was changed or moved.
            DependencyError: as for any key.
        """
        work = self._sweep(work_id)
        self._acting.release()
        return work

    def newest(self) -> list[Work]:
        """The tenant's newest sweeps, the newest first. Errors as for `get`."""
        works = [work for work in self._works.newest() if is_of_erasures(work)]
        self._acting.release()
        return works

    def drive(self, work_id: str) -> Work:
        """Does as much of a sweep as the activity has time for; returns how it then stands.

        Where somebody else is at it nothing is done, and its lease says until when.

        Raises:
            NotFound, InvalidInput, IntegrityError: as for `get`.
            DependencyError: rows cannot be deleted now. What was done before it is written down.
        """
        return self._holding.drive(self._sweep(work_id), self._stepping)

    def _stepping(self, work: Work) -> Callable[[Work], Work]:
        kind = self._kinds.get(work.kind)
        if kind is None:
            raise NotFound("this release knows no such kind: another one began this sweep")
        return SweepStepper(self._holding, Sweep(self._acting.vault), kind, erased_partitions).step

    def _sweep(self, work_id: str) -> Work:
        work = self._works.get(work_id).work
        if not is_of_erasures(work):
            raise NotFound("there is no such sweep")
        return work


@dataclass(frozen=True, slots=True)
class SweepStepper(Stepper):
    """Does a sweep's steps."""

    def step(self, work: Work) -> Work:
        """See `Stepper.step`. Where it was told meanwhile to begin again it goes on from the beginning."""
        return self.holding.written(work, self.batch(work), after=partial(_after, was=work))


def _after(before: Work, batch: Batch, *, was: Work, now: str, keep: bool) -> Work:
    if before.last_event != was.last_event:
        batch = replace(batch, cursor=before.cursor, is_end=False)
    return after_step(before, batch, now=now, keep=keep)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Deletes what is left of a partition that was erased: records, requests, and keys that somebody put back."""

    vault: "Vault"
    name: str = SWEEP

    def step(self, partition: "PartitionStore", *, since: str, is_over: Callable[[], bool]) -> JobStep:  # noqa: ARG002  # what stands there has to go, since whenever
        """See `Job.step`. Rows that were deleted count as written."""
        swept = 0
        while True:
            rows = self._rows(partition.scope)
            if not rows or not self._is_erased(partition):
                return JobStep(rewritten=swept)
            for part in parts([_move(table, row) for table, row in rows]):
                if is_over():
                    return JobStep(rewritten=swept, is_complete=False)
                began = time.monotonic()
                swept += self._delete(part, partition.scope, activity=partition.activity)
                cost = sum(write_units(one.size) for one in part) / PARTITION_UNITS
                time.sleep(max(0.0, began + cost - time.monotonic()))

    def _is_erased(self, partition: "PartitionStore") -> bool:
        stones = Tombstones(self.vault.keys, self.vault.reader.marks)
        return stones.standing(partition.scope, observer=partition.activity) is not None

    def _rows(self, scope: "Scope") -> list[tuple[str, Item]]:
        """Some of the rows that stand there, each with the table that it is in."""
        vault = self.vault
        for pk in (scope.pk, requests_key(scope)):
            if rows := vault.records.query(pk, limit=_PAGE):
                return [(vault.records.name, row) for row in rows]
        keys = vault.key_table.query(scope.keys_pk, dek_prefix(scope))
        return [(vault.key_table.name, row) for row in keys if is_dek_name(text_of(row, "sk"), scope=scope)]

    def _delete(self, part: "list[Move]", scope: "Scope", *, activity: "Activity") -> int:
        """Deletes these rows as they were found; those that somebody changed meanwhile are looked at again."""
        activity.asked(head_mark_key(scope.pk))
        with activity.writing():
            result = self.vault.audit.commit(
                activity, [one.statement for one in part], event_id=self.vault.audit.event_id(), wrote={}
            )
        match result.outcome:
            case Outcome.REFUSED:
                raise DependencyError("the store cannot take this now", cause=result.cause)
            case Outcome.UNKNOWN:
                raise OutcomeUnknown("rows were to be deleted and the outcome is unknown; repeating is safe")
            case Outcome.CANCELLED:
                self.vault.writer.sleep(_PAUSE)
                return 0
        return len(part)


def _move(table: str, row: Item) -> Move:
    return Move(text_of(row, "sk"), discard(table, row), item_bytes(row), is_deletion=True)
