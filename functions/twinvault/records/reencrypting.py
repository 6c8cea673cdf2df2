"""One partition under a new version of its DEK: every record of it sealed anew, whatever is declared of them.

    1  a new version, with a write of the head alone. From then on every write seals under it, whoever makes it and
       whatever they have in memory: a write is conditional on the head, and seals under the version that the head names
    2  the partition, read whole: what of it is still under a version before
    3  that, part by part, each a write of its own, with the head's sum
    4  with the last part the head says that no record is under a version before any more, and refuses one that is

Whoever is killed, or stops, leaves a partition that reads as before: the next one begins at 1, finds the new version
there, and does what is left. Who writes a record meanwhile has sealed it under the new version: it is passed over.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.keys.rows import dek_version
from twinvault.records.changes import Changes
from twinvault.records.partition import Look
from twinvault.records.record import Draft, StoredRecord

if TYPE_CHECKING:
    from twinvault.records.store import PartitionStore
    from twinvault.scope import Scope


@dataclass(frozen=True, slots=True)
class Reencrypted:
    """What was done to a partition.

    Attributes:
        records: how many it has beside its head.
        written: how many of them were sealed anew by this call.
        left: how many are still to be done.
        is_complete: whether none is under an older version, and the head says so.
    """

    records: int = 0
    written: int = 0
    left: int = 0
    is_complete: bool = True


def reencrypt(
    partition: "PartitionStore", *, is_new: Callable[[int], bool], is_over: Callable[[], bool] = lambda: False
) -> Reencrypted:
    """Seals every record anew that is not under a DEK of which `is_new`, asked by its version, says that it will do.

    Versions move as with any write; `updated_at`, and with it every listing, does not. It may be stopped anywhere and
    asked again.

    Args:
        partition: of an activity with the time for it.
        is_new: whether this version of the partition's DEK is one that records may stay under.
        is_over: asked before each write; begins none where it says so.

    Raises:
        TooLarge: a record is as large as one may be, and its seal grew; what was written before it is.
        Conflict, OutcomeUnknown, IntegrityError, DependencyError: as for any write, likewise.
    """
    as_stored = partition.undeclared()
    if as_stored.write_rows((), lambda look: _new_version(look, is_new)) is None:
        return Reencrypted()
    # Read after the new version was there: what is under an older one by now is all that ever will be.
    before = as_stored.peek()
    if before is None:
        return Reencrypted()
    resealing = _Resealing(partition.scope, before.state.dek_version)
    due = resealing.due(before)
    if not due and before.state.lowest_dek_version == resealing.version:
        return Reencrypted(len(before.records))
    written, is_complete = 0, False
    for part in as_stored.batches(due) if due else [[]]:
        if is_over():
            break
        is_complete = written + len(part) == len(due)
        as_stored.write_rows([draft.sk for draft in part], resealing.last if is_complete else resealing.some)
        written += len(part)
    return Reencrypted(len(before.records), written, len(due) - written, is_complete)


def _new_version(look: Look | None, is_new: Callable[[int], bool]) -> Changes | None:
    if look is None or is_new(look.state.dek_version):
        return None
    return Changes(new_dek=True, as_they_are=True)


@dataclass(frozen=True, slots=True)
class _Resealing:
    """What of a partition is under a version before this one, and its writes."""

    scope: "Scope"
    version: int

    def due(self, look: Look) -> list[Draft]:
        return [Draft(one.entity, one.sk, one.kept, one.carried) for one in look.records.values() if self._is_due(one)]

    def some(self, look: Look | None) -> Changes | None:
        """Seals what is due anew, and it alone; whoever wrote one of the records meanwhile has done so already."""
        due = self.due(look) if look else []
        return Changes(put=due, as_they_are=True) if due else None

    def last(self, look: Look | None) -> Changes | None:
        """The same, and nothing is due then: the head says so."""
        if look is None:
            return None
        due = self.due(look)
        if not due and look.state.lowest_dek_version >= self.version:
            return None
        return Changes(put=due, as_they_are=True, lowest_dek=self.version)

    def _is_due(self, record: StoredRecord) -> bool:
        return dek_version(record.key_id, scope=self.scope) < self.version
