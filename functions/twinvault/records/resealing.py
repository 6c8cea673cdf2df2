"""Records of one partition sealed anew as they are: what is due, and how it is written, whatever it is due for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from twinvault.records.changes import Changes
from twinvault.records.partition import Look, Snapshot
from twinvault.records.record import Draft, StoredRecord

if TYPE_CHECKING:
    from twinvault.records.store import PartitionStore


@dataclass(frozen=True, slots=True)
class Resealing:
    """Which records of a partition are to be sealed anew: those of which `is_due` says so."""

    is_due: Callable[[StoredRecord], bool]

    def due(self, records: Iterable[StoredRecord]) -> list[Draft]:
        """Those of these records that are to be written again, as they are."""
        return [Draft(one.entity, one.sk, one.kept, one.carried) for one in records if self.is_due(one)]

    def plan(self, look: Look | None) -> Changes | None:
        """Writes again what is due of a look: whoever wrote one of the records meanwhile has done so already."""
        if look is None:
            return None
        drafts = self.due(look.records.values())
        return Changes(put=drafts) if drafts or self.is_due(look.head) else None

    def write(
        self,
        partition: "PartitionStore",
        due: list[Draft],
        *,
        before: Snapshot,
        most_writes: int | None = None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> int:
        """Writes what is due of a partition as it was found, each write at its own cost; says how many records it was.

        Nothing is begun after `most_writes`, or where `is_over` says so.

        Raises:
            InvalidInput, TooLarge, Conflict, OutcomeUnknown, IntegrityError, DependencyError: as for any write; what
                was written before it is.
        """
        written = 0
        for part in islice(partition.batches(due), most_writes):
            if is_over():
                break
            partition.write_rows([draft.sk for draft in part], self.plan)
            written += len(part)
        if not due and most_writes != 0:
            # Each write seals the head anew. What is left is a head whose records were all as they should be.
            partition.write_rows((), self.plan, base=before)
        return written
