"""The full read of a partition: what `partition.Opening` is given, and what its refusals mean.

A Query is only read-committed against transactions: it can see half of one. So a mismatch is looked at again between
two reads of the head by transactions of their own, which see none half done. Every write replaces the head, by one that
was never there before: if the two heads are equal no write came between, and what does not fit is tampering, at once.
If they differ, a writer is at work, and it is looked at again (docs/design.md, "Life of a read").
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-isolation
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING

from twinvault.audit.activity import Activity
from twinvault.audit.elements import HeadSeen
from twinvault.dynamodb.marks import Marks, head_mark_key
from twinvault.envelope.item import Found, Item, text_of
from twinvault.envelope.names import require_sort_key
from twinvault.errors import Contention, IntegrityError, InvalidInput, Place, Step, Undeclared
from twinvault.keys.erased import Tombstones
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.rows import NamedKey
from twinvault.records.answering import find_answer
from twinvault.records.beginning import FIRST, Beginning
from twinvault.records.cursor import make_cursor, read_cursor
from twinvault.records.paging import RecordPage, require_limit
from twinvault.records.partition import Look, Opening, Snapshot, named_keys, open_look, open_row, place_rows
from twinvault.records.record import TABLE, StoredRecord
from twinvault.records.requests import is_request_row, requests_key
from twinvault.records.spec import HEAD, KindSpec
from twinvault.records.together import changing, together
from twinvault.records.whole import Mismatch
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table

_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_THREADS = 8  # questions for marks and next pages in flight at once; a ninth waits for one of them
_PAGE = 256  # rows: fewer than the 1 MB of a page hold, so that there is something to open while more is on its way


class Reader:
    """Reads partitions; thread-safe."""

    def __init__(
        self,
        table: "Table",
        marks: Marks,
        *,
        keys: KeyHierarchy,
        lowest_format: int,
        randomness: Callable[[int], bytes],
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
    ) -> None:
        """`lowest_format`: the lowest record format that is still opened. `randomness` salts cursors."""
        self.table = table
        self.marks = marks
        self._keys = keys
        self.tombstones = Tombstones(keys, marks)
        self.lowest_format = lowest_format
        self._randomness = randomness
        self._sleep = sleep
        self._monotonic = monotonic
        self._beside = ThreadPoolExecutor(_THREADS, thread_name_prefix="twinvault-marks")

    def beginning(self, scope: Scope, *, activity: Activity) -> Beginning:  # noqa: ARG002  # `AnewReader` asks
        """What a partition begins with that is not there: at the place of an erased one it is refused."""
        return FIRST

    def read(self, scope: Scope, kind: KindSpec, *, activity: Activity) -> Snapshot | None:
        """Returns the whole partition, or None where there never was one.

        Raises:
            Gone: it was erased.
            IntegrityError: a row does not open, or rows, or all of them, were deleted, added, duplicated or put back.
            Undeclared: a row is authentic, and the kind does not declare what it holds.
            Contention: writers kept changing it until the activity's deadline.
        """
        try:
            with self.tombstones.unless_erased(scope, observer=activity, bracketed=(Mismatch,)):
                return self._look(scope, kind, activity=activity)
        except Mismatch:
            return self.read_bracketed(scope, kind, activity=activity)

    def read_bracketed(self, scope: Scope, kind: KindSpec, *, activity: Activity) -> Snapshot | None:
        """`read`, when there is already something that does not fit.

        Raises:
            IntegrityError, Contention: as for `read`.
        """
        return self._until_quiet(lambda: self._look_between_heads(scope, kind, activity=activity), activity)

    def look(
        self, scope: Scope, kind: KindSpec, *, sks: Collection[str], activity: Activity, request: str | None = None
    ) -> Look | None:
        """Returns the head and those of these records that are there, as they stood together at one moment.

        None: there is no head, and none of these records. What was not asked for may have been changed, lost or put
        back, and the head with it: the next full read shows it, and a write on top of it changes nothing about that.
        `request` is the sort key of the request row to look at too.

        Raises:
            Gone, IntegrityError, Undeclared, Contention: as for `read`.
        """
        keys = [(scope.pk, sk) for sk in (HEAD, *sks)]
        keys += [(requests_key(scope), request)] if request else []
        with self.tombstones.unless_erased(scope, observer=activity):
            look = self._until_quiet(lambda: self._look_at(scope, kind, keys=keys, activity=activity), activity)
        if look is None:
            self.tombstones.require_none(scope, observer=activity)
        return look

    def page(
        self, scope: Scope, kind: KindSpec, *, prefix: str, limit: int, cursor: str | None, activity: Activity
    ) -> RecordPage:
        """Returns one page of the records whose sort keys begin with `prefix`, each authentic (`PartitionStore.query`).

        Raises:
            InvalidInput: the prefix, the limit or the cursor is none.
            Gone: the partition was erased.
            IntegrityError, Undeclared: a row does not open.
        """
        if prefix and not require_sort_key(prefix, field="prefix").endswith("#"):
            raise InvalidInput("prefix: must be empty or end in '#'", field="prefix")
        require_limit(limit)
        key = self._keys.index_key(scope.tenant, observer=activity)
        if key is None:
            if cursor is not None:
                raise InvalidInput("cursor: was not given out for this listing", field="cursor")
            return RecordPage((), None)
        question = f"{scope.pk}#{prefix}"
        after = read_cursor(cursor, key=key, tenant=scope.tenant, question=question) if cursor is not None else None
        page = self.table.page(scope.pk, prefix, limit=limit, after=text_of(after, "sk") if after else None)
        items = [item for item in page.items if text_of(item, "sk") != HEAD]
        if not items:
            self.tombstones.require_none(scope, observer=activity)
        records = self._open_rows(items, kind, scope=scope, activity=activity)
        if page.next_key is None:
            return RecordPage(records, None)
        position = {"sk": page.next_key["sk"]}
        following = make_cursor(position, key=key, tenant=scope.tenant, question=question, randomness=self._randomness)
        return RecordPage(records, following)

    def open_row(self, item: Item, kind: KindSpec, *, scope: Scope, activity: Activity) -> StoredRecord:
        """Opens one row of a partition: authentic, though perhaps not the newest (a full read shows that).

        Raises:
            Gone: the partition was erased.
            IntegrityError: it does not open.
            Undeclared: it is authentic, and the kind does not declare what it holds.
        """
        (record,) = self._open_rows([item], kind, scope=scope, activity=activity)
        return record

    def _open_rows(
        self, items: Sequence[Item], kind: KindSpec, *, scope: Scope, activity: Activity
    ) -> tuple[StoredRecord, ...]:
        with self.tombstones.unless_erased(scope, observer=activity):
            rows = place_rows(items, scope=scope, lowest_format=self.lowest_format)
            keys = self._fetched(rows, scope=scope, activity=activity)
            return tuple(open_row(row, keys, kind=kind, observer=activity) for row in rows)

    def _until_quiet[T](self, look: Callable[[], T], activity: Activity) -> T:
        """Looks again while others write, until the activity's deadline."""
        pause = _FIRST_PAUSE
        while True:
            try:
                return look()
            except Contention:
                if self._monotonic() + pause >= activity.deadline:
                    raise
            self._sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _look_at(
        self, scope: Scope, kind: KindSpec, *, keys: Sequence[tuple[str, str]], activity: Activity
    ) -> Look | None:
        items = together(self.table, keys)
        request = next((item for item in items if is_request_row(item, scope)), None)
        others = [item for item in items if item is not request]
        rows = place_rows(others, scope=scope, lowest_format=self.lowest_format)
        fetched = self._fetched(rows, scope=scope, activity=activity)
        look = open_look(rows, fetched, kind=kind, scope=scope, observer=activity)
        if request is None:
            return look
        if look is None:  # whoever answered a request left a head
            raise Mismatch(Step.MISSING_PARTITION, where=Place(TABLE, scope.pk))
        answered = find_answer(
            request, scope, state=look.state, keys=self._keys, lowest_format=self.lowest_format, observer=activity
        )
        return replace(look, answered=answered)

    def _look_between_heads(self, scope: Scope, kind: KindSpec, *, activity: Activity) -> Snapshot | None:
        before = self.table.get_isolated(scope.pk, HEAD)
        try:
            return self._look(scope, kind, activity=activity)
        except (IntegrityError, Undeclared) as refusal:
            erased = self.tombstones.standing(scope, observer=activity)
            if isinstance(refusal, Mismatch) and self.table.get_isolated(scope.pk, HEAD) != before:
                raise changing() from None
            if erased is not None:
                raise erased.gone from None
            raise

    def _look(self, scope: Scope, kind: KindSpec, *, activity: Activity) -> Snapshot | None:
        opening, mark_pk = Opening(scope, kind, observer=activity), head_mark_key(scope.pk)
        newest = self._beside.submit(copy_context().run, self.marks.newest, mark_pk)
        try:
            with closing(self.table.pages(scope.pk, size=_PAGE, beside=self._beside)) as pages:
                for items in pages:
                    # What has not the form of a row is refused before any key is fetched in its name.
                    rows = place_rows(items, scope=scope, lowest_format=self.lowest_format)
                    opening.take(rows, self._fetched(rows, scope=scope, activity=activity))
        finally:
            newest.exception()  # nothing may go on after a request has ended
        snapshot = opening.whole(newest.result())
        seen = HeadSeen(snapshot.head.version, snapshot.head.digest) if snapshot else None
        activity.saw(mark_pk, seen)
        return snapshot

    def _fetched(self, rows: Sequence[Found], *, scope: Scope, activity: Activity) -> dict[str, NamedKey]:
        """The partition's own keys that these rows name.

        Raises:
            Mismatch: the row of one is not there: head and DEK are written together, and may be seen one by one.
        """
        try:
            return {name: self._keys.dek(scope, name, observer=activity) for name in named_keys(rows, scope=scope)}
        except IntegrityError as refusal:
            if refusal.step is not Step.MISSING_KEY:
                raise
            raise Mismatch(refusal.step, where=refusal.where, detail=refusal.detail) from None
