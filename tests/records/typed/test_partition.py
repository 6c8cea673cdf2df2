"""A partition as its record types have it: every call of the store, with records for drafts. A real engine."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.records.typed.samples import CLINIC, Clinic, Note, Person, Sealed, Visit, visit
from tests.stores import World
from twinvault.acting import Acting
from twinvault.errors import Conflict, InvalidInput, Undeclared, Unprocessable
from twinvault.records.changes import ABSENT
from twinvault.records.record import Draft
from twinvault.records.spec import HEAD
from twinvault.records.typed.kind import Kind
from twinvault.records.typed.markers import Clear
from twinvault.records.typed.partition import Plan, TypedPartition, Writes
from twinvault.records.typed.record import Record, sort_key
from twinvault.records.typed.records import Records


class Tagged(Record, sk="tagged#{number}"):
    """A record with a set, which has no order of its own."""

    number: Clear[int]
    tags: set[str]


def act(world: World, tenant: str = "acme") -> Acting:
    return Acting(world.vault, world.activity(tenant))


def clinic(world: World, kind: Kind = CLINIC) -> TypedPartition:
    return act(world).partition(kind, "c-1")


@pytest.fixture
def written(world: World) -> World:
    """A clinic with a head of its own, three visits and two notes."""
    notes = [Note(author="bo", number=1, text="x"), Note(author="cy", number=2, text="y")]
    clinic(world).put(Clinic(city="Oslo", owner="Ada"), visit(1), visit(2), visit(3), *notes)
    return world


def test_what_is_put_is_got_by_its_fields(world: World) -> None:
    seen = visit(7, scans=[b"\x00"], seen_at=datetime(2026, 1, 1, tzinfo=UTC))
    put = clinic(world).put(seen)
    got = clinic(world).get(Visit, number=7)
    assert got == seen == put.get(Visit, number=7)
    assert got is not None
    assert (got.stored.version, len(got.stored.created_at)) == (put.version, 27)
    assert clinic(world).get(Visit, number=8) is None


def test_a_typed_and_an_untyped_reader_see_the_same_partition(written: World) -> None:
    untyped = act(written).partition(CLINIC.spec, "c-1")
    snapshot = untyped.read()
    assert snapshot is not None
    assert snapshot.records["visit#0001"].fields["note"] == "a cold"
    untyped.put(Draft("visit", "visit#0001", {**snapshot.records["visit#0001"].fields, "note": "a cough"}))
    assert clinic(written).get(Visit, number=1) == visit(1, note="a cough")


def test_a_whole_partition_is_a_typed_collection(written: World) -> None:
    records = clinic(written).read()
    assert records is not None
    assert records.all(Visit) == [visit(1), visit(2), visit(3)]
    assert [note.author for note in records.all(Note)] == ["bo", "cy"]
    assert records.get(Clinic) == Clinic(city="Oslo", owner="Ada")
    assert records.all(Clinic) == [Clinic(city="Oslo", owner="Ada")]
    assert records.get(Visit, number=2) == visit(2)
    assert records.get(Visit, number=9) is None
    assert len(records) == 5
    assert "visit#0001" in records
    assert clinic(written).peek() == records
    with pytest.raises(InvalidInput, match="Sealed"):
        records.all(Sealed)
    with pytest.raises(InvalidInput, match="is made of number"):
        records.get(Visit)
    assert "Oslo" not in repr(records)


def test_where_nothing_is_nothing_is_read(world: World) -> None:
    assert clinic(world).read() is None
    assert clinic(world).get(Visit, number=1) is None
    assert act(world, "bolt").hidden_partition(CLINIC, "a clinic", create=False) is None  # a tenant without keys


def test_a_hidden_partition_is_typed_as_well(world: World) -> None:
    act(world).hidden_partition(CLINIC, "a clinic", create=True).put(visit())
    hidden = act(world).hidden_partition(CLINIC, "a clinic", create=False)
    assert hidden is not None
    assert hidden.get(Visit, number=7) == visit()


def test_several_are_got_at_once_and_by_pages(written: World) -> None:
    partition = clinic(written)
    assert partition.get_many(Visit, [{"number": number} for number in (3, 9, 1)]) == [visit(3), visit(1)]
    page = partition.query(Visit, limit=2)
    assert page == [visit(1), visit(2)]
    assert partition.query(Visit, limit=2, cursor=page.cursor) == [visit(3)]
    assert [note.text for note in partition.query(Note, author="cy")] == ["y"]
    assert partition.query(Note).cursor is None


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"number": 2}, id="not the first field"),
        pytest.param({"author": "bo", "number": 1}, id="no end after it"),
        pytest.param({"author": 5}, id="another type"),
        pytest.param({"author": "a#b"}, id="an end within it"),
        pytest.param({"text": "x"}, id="no field of the sort key"),
    ],
)
def test_a_page_is_asked_for_by_the_first_fields_of_the_sort_key(written: World, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        clinic(written).query(Note, **wrong)


def test_a_page_that_cannot_be_asked_for_says_what_can(written: World) -> None:
    with pytest.raises(InvalidInput, match=r"^remark\.number: no '#' follows it .* or `get` the record") as refused:
        clinic(written).query(Note, author="bo", number=1)
    assert refused.value.field == "number"


def test_what_is_added_must_be_new(written: World) -> None:
    assert clinic(written).add(visit(4)).get(Visit, number=4) == visit(4)
    with pytest.raises(Conflict, match="visit#0004"):
        clinic(written).add(visit(5), visit(4))
    assert clinic(written).get(Visit, number=5) is None


def test_a_write_returns_what_it_wrote_and_not_the_partition(written: World) -> None:
    put = clinic(written).put(visit(2, note="x"))
    assert put.all(Visit) == [visit(2, note="x")]
    with_head = clinic(written).put(Clinic(city="Rome"), visit(2))
    assert (with_head.all(Visit), with_head.get(Clinic)) == ([visit(2)], Clinic(city="Rome"))


def test_an_update_changes_the_fields_that_it_names_and_no_others(written: World) -> None:
    updated = clinic(written).update(Visit, {"scans": [b"x"], "state": "closed"}, number=2)
    assert updated.get(Visit, number=2) == visit(2, scans=[b"x"], state="closed")
    assert clinic(written).update(Clinic, {"city": "Rome"}).get(Clinic) == Clinic(city="Rome", owner="Ada")
    with pytest.raises(Conflict):
        clinic(written).update(Visit, {"state": "closed"}, number=9)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"scans": ["eA=="]}, "scans", id="of another type"),
        pytest.param({"nothing": 1}, "nothing", id="not declared"),
        pytest.param({"number": 3}, "number", id="in the sort key"),
        pytest.param({"state": "shut"}, "state", id="none of the literal's"),
    ],
)
def test_an_update_that_does_not_fit_names_the_field(written: World, fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clinic(written).update(Visit, fields, number=2)
    assert refused.value.field == field


def test_what_is_deleted_is_given_as_it_is_or_by_its_sort_key(written: World) -> None:
    clinic(written).delete(visit(1), sort_key(Note, author="bo", number=1))
    records = clinic(written).read()
    assert records is not None
    assert records.all(Visit) == [visit(2), visit(3)]
    assert len(records.all(Note)) == 1
    with pytest.raises(Conflict):
        clinic(written).delete(visit(1))


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda where, expected: where.put(visit(1, note="x"), expected=expected), id="put"),
        pytest.param(lambda where, expected: where.put(Clinic(city="x"), expected=expected), id="put the head"),
        pytest.param(lambda where, expected: where.add(visit(9), expected=expected), id="add"),
        pytest.param(lambda where, expected: where.delete(visit(2), expected=expected), id="delete"),
        pytest.param(
            lambda where, expected: where.update(Visit, {"note": "x"}, number=1, expected=expected), id="update"
        ),
        pytest.param(
            lambda where, expected: where.update(Clinic, {"city": "x"}, expected=expected), id="update the head"
        ),
    ],
)
def test_a_write_expects_the_versions_that_its_caller_read(
    written: World, write: Callable[[TypedPartition, dict[str, Any]], Records]
) -> None:
    read = clinic(written).get(Visit, number=1)
    assert read is not None
    clinic(written).put(dataclasses.replace(read, note="another was faster"))
    for expected in ({read.sk: read.stored.version}, {read.sk: ABSENT}, {HEAD: read.stored.version}):
        with pytest.raises(Conflict):
            write(clinic(written), expected)
    now = clinic(written).get(Visit, number=1)
    assert now is not None
    write(clinic(written), {now.sk: now.stored.version})


def test_a_request_that_is_made_again_is_answered_as_it_was(written: World) -> None:
    def put(note: str = "x") -> Records:
        pages = {"b", "a", "c"}
        visits = [visit(1, note=note), Tagged(number=1, tags=pages)]
        kind = Kind("clinic", [Visit, Note, Tagged], head=Clinic)
        return clinic(written, kind).put(Clinic(city="Rome"), *visits, idempotency_key="key-1")

    first = put()
    again = put()
    assert (first.repeated, again.repeated) == (False, True)
    assert (again.version, again.digest) == (first.version, first.digest)
    assert again.get(Clinic) == Clinic(city="Rome")
    with pytest.raises(Unprocessable):
        put(note="y")


def closed(number: int) -> Plan:
    """Closes a visit, says so in a note and in the head, and drops visit 3; nothing, if it is closed."""

    def plan(before: Records | None) -> Writes | None:
        found = before.get(Visit, number=number) if before else None
        if found is None or found.state == "closed":
            return None
        return Writes(
            put=[dataclasses.replace(found, state="closed"), Clinic(city="Rome")],
            add=[Note(author="bo", number=9, text="closed")],
            delete=[visit(3)],
        )

    return plan


def test_a_plan_sees_and_writes_records(written: World) -> None:
    after = clinic(written).write(closed(2))
    assert after is not None
    assert after.all(Visit) == [visit(1), visit(2, state="closed")]
    assert after.get(Clinic) == Clinic(city="Rome")
    assert after == clinic(written).read()
    assert clinic(written).write(closed(2)) == after
    with pytest.raises(InvalidInput, match="once"):
        clinic(written).write(lambda _before: Writes(put=[Clinic(city="x"), Clinic(city="y")]))


def test_a_heads_fields_are_put_and_never_added_or_deleted(written: World) -> None:
    for call in (clinic(written).add, clinic(written).delete):
        with pytest.raises(InvalidInput, match=r"^head: .* are put, as a record of the head's type") as refused:
            call(Clinic(city="x"))
        assert refused.value.field == "head"


def test_a_plan_of_some_rows_sees_these_alone(written: World) -> None:
    after = clinic(written).write_rows([visit(2).sk, visit(3).sk], closed(2))
    assert after is not None
    assert after.get(Visit, number=1) is None
    assert after.get(Visit, number=2) == visit(2, state="closed")


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda where: where.put(visit(), Sealed()), id="put"),
        pytest.param(lambda where: where.add(Sealed()), id="add"),
        pytest.param(lambda where: where.delete(Sealed()), id="delete"),
        pytest.param(lambda where: where.update(Sealed, {}), id="update"),
        pytest.param(lambda where: where.get(Sealed), id="get"),
        pytest.param(lambda where: where.get_many(Sealed, [{}]), id="get_many"),
        pytest.param(lambda where: where.query(Sealed), id="query"),
        pytest.param(lambda where: where.put(Person("Bo")), id="no record at all"),
    ],
)
def test_a_record_of_another_kind_is_refused_before_anything_is_written(world: World, call: Any) -> None:
    with pytest.raises(InvalidInput, match="is none of its record types"):
        call(clinic(world))
    assert clinic(world).read() is None


def test_a_record_of_another_release_is_undeclared_and_is_named(written: World) -> None:
    """No tampering: the row opens, and is not as this class has it."""
    act(written).partition(CLINIC.spec, "c-1").update("visit#0001", {"scans": [5]})
    with pytest.raises(Undeclared) as refused:
        clinic(written).get(Visit, number=1)
    assert refused.value.names == ("scans",)
    assert refused.value.where is not None
    assert (refused.value.where.pk, refused.value.where.sk) == ("tenant#acme#clinic#c-1", "visit#0001")
    records = clinic(written).read()
    assert records is not None
    assert len(records.all(Note)) == 2
    with pytest.raises(Undeclared):
        records.all(Visit)


def test_a_record_at_anothers_place_is_undeclared(written: World) -> None:
    class Other(Record, sk="visit#{number:04d}", entity="other"):
        number: Clear[int]

    with pytest.raises(Undeclared) as refused:
        clinic(written, Kind("clinic", [Visit, Note, Other], head=Clinic)).get(Other, number=1)
    assert refused.value.names == ("entity_type",)


def test_what_fits_into_one_write_is_known_before_it_is_written(world: World) -> None:
    visits = [visit(number, note="x" * 100_000) for number in range(60)]
    partition = clinic(world)
    batches = [*partition.batches(visits)]
    assert [one for batch in batches for one in batch] == visits
    assert len(batches) > 1
    assert partition.size(visits[0]) > 100_000


def test_nothing_that_is_sealed_is_in_the_table(world: World) -> None:
    secret = "the patient's own words"
    clinic(world).put(visit(note=secret, email=secret))
    assert secret not in repr(world.items())
