"""One partition as its kind's types have it: `PartitionStore`, with records for drafts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from twinvault.errors import InvalidInput
from twinvault.records.changes import NOTHING, Changes, Expected, Written
from twinvault.records.partition import Look
from twinvault.records.record import Draft
from twinvault.records.rewriting import Rewritten
from twinvault.records.spec import HEAD
from twinvault.records.store import PartitionStore
from twinvault.records.typed import conversion
from twinvault.records.typed.kind import Kind
from twinvault.records.typed.record import Record, from_stored, sort_key, to_draft
from twinvault.records.typed.records import Page, Records, of_look, of_type, of_written


@dataclass(frozen=True, slots=True)
class Writes:
    """What a plan wants written, together or not at all.

    Attributes:
        put: records to be; one that exists is replaced, whole. A head's record gives the head its own fields.
        add: records to be, where none stands; whether one does is seen when it is written, and never read.
        delete: records that shall be no more, or their sort keys.
        new_dek: seal this write, and all later ones, under a new version of the partition's DEK.
    """

    put: Sequence[Record] = ()
    add: Sequence[Record] = ()
    delete: Sequence[Record | str] = ()
    new_dek: bool = False


type Plan = Callable[[Records | None], Writes | None]
"""Looks at the partition as it is and says what to write; None: nothing. Called anew whenever someone else wrote."""


@dataclass(frozen=True, slots=True)
class TypedPartition:
    """One partition, for one activity (`Acting.partition` makes it of a `Kind`).

    What the calls of `PartitionStore` promise and raise, those of the same names here do. Beside that, each raises
    `InvalidInput` naming the field where a value does not fit its field's type, and `Undeclared` where a record is
    authentic and its type does not declare what it holds.

    Attributes:
        store: the same partition, of drafts.
        kind: its kind.
    """

    store: PartitionStore
    kind: Kind

    @property
    def pk(self) -> str:
        """The partition's key in the records table."""
        return self.store.pk

    def read(self) -> Records | None:
        """The whole partition, complete and authentic, or None; audited before it is returned."""
        return self._records(self.store.read())

    def peek(self) -> Records | None:
        """`read` without its audit entry: for callers that go on to write, or call `Acting.release` themselves."""
        return self._records(self.store.peek())

    def get[R: Record](self, record: type[R], /, **key: object) -> R | None:
        """One record, authentic, audited before it is returned: `get(Visit, number=7)`; of a head `get(Clinic)`.

        Whether it is the newest a full read shows alone.
        """
        self.kind.require(record)
        found = self.store.get(sort_key(record, **key))
        return of_type(record, found, pk=self.pk) if found else None

    def get_many[R: Record](self, record: type[R], keys: Iterable[Mapping[str, object]], /) -> list[R]:
        """Those of these records, any number of them, that are there: `get_many(Visit, [{"number": 7}, …])`."""
        self.kind.require(record)
        found = self.store.get_many(sort_key(record, **key) for key in keys)
        return [of_type(record, one, pk=self.pk) for one in found.values()]

    def query[R: Record](
        self, record: type[R], /, *, limit: int = 100, cursor: str | None = None, **key: object
    ) -> Page[R]:
        """One page of the records of this type, in the order of their sort keys: `query(Note, author="bo")`.

        A page proves nothing of completeness (see `PartitionStore.query`).

        Args:
            record: their type.
            limit: at most so many; a page may hold fewer and yet have a next one.
            cursor: of the page before; None: the first page.
            key: the first fields of the sort key, each followed by `#` in its form; none: all records of the type.
        """
        self.kind.require(record)
        declared = record.__declared__
        page = self.store.query(conversion.to_beginning(key, declared), limit=limit, cursor=cursor)
        rows = (one for one in page.records if one.entity == declared.entity and not one.foreign)
        found = [from_stored(record, one, pk=self.pk) for one in rows]
        return Page(found, cursor=page.cursor, scopes=[self.store.scope] * len(found))

    def add(self, *records: Record, expected: Expected = NOTHING, idempotency_key: str | None = None) -> Records:
        """Adds these records, which must be new. They are not read first: nothing but the head is."""
        drafts = [self._draft(record) for record in records]
        return self._written(self.store.add(*drafts, expected=expected, idempotency_key=idempotency_key))

    def put(self, *records: Record, expected: Expected = NOTHING, idempotency_key: str | None = None) -> Records:
        """Adds these records, or replaces, whole, those that exist: `put(visit, expected={visit.sk: ABSENT})`.

        A head's record gives the head its own fields; without one they stay as they are.
        """
        changes = self._changes(Writes(put=records))
        written = self.store.put(*changes.put, head=changes.head, expected=expected, idempotency_key=idempotency_key)
        return self._written(written)

    def update(
        self,
        record: type[Record],
        fields: Mapping[str, object],
        /,
        *,
        expected: Expected = NOTHING,
        idempotency_key: str | None = None,
        **key: object,
    ) -> Records:
        """Gives a record these fields: `update(Visit, {"note": "…"}, number=7)`. The others, sealed ones too, stay.

        Raises:
            Conflict: it is not there, or not as expected.
            InvalidInput: a field is not declared, does not fit its type, or stands in the sort key.
        """
        self.kind.require(record)
        declared = record.__declared__
        if within := sorted(fields.keys() & set(declared.key.fields)):
            raise InvalidInput(f"{declared.entity}.{within[0]}: stands in the sort key and stays", field=within[0])
        plain = conversion.to_plain(fields, declared)
        sk = sort_key(record, **key)
        return self._written(self.store.update(sk, plain, expected=expected, idempotency_key=idempotency_key))

    def delete(
        self, *records: Record | str, expected: Expected = NOTHING, idempotency_key: str | None = None
    ) -> Records:
        """Deletes these records for good, which are given as they are or by their sort keys (`sort_key`)."""
        sks = [self._sk(record) for record in records]
        return self._written(self.store.delete(*sks, expected=expected, idempotency_key=idempotency_key))

    def write(self, plan: Plan) -> Records | None:
        """Writes what `plan` wants, which sees the whole partition; returns it as it then is. None: there is none."""
        return self._records(self.store.write(lambda before: self._planned(plan, before)))

    def write_rows(self, sks: Iterable[str], plan: Plan) -> Records | None:
        """`write` at the cost of what it writes: the plan sees the head and the records of these sort keys."""
        return self._records(self.store.write_rows(sks, lambda before: self._planned(plan, before)))

    def rewrite(self, *, force: bool = False, most_writes: int | None = None) -> Rewritten:
        """`PartitionStore.rewrite`: records that are not as their declarations write them now, or all of them."""
        return self.store.rewrite(force=force, most_writes=most_writes)

    def reindex(self) -> int:
        """`PartitionStore.reindex`: after a field became searchable, or is so in another way."""
        return self.store.reindex()

    def new_dek(self) -> Records:
        """`PartitionStore.new_dek`; returns the head as it then is."""
        return of_look(self.store.new_dek(), self.kind, pk=self.pk)

    def size(self, record: Record) -> int:
        """The size of the item that a record will become here, in bytes as DynamoDB counts them or a little more."""
        return self.store.size(self._draft(record))

    def batches[R: Record](self, records: Sequence[R]) -> Iterator[Sequence[R]]:
        """These records in order, in parts that fit into one write each (see `PartitionStore.batches`)."""
        done = 0
        for part in self.store.batches([self._draft(record) for record in records]):
            yield records[done : done + len(part)]
            done += len(part)

    def _planned(self, plan: Plan, before: Look | None) -> Changes | None:
        writes = plan(self._records(before))
        return None if writes is None else self._changes(writes)

    def _changes(self, writes: Writes) -> Changes:
        put = [self._draft(record) for record in writes.put]
        heads = [draft for draft in put if draft.sk == HEAD]
        if len(heads) > 1:
            raise InvalidInput("a write may hold each record once")
        return Changes(
            head=heads[0].fields if heads else None,
            put=[draft for draft in put if draft.sk != HEAD],
            add=[self._draft(record) for record in writes.add],
            delete=[self._sk(record) for record in writes.delete],
            new_dek=writes.new_dek,
        )

    def _draft(self, record: Record) -> Draft:
        self.kind.require(type(record))
        return to_draft(record)

    def _sk(self, record: Record | str) -> str:
        if isinstance(record, str):
            return record
        self.kind.require(type(record))
        return record.sk

    def _records(self, look: Look | None) -> Records | None:
        return of_look(look, self.kind, pk=self.pk) if look else None

    def _written(self, written: Written) -> Records:
        return of_written(written, self.kind, pk=self.pk)
