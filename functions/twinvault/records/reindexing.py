"""Blind indexes of one partition made anew, where they are not what the declaration and the generation now say."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from twinvault.errors import InvalidInput
from twinvault.records.blind import Blinder
from twinvault.records.record import StoredRecord
from twinvault.records.resealing import Resealing
from twinvault.records.spec import KindSpec

if TYPE_CHECKING:
    from twinvault.records.store import PartitionStore


def reindex(partition: "PartitionStore", find_blinder: Callable[[], Blinder | None]) -> int:
    """Brings the blind indexes of a partition's records, its head among them, up to date; says how many were not.

    `find_blinder` gives the tenant's. The partition is read whole once, and then each write costs what it writes; if it
    is cut off, what was written stays, and the next call goes on.

    Raises:
        InvalidInput: a record's value is none that can be searched by, as its field now is; both are named, and
            nothing was written.
        Conflict, OutcomeUnknown, IntegrityError, DependencyError: as for any write.
    """
    partition = partition.reopened()
    snapshot, blinder = partition.read(), find_blinder()
    if snapshot is None or blinder is None:
        return 0
    should_be = blind_indexes(partition.kind, blinder)
    resealing = Resealing(lambda record: record.blind != should_be(record))
    # The head first, and all of it before anything is written: a value that cannot be searched by is refused here.
    is_head_due, due = resealing.is_due(snapshot.head), resealing.due(snapshot.records.values())
    resealing.write(partition, due, before=snapshot)
    return len(due) + is_head_due


def blind_indexes(kind: KindSpec, blinder: Blinder) -> Callable[[StoredRecord], dict[str, str]]:
    """What a record's blind indexes should be, by attribute; `kind` is as it is reopened.

    The function raises:
        InvalidInput: the record's value is none that can be searched by; both are named.
    """

    def attributes(record: StoredRecord) -> dict[str, str]:
        spec = kind.spec_at(record.sk, entity=record.entity)
        if spec is None or record.foreign or not spec.searchable:
            return record.carried.blind
        try:
            return record.carried.blind | blinder.attributes(spec.name, spec.searchable, fields=record.fields)
        except InvalidInput as refusal:
            raise InvalidInput(f"{record.sk}: {refusal.message}", field=refusal.field) from None

    return attributes
