"""What a write is to change, and what its caller expects to find there. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType

from twinvault.errors import Conflict, InvalidInput
from twinvault.records.batches import MAX_DRAFTS
from twinvault.records.head import STORE
from twinvault.records.partition import Look
from twinvault.records.record import Draft, StoredRecord
from twinvault.records.spec import HEAD, Fields, KindSpec


class Absent(Enum):
    """What a caller expects of a place where no record stands."""

    ABSENT = auto()


ABSENT = Absent.ABSENT

type Expected = Mapping[str, int | Absent]
"""By sort key, the version that a record must be of, or ABSENT. `HEAD` has the version of the whole partition."""


NOTHING: Expected = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did.

    Attributes:
        version: the head's version that it made, which is the version of each record that it wrote.
        digest: the head's digest, 32 bytes: with the version it stands for the whole partition.
        records: what was written, by sort key; of a repeated request, what stands there now.
        repeated: the same request was made before: version and digest are those that it was answered with.
    """

    version: int
    digest: bytes
    records: Mapping[str, StoredRecord]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What a plan wants written, together or not at all.

    Attributes:
        head: the head's own fields, all of them: what is absent becomes absent. None: they stay as they are.
        put: records to be; one whose sort key exists replaces that record, whole.
        add: records to be, where none stands; whether one does is seen when it is written, and never read.
        delete: the sort keys of records that shall be no more.
        new_dek: seal this write, and all later ones, under a new version of the partition's DEK.
        as_they_are: what is put, and the head, is what was there: it is sealed anew, and `updated_at` stays.
        lowest_dek: no record is under a version of the DEK below this one any more; one that is, is refused then.
        destroy_deks: versions of the DEK whose rows shall be no more; each below the lowest that the head names.
    """

    head: Fields | None = field(default=None, repr=False)
    put: Sequence[Draft] = ()
    add: Sequence[Draft] = ()
    delete: Sequence[str] = ()
    new_dek: bool = False
    as_they_are: bool = False
    lowest_dek: int = 0
    destroy_deks: Sequence[int] = ()

    def require(self, before: Look | None, *, asked: Collection[str] | None, kind: KindSpec) -> None:
        """Lets changes pass that can be made of the partition as it was found.

        `asked` are the sort keys that were looked at; None: all.

        Raises:
            InvalidInput: they are too many, touch a record twice or the head, or one that was not looked at; or the
                partition would not be in the list that its kind declares.
            Conflict: a record to be added is there, or one to be deleted is not.
        """
        seen = [*(draft.sk for draft in self.put), *self.delete]
        touched = [*(draft.sk for draft in self.add), *seen]
        if len(touched) > MAX_DRAFTS:
            raise InvalidInput(f"a write may change at most {MAX_DRAFTS} records")
        if HEAD in touched or any(draft.entity == HEAD for draft in (*self.add, *self.put)):
            rule = "every partition has one: its fields are put, as a record of the head's type or as `head`"
            raise InvalidInput(f"head: {rule}", field=HEAD)
        self._require_head(kind)
        if len(set(touched)) != len(touched):
            raise InvalidInput("a write may hold each record once")
        if asked is not None and not set(seen) <= set(asked):
            raise InvalidInput("a plan may put and delete only records that it asked to see")
        there = before.records.keys() if before else frozenset[str]()
        for draft in self.add:
            if draft.sk in there:
                raise already_there(draft.sk)
        for sk in self.delete:
            if sk not in there:
                raise _not_there(sk)

    def _require_head(self, kind: KindSpec) -> None:
        if self.head is None:
            return
        if STORE in self.head:
            raise InvalidInput(f"head.{STORE}: is the library's own field", field=STORE)
        kind.require_listed(self.head)


def require_expected(expected: Expected, before: Look | None) -> None:
    """Lets a partition pass whose records are of the versions that a caller expects.

    Raises:
        Conflict: one is not; it is named.
    """
    for sk, version in expected.items():
        record = _record_at(sk, before)
        if record is None and version is not ABSENT:
            raise _not_there(sk)
        if record is not None and version is ABSENT:
            raise already_there(sk)
        if record is not None and record.version != version:
            raise Conflict(f"{sk}: is of version {record.version}, not {version}", field=sk)


def updated(before: Look | None, sk: str, *, kind: KindSpec, fields: Fields, remove: Collection[str]) -> Changes:
    """The changes that give a record, or the head, these fields, take those named in `remove`, and leave the others.

    Raises:
        Conflict: it is not there.
        InvalidInput: a field is both to be set and to be removed, or one to be removed is not declared.
    """
    old = _record_at(sk, before)
    if old is None:
        raise _not_there(sk)
    both = sorted(fields.keys() & set(remove))
    if both:
        raise InvalidInput(f"{both[0]}: is both to be set and to be removed", field=both[0])
    spec = kind.known(old.entity)
    unknown = sorted(set(remove) - (spec.clear.keys() | spec.sealed | spec.retired.keys())) if spec else []
    if unknown:
        raise InvalidInput(f"{old.entity}.{unknown[0]}: is not a declared field", field=unknown[0])
    after = {name: value for name, value in {**old.kept, **fields}.items() if name not in remove}
    return Changes(head=after) if sk == HEAD else Changes(put=[Draft(old.entity, sk, after)])


def already_there(sk: str) -> Conflict:
    """The refusal of a record that was to be new."""
    return Conflict(f"{sk}: there is such a record already", field=sk)


def _not_there(sk: str) -> Conflict:
    return Conflict(f"{sk}: there is no such record", field=sk)


def _record_at(sk: str, before: Look | None) -> StoredRecord | None:
    if before is None:
        return None
    return before.head if sk == HEAD else before.records.get(sk)
