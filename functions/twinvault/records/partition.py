"""The trust core: rows go in, a partition comes out, or a refusal. Pure.

Together `place_rows` and `Opening` take all of the eleven steps of docs/format.md, "Open", over everything that a Query
of one partition found, page by page, and its newest mark. `place_rows` takes steps 0 to 4, for which no key is needed;
`named_keys` says which keys to fetch then; `Opening.take` takes steps 5 to 8 for each row, as `open_row` does for
single ones, and `Opening.whole` steps 9 and 10, which are about all of them. `open_look` opens a head and some of its
records, for a write that touches no others. What holds, whatever the rows are:

- Table, tenant, kind and partition come from the scope of whoever asks. A row's own word for any of them is compared,
  never followed.
- A row opens under the key that it names, if that is one of `keys`, and under no other. `named_keys` names none that is
  not the partition's own.
- What a row says of itself is believed once its seal has verified, and not before: what is not declared is asked then,
  and is `Undeclared`, no tampering.
- A snapshot is released only when every row has opened, their sum is the head's, and the head is the one that the
  newest mark names. There is no part of one, and none that was the newest once.
- Nothing is there only where there is neither a row nor a mark.
- A refusal is an `IntegrityError` that tells which step failed, and where. Rows that open and do not fit their head or
  its mark are a `Mismatch`, because a Query can see half of a transaction: whether it is one is for the caller to find
  out.

Not done here is any IO. Rows are queried, keys fetched and unwrapped, looks repeated and audit entries appended by
those who call this (`reading`, `store`). No clock is read and nothing is drawn.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twinvault.dynamodb.marks import Mark
from twinvault.envelope.item import Found, Item, from_item, open_found, text_of
from twinvault.errors import IntegrityError, Place, Step
from twinvault.keys.rows import NamedKey, is_dek_name
from twinvault.records.head import STORE, HeadState
from twinvault.records.payload import decode_payload
from twinvault.records.record import TABLE, StoredRecord, blind_of, label_at, stamped
from twinvault.records.requests import Answered
from twinvault.records.spec import HEAD, KindSpec
from twinvault.records.whole import Mismatch, require_keys, require_newest, require_not_newer, require_whole
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.observe import Observer

_NO_HEAD = "there is no head"

type Keys = Mapping[str, NamedKey]
"""The DEKs of one partition that were fetched, by name."""


@dataclass(frozen=True, slots=True)
class Look:
    """A head and some of its records, authentic, as they stood together at one moment.

    Whether each record is the one that the head's writer left is shown by a `Snapshot` alone.

    Attributes:
        head: the head's record; its fields hold the kind's own ones.
        state: the library's part of the head.
        records: those of the records asked for that were there, by sort key, in order.
        answered: what the same request was answered with before, where the look asked for that.
    """

    head: StoredRecord
    state: HeadState = field(repr=False)
    records: dict[str, StoredRecord]
    answered: Answered | None = field(default=None, repr=False, compare=False)

    def shows(self, sks: Collection[str]) -> bool:
        """Whether of each of these records it is known from here that it is there."""
        return self.records.keys() | {HEAD} >= set(sks)


@dataclass(frozen=True, slots=True)
class Snapshot(Look):
    """A partition as one consistent whole: authentic, complete and nothing else. `records` are all but the head."""

    def shows(self, sks: Collection[str]) -> bool:  # noqa: ARG002  # all that is not here is not there
        """Whether of each of these records it is known from here whether it is there."""
        return True


def place_rows(items: Sequence[Item], *, scope: Scope, lowest_format: int) -> list[Found]:
    """Takes steps 0 to 4 for each of the items that were found under the scope's pk: all that needs no key.

    `lowest_format` is the lowest record format that is still opened.

    Raises:
        IntegrityError: an item has not the form of a sealed row at this place.
    """
    tenant, pk = scope.tenant, scope.pk  # made of checked ids each time it is asked for
    return [_placed(item, tenant, pk=pk, lowest_format=lowest_format) for item in items]


def named_keys(rows: Sequence[Found], *, scope: Scope) -> list[str]:
    """The DEKs that these rows name and that are this partition's own, each once: what to fetch before opening.

    A row that names anything else is passed over, so that nothing is ever fetched in its name; opening refuses it, at
    step 2.
    """
    named = dict.fromkeys(row.context.key_id for row in rows)
    return [name for name in named if is_dek_name(name, scope=scope)]


class Opening:
    """A partition as it is opened: its rows are taken as they come, and released once all of them are there."""

    def __init__(self, scope: Scope, kind: KindSpec, *, observer: "Observer") -> None:
        """`scope`: where the caller looked. `observer` is told of each row that opens or does not."""
        self._scope, self._kind, self._observer = scope, kind, observer
        self._head: tuple[StoredRecord, HeadState] | None = None
        self._records: list[StoredRecord] = []

    def take(self, rows: Sequence[Found], keys: Keys) -> None:
        """Takes the next rows under the scope's pk, and the keys that `named_keys` asks for.

        Raises:
            IntegrityError: a row does not open.
            Undeclared: a row is authentic, and the kind does not declare what it holds.
        """
        for row in rows:
            if row.context.sk == HEAD and self._head is None:
                self._head = open_head(row, keys, kind=self._kind, observer=self._observer)
            else:
                self._records.append(open_row(row, keys, kind=self._kind, observer=self._observer))

    def whole(self, mark: Mark | None) -> Snapshot | None:
        """Returns the partition, as its last writer left it; None: there never was one. `mark` is its newest mark.

        Raises:
            Mismatch: rows, or all of them, were deleted, added, duplicated or put back, or a transaction was half seen.
        """
        where = Place(TABLE, self._scope.pk)
        if self._head is None:
            if self._records:
                raise Mismatch(Step.HEAD, where=where, detail=_NO_HEAD)
            if mark is not None:
                raise Mismatch(Step.MISSING_PARTITION, where=where)
            return None
        head, state = self._head
        # 9 head: the rows are those that its writer left, no more, no fewer and no others, under keys that are in use.
        require_whole(state, rows=[record.row for record in self._records], pk=self._scope.pk)
        require_keys(head, state, records=self._records, scope=self._scope)
        # 10 mark: and it was left by the last of its writers.
        require_newest(head, mark, where=where)
        return Snapshot(head, state, {record.sk: record for record in self._records})


def open_row(row: Found, keys: Keys, *, kind: KindSpec, observer: "Observer") -> StoredRecord:
    """Returns the record of one row of the kind: authentic, though perhaps not the newest.

    Raises:
        IntegrityError: one of the steps 2 to 8 fails.
        Undeclared: it is authentic, and the kind does not declare what it holds.
    """
    record, _ = _opened(row, keys, kind=kind, observer=observer)
    return record


def open_head(row: Found, keys: Keys, *, kind: KindSpec, observer: "Observer") -> tuple[StoredRecord, HeadState]:
    """Returns the head of the kind and the library's part of it; errors as for `open_row`."""
    head, fields = _opened(row, keys, kind=kind, observer=observer)
    return head, HeadState.from_fields(fields.get(STORE), where=row.place)


