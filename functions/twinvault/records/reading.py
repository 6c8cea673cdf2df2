"""The full read of a partition: what `partition.open_partition` is given, and what its refusals mean.

A Query is only read-committed against transactions: it can see half of one. So a mismatch is tampering only when three
consistent reads over at least a second see the same head and the same mismatch; until then it is read again
(docs/design.md, "Life of a read").
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twinvault.audit.activity import Activity
from twinvault.audit.elements import HeadSeen
from twinvault.dynamodb.marks import head_mark_key
from twinvault.envelope.item import Found, Item
from twinvault.errors import Contention, IntegrityError, Place, Step
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.rows import NamedKey
from twinvault.records.partition import Mismatch, Snapshot, named_keys, open_partition, open_row, place_rows
from twinvault.records.record import TABLE, Record
from twinvault.records.spec import KindSpec
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table

_LOOKS = 3
_PAUSE = 0.55  # two pauses between three looks: more than a second
_MOST_READS = 8


class Reader:
    """Reads partitions; thread-safe."""

    def __init__(
        self, table: "Table", keys: KeyHierarchy, *, lowest_format: int, sleep: Callable[[float], None]
    ) -> None:
        """`lowest_format`: the lowest record format that is still opened."""
        self._table = table
        self._keys = keys
        self._lowest_format = lowest_format
        self._sleep = sleep

    def read(self, scope: Scope, kind: KindSpec, *, activity: Activity) -> Snapshot | None:
        """Returns the whole partition, or None where there is none.

        Raises:
            IntegrityError: a row does not open, or rows were deleted, added, duplicated or rolled back.
            Undeclared: a row is authentic, and the kind does not declare what it holds.
            Contention: writers kept changing it.
        """
        seen: list[Mismatch] = []
        for _ in range(_MOST_READS):
            try:
                return self._look(scope, kind, activity=activity)
            except Mismatch as mismatch:
                seen = [*seen, mismatch] if seen and seen[-1].evidence == mismatch.evidence else [mismatch]
                if len(seen) == _LOOKS:
                    raise
            self._sleep(_PAUSE)
        raise Contention("the partition keeps changing", retry_after=1)

    def open_row(self, item: Item, kind: KindSpec, *, scope: Scope, activity: Activity) -> Record:
        """Opens one row of a partition: authentic, though perhaps not the newest (a full read shows that).

        Raises:
            IntegrityError: it does not open.
            Undeclared: it is authentic, and the kind does not declare what it holds.
        """
        rows = place_rows([item], scope=scope, lowest_format=self._lowest_format)
        keys = self._fetched(rows, scope=scope, activity=activity)
        return open_row(rows[0], keys, kind=kind, observer=activity)

    def _look(self, scope: Scope, kind: KindSpec, *, activity: Activity) -> Snapshot | None:
        items = self._table.query(scope.pk)
        if not items:
            if self._keys.has_dek(scope):
                raise Mismatch(Step.MISSING_PARTITION, where=Place(TABLE, scope.pk), evidence=())
            activity.saw(head_mark_key(scope.pk), None)
            return None
        try:
            # What has not the form of a row is refused before any key is fetched in its name.
            rows = place_rows(items, scope=scope, lowest_format=self._lowest_format)
            keys = self._fetched(rows, scope=scope, activity=activity)
        except IntegrityError as refusal:
            if refusal.step is not Step.MISSING_KEY:
                raise
            # The DEK's row and the head are written together, and may be seen one before the other.
            raise Mismatch(refusal.step, where=refusal.where, evidence=(), detail=refusal.detail) from None
        snapshot = open_partition(rows, keys, kind=kind, scope=scope, observer=activity)
        activity.saw(head_mark_key(scope.pk), HeadSeen(snapshot.head.version, snapshot.head.digest))
        return snapshot

    def _fetched(self, rows: Sequence[Found], *, scope: Scope, activity: Activity) -> dict[str, NamedKey]:
        """The partition's own keys that these rows name."""
        return {name: self._keys.dek(scope, name, observer=activity) for name in named_keys(rows, scope=scope)}
