"""Records of one partition, sealed anew as they are declared now (docs/entities.md, "Changing a declaration").

What is declared now reads what was declared before, so nothing has to be rewritten for a reader's sake. It is rewritten
so that an older form is gone from the table, and with it the need to declare it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from twinvault.records.changes import Changes
from twinvault.records.partition import Look
from twinvault.records.record import Draft, StoredRecord

if TYPE_CHECKING:
    from twinvault.records.store import PartitionStore


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What a rewrite did.

    Attributes:
        records: how many records the partition has beside its head.
        written: how many of them were sealed anew; the head was whenever something was written.
        left: how many are still to be done.
    """

    records: int
    written: int
    left: int


def rewrite(
    partition: "PartitionStore",
    *,
    force: bool = False,
    since: str = "",
    most_writes: int | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> Rewritten:
    """Seals anew whatever of the partition is not as its declarations write it now, retired entities included.

    The partition is read whole once, and then each write costs what it writes. It may be stopped anywhere and asked
    again: what is done is not done twice. A record keeps its fields and `created_at`; version and `updated_at` are the
    rewrite's, and retired fields are dropped.

    Args:
        partition: of an activity with the time for it.
        force: everything, as declared or not: for example under the newest DEK. Asked again, it does all of it again.
        since: also whatever was written before this time (RFC 3339, UTC). Asked again, it goes on with what is left.
        most_writes: stop after so many.
        is_over: asked before each write; begins none where it says so.

    Raises:
        InvalidInput, TooLarge: a record cannot be written as it is declared now; what was written before it is.
        Conflict, OutcomeUnknown, IntegrityError, DependencyError: as for any write, likewise.
    """
    reopened = partition.reopened()
    if (before := reopened.peek()) is None:
        return Rewritten(0, 0, 0)
    rewriting = _Rewriting(before.head.version if force else 0, since)
    due, written = rewriting.due(before.records.values()), 0
    for part in islice(reopened.batches(due), most_writes):
        if is_over():
            break
        reopened.write_rows([draft.sk for draft in part], rewriting.plan)
        written += len(part)
    if not due and most_writes != 0:
        # Each write seals the head anew. What is left is a head whose records were all as they should be.
        reopened.write_rows((), rewriting.plan, base=before)
    return Rewritten(len(before.records), written, len(due) - written)


@dataclass(frozen=True, slots=True)
class _Rewriting:
    """What is due: what is outdated, or was written by the head's version `until`, an older one, or before `since`."""

    until: int
    since: str

    def due(self, records: Iterable[StoredRecord]) -> list[Draft]:
        """Those of these records that are to be written again."""
        return [Draft(one.entity, one.sk, one.kept) for one in records if self._is_due(one)]

    def plan(self, look: Look | None) -> Changes | None:
        """Writes again what is due of a look: whoever wrote one of the records meanwhile has done so already."""
        if look is None:
            return None
        drafts = self.due(look.records.values())
        return Changes(put=drafts) if drafts or self._is_due(look.head) else None

    def _is_due(self, record: StoredRecord) -> bool:
        return record.outdated or record.version <= self.until or record.updated_at < self.since
