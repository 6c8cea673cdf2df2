"""The indexes compared with what the opened records of a partition carry (docs/recovery.md).

DynamoDB makes its indexes of the rows, and what a row says in the clear is sealed with it. So an index can differ in
three ways: it lags behind, or has lost something; a row of which no record is made claims a place in it; or a blind
index is not what the sealed field yields, for it was written under an older declaration.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from random import SystemRandom
from typing import TYPE_CHECKING

from twinvault.envelope.item import Item, attribute, text_of
from twinvault.errors import Contention, IntegrityError, InvalidInput, Place, Step
from twinvault.records.blind import SLOTS, Blind
from twinvault.records.blinding import find_blinder
from twinvault.records.hits import Hit
from twinvault.records.listing import BY_LIST
from twinvault.records.record import TABLE, StoredRecord
from twinvault.records.reindexing import blind_indexes
from twinvault.records.spec import HEAD

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table
    from twinvault.records.partition import Snapshot
    from twinvault.records.store import PartitionStore
    from twinvault.vault import Vault

LIST_ATTRIBUTES = ("list_kind", "list_status", "list_at")
MAX_PLACES = 1000
"""Places in indexes that are looked for of one partition; of more, so many that are drawn anew each time."""
_PAUSES = (0.25, 1.25)
"""Seconds between the looks: an index mostly is as far as its table within less than one."""
_HITS, _PAGES = 1000, 5
_THREADS = 8
_BLINDS = tuple(Blind(slot=slot) for slot in SLOTS)

type _Attributes = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class IndexPlace:
    """A place in an index: what stands there has all of its keys' attributes."""

    index: str
    attributes: _Attributes

    @classmethod
    def of_list(cls, values: Sequence[str]) -> "IndexPlace":
        """The place of a list's kind, status and time."""
        return cls(BY_LIST, tuple(zip(LIST_ATTRIBUTES, values, strict=True)))

    @classmethod
    def of_hit(cls, item: Item) -> "IndexPlace":
        """The place in which the index of lists showed this."""
        return cls.of_list([text_of(item, name) for name in LIST_ATTRIBUTES])


def places_of(record: StoredRecord) -> Iterator[IndexPlace]:
    """Where a record stands in the indexes, by what it carries."""
    listed = [value for name in LIST_ATTRIBUTES if isinstance(value := _carried(record, name), str)]
    if len(listed) == len(LIST_ATTRIBUTES):
        yield IndexPlace.of_list(listed)
    for blind in _BLINDS:
        if blind.attribute in record.blind:
            yield IndexPlace(blind.index, ((blind.attribute, record.blind[blind.attribute]),))


def _carried(record: StoredRecord, name: str) -> object:
    return record.fields.get(name, record.carried.clear.get(name)) if name in record.attributes else None


