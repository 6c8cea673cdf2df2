"""Records found by a sealed field's value, in whatever partition they stand.

A blind index is a hint. What it names is read again, consistently, opened, and its value compared: a planted row, one
that has changed since, or another value that looks equal at few bits is never given out. That it names every record
cannot be shown: it lags behind the table, and whoever writes the table can leave a row out of it.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.audit.activity import Activity
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.table import Table
from twinvault.envelope.item import Item
from twinvault.errors import Gone, IntegrityError
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.records.blinding import find_blinder
from twinvault.records.hits import REFUSALS, Hit, Refusal, Refused, within_a_page
from twinvault.records.paging import require_limit
from twinvault.records.reading import Reader
from twinvault.records.record import StoredRecord
from twinvault.records.searching import Search, Wanted
from twinvault.records.spec import HEAD, KindSpec
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.records.blind import Blinder


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record that was found and opened, and the partition in which it stands."""

    scope: Scope
    record: StoredRecord


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Records with the value that was asked for, the cursor of the next page (None: none), and what does not open.

    Hits that turn out to be none are left out, and a page ends where 1 MiB of records is full. So it may hold fewer
    records than its limit, or no record at all, and a cursor all the same. What does not open may have had the value or
    not: nobody knows.
    """

    records: tuple[FoundRecord, ...]
    cursor: str | None
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds records of one kind of an activity's tenant.

    `refused` is told of what does not open before it is named: of each record that fails a check, and of a partition
    once where its key is refused, or what it holds not declared. `randomness`, `os.urandom` outside of tests, gives
    cursors their salts and nonces.
    """

    table: Table
    reader: Reader
    keys: KeyHierarchy
    kind: KindSpec
    activity: Activity
    refused: Callable[[Refusal], None]
    randomness: Callable[[int], bytes]

    def page(self, entity: str, by: Mapping[str, object], *, limit: int, cursor: str | None) -> FoundPage:
        """Returns the records among the next `limit` hits that have the value, and names the hits that do not open.

        Raises:
            InvalidInput: as for `Wanted.of`; the limit is not from 1 to 1,000; the cursor is of another question.
            KeyRefused, DependencyError: the tenant's keys, the index or the table cannot be read now.
        """
        with self.activity.going_on():
            return self._page(entity, by, limit=limit, cursor=cursor)

    def _page(self, entity: str, by: Mapping[str, object], *, limit: int, cursor: str | None) -> FoundPage:
        require_limit(limit)
        wanted = Wanted.of(self.kind, entity, by=by)
        blinder = find_blinder(self.keys, self.kind, tenant=self.activity.tenant, observer=self.activity)
        if blinder is None:
            return FoundPage((), None)
        search = Search(wanted, blinder, self.activity.tenant)
        places = search.places(cursor)
        hits: dict[Hit, Blinder] = {}
        while places and len(hits) < limit:
            (generation, after) = places.pop(0)
            equals = search.key(generation)
            page = self.table.query_index(
                wanted.blind.index, equals, limit=limit - len(hits), after=after, descending=False
            )
            hits |= dict.fromkeys((Hit.read(item, tenant=self.activity.tenant) for item in page.items), generation)
            if page.next_key is not None:
                places.insert(0, (generation, page.next_key))
        found, refused, last = self._opened(list(hits))
        if last is not None and last is not list(hits)[-1]:
            places = [(hits[last], last.item)]
        return FoundPage(
            tuple(one for one in found if wanted.fits(one.record)),
            search.cursor(places[0], randomness=self.randomness) if places else None,
            tuple(refused),
        )

    def _opened(self, hits: Sequence[Hit]) -> tuple[list[FoundRecord], list[Refused], Hit | None]:
        """What hits lead to, each record once, read again and opened, until a page is full; and the last hit on it.

        What is gone, or of another kind, is left out.
        """
        found: list[FoundRecord] = []
        refused: list[Refused] = []
        seen, told, last = set[tuple[str, str]](), set[tuple[Scope, str]](), None
        for hit, items in within_a_page(hits, self._fetched):
            last = hit
            if hit.place in seen:
                continue
            seen.add(hit.place)
            try:
                record = self._record(hit, items)
            except REFUSALS as error:
                about = (hit.scope, error.problem) if hit.scope and not isinstance(error, IntegrityError) else None
                if about is None or about not in told:
                    self.refused(error)
                told |= {about} if about else set()
                refused.append(Refused(hit.scope, error, hit.place[1] if hit.scope else ""))
            else:
                found += [FoundRecord(hit.scope, record)] if hit.scope and record else []
        return found, refused, last

    def _fetched(self, hits: Sequence[Hit]) -> dict[Hit, dict[str, Item]]:
        # Of another kind, at few bits a value looks equal by chance: that is no tampering, and nothing to open.
        wanted = [hit for hit in hits if hit.scope and hit.scope.kind == self.kind.kind]
        for scope in dict.fromkeys(hit.scope for hit in wanted if hit.scope):
            self.activity.asked(head_mark_key(scope.pk))
        items = self.table.batch_get([hit.place for hit in wanted])
        return {hit: {hit.place[1]: items[hit.place]} for hit in wanted if hit.place in items}

    def _record(self, hit: Hit, items: Mapping[str, Item]) -> StoredRecord | None:
        """The record of a hit; None: it is gone, was erased, or is of another kind.

        Raises:
            IntegrityError, KeyRefused, Undeclared: it does not open, nor together with its head: single reads see half
                of a transaction.
        """
        scope = hit.require_scope()
        for sk, item in items.items():  # one, or none
            try:
                with contextlib.suppress(IntegrityError):
                    return self.reader.open_row(item, self.kind, scope=scope, activity=self.activity)
                look = self.reader.look(scope, self.kind, sks=[sk], activity=self.activity)
            except Gone:
                return None
            return {HEAD: look.head, **look.records}.get(sk) if look else None
        return None
