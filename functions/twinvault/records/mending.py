"""What a partition is to become that is being mended, and the rows that have to move for it. Pure.

Rows stay as they are sealed: a head counts digests, under a hash key of its own, so a new head over rows that open
makes them a whole partition without a row being written again. Rows that do not open have to go, for a full read
refuses them wherever they stand. Rows of a backup go back as they are.

The head comes first. Each transaction seals a head above everything that was ever there, over the rows that there will
be, and moves at most so many rows as one write may hold. So whoever dies in between leaves a partition that a full read
refuses, as before, or one that is mended: never one that reads as something else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from twinvault.dynamodb.marks import Mark
from twinvault.dynamodb.transaction import Statement, discard, insert, overwrite
from twinvault.envelope.aad import ATTRIBUTE_NAME
from twinvault.envelope.item import Item
from twinvault.errors import Conflict
from twinvault.keys.rows import dek_name, dek_version
from twinvault.records.batches import BATCH_UNITS, MAX_DRAFT_BYTES, MAX_DRAFTS, write_units
from twinvault.records.head import HeadState, Row, empty_head
from twinvault.records.record import StoredRecord
from twinvault.records.spec import HEAD, Fields
from twinvault.records.surveying import Survey
from twinvault.scope import Scope

_HEAD_UNITS = write_units(8 * 1024)
"""What is kept of a part's write units for the head, which each part writes anew; few are that large."""
_MOST_TEXT = 4096
"""Bytes of a row's names in a statement, of which DynamoDB takes 8,192 in all."""
MAX_VERSION = 2**53 - 1
"""Of a head: the highest that an audit entry can name."""


@dataclass(frozen=True, slots=True)
class MendTarget:
    """What a partition is to be.

    Attributes:
        items: its rows but for the head, as they are to stand there.
        rows: what of them enters the sum.
        fields: the head's own fields.
        state: the library's part of the head, but for the event of each write.
        head: a head that there was, if any: the new one goes on from it.
        newest: the highest version among the rows.
    """

    items: Mapping[str, Item] = field(repr=False)
    rows: Sequence[Row] = field(repr=False)
    fields: Fields = field(repr=False)
    state: HeadState = field(repr=False)
    head: StoredRecord | None = field(repr=False)
    newest: int


def target_of(
    source: Survey, *, fields: Fields, head: StoredRecord | None, hash_key: bytes, dek: int, scope: Scope
) -> MendTarget:
    """The partition that the rows of `source` make which open.

    Args:
        source: the rows; its head says which versions of the DEK are in use, where it opens.
        fields: the head's own.
        head: one that there was, if any.
        hash_key: 32 bytes; that of a head that there was, or new ones.
        dek: the newest version of the DEK that there is.
        scope: of the partition.
    """
    versions = {dek_version(record.key_id, scope=scope) for record in source.records.values()}
    known = [source.head[1].lowest_dek_version] if source.head else [*versions, dek]
    state = empty_head(hash_key, dek_version=dek).after(added=source.rows, removed=(), dek_version=dek, event_id="")
    state = replace(state, lowest_dek_version=min(known))
    return MendTarget(source.kept, source.rows, fields, state, head, source.newest)


def is_mended(living: Survey, mark: Mark | None, *, target: MendTarget, scope: Scope) -> bool:
    """Whether the living partition is what it is to be: a full read gives it."""
    if living.head is None or mark is None or living.refused or moves(target, living, table=""):
        return False
    head, state = living.head
    versions = {dek_version(record.key_id, scope=scope) for record in living.records.values()}
    in_use = range(state.lowest_dek_version, state.dek_version + 1)
    return (
        (head.version, head.digest) == (mark.version, mark.digest)
        and head.key_id == dek_name(scope, state.dek_version)
        and state.mismatch(target.rows) is None
        and all(version in in_use for version in versions)
        and head.kept == target.fields
    )


def next_version(mark: Mark | None, *, target: MendTarget, living: Survey) -> int:
    """A head's version above everything that there is.

    Raises:
        Conflict: none is left.
    """
    version = max(mark.version if mark else 0, target.newest, living.newest) + 1
    if version > MAX_VERSION:
        raise Conflict("mark: the newest one leaves no version above it: nothing can be written there", field="mark")
    return version


@dataclass(frozen=True, slots=True)
class Move:
    """One row that has to move.

    Attributes:
        sk: its sort key.
        statement: what moves it.
        size: in bytes, about as DynamoDB counts it.
        is_deletion: whether it is no more then.
    """

    sk: str
    statement: Statement = field(repr=False)
    size: int
    is_deletion: bool = False


def moves(target: MendTarget, living: Survey, *, table: str) -> list[Move]:
    """The rows that have to move so that the living partition is the target, but for the head; in order.

    Rows are the same where their digests are: a number may stand in two rows in two ways, and is one number.
    """
    found = []
    there_already = {row for row in target.rows if row.sk in living.records and living.records[row.sk].row == row}
    every = living.items.keys() | target.items.keys()
    for sk in sorted(every - {HEAD} - {row.sk for row in there_already}):
        there, wanted = living.items.get(sk), target.items.get(sk)
        size = max(item_bytes(there or {}), item_bytes(wanted or {}))
        if there is None:
            assert wanted is not None  # noqa: S101  # for the type checker: it is in one of the two
            found.append(Move(sk, insert(table, wanted), size))
        elif wanted is not None and is_plain(there):
            found.append(Move(sk, overwrite(table, wanted, before=there), size))
        else:
            found.append(Move(sk, discard(table, there), size, is_deletion=True))
    return found


def parts(every: Sequence[Move]) -> Iterator[list[Move]]:
    """The moves in order, in parts that fit into one write each; one part at least, for the head's sake."""
    part, size, units = list[Move](), 0, _HEAD_UNITS
    for one in every:
        cost = write_units(one.size)
        if part and (len(part) >= MAX_DRAFTS or size + one.size > MAX_DRAFT_BYTES or units + cost > BATCH_UNITS):
            yield part
            part, size, units = [], 0, _HEAD_UNITS
        part.append(one)
        size, units = size + one.size, units + cost
    yield part


def is_plain(item: Item) -> bool:
    """Whether every name in a row is one of an attribute, for others must not come near a statement; and they fit."""
    fits = sum(len(name) + len(' REMOVE ""') for name in item) <= _MOST_TEXT
    return fits and all(ATTRIBUTE_NAME.fullmatch(name) for name in item)


def item_bytes(item: Item) -> int:
    """The size of an item, whatever it holds, in bytes; rather more than DynamoDB counts."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, object]) -> int:
    ((_, content),) = value.items()
    if isinstance(content, bytes):
        return len(content)
    return len(content.encode()) if isinstance(content, str) else len(repr(content))