@dataclass(frozen=True, slots=True)
class IndexLook:
    """Compares the indexes of a vault's records table with one partition. Nothing is changed."""

    vault: "Vault"

    def require(
        self, partition: "PartitionStore", snapshot: "Snapshot | None", *, further: Collection[IndexPlace] = ()
    ) -> None:
        """Lets a partition pass whose records stand where they say in the indexes, and nothing else of it does.

        Args:
            partition: which.
            snapshot: as it was read whole; None: there is nothing of it.
            further: places in which an index showed something of it.

        Raises:
            IntegrityError: one is missing there, or something stands there that no record carries, or that is of no
                partition of the tenant; and not because the index came after: the partition was read and compared
                again, and it was the same.
            Contention: the partition keeps changing; DependencyError: an index cannot be read now.
        """
        refusal = self._refusal(partition, snapshot, further=further)
        for pause in _PAUSES:
            if refusal is None:
                return
            self.vault.writer.sleep(pause)
            snapshot = partition.peek()
            refusal = self._refusal(partition, snapshot, further=further)
        if refusal is None:
            return
        head = self.vault.records.get_isolated(partition.scope.pk, HEAD)
        there = attribute(head, "key_commitment", kind="B") if head else None
        if there != (snapshot.head.commitment if snapshot else None):
            raise Contention("the partition keeps changing", retry_after=1)
        raise refusal

    def outdated(self, partition: "PartitionStore", snapshot: "Snapshot") -> tuple[str, str] | None:
        """A record, by sort key, of which a blind index is not what its sealed field yields, and what to be told of it.

        Under the tenant's generation or under the one before, in which it is found until it is indexed anew.

        Raises:
            IntegrityError, KeyRefused, DependencyError: as for any key.
        """
        records = _every(snapshot)
        if not partition.kind.searchable and not any(record.blind for record in records):
            return None
        tenant, kind = partition.scope.tenant, partition.kind.reopened()
        blinder = find_blinder(self.vault.keys, kind, tenant=tenant, observer=partition.activity)
        if blinder is None:
            return None
        ways = [blind_indexes(kind, one) for one in (blinder, blinder.before()) if one is not None]
        for record in records:
            try:
                if not any(record.blind == should_be(record) for should_be in ways):
                    wrong = {name for name, _ in record.blind.items() ^ ways[0](record).items()}
                    said = f"{', '.join(sorted(wrong))}: not what the sealed field yields now: reindex"
                    return record.sk, said
            except InvalidInput as refusal:
                return record.sk, refusal.message
        return None

    def _refusal(
        self, partition: "PartitionStore", snapshot: "Snapshot | None", *, further: Collection[IndexPlace]
    ) -> IntegrityError | None:
        """What differs between the indexes and what a partition's records carry; nothing, as a rule."""
        carried = defaultdict[IndexPlace, set[str]](set)
        for record in _every(snapshot) if snapshot else ():
            for place in places_of(record):
                carried[place].add(record.sk)
        places = list(dict.fromkeys([*carried, *further]))
        if len(places) > MAX_PLACES:
            places = SystemRandom().sample(places, MAX_PLACES)
        pk = partition.scope.pk
        for place, (hits, is_all) in zip(places, self._hits(partition.scope.tenant, places), strict=True):
            there = {hit.place[1] for hit in hits if hit.place[0] == pk}
            for sk in sorted(carried[place] - there if is_all else ()):
                return _refused(pk, sk, detail=f"the index {place.index} does not have it")
            for sk in sorted(there - carried[place]):
                return _refused(pk, sk, detail=f"the index {place.index} has it where it does not stand")
            for hit in hits:
                if hit.error:
                    return hit.error
        return None

    def _hits(self, tenant: str, places: Sequence[IndexPlace]) -> Iterator[tuple[list[Hit], bool]]:
        """What stands in each of these places, and whether that is all of it."""
        if len(places) <= 1:  # as of most partitions
            yield from (hits_at(self.vault.records, place, tenant=tenant) for place in places)
            return
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="twinvault-indexes") as pool:
            asked = [
                pool.submit(copy_context().run, hits_at, self.vault.records, place, tenant=tenant) for place in places
            ]
            yield from [one.result() for one in asked]


def hits_at(table: "Table", place: IndexPlace, *, tenant: str) -> tuple[list[Hit], bool]:
    """What stands in a place, of any kind, as far as some pages show it; and whether that is all."""
    equals = {"tenant_id": tenant, **dict(place.attributes)}
    hits, after = list[Hit](), None
    for _ in range(_PAGES):
        page = table.query_index(place.index, equals, limit=_HITS, after=after, descending=False)
        hits += [Hit.read(item, tenant=tenant) for item in page.items]
        after = page.next_key
        if after is None:
            return hits, True
    return hits, False


def _every(snapshot: "Snapshot") -> list[StoredRecord]:
    return [snapshot.head, *snapshot.records.values()]


def _refused(pk: str, sk: str, *, detail: str) -> IntegrityError:
    return IntegrityError(Step.MODEL, where=Place(TABLE, pk, sk), detail=detail)
