"""A write, sealed once and frozen: the same bytes at every attempt to deliver it, and what each statement is."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twinvault.audit.activity import Activity
from twinvault.audit.elements import HeadSeen, Wrote, row_hash
from twinvault.dynamodb.marks import Mark, head_mark_key, mark_statement
from twinvault.dynamodb.table import TableNames
from twinvault.dynamodb.transaction import Statement, delete, insert, remove, replace
from twinvault.errors import InvalidInput, TooLarge
from twinvault.keys.deks import NewDek
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.rows import NamedKey, dek_name
from twinvault.records.batches import MAX_WRITE_BYTES
from twinvault.records.beginning import FIRST, Beginning
from twinvault.records.blinding import find_blinder
from twinvault.records.changes import Changes
from twinvault.records.frozen import HEAD_POSITION, Frozen
from twinvault.records.head import HASH_KEY_BYTES, STORE, HeadState, empty_head
from twinvault.records.partition import Look, Snapshot
from twinvault.records.record import TABLE, Draft, StoredRecord, new_stamp
from twinvault.records.requests import NewAnswer, seal_answer
from twinvault.records.sealing import Put, Sealing
from twinvault.records.spec import HEAD, KindSpec
from twinvault.scope import Scope


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
        before: Look | None,
        event_id: str,
        activity: Activity,
        asked: NewAnswer | None = None,
        beginning: Beginning = FIRST,
    ) -> Frozen:
        """Returns the write that makes these changes to the partition as it was found.

        `event_id` is sealed into the head, so that whoever does not learn how the write ended finds out. `asked` is the
        request row to be written with it, `beginning` what it begins with where nothing was found.

        Raises:
            InvalidInput, TooLarge: they cannot be stored. KeyRefused, DependencyError, IntegrityError: as for any key.
        """
        new = self._new_dek(scope, changes, before=before, first=beginning.dek_version, activity=activity)
        key = new.key if new else self._sealing_key(scope, before, activity=activity)
        sealing = self._sealing(scope, kind, key=key, version=_version(before, beginning), activity=activity)
        sealing = dataclasses.replace(sealing, keeps_times=changes.as_they_are)
        sealed, gone = _sealed(changes, before, sealing=sealing)
        state = self._state(before, changes, sealed=sealed, gone=gone, new=new, event_id=event_id)
        head = sealing.put(_head_draft(changes, before, state=state), before.head if before else None)
        every = [head, *sealed]
        records = self._records(scope, every, gone=gone)
        answer = [self._answer(asked, head.record, sealing=sealing)] if asked else []
        keys = self._keys(scope, changes, new=new, before=before)
        _tell(scope, changes, before=before, every=every, state=state, activity=activity)
        return Frozen(
            [*records, *answer, self._mark(scope, head.record, event_id=event_id), *keys],
            _inserts(every),
            len(records) if asked else None,
            _after(before, head.record, state=state, sealed=sealed, gone=gone),
            event_id,
            Wrote(sealing.version, head.record.digest, _seen(before), _deleted(scope, gone)),
        )

    def _sealing(self, scope: Scope, kind: KindSpec, *, key: NamedKey, version: int, activity: Activity) -> Sealing:
        blinder = find_blinder(self.keys, kind, tenant=scope.tenant, observer=activity) if kind.searchable else None
        return Sealing(scope, kind, key, version, self.now(), self.randomness, blinder)

    def _state(
        self,
        before: Look | None,
        changes: Changes,
        *,
        sealed: Sequence[Put],
        gone: Sequence[StoredRecord],
        new: NewDek | None,
        event_id: str,
    ) -> HeadState:
        state = (
            before.state
            if before
            else empty_head(self.randomness(HASH_KEY_BYTES), dek_version=new.version if new else 1)
        )
        return state.after(
            added=[one.record.row for one in sealed],
            removed=[old.row for old in (*(one.replaced for one in sealed if one.replaced), *gone)],
            dek_version=new.version if new else state.dek_version,
            lowest_dek_version=changes.lowest_dek,
            event_id=event_id,
        )

    def _new_dek(
        self, scope: Scope, changes: Changes, *, before: Look | None, first: int, activity: Activity
    ) -> NewDek | None:
        if before is not None and not changes.new_dek:
            return None
        new = self.keys.new_dek(scope, before.state.dek_version + 1 if before else first, observer=activity)
        activity.key_event("make_dek", new.key.name)
        return new

    def _sealing_key(self, scope: Scope, before: Look | None, *, activity: Activity) -> NamedKey:
        """The head's current DEK version: a writer never uses a lower one, whatever the keys table says."""
        assert before is not None  # noqa: S101  # for the type checker: a partition without a head has no key yet
        name = dek_name(scope, before.state.dek_version)
        return self.keys.dek(scope, name, observer=activity)

    def _mark(self, scope: Scope, head: StoredRecord, *, event_id: str) -> Statement:
        newest = Mark(head.version, head.digest, event_id)
        return mark_statement(head_mark_key(scope.pk), newest, table=self.tables.marks)

    def _keys(self, scope: Scope, changes: Changes, *, new: NewDek | None, before: Look | None) -> list[Statement]:
        """The row of a new DEK, and the end of those of which the head that is replaced says that nothing needs them.

        Raises:
            InvalidInput: a record may be under one of them.
        """
        lowest = before.state.lowest_dek_version if before else 0
        if any(version >= lowest for version in changes.destroy_deks):
            raise InvalidInput("a version of a DEK that records may be under is not destroyed")
        gone = [remove(self.tables.keys, pk=scope.keys_pk, sk=dek_name(scope, one)) for one in changes.destroy_deks]
        return [*([insert(self.tables.keys, new.row)] if new else []), *gone]

    def _records(self, scope: Scope, sealed: Sequence[Put], *, gone: Sequence[StoredRecord]) -> list[Statement]:
        """Head, records to be, and records to be no more, in this order."""
        table = self.tables.records
        size = sum(one.size for one in sealed)
        if size > MAX_WRITE_BYTES:
            raise TooLarge(f"a write may hold at most {MAX_WRITE_BYTES} bytes of records")
        statements = [one.statement(table) for one in sealed]
        return statements + [delete(table, pk=scope.pk, sk=old.sk, commitment=old.commitment) for old in gone]

    def _answer(self, asked: NewAnswer, head: StoredRecord, *, sealing: Sealing) -> Statement:
        """The row that answers the same request from now on."""
        stamp = new_stamp(
            version=head.version, created_at=sealing.now, updated_at=sealing.now, randomness=self.randomness
        )
        item = seal_answer(asked, head.digest, scope=sealing.scope, key=sealing.key, stamp=stamp)
        if asked.replaces is None:
            return insert(self.tables.records, item)
        return replace(self.tables.records, item, remove=(), commitment=asked.replaces)


