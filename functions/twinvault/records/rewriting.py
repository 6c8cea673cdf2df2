"""Records of one partition, sealed anew as they are declared now (docs/entities.md, "Changing a declaration").

What is declared now reads what was declared before, so nothing has to be rewritten for a reader's sake. It is rewritten
so that an older form is gone from the table, and with it the need to declare it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.records.record import StoredRecord
from twinvault.records.resealing import Resealing

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
    until = before.head.version if force else 0

    def is_due(record: StoredRecord) -> bool:
        return record.outdated or record.version <= until or record.updated_at < since

    resealing = Resealing(is_due)
    due = resealing.due(before.records.values())
    written = resealing.write(reopened, due, before=before, most_writes=most_writes, is_over=is_over)
    return Rewritten(len(before.records), written, len(due) - written)
