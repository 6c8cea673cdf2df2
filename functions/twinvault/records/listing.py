"""Questions across partitions. An index hit is a hint: the caller re-reads and opens each one before it is returned."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence

from twinvault.audit.activity import Activity
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.table import Table
from twinvault.envelope.item import Item
from twinvault.errors import Gone, IntegrityError, InvalidInput, Place, Step
from twinvault.keys.rows import NamedKey
from twinvault.records.cursor import make_cursor, read_cursor
from twinvault.records.fields import indexed_text
from twinvault.records.hits import REFUSALS, Hit, Hits, Opened, OpenedPage, Refusal, Refused, within_a_page
from twinvault.records.opaque import opaque_id
from twinvault.records.paging import require_limit
from twinvault.records.reading import Reader
from twinvault.records.record import TABLE, StoredRecord
from twinvault.records.spec import HEAD, KindSpec
from twinvault.scope import Scope

BY_LIST = "ByList"

type FurtherCheck = Callable[[Opened], None]


class Listing:
    """Lists the partitions of one kind of one tenant by their clear list attributes."""

    def __init__(
        self,
        table: Table,
        reader: Reader,
        *,
        kind: KindSpec,
        key: NamedKey,
        activity: Activity,
        refused: Callable[[Refusal], None],
        randomness: Callable[[int], bytes],
    ) -> None:
        """`key`, the activity's tenant's index key, seals cursors with salts and nonces from `randomness`.

        `refused` is told of each partition that is named as such, before it is.
        """
        self._table = table
        self._reader = reader
        self._tenant = activity.tenant
        self._kind = kind
        self._key = key
        self._activity = activity
        self._refused = refused
        self._randomness = randomness

    def page(self, *, status: str | None, limit: int, cursor: str | None) -> Hits:
        """Returns up to `limit` hits whose list status is `status` (any, if None), newest first within a status.

        A row that claims a place in this list and stands in no partition of this tenant and kind is named as refused.

        Raises:
            InvalidInput: the limit is not from 1 to 1,000, the status none that a head may have, or the cursor not
                one of this listing.
            DependencyError: the index cannot be read now.
        """
        with self._activity.going_on():
            hits, following = self._hits(status=status, limit=limit, cursor=cursor)
            refused = [self._named(hit.scope, hit.error) for hit in hits if hit.error]
        # Each partition once: a hostile row can claim another partition's place in the list, never a place of its own.
        scopes = tuple(dict.fromkeys(hit.scope for hit in hits if hit.scope and not hit.error))
        return Hits(scopes, self._cursor(following, status) if following else None, tuple(refused))

    def open_each(self, scopes: Sequence[Scope], sks: Sequence[str]) -> OpenedPage:
        """Re-reads these records of each partition consistently and opens them; partitions that are gone are left out.

        A partition of which one record that is there does not open, or which has records and no head where the head is
        asked for, is looked at again, for single reads see half of a transaction, and then is named as refused.

        Raises:
            Contention, DependencyError: as for any read: of a store or KMS that does not answer nothing can be said.
        """
        return self._opened_page(scopes, sks, open_one=lambda scope, items: self._each(scope, sks, items=items))

    def open_complete(
        self, scopes: Sequence[Scope], sks: Sequence[str], *, check: FurtherCheck = lambda _: None
    ) -> OpenedPage:
        """`open_each` for records that every partition of the kind has.

        A partition that has not all of the records, or that does not open, or that `check` refuses by an
        IntegrityError, is read whole. If it is refused then too it is named as refused. Where there never was one it is
        left out.

        Raises:
            Contention, DependencyError: as for `open_each`.
        """
        return self._opened_page(
            scopes, sks, open_one=lambda scope, items: self._complete(scope, sks, items=items, check=check)
        )

    def open_page(
        self,
        sks: Sequence[str],
        *,
        status: str | None,
        limit: int,
        cursor: str | None,
        check: FurtherCheck = lambda _: None,
    ) -> OpenedPage:
        """`page`, opened by `open_complete`, with the next one's cursor; it ends where 1 MiB of records is full.

        So it may have fewer partitions than `limit`, or none, and a cursor all the same.

        Raises:
            InvalidInput: as for `page`.
            Contention, DependencyError: as for `open_each`.
        """
        with self._activity.going_on():
            hits, following = self._hits(status=status, limit=limit, cursor=cursor)
            page, last = OpenedPage(), None
            seen = set[Scope]()
            for hit, items in within_a_page(hits, lambda some: self._fetched(some, sks)):
                last = hit
                if hit.error:
                    page.refused.append(self._named(hit.scope, hit.error))
                elif hit.scope and hit.scope not in seen:
                    seen.add(hit.scope)
                    self._activity.asked(head_mark_key(hit.scope.pk))
                    page.take(self._complete(hit.scope, sks, items=items, check=check))
        if last is not None and last is not hits[-1]:
            following = last.item
        page.cursor = self._cursor(following, status) if following else None
        return page

    def require_id(self, scope: Scope, caller_id: object) -> None:
        """Refuses a hidden partition that is not the one of this id, which its records hold.

        Raises:
            IntegrityError: it is another one's, or this is no id.
        """
        try:
            asked = caller_id if isinstance(caller_id, str) else ""
            partition = opaque_id(asked, kind=self._kind.kind, index_key=self._key.key)
        except InvalidInput:
            partition = ""
        if partition != scope.partition:
            raise IntegrityError(Step.MODEL, where=Place(TABLE, scope.pk), detail="it is of another id")

    def _hits(self, *, status: str | None, limit: int, cursor: str | None) -> tuple[list[Hit], Item | None]:
        """The next hits, and the position of the last one where there are more."""
        require_limit(limit)
        equals = {"tenant_id": self._tenant, "list_kind": self._kind.kind}
        if status is not None:
            equals["list_status"] = indexed_text(status, field="status")
        after = None
        if cursor is not None:
            after = read_cursor(cursor, key=self._key, tenant=self._tenant, question=self._question(status))
        page = self._table.query_index(BY_LIST, equals, limit=limit, after=after, descending=True)
        return [Hit.read(item, tenant=self._tenant, kind=self._kind.kind) for item in page.items], page.next_key

    def _fetched(self, hits: Sequence[Hit], sks: Sequence[str]) -> dict[Hit, dict[str, Item]]:
        scopes = {hit: hit.scope for hit in hits if hit.scope and not hit.error}
        items = self._items(list(scopes.values()), sks)
        return {hit: items[scope] for hit, scope in scopes.items()}

    def _items(self, scopes: Collection[Scope], sks: Sequence[str]) -> dict[Scope, dict[str, Item]]:
        """What there is of these records now, by partition and sort key."""
        items = self._table.batch_get([(scope.pk, sk) for scope in scopes for sk in sks])
        return {scope: {sk: items[scope.pk, sk] for sk in sks if (scope.pk, sk) in items} for scope in scopes}

    def _opened_page(
        self,
        scopes: Sequence[Scope],
        sks: Sequence[str],
        *,
        open_one: Callable[[Scope, Mapping[str, Item]], Opened | Refused | None],
    ) -> OpenedPage:
        page = OpenedPage()
        with self._activity.going_on():
            items = self._items(scopes, sks)
            for scope in scopes:
                self._activity.asked(head_mark_key(scope.pk))
                page.take(open_one(scope, items[scope]))
        return page

    def _open(self, items: Mapping[str, Item], *, scope: Scope) -> dict[str, StoredRecord]:
        return {
            sk: self._reader.open_row(item, self._kind, scope=scope, activity=self._activity)
            for sk, item in items.items()
        }

    def _each(self, scope: Scope, sks: Sequence[str], *, items: Mapping[str, Item]) -> Opened | Refused | None:
        """The records that are there, by what was found of them or else by another look; None: none is."""
        try:
            # Every partition has a head: this one never was, or its head was taken away.
            is_headless = HEAD in sks and HEAD not in items
            records = self._look_whole(scope, sks) if is_headless else self._found(scope, items)
        except Gone:
            return None  # its rows still stand, and the index has not noticed yet
        except REFUSALS as error:
            return self._named(scope, error)
        return Opened(scope, records) if records else None

    def _found(self, scope: Scope, items: Mapping[str, Item]) -> dict[str, StoredRecord]:
        with contextlib.suppress(IntegrityError):
            return self._open(items, scope=scope)
        look = self._reader.look(scope, self._kind, sks=items.keys(), activity=self._activity)
        there = {HEAD: look.head, **look.records} if look else {}
        return {sk: there[sk] for sk in items if sk in there}

    def _look_whole(self, scope: Scope, sks: Sequence[str]) -> dict[str, StoredRecord]:
        snapshot = self._reader.read_bracketed(scope, self._kind, activity=self._activity)
        whole = {HEAD: snapshot.head, **snapshot.records} if snapshot else {}
        return {sk: whole[sk] for sk in sks if sk in whole}

    def _complete(
        self, scope: Scope, sks: Sequence[str], *, items: Mapping[str, Item], check: FurtherCheck
    ) -> Opened | Refused | None:
        """The records, by what was found of them or else by a look at the whole; None: it is gone by now."""
        try:
            if len(items) == len(sks):
                with contextlib.suppress(IntegrityError):
                    opened = Opened(scope, self._open(items, scope=scope))
                    check(opened)
                    return opened
            again = self._look_again(scope, sks)
            if again is not None:
                check(again)
        except Gone:
            return None  # likewise
        except REFUSALS as error:
            return self._named(scope, error)
        return again

    def _look_again(self, scope: Scope, sks: Sequence[str]) -> Opened | None:
        records = self._look_whole(scope, (HEAD, *sks))
        for sk in sks:
            if records and sk not in records:
                raise IntegrityError(Step.MODEL, where=Place(TABLE, scope.pk, sk), detail="there is none")
        return Opened(scope, {sk: records[sk] for sk in sks}) if records else None

    def _named(self, scope: Scope | None, error: Refusal) -> Refused:
        """Names what does not open, once the audit log says so."""
        self._refused(error)
        return Refused(scope, error)

    def _question(self, status: str | None) -> str:
        return f"{BY_LIST}#{self._kind.kind}#{status or ''}"

    def _cursor(self, position: Item, status: str | None) -> str:
        question = self._question(status)
        return make_cursor(position, key=self._key, tenant=self._tenant, question=question, randomness=self._randomness)
