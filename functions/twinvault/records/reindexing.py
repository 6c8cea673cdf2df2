"""Blind indexes of one partition made anew, where they are not what the declaration and the generation now say."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.errors import InvalidInput
from twinvault.records.blind import Blinder
from twinvault.records.changes import Changes
from twinvault.records.partition import Look
from twinvault.records.record import Draft, StoredRecord
from twinvault.records.spec import HEAD, KindSpec

if TYPE_CHECKING:
    from twinvault.records.store import PartitionStore


@dataclass(frozen=True, slots=True)
class Reindexing:
    """What is wrong with blind indexes of a kind's records. Pure."""

    kind: KindSpec
    blinder: Blinder

    def outdated(self, records: Iterable[StoredRecord]) -> list[StoredRecord]:
        """Those of these records whose blind indexes are not what they should be.

        Raises:
            InvalidInput: a record's value is none that can be searched by, as its field now is; both are named.
        """
        return [record for record in records if record.blind != self._should_be(record)]

    def plan(self, look: Look | None) -> Changes | None:
        """Writes again what is outdated of a look: whoever wrote one of the records meanwhile has indexed it anew."""
        if look is None:
            return None
        records = self.outdated(look.records.values())
        return Changes(put=list(map(_again, records))) if records or self.outdated([look.head]) else None

    def _should_be(self, record: StoredRecord) -> dict[str, str]:
        spec = self.kind.spec_at(record.sk, entity=record.entity)
        if spec is None or not spec.searchable:
            return {}
        try:
            return self.blinder.attributes(spec.name, spec.searchable, fields=record.fields)
        except InvalidInput as refusal:
            raise InvalidInput(f"{record.sk}: {refusal.message}", field=refusal.field) from None


def reindex(partition: "PartitionStore", find_blinder: Callable[[], Blinder | None]) -> int:
    """Brings the blind indexes of a partition's records, its head among them, up to date; says how many were not.

    `find_blinder` gives the tenant's. The partition is read whole once, and then each write costs what it writes; if it
    is cut off, what was written stays, and the next call goes on.

    Raises:
        InvalidInput: see `Reindexing.outdated`; nothing was written.
        Conflict, OutcomeUnknown, IntegrityError, DependencyError: as for any write.
    """
    partition = partition.reopened()
    snapshot, blinder = partition.read(), find_blinder()
    if snapshot is None or blinder is None:
        return 0
    reindexing = Reindexing(partition.kind, blinder)
    outdated = reindexing.outdated([snapshot.head, *snapshot.records.values()])
    for batch in partition.batches([_again(record) for record in outdated if record.sk != HEAD]):
        partition.write_rows([draft.sk for draft in batch], reindexing.plan)
    if outdated and outdated[0].sk == HEAD:
        # Each write seals the head anew. What is left is a head whose records were all as they should be.
        partition.write_rows((), reindexing.plan)
    return len(outdated)


def _again(record: StoredRecord) -> Draft:
    return Draft(record.entity, record.sk, record.kept)
