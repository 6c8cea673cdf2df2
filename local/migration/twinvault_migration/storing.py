"""Records into a vault and back, an activity for each part: what it does is audited under the caller's id."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from twinvault import (
    HEAD,
    Acting,
    CallerError,
    Changes,
    Conflict,
    Draft,
    Gone,
    IntegrityError,
    InvalidInput,
    Kind,
    Look,
    PartitionStore,
    Record,
    Scope,
    Snapshot,
    StoredRecord,
    TooLarge,
    Undeclared,
    Vault,
    item_size,
    to_draft,
)
from twinvault_migration.errors import ItemRefused
from twinvault_migration.report import MigrationReport
from twinvault_migration.target import Destination, Migrated, Planned

WRITE, VERIFY = "migrate.write", "migrate.verify"
_STAND_IN = "a" * 26  # as long as the id of a hidden partition
_MOST_CHARACTERS = 256  # of what a hidden partition is asked for by
_THERE = "another record stands at its place"


@dataclass(frozen=True, slots=True)
class Storing:
    """A vault, in the name of whoever migrates.

    Attributes:
        principal: who acts, as the audit log will say: an opaque subject.
    """

    vault: Vault
    principal: str

    def plan(self, target: Migrated, position: str) -> Planned:
        """What will be written for a target: checked as the store would, and measured. Neither reads nor writes.

        Raises:
            ItemRefused: the store would not take it; the field is named.
        """
        record, spec = target.record, target.spec
        entity = record.entity if isinstance(record, Draft) else type(record).__declared__.entity
        try:
            if isinstance(target.kind, Kind) and isinstance(record, Record):
                target.kind.require(type(record))
            if target.hidden and not 0 < len(target.partition) <= _MOST_CHARACTERS:
                raise ItemRefused(f"must have 1 to {_MOST_CHARACTERS} characters", entity=entity, field="hidden")
            draft = to_draft(record) if isinstance(record, Record) else record
            scope = Scope(target.tenant, spec.kind, _STAND_IN if target.hidden else target.partition)
            size = item_size(draft, spec, scope=scope)
            if draft.sk == HEAD:
                spec.require_listed(draft.fields)
        except (InvalidInput, TooLarge) as error:
            raise _refused(error, entity) from None
        place = Destination(target.tenant, spec.kind, target.partition, target.hidden)
        return Planned(position, place, spec, draft, size)

    def write(self, part: Sequence[Planned], report: MigrationReport) -> None:
        """Writes what of these records of one partition is not there; what is there otherwise is refused, and stays.

        Raises:
            TwinvaultError: but for the caller's fault, which is in the report.
        """
        judged = _Judged(part)
        try:
            with self._acting(part[0].place, WRITE) as acting:
                store = _opened(acting, part[0], create=True)
                assert store is not None  # noqa: S101  # for the type checker: with `create` there is one
                store.write_rows(judged.sks, judged.plan)
        except (CallerError, Undeclared) as error:
            for one in part:
                report.refuse(one.position, _refused(error, one.draft.entity))
            return
        report.written += len(judged.fresh)
        report.already += len(judged.same)
        for one, why in judged.others:
            report.refuse(one.position, why)

    def compare(self, planned: Sequence[Planned], report: MigrationReport) -> None:
        """Reads one partition whole and compares these records of it with what the source says.

        Raises:
            TwinvaultError: it cannot be read now.
        """
        try:
            with self._acting(planned[0].place, VERIFY) as acting:
                store = _opened(acting, planned[0], create=False)
                found = store.read() if store else None
        except (Gone, Undeclared, InvalidInput, IntegrityError) as error:
            for one in planned:
                report.differs(one.position, _refused(error, one.draft.entity))
            return
        for one in planned:
            report.compared += 1
            there = _at(found, one.draft.sk)
            if there is None or _differing(one, there):
                report.differs(one.position, _difference(one, there))

    def _acting(self, place: Destination, action: str) -> AbstractContextManager[Acting]:
        return self.vault.acting(tenant=place.tenant, principal=self.principal, action=action)


class _Judged:
    """What a write makes of its records, looked at anew whenever somebody else wrote."""

    def __init__(self, part: Sequence[Planned]) -> None:
        self._part = part
        self.sks = [one.draft.sk for one in part if not one.is_head]
        self.fresh: list[Planned] = []
        self.same: list[Planned] = []
        self.others: list[tuple[Planned, ItemRefused]] = []

    def plan(self, look: Look | None) -> Changes | None:
        """The records that are not there, if any."""
        self.fresh, self.same, self.others = [], [], []
        for one in self._part:
            there = _at(look, one.draft.sk)
            if there is None:
                self.fresh.append(one)
            elif names := _differing(one, there):
                self.others.append((one, ItemRefused(_THERE, entity=one.draft.entity, field=names[0])))
            else:
                self.same.append(one)
        if not self.fresh:
            return None
        heads = [one.draft.fields for one in self.fresh if one.is_head]
        put = [one.draft for one in self.fresh if not one.is_head]
        return Changes(head=heads[0] if heads else None, put=put)


def _opened(acting: Acting, one: Planned, *, create: bool) -> PartitionStore | None:
    if one.place.hidden:
        return acting.hidden_partition(one.spec, one.place.partition, create=create)
    return acting.partition(one.spec, one.place.partition)


def _at(look: Look | Snapshot | None, sk: str) -> StoredRecord | None:
    """What stands at a sort key. A head without fields of its own is one that nobody has given them yet."""
    if look is None:
        return None
    if sk == HEAD:
        return look.head if look.head.kept else None
    return look.records.get(sk)


def _differing(one: Planned, there: StoredRecord) -> list[str]:
    """The names of the fields that are not as the source says."""
    if there.entity != one.draft.entity:
        return ["entity_type"]
    wanted = one.spec.as_stored(one.draft.entity, one.draft.fields)
    names: Iterable[str] = wanted.keys() | there.kept.keys()
    missing = object()
    return sorted(name for name in names if wanted.get(name, missing) != there.kept.get(name, missing))


def _difference(one: Planned, there: StoredRecord | None) -> ItemRefused:
    if there is None:
        return ItemRefused("is not there", entity=one.draft.entity)
    return ItemRefused("is another value than the source's", entity=one.draft.entity, field=_differing(one, there)[0])


def _refused(error: CallerError | Undeclared | IntegrityError, entity: str) -> ItemRefused:
    """The reason as the library says it: by field and rule, and without values."""
    field = getattr(error, "field", "") or ""
    match error:
        case Gone():
            return ItemRefused("its partition was erased", entity=entity)
        case Conflict():
            return ItemRefused(_THERE, entity=entity)
        case IntegrityError():
            return ItemRefused("its partition failed an integrity check", entity=entity)
        case Undeclared():
            return ItemRefused("what stands at its place is not declared", entity=entity)
        case _:
            return ItemRefused(str(error), entity=entity, field=field)
