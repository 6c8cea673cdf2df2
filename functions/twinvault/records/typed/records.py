"""Records that were read, by type."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from twinvault.errors import Place, Undeclared
from twinvault.records.changes import Written
from twinvault.records.finding import FoundPage
from twinvault.records.hits import Refused
from twinvault.records.partition import Look
from twinvault.records.record import TABLE, StoredRecord
from twinvault.records.spec import HEAD
from twinvault.records.typed.kind import Kind
from twinvault.records.typed.record import Record, from_stored, sort_key
from twinvault.scope import Scope


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one partition, as they stood together: of a full read all of them, of a write what it wrote.

    Attributes:
        kind: the partition's kind.
        pk: the partition's key in the records table.
        version: the head's version: that of the whole partition.
        digest: the head's digest, 32 bytes: with the version it stands for the whole partition.
        repeated: whether this is the answer to a request that was made before, under the same idempotency key.
    """

    kind: Kind
    pk: str
    version: int
    digest: bytes
    _rows: Mapping[str, StoredRecord] = field(repr=False)
    repeated: bool = False

    def all[R: Record](self, record: type[R], /) -> list[R]:
        """The records of this type, in the order of their sort keys.

        Raises:
            InvalidInput: the kind has no records of this type.
            Undeclared: one holds what its type does not declare.
        """
        self.kind.require(record)
        entity = record.__declared__.entity
        rows = (row for row in self._rows.values() if row.entity == entity and not row.foreign)
        return [from_stored(record, row, pk=self.pk) for row in rows]

    def get[R: Record](self, record: type[R], /, **key: object) -> R | None:
        """The record of this type with these fields in its sort key, or None.

        Raises:
            InvalidInput: they are not the fields of its sort key, or the kind has no records of this type.
            Undeclared: it holds what its type does not declare.
        """
        self.kind.require(record)
        row = self._rows.get(sort_key(record, **key))
        return of_type(record, row, pk=self.pk) if row else None

    def __len__(self) -> int:
        """How many records there are, the head left out."""
        return len(self._rows.keys() - {HEAD})

    def __contains__(self, sk: object) -> bool:
        """Whether there is a record of this sort key."""
        return sk in self._rows


class Page[R: Record](list[R]):
    """A list of records of one type, and where the next page begins.

    Attributes:
        cursor: what to ask for the next page with; None: there is none.
        scopes: the partition in which each of them stands.
        refused: of what was found, what does not open or is not of its type, each with the reason.
    """

    __slots__ = ("cursor", "refused", "scopes")

    def __init__(
        self, records: Iterable[R], *, cursor: str | None, scopes: Sequence[Scope], refused: Sequence[Refused] = ()
    ) -> None:
        super().__init__(records)
        self.cursor = cursor
        self.scopes = scopes
        self.refused = refused


def of_look(look: Look, kind: Kind, *, pk: str) -> Records:
    """A head and the records that were read with it."""
    return Records(kind, pk, look.head.version, look.head.digest, {HEAD: look.head, **look.records})


def of_written(written: Written, kind: Kind, *, pk: str) -> Records:
    """What a write wrote."""
    return Records(kind, pk, written.version, written.digest, written.records, written.repeated)


def of_found[R: Record](record: type[R], found: FoundPage, *, refused: Callable[[Undeclared], None]) -> Page[R]:
    """What was found of one type; `refused` is told of each that holds what the type does not declare."""
    scopes: list[Scope] = []
    records: list[R] = []
    others = list(found.refused)
    for one in found.records:
        try:
            records.append(from_stored(record, one.record, pk=one.scope.pk))
            scopes.append(one.scope)
        except Undeclared as error:
            refused(error)
            others.append(Refused(one.scope, error, one.record.sk))
    return Page(records, cursor=found.cursor, scopes=scopes, refused=others)


def of_type[R: Record](record: type[R], stored: StoredRecord, *, pk: str) -> R:
    """What was opened at the place of a record of this type.

    Raises:
        Undeclared: it is of another type, or holds what this one does not declare.
    """
    if stored.entity != record.__declared__.entity:
        raise Undeclared(["entity_type"], where=Place(TABLE, pk, stored.sk))
    return from_stored(record, stored, pk=pk)
