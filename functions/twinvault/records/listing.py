"""Questions across partitions. An index hit is a hint: the caller re-reads and opens each one before it is returned."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from twinvault.audit.activity import Activity
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.table import Table
from twinvault.envelope.item import Item, text_of
from twinvault.envelope.names import ID, tenant_key
from twinvault.errors import IntegrityError, InvalidInput, KeyRefused, Place, Step, Undeclared
from twinvault.keys.rows import NamedKey
from twinvault.records.cursor import make_cursor, read_cursor
from twinvault.records.fields import indexed_text
from twinvault.records.opaque import opaque_id
from twinvault.records.paging import require_limit
from twinvault.records.reading import Reader
from twinvault.records.record import TABLE, StoredRecord
from twinvault.records.spec import HEAD, KindSpec
from twinvault.scope import Scope

BY_LIST = "ByList"


type Refusal = IntegrityError | KeyRefused | Undeclared
_REFUSALS = (IntegrityError, KeyRefused, Undeclared)


@dataclass(frozen=True, slots=True)
class Hits:
    """One page: the partitions that may match, and the cursor of the next page."""

    scopes: tuple[Scope, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The records of one partition that were asked for and exist, by sort key."""

    scope: Scope
    records: dict[str, StoredRecord]


@dataclass(frozen=True, slots=True)
class Refused:
    """A partition that cannot be opened, and why; the audit log says so.

    Attributes:
        error: tampering, or damage that cannot be told from it; a key that is revoked or that KMS refuses; or what this
            release does not declare.
    """

    scope: Scope
    error: Refusal


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

        Raises:
            InvalidInput: the limit is not from 1 to 1,000, the status none that a head may have, or the cursor not
                one of this listing.
            DependencyError: the index cannot be read now.
        """
        with self._activity.going_on():
            return self._page(status=status, limit=limit, cursor=cursor)

    def _page(self, *, status: str | None, limit: int, cursor: str | None) -> Hits:
        require_limit(limit)
        equals = {"tenant_id": self._tenant, "list_kind": self._kind.kind}
        if status is not None:
            equals["list_status"] = indexed_text(status, field="status")
        question = f"{BY_LIST}#{self._kind.kind}#{status or ''}"
        after = (
            read_cursor(cursor, key=self._key, tenant=self._tenant, question=question) if cursor is not None else None
        )
        page = self._table.query_index(BY_LIST, equals, limit=limit, after=after, descending=True)
        # Each partition once: a hostile row can claim another partition's place in the list, never a place of its own.
        scopes = tuple(dict.fromkeys(map(self._scope, page.items)))
        return Hits(scopes, self._cursor(page.next_key, question) if page.next_key else None)

    def open_each(self, scopes: tuple[Scope, ...], sks: tuple[str, ...]) -> list[Opened]:
        """Re-reads these records of each partition consistently and opens them; partitions that are gone are left out.

        Raises:
            IntegrityError: one of them was changed or moved.
        """
        opened = []
        with self._activity.going_on():
            items = self._items(scopes, sks)
            for scope in scopes:
                self._activity.asked(head_mark_key(scope.pk))
                found = self._open(items[scope], scope=scope)
                if found:
                    opened.append(Opened(scope, found))
        return opened

    def open_complete(
        self, scopes: tuple[Scope, ...], sks: tuple[str, ...], *, check: Callable[[Opened], None] = lambda _: None
    ) -> list[Opened | Refused]:
        """`open_each` for records that every partition of the kind has; one that does not open hides no other.

        A partition that has some of the records and not all, or that does not open, or that `check` refuses by an
        IntegrityError, is read whole: these reads see half of a transaction, that one does not. If it is refused then
        too it is named as refused; so is one whose key is, or which holds what is not declared. What has none of the
        records was deleted since, and is left out.

        Raises:
            Contention, DependencyError: as for any read: of a store or KMS that does not answer nothing can be said.
        """
        found = []
        with self._activity.going_on():
            items = self._items(scopes, sks)
            for scope in scopes:
                self._activity.asked(head_mark_key(scope.pk))
                if items[scope]:
                    found.append(self._complete(scope, sks, items=items[scope], check=check))
        return [one for one in found if one is not None]

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

    def _items(self, scopes: tuple[Scope, ...], sks: tuple[str, ...]) -> dict[Scope, dict[str, Item]]:
        """What there is of these records now, by partition and sort key."""
        items = self._table.batch_get([(scope.pk, sk) for scope in scopes for sk in sks])
        return {scope: {sk: items[scope.pk, sk] for sk in sks if (scope.pk, sk) in items} for scope in scopes}

    def _open(self, items: Mapping[str, Item], *, scope: Scope) -> dict[str, StoredRecord]:
        return {
            sk: self._reader.open_row(item, self._kind, scope=scope, activity=self._activity)
            for sk, item in items.items()
        }

    def _complete(
        self, scope: Scope, sks: tuple[str, ...], *, items: Mapping[str, Item], check: Callable[[Opened], None]
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
        except _REFUSALS as error:
            self._refused(error)
            return Refused(scope, error)
        return again

    def _look_again(self, scope: Scope, sks: tuple[str, ...]) -> Opened | None:
        snapshot = self._reader.read_bracketed(scope, self._kind, activity=self._activity)
        if snapshot is None:
            return None
        whole = {HEAD: snapshot.head, **snapshot.records}
        for sk in sks:
            if sk not in whole:
                raise IntegrityError(Step.MODEL, where=Place(TABLE, scope.pk, sk), detail="there is none")
        return Opened(scope, {sk: whole[sk] for sk in sks})

    def _cursor(self, position: Item, question: str) -> str:
        return make_cursor(position, key=self._key, tenant=self._tenant, question=question, randomness=self._randomness)

    def _scope(self, item: Item) -> Scope:
        scope = scope_of_hit(item, self._tenant)
        if scope.kind != self._kind.kind:
            # A row of another kind that claims this one in its list attributes.
            raise IntegrityError(Step.PLACE, where=Place(TABLE, scope.pk, text_of(item, "sk")))
        return scope


def scope_of_hit(item: Item, tenant: str) -> Scope:
    """The partition in which a hit stands.

    Raises:
        IntegrityError: it is none of this tenant's: a row that claims this tenant in its clear attributes.
    """
    pk = text_of(item, "pk")
    # Not partition_key(): a hostile row's own text must meet a comparison, not the rules for callers.
    own, _, partition = pk.rpartition("#")
    own, _, kind = own.rpartition("#")
    if own != tenant_key(tenant) or not (ID.fullmatch(kind) and ID.fullmatch(partition)):
        raise IntegrityError(Step.PLACE, where=Place(TABLE, pk, text_of(item, "sk")))
    return Scope(tenant, kind, partition)
