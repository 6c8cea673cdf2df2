"""Long work on a tenant's keys: every DEK, and the index key, under the newest active KEK.

A work as those of partitions (`driving`), with a row, a lease, a cursor and counts; its cursor is the row of the DEK
that was done last. It is listed apart from them, because another function drives it: the one that holds what it takes
to change keys, and does not need what it takes to write records.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import batched
from typing import TYPE_CHECKING

from twinvault.envelope.item import Item, text_of
from twinvault.errors import Conflict, DependencyError, IntegrityError, KeyRefused, NotFound
from twinvault.keys.deks import dek_rows
from twinvault.keys.epochs import Epochs
from twinvault.keys.register import State
from twinvault.keys.rewrapping import MAX_ROWS, DekRewrapping, Rewrapped, Unopened
from twinvault.keys.rows import kek_name
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.driven import DrivenWorks
from twinvault.maintenance.holding import STEP_SECONDS, Batch, Holding, after_step
from twinvault.maintenance.rows import KEY_INDEX, KEYS, REWRAP
from twinvault.maintenance.work import Work
from twinvault.records.committing import AuditedCommits

if TYPE_CHECKING:
    from twinvault.acting import Acting

ROWS_A_SECOND = 200
"""All DEKs of a tenant stand in one partition of the table, which takes 1,000 write units a second; a row takes two of
them in a transaction. The rest is for who writes meanwhile."""


class Rekeying(DrivenWorks):
    """The rewrappings of one activity's tenant's keys."""

    def __init__(self, acting: "Acting", *, now: Callable[[], str]) -> None:
        """`now`: RFC 3339 UTC time as text, to the microsecond."""
        holding = Holding.of(acting, now=now, index=KEY_INDEX)
        super().__init__(holding, is_one=_is_rewrapping, missing="there is no such work of keys")

    def begin(self) -> tuple[Work, bool]:
        """A rewrapping that runs, and whether this call began it; nothing of it is done yet.

        Raises:
            NotFound: the tenant has no keys.
            Conflict: no epoch of the tenant's seals: rotate first.
            OutcomeUnknown, DependencyError: as for any write; repeating is safe.
        """
        acting = self._acting
        found = acting.vault.keys.tenant(acting.tenant, observer=acting.activity, fresh=True)
        if found is None:
            raise NotFound("this tenant has no keys")
        if not any(one.state is State.ACTIVE for one in found.register.epochs):
            raise Conflict("no epoch of this tenant's seals: rotate first")
        begun = self._works.begin(REWRAP, KEYS)
        acting.release()
        return begun

    def _stepping(self, work: Work) -> Callable[[Work], Work]:  # noqa: ARG002  # they are all alike
        return KeyStepper(self._holding).step


@dataclass(frozen=True, slots=True)
class KeyStepper:
    """Does the steps of a rewrapping."""

    holding: Holding

    def step(self, work: Work) -> Work:
        """One step of a work that is held, written down; returns the work as it then is, held or given back.

        Raises:
            DependencyError: the keys cannot be changed now. What was done before it is written down.
        """
        return self.holding.written(work, self.batch(work), after=after_key_step)

    def batch(self, work: Work) -> Batch:
        """What one step does, not written down yet."""
        cursor, counts = work.cursor, Counts()
        until = time.monotonic() + STEP_SECONDS
        try:
            under, index_refused = self._sealing_kek()
            for rows in batched(dek_rows(self.holding.works.table, self.holding.acting.tenant, after=cursor), MAX_ROWS):
                if time.monotonic() >= until or self.holding.is_over(work):
                    return Batch(cursor, counts)
                began = time.monotonic()
                done = self._some(rows, under)
                counts += Counts(len(rows), done.done, done.already, len(done.refused))
                cursor = text_of(rows[-1], "sk")
                time.sleep(max(0.0, began + done.done / ROWS_A_SECOND - time.monotonic()))
        except (DependencyError, Conflict) as error:
            if self.holding.is_over(work) and cursor != work.cursor:
                return Batch(cursor, counts)  # it was begun too late, that is all
            return Batch(cursor, counts, at=cursor, why=error)
        return Batch(cursor, counts + Counts(int(index_refused), failed=int(index_refused)), is_end=True)

    def _sealing_kek(self) -> tuple[str, bool]:
        """The name of the KEK under which keys are wrapped now, and whether the index key could not be brought there.

        Asked at each step, so that who rotates meanwhile finds most keys under the newest.
        """
        vault, refused = self.holding.acting.vault, False
        with self.holding.activity(f"key.{REWRAP}") as mine:
            by = AuditedCommits(vault.audit, mine.activity)
            try:
                register = Epochs(vault.changes).move_index(self.holding.acting.tenant, committer=by)
            except (KeyRefused, IntegrityError) as error:
                found = vault.keys.tenant(self.holding.acting.tenant, observer=mine.activity)
                if found is None:
                    raise
                register, refused = found.register, True
                vault.audit.refused(mine.activity, error)
        return kek_name(register.sealing_epoch().epoch), refused

    def _some(self, rows: tuple[Item, ...], under: str) -> Rewrapped:
        """Some rows, in an activity of their own: what was wrapped or refused is an entry of its own."""
        vault = self.holding.acting.vault
        rewrapping = DekRewrapping(
            hierarchy=vault.keys,
            table=vault.key_table,
            name=vault.key_table.name,
            now=self.holding.now,
            randomness=os.urandom,
            sleep=time.sleep,
        )
        with self.holding.activity(f"key.{REWRAP}") as mine:
            by = AuditedCommits(vault.audit, mine.activity)
            done = rewrapping.rewrap(rows, tenant=self.holding.acting.tenant, under=under, committer=by)
            for error in {_subject(one): one for one in done.refused}.values():
                vault.audit.refused(mine.activity, error)
        return done


def _is_rewrapping(work: Work) -> bool:
    return (work.job, work.kind) == (REWRAP, KEYS)


def _subject(refusal: Unopened) -> object:
    """Of those of one subject one entry says so: of a key's refusals, which are all alike; rows are told one by one."""
    if isinstance(refusal, KeyRefused):
        return str(refusal)
    return refusal.problem, refusal.where


def after_key_step(before: Work, batch: Batch, *, now: str, keep: bool) -> Work:
    """The work after a step. One that could not go on for too long ends: what stops one row stops all behind it."""
    work = after_step(before, batch, now=now, keep=keep)
    if batch.why is None or work.stopped_since is not None:
        return work
    # No partition was refused: of keys the audit log says which and why.
    return replace(work, findings=()).at_its_end()
