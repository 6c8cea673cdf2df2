"""Steps 9 and 10 of docs/format.md, "Open": opened rows are one whole partition, and its newest state. Pure."""

from collections.abc import Sequence

from twinvault.dynamodb.marks import Mark
from twinvault.errors import IntegrityError, Place, Step
from twinvault.keys.rows import dek_name, dek_version
from twinvault.records.head import HeadState, Row, surplus_row
from twinvault.records.record import TABLE, StoredRecord
from twinvault.records.spec import HEAD
from twinvault.scope import Scope

_ADDED, _DELETED, _ROLLED_BACK = "a record was added", "a record was deleted", "a record was rolled back"
_SEVERAL = "records were added or deleted"
_OTHER_KEY, _KEY_OUT_OF_RANGE = "its key is not the version that it names", "its key is not of a version in use"
_AHEAD = "a record is newer than the head"
_NO_MARK, _OLDER, _NEWER = "there is no mark", "the partition is older", "the partition is newer"
_OTHER = "another partition of the same version"


class Mismatch(IntegrityError):
    """What was found does not fit together: tampering, or half of a transaction that is being written."""


def require_whole(state: HeadState, *, rows: Sequence[Row], pk: str) -> None:
    """Step 9: these are the rows that the head counts, and their terms add up to its sum.

    Raises:
        Mismatch: they are not. `where` names the one row that is too many, if there is one such row, or the partition.
    """
    mismatch = state.mismatch(rows)
    if mismatch is None:
        return
    surplus, difference = mismatch
    added = surplus_row(state, rows, difference=difference) if surplus == 1 else None
    raise Mismatch(
        Step.HEAD,
        where=Place(TABLE, pk, added.sk if added else ""),
        detail={1: _ADDED, -1: _DELETED, 0: _ROLLED_BACK}.get(surplus, _SEVERAL),
    )


def require_keys(head: StoredRecord, state: HeadState, *, records: Sequence[StoredRecord], scope: Scope) -> None:
    """Step 9: the head is under the version that it calls current, and every record under one from lowest to current.

    Raises:
        Mismatch: they are not.
    """
    if head.key_id != dek_name(scope, state.dek_version):
        raise Mismatch(Step.HEAD, where=Place(TABLE, scope.pk, HEAD), detail=_OTHER_KEY)
    in_use = range(state.lowest_dek_version, state.dek_version + 1)
    known = set[str]()  # thousands of records name one key or two
    for record in records:
        if record.key_id in known:
            continue
        known.add(record.key_id)
        if dek_version(record.key_id, scope=scope) not in in_use:
            raise Mismatch(Step.HEAD, where=Place(TABLE, scope.pk, record.sk), detail=_KEY_OUT_OF_RANGE)


def require_not_newer(head: StoredRecord, *, records: Sequence[StoredRecord], pk: str) -> None:
    """Step 9, of some rows, of which there is no sum: none was written after the head.

    Raises:
        Mismatch: one was.
    """
    for record in records:
        if record.version > head.version:
            raise Mismatch(Step.HEAD, where=Place(TABLE, pk, record.sk), detail=_AHEAD)


def require_newest(head: StoredRecord, mark: Mark | None, *, where: Place) -> None:
    """Step 10: the head is the one that the partition's newest mark names.

    Raises:
        Mismatch: it is not.
    """
    if mark is None:
        raise Mismatch(Step.MARK, where=where, detail=_NO_MARK)
    if (head.version, head.digest) == (mark.version, mark.digest):
        return
    detail = _OTHER if head.version == mark.version else _OLDER if head.version < mark.version else _NEWER
    raise Mismatch(Step.MARK, where=where, detail=detail)
