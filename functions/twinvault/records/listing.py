"""Questions across partitions. An index hit is a hint: the caller re-reads and opens each one before it is returned."""

from collections.abc import Callable
from dataclasses import dataclass

from twinvault.audit.activity import Activity
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.table import Table
from twinvault.envelope.item import Item, text_of
from twinvault.envelope.names import ID, tenant_key
from twinvault.errors import IntegrityError, Place, Step
from twinvault.keys.rows import NamedKey
from twinvault.records.cursor import make_cursor, read_cursor
from twinvault.records.reading import Reader
from twinvault.records.record import TABLE, Record
from twinvault.records.spec import KindSpec
from twinvault.scope import Scope

BY_LIST = "ByList"


@dataclass(frozen=True, slots=True)
class Hits:
    """One page: the partitions that may match, and the cursor of the next page."""

    scopes: tuple[Scope, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The records of one partition that were asked for and exist, by sort key."""

    scope: Scope
    records: dict[str, Record]


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
        randomness: Callable[[int], bytes],
    ) -> None:
        """`key`, the activity's tenant's index key, seals cursors with salts and nonces from `randomness`."""
        self._table = table
        self._reader = reader
        self._tenant = activity.tenant
        self._kind = kind
        self._key = key
        self._activity = activity
        self._randomness = randomness

    def page(self, *, status: str | None, limit: int, cursor: str | None) -> Hits:
        """Returns up to `limit` hits whose list status is `status` (any, if None), newest first within a status.

        Raises:
            InvalidInput: the cursor is not one of this listing.
            DependencyError: the index cannot be read now.
        """
        self._activity.require_going_on()
        question = f"{BY_LIST}#{self._kind.kind}#{status or ''}"
        after = read_cursor(cursor, key=self._key, tenant=self._tenant, question=question) if cursor else None
        equals = {"tenant_id": self._tenant, "list_kind": self._kind.kind}
        if status is not None:
            equals["list_status"] = status
        page = self._table.query_index(BY_LIST, equals, limit=limit, after=after, descending=True)
        # Each partition once: a hostile row can claim another partition's place in the list, never a place of its own.
        scopes = tuple(dict.fromkeys(self._scope(item) for item in page.items))
        return Hits(scopes, self._cursor(page.next_key, question) if page.next_key else None)

    def open_each(self, scopes: tuple[Scope, ...], sks: tuple[str, ...]) -> list[Opened]:
        """Re-reads these records of each partition consistently and opens them; partitions that are gone are left out.

        Raises:
            IntegrityError: one of them was changed or moved.
        """
        self._activity.require_going_on()
        items = self._table.batch_get([(scope.pk, sk) for scope in scopes for sk in sks])
        opened = []
        for scope in scopes:
            self._activity.asked(head_mark_key(scope.pk))
            present = {sk: items[scope.pk, sk] for sk in sks if (scope.pk, sk) in items}
            found = {
                sk: self._reader.open_row(item, self._kind, scope=scope, activity=self._activity)
                for sk, item in present.items()
            }
            if found:
                opened.append(Opened(scope, found))
        return opened

    def _cursor(self, position: Item, question: str) -> str:
        return make_cursor(position, key=self._key, tenant=self._tenant, question=question, randomness=self._randomness)

    def _scope(self, item: Item) -> Scope:
        pk = text_of(item, "pk")
        partition = pk.rpartition("#")[2]
        # Not partition_key(): a hostile row's own text must meet a comparison, not the rules for callers.
        if pk != f"{tenant_key(self._tenant)}#{self._kind.kind}#{partition}" or not ID.fullmatch(partition):
            # A row of another tenant or kind that claims this tenant in its list attributes.
            raise IntegrityError(Step.PLACE, where=Place(TABLE, pk, text_of(item, "sk")))
        return Scope(self._tenant, self._kind.kind, partition)