def _version(before: Look | None, beginning: Beginning) -> int:
    return before.head.version + 1 if before else beginning.version


def _sealed(changes: Changes, before: Look | None, *, sealing: Sealing) -> tuple[list[Put], list[StoredRecord]]:
    """The records to be, sealed; and those that are to be no more."""
    there = before.records if before else {}
    sealed = [sealing.put(draft, None) for draft in changes.add]
    sealed += [sealing.put(draft, there.get(draft.sk)) for draft in changes.put]
    gone = [there[sk] for sk in changes.delete]
    for old in gone:
        sealing.require_known(old)
    return sealed, gone


def _inserts(sealed: Sequence[Put]) -> dict[int, str]:
    """By position, the sort keys of the records that are new."""
    return {
        position: one.record.sk
        for position, one in enumerate(sealed)
        if position != HEAD_POSITION and one.replaced is None
    }


def _head_draft(changes: Changes, before: Look | None, *, state: HeadState) -> Draft:
    """The head to be: the kind's own fields, those that it has if the changes name none, and the library's."""
    own = changes.head if changes.head is not None else before.head.kept if before else {}
    return Draft(HEAD, HEAD, {**own, STORE: state.to_fields()})


def _tell(
    scope: Scope, changes: Changes, *, before: Look | None, every: Sequence[Put], state: HeadState, activity: Activity
) -> None:
    """What was encrypted, and which versions of the DEK are retired with this write, and which destroyed."""
    for one in every:
        activity.crypto("encrypt", one.record.key_id)
    if before is not None:
        for version in range(before.state.lowest_dek_version, state.lowest_dek_version):
            activity.key_event("retire", dek_name(scope, version))
    for version in changes.destroy_deks:
        activity.key_event("destroy", dek_name(scope, version))


def _after(
    before: Look | None, head: StoredRecord, *, state: HeadState, sealed: Sequence[Put], gone: Sequence[StoredRecord]
) -> Look:
    """What was looked at, as the write leaves it; of a partition that was not looked at whole what was written."""
    written = {one.record.sk: one.record for one in sealed}
    if before is not None and not isinstance(before, Snapshot):
        return Look(head, state, dict(sorted(written.items())))
    records = {**(before.records if before else {}), **written}
    for old in gone:
        del records[old.sk]
    return Snapshot(head, state, dict(sorted(records.items())))


def _seen(before: Look | None) -> HeadSeen | None:
    return HeadSeen(before.head.version, before.head.digest) if before else None


def _deleted(scope: Scope, gone: Sequence[StoredRecord]) -> tuple[str, ...]:
    return tuple(sorted(row_hash(TABLE, pk=scope.pk, sk=old.sk) for old in gone))
