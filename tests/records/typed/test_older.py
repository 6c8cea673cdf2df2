"""Records that an older class of their type wrote, as the class of today has them: read, changed, and read again."""

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest

from tests.stores import World
from twinvault.acting import Acting
from twinvault.errors import InvalidInput, Undeclared
from twinvault.records.blind import Blind
from twinvault.records.record import Draft
from twinvault.records.rewriting import Rewritten
from twinvault.records.spec import SEALED, EntitySpec, KindSpec
from twinvault.records.typed.kind import Kind
from twinvault.records.typed.markers import Clear, Moved, Searchable, Was, retired
from twinvault.records.typed.partition import TypedPartition, Writes
from twinvault.records.typed.record import Record, from_stored

SK = "visit#{number:04d}"
LONG = Decimal("0.1234567890123456789012345678901")  # more digits than a float has


class State(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class Clinic(Record, sk="head"):
    city: Clear[str]
    owner: str


class Old(Record, sk=SK):
    """What the older release wrote."""

    number: Clear[int]
    state: Clear[Literal["open", "closed"]] = "open"
    price: Clear[Decimal] = LONG
    memo: str = "a cold"
    fee: Decimal = Decimal("1.50")
    seen: str = "2026-01-02T03:04:05"


class Note(Record, sk="note#{author}#{number}"):
    author: Clear[str]
    number: Clear[int]
    text: Searchable[str]


OLD = Kind("clinic", [Old, Note], head=Clinic)


class ClearRetired(Record, sk=SK):
    number: Clear[int]
    state: Clear[State | None] = retired()
    price: Clear[Decimal | None] = retired()
    memo: str
    fee: Decimal
    seen: str


class SealedRetired(Record, sk=SK):
    number: Clear[int]
    state: Clear[Literal["open", "closed"]]
    price: Clear[Decimal]
    memo: str | None = retired()
    fee: Searchable[Decimal | None] = retired()
    seen: str


class Renamed(Record, sk="visit#{nr:04d}"):
    nr: Annotated[Clear[int], Was("number")]
    state: Clear[Literal["open", "closed"]]
    price: Clear[Decimal]
    remark: Annotated[str, Was("note", "memo")]
    charge: Annotated[Decimal, Was("due"), Was("fee")]
    seen: str


class WithDefaults(Record, sk=SK):
    number: Clear[int]
    state: Clear[Literal["open", "closed"]]
    price: Clear[Decimal]
    memo: str
    fee: Decimal
    seen: str
    ward: Clear[str] = "b"
    tags: list[str] = []  # noqa: RUF012  # each record has its own
    phase: Annotated[State, Blind(slot=1)] = State.OPEN


class Sealed(Record, sk=SK):
    number: Clear[int]
    state: Annotated[State, Moved(Clear[Literal["open", "closed"]])]
    price: Annotated[Decimal | None, Moved(Clear[Decimal]), Blind(slot=1)]
    memo: str
    fee: Decimal
    seen: str


class Cleared(Record, sk=SK):
    number: Clear[int]
    state: Clear[Literal["open", "closed"]]
    price: Clear[Decimal]
    memo: Annotated[Clear[str | None], Moved(str)]
    fee: Annotated[Clear[Decimal], Moved(Decimal)]
    seen: str


class RenamedAndMoved(Record, sk=SK):
    number: Clear[int]
    status: Annotated[str, Was("state"), Moved(Clear[Literal["open", "closed"]])]
    price: Clear[Decimal]
    memo: str
    due: Annotated[Clear[str], Moved(Decimal), Was("fee")]
    seen: datetime  # the same text, read as another type


@dataclass(frozen=True)
class Change:
    """A class of today, what an old record is to it, which of its fields are clear, and what those hold that retired.

    `bare` is the same declaration without a word of what was before.
    """

    record: type[Record]
    read: Record
    clear: set[str]
    retired: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return Kind("clinic", [self.record, Note], head=Clinic)

    @property
    def bare(self) -> KindSpec:
        spec = self.record.__declared__.spec
        bare = EntitySpec(spec.name, spec.sk, spec.clear, spec.sealed, spec.searchable)
        return KindSpec("clinic", [bare, Note.__declared__.spec], Clinic.__declared__.spec)


ALL = {"number": 1, "state": "open", "price": LONG, "memo": "a cold", "fee": Decimal("1.50")}
SEEN = {"seen": "2026-01-02T03:04:05"}


def part(*names: str, **more: Any) -> dict[str, Any]:
    return {**SEEN, **{name: ALL[name] for name in names}, **more}


CHANGES = [
    pytest.param(
        Change(
            ClearRetired,
            ClearRetired(**part("number", "memo", "fee")),
            {"number"},
            {"price": LONG, "state": State.OPEN},
        ),
        id="clear fields retired",
    ),
    pytest.param(
        Change(
            SealedRetired,
            SealedRetired(**part("number", "state", "price")),
            {"number", "state", "price"},
            {"memo": "a cold", "fee": Decimal("1.50")},
        ),
        id="sealed fields retired",
    ),
    pytest.param(
        Change(
            Renamed,
            Renamed(**part("state", "price", nr=1, remark="a cold", charge=Decimal("1.50"))),
            {"nr", "state", "price"},
        ),
        id="renamed, in the sort key as well",
    ),
    pytest.param(
        Change(Sealed, Sealed(**part(*ALL, state=State.OPEN)), {"number"}),
        id="clear fields sealed",
    ),
    pytest.param(
        Change(Cleared, Cleared(**part(*ALL)), {"number", "state", "price", "memo", "fee"}),
        id="sealed fields put in the clear",
    ),
    pytest.param(
        Change(
            RenamedAndMoved,
            RenamedAndMoved(
                **part("number", "price", "memo", status="open", due="1.50", seen=datetime(2026, 1, 2, 3, 4, 5))  # noqa: DTZ001  # it was written without a zone
            ),
            {"number", "price", "due"},
        ),
        id="renamed and moved at once",
    ),
    pytest.param(
        Change(
            WithDefaults,
            WithDefaults(**part(*ALL, ward="b", tags=[], phase=State.OPEN)),
            {"number", "state", "price", "ward"},
        ),
        id="defaults",
    ),
]


def act(world: World) -> Acting:
    return Acting(world.vault, world.activity())


def clinic(world: World, kind: Kind = OLD) -> TypedPartition:
    return act(world).partition(kind, "c-1")


@pytest.fixture
def written(world: World) -> World:
    """What the older release left."""
    clinic(world).put(
        Clinic(city="Oslo", owner="Ada"), Old(number=1), Old(number=2), Note(author="bo", number=1, text="x")
    )
    return world


def first(change: Change) -> dict[str, Any]:
    return {name: getattr(change.read, name) for name in change.record.__declared__.key.fields}


def got(world: World, change: Change) -> Record:
    found = clinic(world, change.kind).get(change.record, **first(change))
    assert found is not None
    return found


def got_without_history(world: World, change: Change) -> Record:
    found = act(world).partition(change.bare, "c-1").read()
    assert found is not None
    return from_stored(change.record, found.records["visit#0001"])


def attributes(world: World) -> set[str]:
    """The clear fields of the first visit's row."""
    item = next(item for item in world.items() if item["sk"]["S"] == "visit#0001")
    return {name for name in item if name in {*ALL, *SEEN, "nr", "remark", "charge", "ward", "due", "status", "phase"}}


@pytest.mark.parametrize("change", CHANGES)
def test_an_old_record_is_read_as_its_class_is_now(written: World, change: Change) -> None:
    found = got(written, change)
    assert found == change.read
    assert {name: getattr(found, name) for name in change.retired} == change.retired
    assert (found.stored.retired, found.stored.outdated) == (change.retired.keys(), True)
    whole = clinic(written, change.kind).read()
    assert whole is not None
    assert whole.all(change.record)[0] == change.read
    assert clinic(written, change.kind).query(change.record)[0] == change.read


@pytest.mark.parametrize("change", CHANGES)
def test_an_old_record_that_is_put_again_holds_nothing_of_the_older_class(written: World, change: Change) -> None:
    found = got(written, change)
    clinic(written, change.kind).put(found, expected={found.sk: found.stored.version})
    again = got(written, change)
    assert again == change.read
    assert {getattr(again, name) for name in change.retired} <= {None}
    assert (again.stored.retired, again.stored.outdated) == (frozenset(), False)
    assert attributes(written) == change.clear
    clinic(written, change.kind).rewrite()
    without = got_without_history(written, change)
    assert without == change.read
    clinic(written, change.kind).put(without)


@pytest.mark.parametrize("change", [one for one in CHANGES if one.id != "defaults"])
def test_an_old_record_does_not_open_where_the_change_is_not_declared(written: World, change: Change) -> None:
    with pytest.raises(Undeclared):
        got_without_history(written, change)


@pytest.mark.parametrize("change", CHANGES)
def test_a_rewrite_leaves_nothing_that_the_older_class_wrote(written: World, change: Change) -> None:
    partition = clinic(written, change.kind)
    assert partition.rewrite() == Rewritten(3, 2, 0)
    assert partition.rewrite() == Rewritten(3, 0, 0)
    assert partition.rewrite(force=True, most_writes=0) == Rewritten(3, 0, 3)
    assert got(written, change) == change.read == got_without_history(written, change)
    assert attributes(written) == change.clear


def test_an_update_carries_on_what_an_older_class_wrote(written: World) -> None:
    updated = clinic(written, Kind("clinic", [Cleared, Note], head=Clinic)).update(Cleared, {"memo": None}, number=1)
    assert updated.get(Cleared, number=1) == Cleared(**part(*ALL, memo=None))
    assert attributes(written) == {"number", "state", "price", "memo", "fee"}


def test_a_retired_field_cannot_be_given(written: World) -> None:
    with pytest.raises(TypeError, match="memo"):
        SealedRetired(**part("number", "state", "price", "memo"))
    assert SealedRetired(**part("number", "state", "price")).memo is None
    kind = Kind("clinic", [SealedRetired, Note], head=Clinic)
    with pytest.raises(InvalidInput, match=r"^visit\.memo: is retired"):
        clinic(written, kind).update(SealedRetired, {"memo": "x"}, number=1)
    with pytest.raises(InvalidInput, match=r"^visit\.memo: is retired"):
        act(written).partition(kind.spec, "c-1").put(Draft("visit", "visit#0001", {"memo": "x"}))


def test_old_records_are_found_by_what_became_searchable(written: World) -> None:
    """By a default that they lack, and by what was a number in the clear: as those are found that are written now."""
    with_defaults = Kind("clinic", [WithDefaults, Note], head=Clinic)
    assert clinic(written, with_defaults).reindex() == 2
    new = WithDefaults(**part(*ALL, number=3, phase=State.CLOSED))
    clinic(written, with_defaults).put(new, dataclasses.replace(new, number=4, phase=State.OPEN))
    assert numbers(written, with_defaults, WithDefaults, phase=State.OPEN) == [1, 2, 4]
    assert numbers(written, with_defaults, WithDefaults, phase=State.CLOSED) == [3]


@pytest.mark.parametrize("price", [LONG, Decimal("0.5"), Decimal(7)], ids=["long", "short", "whole"])
def test_old_records_are_found_by_a_number_that_is_sealed_now(written: World, price: Decimal) -> None:
    clinic(written).put(Old(number=1, price=price))
    kind = Kind("clinic", [Sealed, Note], head=Clinic)
    clinic(written, kind).put(Sealed(**part(*ALL, number=3, state=State.OPEN, price=price)))
    clinic(written, kind).reindex()
    assert {1, 3} <= {*numbers(written, kind, Sealed, price=price)}


def numbers(world: World, kind: Kind, record: type[Record], **by: Any) -> list[int]:
    return sorted(one.stored.fields["number"] for one in act(world).find(kind, record, **by))


class Place(Record, sk="head"):
    """The head, as it is declared now."""

    owner: str | None = retired()

    town: Annotated[Clear[str], Was("city")]
    beds: int = 3


def test_a_head_is_read_and_kept_as_its_class_is_now(written: World) -> None:
    kind = Kind("clinic", [Old, Note], head=Place)
    found = clinic(written, kind).get(Place)
    assert found == Place(town="Oslo")
    assert found is not None
    assert found.owner == "Ada"
    assert dataclasses.replace(found, beds=4).owner is None
    clinic(written, kind).put(Old(number=3))
    again = clinic(written, kind).get(Place)
    assert again == Place(town="Oslo")
    assert again is not None
    assert again.owner is None


RETIRED = Kind("clinic", [Old], head=Clinic, retired=[Note])


def test_records_of_a_retired_type_are_read_found_and_deleted(written: World) -> None:
    note = Note(author="bo", number=1, text="x")
    partition = clinic(written, RETIRED)
    whole = partition.read()
    assert whole is not None
    assert whole.all(Note) == [note] == partition.query(Note) == act(written).find(RETIRED, Note, text="x")
    assert partition.get(Note, author="bo", number=1) == note == whole.get(Note, author="bo", number=1)
    assert partition.rewrite(force=True) == Rewritten(3, 3, 0)
    with pytest.raises(Undeclared):
        clinic(written, Kind("clinic", [Old], head=Clinic)).read()
    partition.delete(note)
    assert clinic(written, Kind("clinic", [Old], head=Clinic)).read() is not None


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda where, note: where.put(note), id="put"),
        pytest.param(lambda where, note: where.add(note), id="add"),
        pytest.param(lambda where, note: where.update(Note, {"text": "y"}, author=note.author, number=1), id="update"),
        pytest.param(lambda where, note: where.write(lambda _before: Writes(put=[note])), id="write"),
        pytest.param(lambda where, note: where.size(note), id="size"),
        pytest.param(lambda where, note: [*where.batches([note])], id="batches"),
    ],
)
def test_records_of_a_retired_type_are_no_longer_written(written: World, write: Any) -> None:
    with pytest.raises(InvalidInput, match="entity 'note' is retired") as refused:
        write(clinic(written, RETIRED), Note(author="bo", number=1, text="y"))
    assert refused.value.field == "entity"
    assert clinic(written).get(Note, author="bo", number=1) == Note(author="bo", number=1, text="x")


