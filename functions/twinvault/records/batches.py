"""How many records fit into one write: DynamoDB's limits of a transaction, known before anything is sealed."""

from collections.abc import Callable, Iterator, Sequence

from twinvault.dynamodb.transaction import MAX_STATEMENTS, MAX_TRANSACTION_BYTES
from twinvault.errors import TooLarge
from twinvault.records.record import MAX_ITEM_BYTES, Draft, sealed_size
from twinvault.records.spec import KindSpec
from twinvault.scope import Scope

_OVERHEAD_STATEMENTS = 5  # head, mark, audit entry, first DEK, request
_OVERHEAD_BYTES = 80 * 1024  # an audit entry has up to 64 KiB
MAX_DRAFTS = MAX_STATEMENTS - _OVERHEAD_STATEMENTS
MAX_WRITE_BYTES = MAX_TRANSACTION_BYTES - _OVERHEAD_BYTES
"""Of head and records. The rest is room for the mark, the audit entry, the first DEK and the row of a request."""
MAX_DRAFT_BYTES = MAX_WRITE_BYTES - MAX_ITEM_BYTES
"""Of records, whatever the head's size."""
PARTITION_UNITS = 1000
"""Write units that a partition takes in a second.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"""
BATCH_UNITS = PARTITION_UNITS // 2
"""Write units of one part of a work that may be split, its head's among them."""
_HEAD_UNITS = 16
"""What is kept of them for the head, which each part writes anew: one of 8 KiB, and few are that large."""


def item_size(draft: Draft, kind: KindSpec, *, scope: Scope) -> int:
    """The size of the item that a draft will become there, as `PartitionStore.size`: without a store and an activity.

    Raises:
        TooLarge: over DynamoDB's 400 KiB.
        InvalidInput: it is not a record of this kind.
    """
    spec = kind.spec_of(draft)
    size = sealed_size(draft, spec, scope=scope)
    if size > MAX_ITEM_BYTES:
        raise TooLarge(f"{spec.name}: over the limit of {MAX_ITEM_BYTES} bytes (400 KiB) for one record")
    return size


class Batches:
    """Measures drafts for one partition, and parts the work of writing them."""

    def __init__(
        self, scope: Scope, kind: KindSpec, *, monotonic: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self._scope = scope
        self._kind = kind
        self._monotonic = monotonic
        self._sleep = sleep

    def check(self, draft: Draft) -> int:
        """Returns the size of the item that the draft will become.

        Raises:
            TooLarge: over DynamoDB's 400 KiB.
            InvalidInput: it is not a record of this kind.
        """
        return item_size(draft, self._kind, scope=self._scope)

    def parts(self, drafts: Sequence[Draft]) -> Iterator[list[Draft]]:
        """The drafts in order, in parts that fit into one write each, and no faster than a partition takes them.

        Raises:
            TooLarge, InvalidInput: as for `check`.
        """
        done, until = 0, self._monotonic()
        while done < len(drafts):
            part, units = self._first(drafts[done : done + MAX_DRAFTS])
            self._sleep(max(0.0, until - self._monotonic()))
            until = self._monotonic() + units / PARTITION_UNITS
            yield part
            done += len(part)

    def _first(self, drafts: Sequence[Draft]) -> tuple[list[Draft], int]:
        """The longest beginning that makes one part, one draft at least; and what it costs in write units."""
        size, units, part = 0, _HEAD_UNITS, list[Draft]()
        for draft in drafts:
            one = self.check(draft)
            if part and (size + one > MAX_DRAFT_BYTES or units + write_units(one) > BATCH_UNITS):
                break
            size, units = size + one, units + write_units(one)
            part.append(draft)
        return part, units


def write_units(size: int) -> int:
    """What a transaction pays for an item of so many bytes: two for each KiB begun.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    return 2 * -(-size // 1024)
