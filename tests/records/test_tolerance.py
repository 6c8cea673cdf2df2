"""Two releases at once: what the newer one wrote the older one carries, where its kind says `tolerate`."""

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.stores import World
from twinvault.errors import Conflict, IntegrityError, InvalidInput, Undeclared
from twinvault.maintenance.jobs import JobStep, Rewrite
from twinvault.records.blind import Blind
from twinvault.records.changes import Changes
from twinvault.records.partition import Snapshot
from twinvault.records.record import Draft
from twinvault.records.rewriting import Rewritten
from twinvault.records.spec import NUMBER, TEXT, EntitySpec, KindSpec, head_spec
from twinvault.records.store import PartitionStore
from twinvault.records.typed.kind import Kind
from twinvault.records.typed.markers import Clear
from twinvault.records.typed.partition import TypedPartition, Writes
from twinvault.records.typed.record import Record
from twinvault.scope import Scope

SCOPE = Scope("acme", "ledger", "p1")
PAYEE = {"payee": Blind(slot=1)}


def ledger(*entities: EntitySpec, head: EntitySpec, tolerate: bool = False) -> KindSpec:
    return KindSpec("ledger", entities, head, tolerate=tolerate)


LINE = EntitySpec("line", re.compile("line#[0-9]{4}"), {"amount": NUMBER}, frozenset({"payee"}), PAYEE)
HEAD_BEFORE = head_spec({"title": TEXT}, frozenset({"owner"}))
OLD = ledger(LINE, head=HEAD_BEFORE, tolerate=True)
STRICT = ledger(LINE, head=HEAD_BEFORE)

NEW_LINE = EntitySpec(
    "line",
    re.compile("line#[0-9]{4}(x?)"),
    {"amount": NUMBER, "phase": NUMBER},
    frozenset({"payee", "iban"}),
    {**PAYEE, "iban": Blind(slot=2)},
)
NOTE = EntitySpec("note", re.compile("note#[0-9]"), {"colour": TEXT}, frozenset({"text"}), {"text": Blind(slot=1)})
NEW = ledger(NEW_LINE, NOTE, head=head_spec({"title": TEXT, "level": NUMBER}, frozenset({"owner", "region"})))

FIELDS = {"amount": 5, "phase": Decimal("0.5"), "payee": "Bo", "iban": "DE02"}
KNOWN = {"amount": 5, "payee": "Bo"}
HEAD_FIELDS = {"title": "Spring", "level": 3, "owner": "Ada", "region": {"a": [1]}}


def partition(world: World, kind: KindSpec) -> PartitionStore:
    return world.another_environment().partition(SCOPE, kind, world.activity())


def read(world: World, kind: KindSpec = NEW) -> Snapshot:
    found = partition(world, kind).read()
    assert found is not None
    return found


def line(number: int, **fields: Any) -> Draft:
    return Draft("line", f"line#{number:04d}", {**FIELDS, **fields})


@pytest.fixture
def newer(world: World) -> World:
    """What the newer release left: two lines, one at a sort key of its own form, and a note."""
    drafts = [line(1), line(2), Draft("line", "line#0003x", FIELDS), Draft("note", "note#1", NOTES)]
    partition(world, NEW).put(*drafts, head=HEAD_FIELDS)
    return world


NOTES = {"colour": "red", "text": "a"}


def found(world: World, kind: KindSpec, entity: str, **by: str) -> list[str]:
    with world.another_environment().vault.acting(tenant="acme", principal="u-1", action="test") as acting:
        return sorted(one.record.sk for one in acting.find(kind, entity, **by).records)


