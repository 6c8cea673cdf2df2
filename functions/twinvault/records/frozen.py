"""A write that is sealed and will not change any more, and what it means when a statement of it fails. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from twinvault.audit.elements import Wrote
from twinvault.dynamodb.transaction import Statement
from twinvault.errors import Conflict, IntegrityError, InvalidInput, Place, Step
from twinvault.records.changes import already_there
from twinvault.records.partition import Look
from twinvault.records.record import TABLE

HEAD_POSITION = 0
"""The head comes first: an engine that names only the first statement that failed must name it before all others."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A write, sealed.

    Attributes:
        statements: all but the audit entry's.
        inserts: the positions among them of records that are new, with their sort keys.
        request: the position of the request row; None: there is none.
        after: what was looked at, as it then is: the whole partition, or what this writes.
        event_id: the audit event that it will be.
        wrote: what the audit entry will say of the partition.
    """

    statements: list[Statement]
    inserts: Mapping[int, str]
    request: int | None
    after: Look
    event_id: str
    wrote: Wrote

    def new(self, failed: Collection[int]) -> frozenset[str]:
        """The sort keys of those records that were to be new and whose statements failed."""
        return frozenset(self.inserts[position] for position in failed if position in self.inserts)

    def is_request(self, failed: Collection[int]) -> bool:
        """Whether nothing failed but the request row: the same request was answered meanwhile."""
        return self.request is not None and set(failed) == {self.request}

    def failed_as_new(self, failed: Collection[int]) -> bool:
        """Whether all that failed was to be new: that can happen while no other writer was there."""
        return all(position in self.inserts or position == self.request for position in failed)

    def refusal(
        self, failed: Collection[int], *, found: Look | None, pk: str
    ) -> Conflict | InvalidInput | IntegrityError:
        """What it means that these statements failed, when no other writer can be the reason.

        `found` is what was found then, the records that were to be new among it; `pk` is the partition's.
        """
        if HEAD_POSITION in failed:
            return InvalidInput("head: the store does not take it")
        new = sorted(self.new(failed))
        # The request row goes by its time, and proves nothing of what failed beside it.
        if len(new) < len(set(failed) - {self.request}):
            return IntegrityError(Step.PLACE_TAKEN, where=Place(TABLE, pk))
        there = [sk for sk in new if found is not None and sk in found.records]
        return already_there(there[0]) if there else InvalidInput(f"{new[0]}: the store does not take this record")
