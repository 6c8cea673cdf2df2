"""What the index of lists shows of one kind of one tenant: partitions that are there though their keys may be gone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twinvault.envelope.item import Item, text_of
from twinvault.errors import IntegrityError
from twinvault.maintenance.indexes import LIST_ATTRIBUTES, IndexPlace
from twinvault.records.hits import Hit
from twinvault.records.listing import BY_LIST

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table

MAX_HITS = 100_000
"""Hits that one walk takes at most: what comes after them is not seen by it."""
_PAGE = 1000
_MAX_STRAYS = 100


@dataclass(frozen=True, slots=True)
class ListedPartitions:
    """The index of lists, walked once; of the first `MAX_HITS` hits.

    Attributes:
        places: in which the index showed something of a partition, by the partition's id.
        strays: rows that claim a place in the list and stand in no partition of the tenant and kind.
    """

    places: Mapping[str, Sequence[IndexPlace]] = field(repr=False)
    strays: Sequence[IntegrityError] = field(repr=False)

    def after(self, partition: str) -> Iterator[str]:
        """The ids of the partitions that come after this one, in order."""
        return iter(sorted(one for one in self.places if one > partition))


def walk_list(table: "Table", tenant: str, *, kind: str) -> ListedPartitions:
    """Walks the list of this kind.

    Raises:
        DependencyError: the index, or the table, cannot be read now.
    """
    places, strays = defaultdict[str, list[IndexPlace]](list), list[Hit]()
    for hit in list_hits(table, tenant, kind=kind):
        if hit.error is not None:
            strays.append(hit)
        elif hit.scope is not None:
            places[hit.scope.partition].append(IndexPlace.of_hit(hit.item))
    return ListedPartitions(places, list(_still_there(table, strays[:_MAX_STRAYS])))


def list_hits(table: "Table", tenant: str, *, kind: str) -> Iterator[Hit]:
    """The hits of a list, page by page, `MAX_HITS` at most.

    Raises:
        DependencyError: the index cannot be read now.
    """
    after: Item | None = None
    for _ in range(MAX_HITS // _PAGE):
        equals = {"tenant_id": tenant, "list_kind": kind}
        page = table.query_index(BY_LIST, equals, limit=_PAGE, after=after, descending=False)
        yield from (Hit.read(item, tenant=tenant, kind=kind) for item in page.items)
        after = page.next_key
        if after is None:
            return


def _still_there(table: "Table", strays: Sequence[Hit]) -> Iterator[IntegrityError]:
    """Those that claim their place in the table, too: an index may come after."""
    rows = table.batch_get([hit.place for hit in strays])
    for hit in strays:
        row = rows.get(hit.place, {})
        if hit.error is not None and all(
            text_of(row, name) == text_of(hit.item, name) for name in ("tenant_id", *LIST_ATTRIBUTES)
        ):
            yield hit.error