def whole(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
    """All that the newer release sees of a partition."""
    return {sk: record.fields for sk, record in {"head": snapshot.head, **snapshot.records}.items()}


WHOLE = {"head": HEAD_FIELDS, "line#0001": FIELDS, "line#0002": FIELDS, "line#0003x": FIELDS, "note#1": NOTES}


def test_a_reader_that_tolerates_shows_what_it_knows(newer: World) -> None:
    seen = read(newer, OLD)
    assert seen.head.fields == {"title": "Spring", "owner": "Ada"}
    assert seen.records["line#0001"].fields == KNOWN
    assert not seen.records["line#0001"].foreign
    assert partition(newer, OLD).get("line#0001") == seen.records["line#0001"]
    for sk in ("line#0003x", "note#1"):
        assert (seen.records[sk].fields, seen.records[sk].foreign) == ({}, True)
    assert not any(record.outdated for record in seen.records.values())
    assert found(newer, OLD, "line", payee="Bo") == ["line#0001", "line#0002"]


def test_what_is_carried_is_named_and_never_shown(newer: World) -> None:
    record = read(newer, OLD).records["line#0001"]
    assert record.carried.names == {"phase", "iban"}
    assert read(newer, OLD).records["note#1"].carried.names == {"colour", "text"}
    assert "DE02" not in repr(record)
    assert "DE02" not in repr(record.carried)


def test_a_reader_that_does_not_tolerate_refuses_and_names_it_no_tampering(newer: World) -> None:
    with pytest.raises(Undeclared) as refused:
        read(newer, STRICT)
    assert set(refused.value.names) == {"level", "region"}


@pytest.mark.parametrize("sk", ["line#0003x", "note#1"])
def test_a_record_that_is_foreign_is_undeclared_without_tolerate(newer: World, sk: str) -> None:
    with pytest.raises(Undeclared):
        partition(newer, STRICT).get(sk)


def test_an_update_carries_on_what_it_does_not_know(newer: World) -> None:
    partition(newer, OLD).update("line#0001", {"amount": 6})
    partition(newer, OLD).update("head", {"title": "Summer"})
    expected = {**WHOLE, "head": {**HEAD_FIELDS, "title": "Summer"}, "line#0001": {**FIELDS, "amount": 6}}
    assert whole(read(newer)) == expected


def test_a_record_that_is_replaced_whole_keeps_what_its_writer_does_not_know(newer: World) -> None:
    written = partition(newer, OLD).put(Draft("line", "line#0002", {"payee": "Cy"}), head={"title": "Autumn"})
    assert written.records["line#0002"] == read(newer, OLD).records["line#0002"]
    expected = {
        **WHOLE,
        "head": {"title": "Autumn", "level": 3, "region": {"a": [1]}},
        "line#0002": {"phase": FIELDS["phase"], "iban": "DE02", "payee": "Cy"},
    }
    assert whole(read(newer)) == expected


def test_a_write_on_what_a_write_returned_carries_on_as_well(newer: World) -> None:
    """Without a look between them: what the first one left is known from its own answer."""
    old = partition(newer, OLD)
    first = old.write(lambda _: Changes(put=[Draft("line", "line#0001", {"payee": "Cy"})]))
    old.write(lambda _: Changes(put=[Draft("line", "line#0001", {"payee": "Di"})]), base=first)
    assert read(newer).records["line#0001"].fields == {"phase": FIELDS["phase"], "iban": "DE02", "payee": "Di"}
    assert whole(read(newer)).keys() == WHOLE.keys()


def test_what_is_carried_is_found_by_its_value_after_the_older_release_wrote(newer: World) -> None:
    partition(newer, OLD).update("line#0001", {"payee": "Cy"})
    assert found(newer, NEW, "line", iban="DE02") == ["line#0001", "line#0002", "line#0003x"]
    assert found(newer, NEW, "line", payee="Cy") == ["line#0001"]
    assert found(newer, OLD, "line", payee="Bo") == ["line#0002"]


def test_a_reindex_by_the_older_release_touches_no_index_that_it_does_not_know(newer: World) -> None:
    assert partition(newer, OLD).reindex() == 0
    renamed = EntitySpec("line", LINE.sk, LINE.clear, LINE.sealed, {"payee": Blind(slot=3)})
    other = ledger(renamed, head=HEAD_BEFORE, tolerate=True)
    assert partition(newer, other).reindex() == 2
    assert partition(newer, other).reindex() == 0
    assert found(newer, other, "line", payee="Bo") == ["line#0001", "line#0002"]
    assert found(newer, NEW, "line", iban="DE02") == ["line#0001", "line#0002", "line#0003x"]
    assert whole(read(newer)) == WHOLE


@pytest.mark.parametrize("as_long_work", [False, True], ids=["at once", "as long work"])
def test_a_rewrite_by_the_older_release_loses_nothing(newer: World, *, as_long_work: bool) -> None:
    before = read(newer)
    assert partition(newer, OLD).rewrite() == Rewritten(4, 0, 0)
    partition(newer, OLD).new_dek()
    if as_long_work:
        since = "9999-01-01T00:00:00.000000Z"
        assert Rewrite().step(partition(newer, OLD), since=since, is_over=lambda: False) == JobStep(rewritten=4)
    else:
        assert partition(newer, OLD).rewrite(force=True) == Rewritten(4, 4, 0)
    after = read(newer)
    assert whole(after) == WHOLE
    assert {record.key_id for record in after.records.values()} == {"dek#ledger#p1#000002"}
    assert [one.created_at for one in after.records.values()] == [one.created_at for one in before.records.values()]
    assert found(newer, NEW, "note", text="a") == ["note#1"]


def test_an_older_form_is_rewritten_and_what_is_not_known_stays(newer: World) -> None:
    renaming = EntitySpec(
        "line", LINE.sk, {"value": NUMBER}, LINE.sealed, PAYEE, was={"value": "amount"}, defaults={"value": 1}
    )
    kind = ledger(renaming, head=HEAD_BEFORE, tolerate=True)
    assert read(newer, kind).records["line#0001"].fields == {"value": 5, "payee": "Bo"}
    assert partition(newer, kind).rewrite() == Rewritten(4, 2, 0)
    after = read(newer, kind).records["line#0001"]
    assert (after.fields, after.outdated, after.carried.names) == (
        {"value": 5, "payee": "Bo"},
        False,
        {"phase", "iban"},
    )


@pytest.mark.parametrize("sk", ["line#0003x", "note#1"])
def test_nobody_replaces_changes_or_deletes_a_record_of_which_nothing_is_known(newer: World, sk: str) -> None:
    old = partition(newer, OLD)
    with pytest.raises(Undeclared):
        old.delete(sk)
    with pytest.raises(Undeclared):
        old.update(sk, {"amount": 1})
    with pytest.raises((Undeclared, InvalidInput)):
        old.put(Draft("line", sk, KNOWN))
    with pytest.raises((Conflict, InvalidInput)):
        old.add(Draft("line", sk, KNOWN))
    assert whole(read(newer)) == WHOLE


def test_a_known_record_is_deleted_with_what_it_carries(newer: World) -> None:
    partition(newer, OLD).delete("line#0001")
    assert "line#0001" not in read(newer).records


def test_nobody_writes_a_field_that_is_only_carried(newer: World) -> None:
    for call in (
        lambda old: old.update("line#0001", {"iban": "FR14"}),
        lambda old: old.update("line#0001", {}, remove=["iban"]),
        lambda old: old.put(Draft("line", "line#0001", {**KNOWN, "phase": 1})),
        lambda old: old.put(Draft("note", "note#2", NOTES)),
    ):
        with pytest.raises(InvalidInput):
            call(partition(newer, OLD))
    assert whole(read(newer)) == WHOLE


@pytest.mark.parametrize(
    ("line", "names"),
    [
        pytest.param(
            EntitySpec("line", LINE.sk, {"payee": TEXT}, frozenset({"amount"})), {"amount", "payee"}, id="moved"
        ),
        pytest.param(EntitySpec("line", LINE.sk, {"amount": TEXT}, frozenset({"payee"})), {"amount"}, id="retyped"),
    ],
)
def test_a_field_that_is_known_and_stored_otherwise_is_not_tolerated(
    newer: World, line: EntitySpec, names: set[str]
) -> None:
    """Its value would be the field's, and a write beside it would leave two."""
    with pytest.raises(Undeclared) as refused:
        partition(newer, ledger(line, head=HEAD_BEFORE, tolerate=True)).get("line#0001")
    assert set(refused.value.names) == names


def test_rows_are_counted_whether_or_not_they_are_known(newer: World) -> None:
    """A foreign row that was taken away or put back is tampering, as any other."""
    assert read(newer, OLD).state.count == len(WHOLE) - 1
    newer.client.delete_item(TableName=newer.tables.records, Key={"pk": {"S": SCOPE.pk}, "sk": {"S": "note#1"}})
    with pytest.raises(IntegrityError):
        read(newer, OLD)


# -- the same, with record types --------------------------------------------------------------------------------------


class Old(Record, sk="line#{number:04d}"):
    number: Clear[int]
    payee: str = ""


class Owned(Record, sk="head"):
    title: Clear[str] = ""


class New(Record, sk="line#{number:04d}", entity="line"):
    number: Clear[int]
    phase: Clear[int | None] = None
    payee: str = ""
    iban: str | None = None


class Note(Record, sk="note#{number:02d}"):
    number: Clear[int]
    text: str


class NewOwned(Record, sk="head"):
    title: Clear[str] = ""
    region: str = ""


OLD_TYPES = Kind("book", [Old], head=Owned, tolerate=True)
NEW_TYPES = Kind("book", [New, Note], head=NewOwned)


def book(world: World, kind: Kind) -> TypedPartition:
    store = world.another_environment().partition(Scope("acme", "book", "b1"), kind.spec, world.activity())
    return TypedPartition(store, kind)


def test_record_types_of_an_older_release_carry_what_they_do_not_know(world: World) -> None:
    book(world, NEW_TYPES).put(
        New(number=1, phase=7, payee="Bo", iban="DE02"), Note(number=1, text="a"), NewOwned(title="A", region="north")
    )
    seen = book(world, OLD_TYPES).read()
    assert seen is not None
    assert seen.all(Old) == [Old(number=1, payee="Bo")]
    assert seen.get(Owned) == Owned(title="A")
    assert list(book(world, OLD_TYPES).query(Old)) == [Old(number=1, payee="Bo")]
    book(world, OLD_TYPES).update(Old, {"payee": "Cy"}, number=1)
    book(world, OLD_TYPES).write(lambda there: Writes(put=[Old(number=1, payee="Di"), Owned(title="B")]))
    after = book(world, NEW_TYPES).read()
    assert after is not None
    assert after.all(New) == [New(number=1, phase=7, payee="Di", iban="DE02")]
    assert after.all(Note) == [Note(number=1, text="a")]
    assert after.get(NewOwned) == NewOwned(title="B", region="north")


def test_a_record_at_a_sort_key_of_another_form_is_in_no_list_of_its_type(world: World) -> None:
    class Wide(Record, sk="line#{number:06d}", entity="line"):
        number: Clear[int]

    book(world, Kind("book", [Wide])).put(Wide(number=1))
    book(world, OLD_TYPES).put(Old(number=2))
    seen = book(world, OLD_TYPES).read()
    assert seen is not None
    assert seen.all(Old) == [Old(number=2)]
    assert list(book(world, OLD_TYPES).query(Old)) == [Old(number=2)]