@pytest.mark.parametrize(
    ("records", "head", "retired"),
    [
        pytest.param([Old, Note], None, [Note], id="a type that is written as well"),
        pytest.param([Old], None, [Sealed], id="an entity that is written as well"),
        pytest.param([Old], None, [Clinic], id="a head"),
    ],
)
def test_a_kind_that_retires_what_it_has_is_refused(
    records: list[type[Record]], head: type[Record] | None, retired: list[type[Record]]
) -> None:
    with pytest.raises(InvalidInput):
        Kind("clinic", records, head=head, retired=retired)


def test_a_sealed_value_that_is_no_number_is_undeclared_and_named(written: World) -> None:
    """It was text, and its class of today says that it was a `Decimal`."""

    class Wrong(Record, sk=SK):
        number: Clear[int]
        fee: Decimal
        seen: str
        state: Clear[str]
        price: Clear[Decimal]
        memo: Annotated[Clear[Decimal], Moved(Decimal)]

    with pytest.raises(Undeclared) as refused:
        clinic(written, Kind("clinic", [Wrong, Note], head=Clinic)).get(Wrong, number=1)
    assert refused.value.names == ("memo",)


def test_a_retired_value_of_another_type_is_undeclared_and_named(written: World) -> None:
    class Wrong(Record, sk=SK):
        number: Clear[int]
        state: Clear[str]
        price: Clear[Decimal]
        fee: Decimal
        seen: str
        memo: int | None = retired()

    with pytest.raises(Undeclared) as refused:
        clinic(written, Kind("clinic", [Wrong, Note], head=Clinic)).get(Wrong, number=1)
    assert refused.value.names == ("memo",)


