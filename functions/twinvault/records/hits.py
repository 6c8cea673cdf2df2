"""What an index leads to. A hit is a hint: what stands there is read again, and opens or is named as refused. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from twinvault.envelope.item import Item, text_of
from twinvault.envelope.names import ID, tenant_key
from twinvault.errors import IntegrityError, KeyRefused, Place, Step, Undeclared
from twinvault.records.record import TABLE, StoredRecord
from twinvault.scope import Scope

MAX_PAGE_BYTES = 1024 * 1024
"""Of stored records that one page is made of: a record has up to 400 KiB, and whoever asks for fifty has not asked for
20 MB. What a page leaves out is on the next one; one partition, or one record that was found, is always on it."""

_FIRST, _GROWTH, _MOST = 5, 4, 25
"""Hits fetched at once: 25 records have 10 MB at most."""

type Refusal = IntegrityError | KeyRefused | Undeclared
REFUSALS = (IntegrityError, KeyRefused, Undeclared)


@dataclass(frozen=True, slots=True)
class Refused:
    """What does not open, and why; the audit log says so.

    Attributes:
        scope: the partition; None where a row claims a place in a list, or a value, and stands in no partition of this
            tenant: whose it is instead nobody is told but the audit log.
        error: tampering, or damage that cannot be told from it; a key that is revoked or that KMS refuses; or what this
            release does not declare.
        sk: the record's sort key; empty where it is about the partition.
    """

    scope: Scope | None
    error: Refusal
    sk: str = ""

    @property
    def problem(self) -> str:
        """Why, in a word: `integrity`, `key-refused` or `undeclared`."""
        return self.error.problem


@dataclass(frozen=True, slots=True)
class Hits:
    """One page: the partitions that may match, the cursor of the next page, and the hits that are none."""

    scopes: tuple[Scope, ...]
    cursor: str | None
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """The records of one partition that were asked for and exist, by sort key."""

    scope: Scope
    records: dict[str, StoredRecord]


class OpenedPage(list[Opened]):
    """A list of partitions of which the records that were asked for open.

    Attributes:
        refused: the others, each with the reason.
        cursor: of a page, what to ask for the next one with; None: there is none.
    """

    __slots__ = ("cursor", "refused")

    def __init__(
        self, opened: Iterable[Opened] = (), *, refused: Iterable[Refused] = (), cursor: str | None = None
    ) -> None:
        super().__init__(opened)
        self.refused = list(refused)
        self.cursor = cursor

    def take(self, one: Opened | Refused | None) -> None:
        """Takes what one partition came to; None: it is gone."""
        if isinstance(one, Opened):
            self.append(one)
        elif one is not None:
            self.refused.append(one)


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """One hit.

    Attributes:
        item: the index's keys and the table's: a page may end behind it.
        scope: the partition in which it stands; None: in none of this tenant.
        error: why it is none.
    """

    item: Item
    scope: Scope | None
    error: IntegrityError | None = None

    @classmethod
    def read(cls, item: Item, *, tenant: str, kind: str | None = None) -> "Hit":
        """What an index gave: a row of the tenant, and of the kind where one is named, or one that only claims so."""
        scope = _scope_of(item, tenant)
        if scope is None or (kind is not None and scope.kind != kind):
            where = Place(TABLE, text_of(item, "pk"), text_of(item, "sk"))
            return cls(
                item, scope, IntegrityError(Step.PLACE, where=where, detail="it claims a place that is not its own")
            )
        return cls(item, scope)

    def require_scope(self) -> Scope:
        """The partition in which it stands.

        Raises:
            IntegrityError: it is no hit.
        """
        if self.error is not None:
            raise self.error
        assert self.scope is not None  # noqa: S101  # for the type checker: without one there is an error
        return self.scope

    @property
    def place(self) -> tuple[str, str]:
        """Partition key and sort key of the row."""
        return text_of(self.item, "pk"), text_of(self.item, "sk")


type Fetch = Callable[[Sequence[Hit]], Mapping[Hit, Mapping[str, Item]]]
"""What stands now where these hits lead to, by sort key."""


def within_a_page(hits: Sequence[Hit], fetch: Fetch) -> Iterator[tuple[Hit, Mapping[str, Item]]]:
    """The hits in order, each with what stands there now, until a page is full; one at least, where there is one.

    Few are fetched at first and then more, so that what is fetched and does not fit any more is not much;
    never so many that they could fill the memory: each may be as large as a record can be.
    """
    size, done, count = 0, 0, _FIRST
    while done < len(hits):
        portion = hits[done : done + count]
        found = fetch(portion)
        for hit in portion:
            items = found.get(hit, {})
            size += sum(map(_stored_bytes, items.values()))
            if size > MAX_PAGE_BYTES and done:
                return
            yield hit, items
            done += 1
        count = min(count * _GROWTH, _MOST)


def _stored_bytes(item: Item) -> int:
    """An item's size, nearly as DynamoDB counts it; binary values count as they are."""
    return sum(len(name) + sum(map(_value_bytes, value.values())) for name, value in item.items())


def _value_bytes(value: object) -> int:
    if isinstance(value, str):
        return len(value.encode(errors="replace"))
    return len(value) if isinstance(value, bytes) else 1


def _scope_of(item: Item, tenant: str) -> Scope | None:
    """The partition of this tenant in which a row stands; None: in none."""
    # Not partition_key(): a hostile row's own text must meet a comparison, not the rules for callers.
    own, _, partition = text_of(item, "pk").rpartition("#")
    own, _, kind = own.rpartition("#")
    is_own = own == tenant_key(tenant) and ID.fullmatch(kind) and ID.fullmatch(partition)
    return Scope(tenant, kind, partition) if is_own else None