def open_look(rows: Sequence[Found], keys: Keys, *, kind: KindSpec, scope: Scope, observer: "Observer") -> Look | None:
    """Returns the head and the records that these rows are, which were read together; None: there is no row.

    The steps are those of `Opening` but for the sum and the mark, which need all rows: what is written on top of
    such a look changes the sum by what it touches, so that what was lost or put back behind it stays visible.

    Raises:
        Mismatch: the head is missing, or a record does not fit it.
        IntegrityError, Undeclared: as for `Opening.take`.
    """
    if not rows:
        return None
    head_row = next((row for row in rows if row.context.sk == HEAD), None)
    if head_row is None:
        raise Mismatch(Step.HEAD, where=Place(TABLE, scope.pk), detail=_NO_HEAD)
    head, state = open_head(head_row, keys, kind=kind, observer=observer)
    records = [open_row(row, keys, kind=kind, observer=observer) for row in rows if row is not head_row]
    require_keys(head, state, records=records, scope=scope)
    require_not_newer(head, records=records, pk=scope.pk)
    return Look(head, state, {record.sk: record for record in sorted(records, key=lambda one: one.sk)})


def _placed(item: Item, tenant: str, *, pk: str, lowest_format: int) -> Found:
    try:
        # 0 place, 1 format, 2 key id (its form), 3 lengths, 4 clear attributes (of legal names and types, and encoded,
        # with place and scope, into the AAD).
        return from_item(item, table=TABLE, tenant=tenant, pk=pk, lowest_format=lowest_format)
    except IntegrityError as refusal:
        raise refusal.at(Place(TABLE, pk, text_of(item, "sk"))) from None


def _opened(row: Found, keys: Keys, *, kind: KindSpec, observer: "Observer") -> tuple[StoredRecord, dict[str, Any]]:
    """The record, and all that its payload holds: of a head, more than the record's own fields."""
    context = row.context
    # 2 key id: it names one of this partition's keys.
    key = keys.get(context.key_id)
    if key is None:
        raise IntegrityError(Step.KEY_ID, where=row.place)
    try:
        # 5 commitment (of this key and this AAD), 6 ciphertext, 7 padding: nothing is released before all have passed.
        opened = open_found(row, key=key.kdf, label=label_at(context.sk))
        # 8 payload: the bytes are authentic; that they decode is a promise of whoever sealed them.
        sealed = decode_payload(opened.plaintext)
        stamp = stamped(context.clear)
    except IntegrityError as refusal:
        observer.crypto("decrypt", key.name, outcome="failure")
        raise refusal.at(row.place) from None
    observer.crypto("decrypt", key.name)
    reading = kind.read(context, sealed, entity=stamp.entity)
    record = StoredRecord(
        entity=stamp.entity,
        sk=context.sk,
        version=stamp.version,
        created_at=stamp.created_at,
        updated_at=stamp.updated_at,
        fields=reading.fields,
        key_id=context.key_id,
        attributes=frozenset(context.clear),
        commitment=row.stored.commitment,
        digest=opened.digest,
        blind=blind_of(context.clear),
        retired=reading.retired,
        outdated=reading.outdated,
        carried=reading.carried,
    )
    return record, sealed