@pytest.mark.parametrize(
    "hint",
    [
        pytest.param(Annotated[str, Was("a")], id="its own name"),
        pytest.param(Annotated[str, Was("b")], id="another field's name"),
        pytest.param(Annotated[str, Was("gone")], id="a name that is retired"),
        pytest.param(Annotated[str, Was("version")], id="a reserved name"),
        pytest.param(Annotated[str, Was], id="the mark's class"),
        pytest.param(list[Annotated[str, Was("x")]], id="a name within the type"),
        pytest.param(Annotated[str, Moved(Clear[str])] | None, id="moved within the type"),
        pytest.param(Annotated[str, Moved(str)], id="sealed, and was"),
        pytest.param(Annotated[Clear[str], Moved(Clear[str])], id="clear, and was"),
        pytest.param(Annotated[str, Moved(Clear[str]), Moved(Clear[int])], id="moved twice"),
        pytest.param(Annotated[str, Moved(Clear[list[str]])], id="was what cannot be clear"),
        pytest.param(Annotated[Clear[str], Moved(object)], id="was what cannot be sealed"),
        pytest.param(Annotated[str, Moved(Annotated[Clear[str], Was("x")])], id="a mark of what was"),
    ],
)
def test_marks_of_older_records_that_contradict_are_refused(hint: Any) -> None:
    body = {"__annotations__": {"a": hint, "b": str, "gone": str | None}, "gone": retired(), "__module__": __name__}
    with pytest.raises(InvalidInput) as refused:
        type("Odd", (Record,), body, sk="odd")
    assert refused.value.field in {"a", "b", "gone", "version"}


