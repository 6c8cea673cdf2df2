"""A write, sealed once and frozen: the same bytes at every attempt to deliver it, and what each statement is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from twinvault.audit.activity import Activity
from twinvault.audit.elements import HeadSeen, Wrote
from twinvault.dynamodb.marks import Mark, head_mark_key, mark_statement
from twinvault.dynamodb.table import TableNames
from twinvault.dynamodb.transaction import Statement, insert
from twinvault.errors import InvalidInput, TooLarge
from twinvault.keys.hierarchy import KeyHierarchy, NewDek
from twinvault.keys.rows import NamedKey, dek_name
from twinvault.records.batches import MAX_DRAFT_BYTES, MAX_DRAFTS
from twinvault.records.head import HASH_KEY_BYTES, STORE, HeadState, empty_head
from twinvault.records.partition import Snapshot
from twinvault.records.record import Draft, item_size
from twinvault.records.sealing import Put, Sealing
from twinvault.records.spec import HEAD, Fields, KindSpec
from twinvault.scope import Scope


@dataclass(frozen=True, slots=True)
class Changes:
    """What a plan wants written.

    Attributes:
        head: the head's own fields, all of them: what is absent becomes absent.
        put: records to be; one whose sort key exists replaces that record, whole.
        new_dek: seal this write, and all later ones, under a new version of the partition's DEK.
    """

    head: Fields = field(repr=False)
    put: Sequence[Draft] = ()
    new_dek: bool = False


HEAD_POSITION = 0
"""The head comes first: an engine that names only the first statement that failed must name it before all others."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """A write, sealed.

    Attributes:
        statements: all but the audit entry's.
        inserts: the positions among them of records that are new, with their sort keys.
        snapshot: the partition as it then is.
        event_id: the audit event that it will be.
        wrote: what the audit entry will say of the partition.
    """

    statements: list[Statement]
    inserts: Mapping[int, str]
    snapshot: Snapshot
    event_id: str
    wrote: Wrote


@dataclass(frozen=True, slots=True)
class Freezer:
    """Seals writes: records, head and mark, and a DEK where the partition is new or asks for one.

    `now` is RFC 3339 UTC time as text, `randomness` is `os.urandom` outside of tests.
    """

    keys: KeyHierarchy
    tables: TableNames
    now: Callable[[], str]
    randomness: Callable[[int], bytes]

    def freeze(
        self,
        scope: Scope,
        changes: Changes,
        *,
        kind: KindSpec,
        before: Snapshot | None,
        event_id: str,
        activity: Activity,
    ) -> Frozen:
        """Returns the write that makes these changes to the partition as it was found.

        `event_id` is sealed into the head, so that whoever does not learn how the write ended finds out.

        Raises:
            InvalidInput, TooLarge: the changes cannot be stored.
            KeyRefused, DependencyError, IntegrityError: as for any key.
        """
        _require_drafts(changes.put)
        new = self._new_dek(scope, changes, before=before, activity=activity)
        key = new.key if new else self._sealing_key(scope, before, activity=activity)
        state = before.state if before else empty_head(self.randomness(HASH_KEY_BYTES), dek_version=1)
        now, version = self.now(), before.head.version + 1 if before else 1
        sealing = Sealing(scope, kind, key, version, now, self.randomness)
        sealed = [sealing.put(draft, before.records.get(draft.sk) if before else None) for draft in changes.put]
        state = _state_after(state, sealed, new=new, event_id=event_id)
        fields = {**changes.head, STORE: state.to_fields()}
        head = sealing.put(Draft(HEAD, HEAD, fields), before.head if before else None)
        for _ in (head, *sealed):
            activity.crypto("encrypt", key.name)
        records = {**(before.records if before else {}), **{one.record.sk: one.record for one in sealed}}
        snapshot = Snapshot(head.record, state, dict(sorted(records.items())))
        mark = mark_statement(
            head_mark_key(scope.pk), Mark(version, head.record.digest, event_id), table=self.tables.marks
        )
        wrote = Wrote(version, head.record.digest, _seen(before))
        statements = self._statements([head, *sealed], mark, new=new)
        return Frozen(statements, _inserts([head, *sealed]), snapshot, event_id, wrote)

    def _new_dek(self, scope: Scope, changes: Changes, *, before: Snapshot | None, activity: Activity) -> NewDek | None:
        if before is not None and not changes.new_dek:
            return None
        new = self.keys.new_dek(scope, before.state.dek_version + 1 if before else 1, observer=activity)
        activity.key_event("make_dek", new.key.name)
        return new

    def _sealing_key(self, scope: Scope, before: Snapshot | None, *, activity: Activity) -> NamedKey:
        """The head's current DEK version: a writer never uses a lower one, whatever the keys table says."""
        assert before is not None  # noqa: S101  # for the type checker: a partition without a head has no key yet
        name = dek_name(scope, before.state.dek_version)
        return self.keys.dek(scope, name, observer=activity)

    def _statements(self, sealed: Sequence[Put], mark: Statement, *, new: NewDek | None) -> list[Statement]:
        """Head, records, the mark, and the new DEK's row, in this order."""
        size = sum(item_size(one.item) for one in sealed)
        if size > MAX_DRAFT_BYTES:
            raise TooLarge(f"a write may hold at most {MAX_DRAFT_BYTES} bytes of records")
        statements = [*(one.statement(self.tables.records) for one in sealed), mark]
        return [*statements, insert(self.tables.keys, new.row)] if new else statements


def _inserts(sealed: Sequence[Put]) -> dict[int, str]:
    """By position, the sort keys of the records that are new."""
    return {
        position: one.record.sk
        for position, one in enumerate(sealed)
        if position != HEAD_POSITION and one.replaced is None
    }


def _seen(before: Snapshot | None) -> HeadSeen | None:
    return HeadSeen(before.head.version, before.head.digest) if before else None


def _require_drafts(drafts: Sequence[Draft]) -> None:
    if len(drafts) > MAX_DRAFTS:
        raise InvalidInput(f"a write may hold at most {MAX_DRAFTS} records")
    if any(HEAD in {draft.sk, draft.entity} for draft in drafts):
        raise InvalidInput("the head is not a record to be put: its fields are `Changes.head`")
    if len({draft.sk for draft in drafts}) != len(drafts):
        raise InvalidInput("a write may hold each record once")


def _state_after(state: HeadState, sealed: Sequence[Put], *, new: NewDek | None, event_id: str) -> HeadState:
    return state.after(
        added=[one.record.row for one in sealed],
        replaced=[one.replaced.row for one in sealed if one.replaced is not None],
        dek_version=new.version if new else state.dek_version,
        event_id=event_id,
    )
