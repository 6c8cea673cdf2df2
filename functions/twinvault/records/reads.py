"""Reads of one partition. Nothing is released before its audit entry is durable: it is appended first."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from twinvault.audit.activity import Activity
from twinvault.audit.log import AuditLog
from twinvault.dynamodb.table import Table
from twinvault.envelope.item import Item
from twinvault.envelope.names import require_sort_key
from twinvault.errors import InvalidInput
from twinvault.records.paging import RecordPage
from twinvault.records.partition import Snapshot
from twinvault.records.reading import Reader
from twinvault.records.record import StoredRecord
from twinvault.records.spec import KindSpec
from twinvault.records.writing import Writer
from twinvault.scope import Scope


@dataclass(frozen=True, slots=True)
class PartitionReads:
    """One partition, read for one activity.

    Attributes:
        pk: the partition's key in the records table.
    """

    _table: Table = field(repr=False)
    _reader: Reader = field(repr=False)
    _writer: Writer = field(repr=False)
    _audit: AuditLog = field(repr=False)
    scope: Scope
    kind: KindSpec
    activity: Activity
    pk: str = field(init=False)

    def __post_init__(self) -> None:
        """Refuses a scope of another kind, and ids that cannot stand in a key."""
        if self.scope.kind != self.kind.kind:
            raise InvalidInput("the scope is of another kind", field="kind")
        object.__setattr__(self, "pk", self.scope.pk)

    def reopened(self) -> Self:
        """This partition, in which retired entities are written, too: for what is sealed anew as it is."""
        return replace(self, kind=self.kind.reopened())

    def undeclared(self) -> Self:
        """This partition as who knows nothing of its kind sees it: for what is sealed anew, whatever it is."""
        return replace(self, kind=KindSpec.undeclared(self.kind.kind))

    def read(self) -> Snapshot | None:
        """The whole partition, complete and authentic, or None; audited before it is returned.

        Raises:
            Gone: it was erased.
            IntegrityError: any row was changed, moved, deleted, added or rolled back.
            Contention, DependencyError: it cannot be read now.
        """
        snapshot = self.peek()
        self._audit.release(self.activity)
        return snapshot

    def peek(self) -> Snapshot | None:
        """`read` without its audit entry: for callers that go on to write, or call `release` themselves."""
        with self.activity.going_on():
            return self._reader.read(self.scope, self.kind, activity=self.activity)

    def get(self, sk: str) -> StoredRecord | None:
        """One record, authentic, audited before it is returned. Freshness is shown by a full read alone."""
        return self.get_many([sk]).get(sk)

    def get_many(self, sks: Iterable[str]) -> dict[str, StoredRecord]:
        """Those of these records, any number of them, that are there, by sort key; audited before they are returned.

        Each is authentic. That each is the newest, and that one which is not there never was, a full read shows alone.

        Raises:
            InvalidInput: a sort key is empty or over 1,024 bytes.
            Gone: the partition was erased.
            IntegrityError: one of them was changed or moved.
            DependencyError: they cannot be read now.
        """
        found = self.open_many(sks)
        self._audit.release(self.activity)
        return found

    def open_many(self, sks: Iterable[str]) -> dict[str, StoredRecord]:
        """`get_many` without its audit entry: for callers that call `release` themselves."""
        asked = [require_sort_key(sk) for sk in sks]
        with self.activity.going_on():
            items = self._table.batch_get([(self.pk, sk) for sk in asked])
            if not items:
                self._reader.tombstones.require_none(self.scope, observer=self.activity)
        return {sk: self.open(items[self.pk, sk]) for sk in dict.fromkeys(asked) if (self.pk, sk) in items}

    def query(self, prefix: str = "", *, limit: int = 100, cursor: str | None = None) -> RecordPage:
        """One page of the records whose sort keys begin with `prefix`, in their order, the head left out.

        Each record is authentic. A page proves nothing of completeness: a record that is not on it may have been taken
        away behind the store's back, and one that is may be an older one put back. `read` shows both.

        Args:
            prefix: empty, or the beginning of a sort key, up to and with a `#`.
            limit: at most so many, from 1 to 1,000; a page may hold fewer and yet have a next one.
            cursor: of the page before; None: the first page.

        Raises:
            InvalidInput: the prefix, the limit or the cursor is none.
            IntegrityError, DependencyError: as for `get_many`.
        """
        with self.activity.going_on():
            page = self._reader.page(
                self.scope, self.kind, prefix=prefix, limit=limit, cursor=cursor, activity=self.activity
            )
        self._audit.release(self.activity)
        return page

    def open(self, item: Item) -> StoredRecord:
        """Opens an item that was found in this partition.

        Raises:
            IntegrityError: it is not an authentic record of this partition.
        """
        with self.activity.going_on():
            return self._reader.open_row(item, self.kind, scope=self.scope, activity=self.activity)