@pytest.mark.parametrize(
    "hint",
    [
        pytest.param(str, id="not null"),
        pytest.param(Clear[float | None], id="what cannot be clear"),
        pytest.param(object, id="what cannot be sealed"),
        pytest.param(Annotated[str | None, Was("b")], id="another name"),
        pytest.param(Annotated[str | None, Moved(Clear[str])], id="moved"),
        pytest.param(Clear[int] | None, id="a mark within the type"),
    ],
)
def test_a_retired_field_is_annotated_as_it_was_or_null(hint: Any) -> None:
    body = {"__annotations__": {"gone": hint}, "gone": retired(), "__module__": __name__}
    with pytest.raises(InvalidInput) as refused:
        type("Odd", (Record,), body, sk="odd")
    assert refused.value.field == "gone"


def test_a_retired_field_cannot_stand_in_the_sort_key() -> None:
    with pytest.raises(InvalidInput, match="'gone' is no clear field"):

        class Odd(Record, sk="odd#{gone}"):
            gone: Clear[int | None] = retired()


def test_a_class_made_of_another_has_its_retired_fields() -> None:
    class Special(SealedRetired, sk="special#{number:04d}"):
        fee: Decimal = Decimal(0)

    assert Special.__declared__.spec.retired == {"memo": SEALED}
    assert Special.__declared__.spec.sealed == {"seen", "fee"}


@pytest.mark.parametrize("names", [(), (5,)], ids=["none", "no text"])
def test_a_field_had_a_name(names: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidInput):
        Was(*names)
