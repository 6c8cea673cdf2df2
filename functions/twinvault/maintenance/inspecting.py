"""The tables looked at without a key: structure, and versions and digests against marks (docs/recovery.md).

A digest needs no key, and a mark names the digest of a partition's head and of a tenant's register. So that the newest
of either stands there can be told by whoever may read the tables. Whether the other rows are those that a head counts
cannot: its sum is sealed, and so is what each row holds.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.dynamodb.marks import (
    Mark,
    Marks,
    erased_mark_key,
    erasure_mark_key,
    head_mark_key,
    hold_mark_key,
    register_mark_key,
)
from twinvault.envelope import FORMAT, ID, Label, tenant_key
from twinvault.envelope.item import Found, Item, text_of
from twinvault.envelope.primitive import seal_digest
from twinvault.errors import Contention, IntegrityError, Place, Step
from twinvault.keys.rows import ERASURE, IDX, REGISTER_KEY, is_dek_name, is_tombstone_name, tombstone_name
from twinvault.keys.sealed import parse_sealed
from twinvault.keys.tenant import MOST_ROWS, look_over
from twinvault.maintenance.indexes import LIST_ATTRIBUTES, IndexPlace, hits_at
from twinvault.maintenance.listed import walk_list
from twinvault.maintenance.rows import dek_of
from twinvault.records.listing import BY_LIST
from twinvault.records.partition import place_rows
from twinvault.records.record import TABLE, stamped
from twinvault.records.spec import HEAD
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table

_PARTS = ("tenant", "kind", "partition")
_LISTED = ("tenant_id", *LIST_ATTRIBUTES)
_LOOKS = 5
_MOST_HITS = 1000
_LAST_KEK = "kek$"  # `$` comes right after `#`


@dataclass(frozen=True, slots=True)
class Inspected:
    """One thing that is not as it should be.

    Attributes:
        tenant, kind, partition: where; kind and partition are empty for a tenant's keys.
        check: which check failed.
        row: the sort key of the row; empty where it is of none alone.
    """

    tenant: str
    kind: str
    partition: str
    check: str
    row: str


@dataclass(frozen=True, slots=True)
class Inspector:
    """Looks at the tables of one store; nothing is opened and nothing changed."""

    records: "Table"
    keys: "Table"
    marks: "Table"

    def tenant(self, tenant: str, *, partitions: Sequence[Scope] = ()) -> Iterator[Inspected | Scope]:
        """What is wrong with a tenant's keys and partitions; and each partition once it was looked at.

        Its partitions are those that have a DEK's row, those of the same kinds that are listed, and `partitions`.

        Raises:
            DependencyError: a table cannot be read now; Contention: a partition keeps changing.
        """
        try:
            rows = self.keys.query_range(tenant_key(tenant), IDX, last=REGISTER_KEY, limit=MOST_ROWS + 1)
            there = look_over(rows, Marks(self.marks).newest(register_mark_key(tenant)), tenant=tenant)
            if there and there.keks:
                _ = there.index  # a tenant that has a KEK was not erased: it has an index key
        except IntegrityError as refusal:
            yield Inspected(tenant, "", "", refusal.check, refusal.where.sk if refusal.where else "")
        deks = dict[Scope, set[str]]()
        for item in self.keys.query(tenant_key(tenant), "dek#"):
            scope, name = dek_of(item, tenant), text_of(item, "sk")
            if scope is None:
                continue
            deks.setdefault(scope, set()).add(name)
            try:
                parse_sealed(item, tenant=tenant, name=name)
            except IntegrityError as refusal:
                yield Inspected(tenant, scope.kind, scope.partition, refusal.check, name)
        places = dict[Scope, Sequence[IndexPlace]]()
        for kind in sorted({scope.kind for scope in (*deks, *partitions)}):
            listed = walk_list(self.records, tenant, kind=kind)
            places |= {Scope(tenant, kind, one): shown for one, shown in listed.places.items()}
            for stray in listed.strays:
                yield Inspected(tenant, kind, "", stray.check, stray.where.sk if stray.where else "")
        for scope in sorted({*deks, *places, *partitions}, key=lambda one: (one.kind, one.partition)):
            for problem in self._partition(scope, deks.get(scope, set()), places=places.get(scope, ())):
                row = problem.where.sk if problem.where else ""
                yield Inspected(tenant, scope.kind, scope.partition, problem.check, row)
            yield scope

    def every(self) -> tuple[Mapping[str, list[Scope]], int]:
        """All tenants with the partitions that have rows; and of how many partitions there are marks and no rows.

        Those were deleted whole, or somebody planted a mark where there never was one. A tombstone answers for its own.
        """
        tenants = dict[str, list[Scope]]()
        answered = set[str]()
        for pk in dict.fromkeys(text_of(item, "pk") for item in self.records.scan(["pk"])):
            scope = _scope(pk)
            if scope is not None:
                tenants.setdefault(scope.tenant, []).append(scope)
                answered.add(head_mark_key(pk))
        for item in self.keys.scan(["pk", "sk"]):
            tenant = text_of(item, "pk").removeprefix("tenant#")
            if text_of(item, "pk") == f"tenant#{tenant}" and ID.fullmatch(tenant):
                tenants.setdefault(tenant, [])
                name = text_of(item, "sk")
                answered |= {register_mark_key(tenant), hold_mark_key(tenant)}
                if name.startswith(ERASURE):
                    answered.add(erasure_mark_key(tenant, name.removeprefix(ERASURE)))
                if is_tombstone_name(name) and (scope := dek_of(item, tenant)) is not None:
                    answered |= {head_mark_key(scope.pk), erased_mark_key(scope.pk)}
        marked = {text_of(item, "pk") for item in self.marks.scan(["pk"])}
        return tenants, len(marked - answered)

    def _partition(self, scope: Scope, deks: set[str], *, places: Sequence[IndexPlace]) -> list[IntegrityError]:
        """What is wrong with a partition, as no write changed it meanwhile."""
        for _ in range(_LOOKS):
            before = self.records.get_isolated(scope.pk, HEAD)
            found = self._look(scope, deks, places=places)
            if not found or self.records.get_isolated(scope.pk, HEAD) == before:
                return found
        raise Contention("a partition keeps changing", retry_after=1)

    def _look(self, scope: Scope, deks: set[str], *, places: Sequence[IndexPlace]) -> list[IntegrityError]:
        found, rows = list[IntegrityError](), list[Found]()
        try:
            mark = Marks(self.marks).newest(head_mark_key(scope.pk))
        except IntegrityError as refusal:
            return [refusal]
        items = self.records.query(scope.pk)
        for item in items:
            try:
                rows += place_rows([item], scope=scope, lowest_format=FORMAT)
                found += self._unlisted(item)
            except IntegrityError as refusal:
                found.append(refusal)
        for row in rows:
            name = row.context.key_id
            if not is_dek_name(name, scope=scope):
                found.append(IntegrityError(Step.KEY_ID, where=row.place))
            elif name not in deks:
                found.append(IntegrityError(Step.MISSING_KEY, where=row.place))
        if self._is_erased(scope, mark):
            return []  # rows that still stand are swept, and open to nobody
        return [*found, *_against(rows, mark, scope=scope), *self._not_there(items, places, scope=scope)]

    def _is_erased(self, scope: Scope, mark: Mark | None) -> bool:
        """Whether the newest mark names the partition's tombstone, or the tenant has none but its last register."""
        item = self.keys.get(scope.keys_pk, tombstone_name(scope))
        if item is None:
            return False
        try:
            digest = parse_sealed(item, tenant=scope.tenant, name=tombstone_name(scope)).digest(Label.ERASED)
        except IntegrityError:
            return False
        if mark is not None and hmac.compare_digest(mark.digest, digest):
            return True
        # Of a tenant that was erased no mark names its partitions' tombstones. One that lives has keys.
        return not self.keys.query_range(scope.keys_pk, IDX, last=_LAST_KEK, limit=1)

    def _not_there(
        self, items: Sequence[Item], places: Sequence[IndexPlace], *, scope: Scope
    ) -> Iterator[IntegrityError]:
        """What the index of lists shows of a partition, now as before, and no row of it carries."""
        carried = {(text_of(item, "sk"), IndexPlace.of_hit(item)) for item in items}
        for place in dict.fromkeys(places):
            for hit in hits_at(self.records, place, tenant=scope.tenant)[0]:
                if hit.place[0] == scope.pk and (hit.place[1], place) not in carried:
                    detail = f"the index {BY_LIST} has it where it does not stand"
                    yield IntegrityError(Step.MODEL, where=Place(TABLE, *hit.place), detail=detail)

    def _unlisted(self, item: Item) -> list[IntegrityError]:
        """What the index of lists leaves out, looked for twice, for it comes after."""
        equals = {name: text_of(item, name) for name in _LISTED}
        if not all(equals.values()):
            return []
        for _ in range(2):
            page = self.records.query_index(BY_LIST, equals, limit=_MOST_HITS, after=None, descending=False)
            if page.next_key or any(hit["pk"] == item["pk"] and hit["sk"] == item["sk"] for hit in page.items):
                return []
        where = Place(TABLE, text_of(item, "pk"), text_of(item, "sk"))
        return [IntegrityError(Step.MODEL, where=where, detail=f"the index {BY_LIST} does not have it")]


