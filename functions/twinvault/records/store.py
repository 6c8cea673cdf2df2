"""The store of one partition: what a team calls. `listing` asks across partitions.

Nothing is released before its audit entry is durable: `read` and `get` append first and return then, and a write's
entry is part of its transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from twinvault.audit.activity import Activity
from twinvault.audit.log import AuditLog
from twinvault.dynamodb.table import Table
from twinvault.envelope.item import Item
from twinvault.errors import InvalidInput, NotFound
from twinvault.records.batches import Batches
from twinvault.records.freezing import Changes
from twinvault.records.partition import Snapshot
from twinvault.records.reading import Reader
from twinvault.records.record import Draft, Record
from twinvault.records.spec import KindSpec
from twinvault.records.writing import Plan, Writer
from twinvault.scope import Scope


@dataclass(frozen=True, slots=True)
class PartitionStore:
    """One partition, for one activity (`Acting.partition` makes it). Once that has ended every call is `InvalidInput`.

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

    def read(self) -> Snapshot | None:
        """The whole partition, complete and authentic, or None; audited before it is returned.

        Raises:
            IntegrityError: any row was changed, moved, deleted, added or rolled back.
            Contention, DependencyError: it cannot be read now.
        """
        snapshot = self.peek()
        self._audit.release(self.activity)
        return snapshot

    def peek(self) -> Snapshot | None:
        """`read` without its audit entry: for callers that go on to write, or call `release` themselves."""
        self.activity.require_going_on()
        return self._reader.read(self.scope, self.kind, activity=self.activity)

    def get(self, sk: str) -> Record | None:
        """One record, authentic, audited before it is returned. Freshness is shown by a full read alone."""
        found = self.open_many([sk]).get(sk)
        self._audit.release(self.activity)
        return found

    def open_many(self, sks: Sequence[str]) -> dict[str, Record]:
        """Several records at once (at most 100), opened, without an audit entry of their own."""
        self.activity.require_going_on()
        items = self._table.batch_get([(self.pk, sk) for sk in sks])
        return {sk: self.open(item) for (_, sk), item in items.items()}

    def open(self, item: Item) -> Record:
        """Opens an item that was found in this partition.

        Raises:
            IntegrityError: it is not an authentic record of this partition.
        """
        self.activity.require_going_on()
        return self._reader.open_row(item, self.kind, scope=self.scope, activity=self.activity)

    def write(self, plan: Plan, *, base: Snapshot | None = None) -> Snapshot | None:
        """Writes what `plan` wants (see `Writer.write`); the audit entry is part of the transaction."""
        self.activity.require_going_on()
        return self._writer.write(self.scope, self.kind, activity=self.activity, plan=plan, base=base)

    def put(self, *drafts: Draft) -> Snapshot:
        """Adds these records, or replaces, whole, those whose sort keys exist; the head's own fields stay as they are.

        Returns the partition as it then is.

        Raises:
            InvalidInput, TooLarge: a draft cannot be stored; nothing was.
            Conflict, OutcomeUnknown, IntegrityError, DependencyError: as for any write.
        """
        written = self.write(lambda before: Changes(head=_own_fields(before), put=drafts))
        assert written is not None  # noqa: S101  # for the type checker: a plan that wants something returns a snapshot
        return written

    def size(self, draft: Draft) -> int:
        """The size of the item that a draft will become here, in bytes as DynamoDB counts them or a little more.

        Raises:
            TooLarge: over DynamoDB's 400 KiB.
            InvalidInput: it is not a record of this kind.
        """
        return Batches(self.scope, self.kind).check(draft)

    def first_batch(self, drafts: Sequence[Draft]) -> list[Draft]:
        """The longest beginning of `drafts` that fits into one write.

        Raises:
            TooLarge, InvalidInput: as for `size`.
        """
        return Batches(self.scope, self.kind).first(drafts)

    def new_dek(self) -> Snapshot:
        """Makes a new version of the partition's DEK: later writes use it, and what was sealed before still opens.

        Raises:
            NotFound: there is no such partition.
            Conflict, OutcomeUnknown, IntegrityError, DependencyError: as for any write.
        """

        def plan(snapshot: Snapshot | None) -> Changes:
            if snapshot is None:
                raise NotFound("there is no such partition")
            return Changes(head=_own_fields(snapshot), new_dek=True)

        written = self.write(plan)
        if written is None:
            raise NotFound("there is no such partition")
        return written


def _own_fields(snapshot: Snapshot | None) -> dict[str, Any]:
    """The head's fields as they are."""
    return dict(snapshot.head.fields) if snapshot else {}