def _against(rows: Sequence[Found], mark: Mark | None, *, scope: Scope) -> Iterator[IntegrityError]:
    """What of a partition does not fit its newest mark."""
    where = Place(TABLE, scope.pk)
    head = next((row for row in rows if row.context.sk == HEAD), None)
    if head is None:
        if rows:
            yield IntegrityError(Step.HEAD, where=where, detail="there is no head")
        elif mark is not None:
            yield IntegrityError(Step.MISSING_PARTITION, where=where)
        return
    version = 0
    for row in (head, *rows):
        try:
            own = stamped(row.context.clear).version
        except IntegrityError as refusal:
            yield refusal.at(row.place)
            continue
        version = version or own
        if own > version:
            yield IntegrityError(Step.HEAD, where=row.place, detail="it is newer than the head")
    if mark is None or (version, _digest(head)) != (mark.version, mark.digest):
        yield IntegrityError(Step.MARK, where=where, detail="the head is not the one that was written last")


def _digest(head: Found) -> bytes:
    stored = head.stored
    return seal_digest(
        stored.ciphertext,
        label=Label.HEAD,
        aad_hash=hashlib.sha256(head.aad).digest(),
        salt=stored.salt,
        commitment=stored.commitment,
        nonce=stored.nonce,
    )


def _scope(pk: str) -> Scope | None:
    """The partition that a partition key is of; None where it is none's."""
    label, *parts = pk.split("#")
    if label != "tenant" or len(parts) != len(_PARTS) or not all(map(ID.fullmatch, parts)):
        return None
    return Scope(*parts)
