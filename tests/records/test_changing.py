"""Adding, putting, updating and deleting single records: each at the cost of what it touches."""

from typing import Any

import pytest

from tests.faults import Line
from tests.records.attacks import Moments, partition, record
from tests.records.samples import HEAD_FIELDS, SCOPE, line, puts
from tests.records.test_writing import entries, recorded, written
from tests.stores import World
from twinvault.audit.elements import row_hash
from twinvault.errors import Conflict, IntegrityError, InvalidInput, Step
from twinvault.records.changes import ABSENT, Changes
from twinvault.records.partition import Look, Snapshot
from twinvault.records.record import Draft
from twinvault.records.spec import HEAD


@pytest.fixture
def filled(world: World) -> Snapshot:
    """Three lines, of version 1."""
    snapshot = partition(world).write(puts(line(1), line(2), line(3)))
    assert snapshot is not None
    return snapshot


def whole(world: World) -> Snapshot:
    snapshot = partition(world.another_environment()).read()
    assert snapshot is not None
    return snapshot


def item(world: World, sk: str) -> dict[str, Any]:
    found: dict[str, Any] = world.client.get_item(
        TableName=world.tables.records, Key={"pk": {"S": SCOPE.pk}, "sk": {"S": sk}}
    )["Item"]
    return found


# -- what each call does ---------------------------------------------------------------------------------------------


def test_a_put_returns_what_it_wrote_and_not_the_partition(world: World, filled: Snapshot) -> None:
    done = partition(world).put(line(2, amount=7), line(4))
    after = whole(world)
    assert done.records == {sk: after.records[sk] for sk in ("line#0002", "line#0004")}
    assert (done.version, done.digest) == (after.head.version, after.head.digest) == (2, after.head.digest)
    assert after.head.fields == HEAD_FIELDS
    assert sorted(after.records) == ["line#0001", "line#0002", "line#0003", "line#0004"]


def test_a_first_put_makes_the_partition(world: World) -> None:
    done = partition(world).put(line(1))
    assert done.version == 1
    assert whole(world).records == done.records


@pytest.mark.parametrize("call", ["put", "add", "update", "delete"])
def test_a_write_reads_the_head_and_what_it_touches_and_nothing_else(
    world: World, faulty: World, line: Line, filled: Snapshot, call: str
) -> None:
    here = partition(faulty)
    here.read()  # keys in memory
    line.requests.clear()
    calls = {
        "put": lambda: here.put(a_line(2)),
        "add": lambda: here.add(a_line(4)),
        "update": lambda: here.update("line#0002", {"amount": 1}),
        "delete": lambda: here.delete("line#0002"),
    }
    calls[call]()
    asked = [operation for operation, _ in line.requests]
    assert asked == ["TransactGetItems", "ExecuteTransaction"]
    read = [one["Get"]["Key"]["sk"]["S"] for one in line.requests[0][1]["TransactItems"]]
    assert read == ["head"] if call == "add" else ["head", "line#0002"]


def a_line(number: int, **fields: Any) -> Draft:
    return line(number, **fields)


def test_an_added_record_must_be_new(world: World, filled: Snapshot) -> None:
    before = world.items()
    with pytest.raises(Conflict, match=r"line#0002: there is such a record already"):
        partition(world).add(line(4), line(2))
    assert world.items() == before
    assert partition(world).add(line(4)).records.keys() == {"line#0004"}


def test_an_update_changes_the_fields_that_it_names_and_no_others(world: World, filled: Snapshot) -> None:
    partition(world).put(line(1, amount=5, payee="Bo", memo="kept", paid=True))
    done = partition(world).update("line#0001", {"payee": "Cy", "amount": 6}, remove=["paid"])
    fields = {"amount": 6, "payee": "Cy", "memo": "kept"}
    assert done.records["line#0001"].fields == fields == whole(world).records["line#0001"].fields
    assert "paid" not in item(world, "line#0001")
    assert whole(world).records["line#0001"].created_at == filled.records["line#0001"].created_at


def test_records_are_put_with_the_heads_own_fields_in_one_write(world: World, filled: Snapshot) -> None:
    written = partition(world).put(line(1), head={**HEAD_FIELDS, "title": "Autumn"})
    assert written.version == filled.head.version + 1
    assert written.records.keys() == {HEAD, "line#0001"}
    assert written.records[HEAD].fields["title"] == "Autumn"
    with pytest.raises(Conflict):
        partition(world).put(head={}, expected={HEAD: filled.head.version})


def test_an_update_of_the_head_changes_its_own_fields(world: World, filled: Snapshot) -> None:
    partition(world).update(HEAD, {"title": "Autumn"}, remove=["owner"])
    fields = {**HEAD_FIELDS, "title": "Autumn"}
    del fields["owner"]
    after = whole(world)
    assert after.head.fields == fields
    assert after.records == filled.records


def test_an_update_of_what_is_not_there_is_a_conflict_that_names_it(world: World, filled: Snapshot) -> None:
    for here, sk in ((partition(world), "line#0009"), (partition(world.another_environment()), "line#0010")):
        with pytest.raises(Conflict, match=f"{sk}: there is no such record"):
            here.update(sk, {"amount": 1})
    with pytest.raises(InvalidInput, match="amount: is both to be set and to be removed"):
        partition(world).update("line#0001", {"amount": 1}, remove=["amount"])
    assert whole(world) == filled


def test_a_deleted_record_is_gone_and_the_entry_names_it(world: World, filled: Snapshot) -> None:
    with recorded(world) as here:
        done = here.delete("line#0003", "line#0001")
    assert done.records == {}
    after = whole(world)
    assert (list(after.records), after.state.count, after.head.version) == (["line#0002"], 1, 2)
    (deleted,) = [wrote["deleted"] for entry in entries(world) for wrote in written(entry) if "deleted" in wrote]
    assert deleted == sorted(row_hash("records", pk=SCOPE.pk, sk=f"line#000{n}") for n in (1, 3))


def test_a_delete_of_what_is_not_there_deletes_nothing(world: World, filled: Snapshot) -> None:
    with pytest.raises(Conflict, match="line#0009: there is no such record"):
        partition(world).delete("line#0001", "line#0009")
    assert whole(world) == filled


def test_the_last_record_may_be_deleted_and_the_partition_stays(world: World, filled: Snapshot) -> None:
    partition(world).delete("line#0001", "line#0002", "line#0003")
    assert whole(world).records == {}
    partition(world).add(line(1))
    assert list(whole(world).records) == ["line#0001"]


def test_a_deleted_record_that_is_put_back_is_refused(world: World, filled: Snapshot) -> None:
    moments = Moments(world)
    old = item(world, "line#0002")
    partition(world).delete("line#0002")
    moments.put(record("line#0002"), old)
    with pytest.raises(IntegrityError) as caught:
        partition(world.another_environment()).read()
    assert (caught.value.step, caught.value.detail) == (Step.HEAD, "a record was added")
    assert caught.value.where is not None
    assert caught.value.where.sk == "line#0002"


def test_one_write_may_add_put_and_delete(world: World, filled: Snapshot) -> None:
    def plan(look: Look | None) -> Changes:
        assert look is not None
        assert list(look.records) == ["line#0001", "line#0002"]
        return Changes(put=[line(1, amount=9)], add=[line(5)], delete=["line#0002"])

    after = partition(world).write_rows(["line#0001", "line#0002"], plan)
    assert after is not None
    assert list(after.records) == ["line#0001", "line#0005"]
    assert list(whole(world).records) == ["line#0001", "line#0003", "line#0005"]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        pytest.param(Changes(put=[line(2)]), "only records that it asked to see", id="an unseen record put"),
        pytest.param(Changes(delete=["line#0002"]), "only records that it asked to see", id="an unseen record deleted"),
        pytest.param(Changes(add=[line(4)], put=[line(4)]), "hold each record once", id="one record twice"),
        pytest.param(Changes(delete=[HEAD]), "head: every partition has one", id="the head deleted"),
        pytest.param(Changes(add=[Draft(HEAD, HEAD, {})]), "head: every partition", id="the head added"),
        pytest.param(Changes(add=[line(n) for n in range(96)]), "at most 95 records", id="too many"),
    ],
)
def test_changes_that_cannot_be_are_refused_and_nothing_is_stored(
    world: World, filled: Snapshot, changes: Changes, rule: str
) -> None:
    with pytest.raises(InvalidInput, match=rule):
        partition(world).write_rows(["line#0001"], lambda _: changes)
    assert whole(world) == filled


def test_a_write_must_change_something(world: World, filled: Snapshot) -> None:
    for call in (partition(world).put, partition(world).add, partition(world).delete):
        with pytest.raises(InvalidInput, match="must change a record at least"):
            call()


# -- what the caller expects -----------------------------------------------------------------------------------------


def test_what_is_as_expected_is_written(world: World, filled: Snapshot) -> None:
    here = partition(world)
    assert here.put(line(1), expected={"line#0001": 1, "line#0009": ABSENT, HEAD: 1}).version == 2
    assert here.update("line#0001", {"amount": 1}, expected={"line#0001": 2}).version == 3
    assert here.add(line(4), expected={HEAD: 3}).version == 4
    assert here.delete("line#0004", expected={"line#0004": 4}).version == 5


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"line#0001": 7}, "line#0001: is of version 1, not 7"),
        ({"line#0001": ABSENT}, "line#0001: there is such a record already"),
        ({"line#0009": 1}, "line#0009: there is no such record"),
        ({HEAD: 2}, "head: is of version 1, not 2"),
        ({HEAD: ABSENT}, "head: there is such a record already"),
    ],
)
def test_a_difference_is_a_conflict_that_names_the_record(
    world: World, filled: Snapshot, expected: Any, message: str
) -> None:
    calls = {
        "add": lambda: partition(world).add(line(4), expected=expected),
        "put": lambda: partition(world).put(line(2), expected=expected),
        "update": lambda: partition(world).update("line#0002", {"amount": 1}, expected=expected),
        "delete": lambda: partition(world).delete("line#0002", expected=expected),
    }
    for call in calls.values():
        with pytest.raises(Conflict) as caught:
            call()
        assert caught.value.message == message
    assert whole(world) == filled


def test_what_is_expected_is_compared_anew_after_a_lost_race(
    world: World, faulty: World, line: Line, filled: Snapshot
) -> None:
    """The other writer comes between the look and the write."""
    other = iter([lambda: partition(world).put(a_line(1, amount=8))])
    line.before = lambda operation: operation == "ExecuteTransaction" and next(other, lambda: None)()
    with pytest.raises(Conflict, match="line#0001: is of version 2, not 1"):
        partition(faulty).update("line#0001", {"amount": 9}, expected={"line#0001": 1})


# -- reading some ----------------------------------------------------------------------------------------------------


def test_any_number_of_records_is_got_at_once_each_once(world: World) -> None:
    here = partition(world)
    for first in (0, 95, 190):
        here.add(*(line(number) for number in range(first, min(first + 95, 230))))
    sks = [f"line#{number:04d}" for number in range(240)]
    found = here.get_many([*sks, *sks])
    assert list(found) == sks[:230]
    assert found == whole(world).records


def test_pages_hold_every_record_once_and_not_the_head(world: World, filled: Snapshot) -> None:
    here = partition(world)
    here.add(Draft("note", "note#0001", {"text": "x"}))
    found, cursor = [], None
    while True:
        page = here.query(limit=2, cursor=cursor)
        found += page.records
        cursor = page.cursor
        if cursor is None:
            break
    assert found == list(whole(world).records.values())
    assert [one.sk for one in here.query("note#").records] == ["note#0001"]
    assert here.query("none#").records == ()


def test_a_page_of_what_is_not_there_is_empty(world: World) -> None:
    assert partition(world).query().records == ()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"limit": 0}, "limit: must be a whole number from 1 to 1000"),
        ({"limit": 1001}, "limit: must be a whole number from 1 to 1000"),
        ({"limit": 1.5}, "limit: must be a whole number from 1 to 1000"),
        ({"limit": "3"}, "limit: must be a whole number from 1 to 1000"),
        ({"prefix": "line"}, "prefix: must be empty or end in '#'"),
        ({"prefix": "x" * 1024 + "#"}, "prefix: must have 1 to 1024 bytes"),
        ({"prefix": "\ud800#"}, "prefix: holds a lone surrogate, which is not Unicode text"),
        ({"cursor": "AAAA"}, "cursor: was not given out for this listing"),
    ],
)
def test_a_question_that_is_none_is_refused(world: World, filled: Snapshot, asked: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        partition(world).query(**asked)


def test_a_cursor_is_of_use_for_its_own_question_alone(world: World, filled: Snapshot) -> None:
    cursor = partition(world).query("line#", limit=1).cursor
    assert cursor is not None
    with pytest.raises(InvalidInput, match="cursor"):
        partition(world).query(limit=1, cursor=cursor)


@pytest.mark.parametrize("sk", ["", "x" * 1025])
def test_a_sort_key_that_dynamodb_does_not_take_is_named(world: World, filled: Snapshot, sk: str) -> None:
    here = partition(world)
    for call in (lambda: here.get(sk), lambda: here.delete(sk), lambda: here.add(Draft("line", sk, {}))):
        with pytest.raises(InvalidInput, match="sk: must have 1 to 1024 bytes"):
            call()


# -- looks that no single transaction holds --------------------------------------------------------------------------


def test_records_of_over_4_mb_are_looked_at_between_two_heads(world: World) -> None:
    here, big = partition(world), "x" * 380_000
    for number in range(0, 14, 7):
        here.add(*(line(n, memo=big) for n in range(number, number + 7)))
    sks = [f"line#{n:04d}" for n in range(14)]
    done = here.write_rows(sks, lambda look: Changes(delete=sks) if look and len(look.records) == 14 else None)
    assert done is not None
    assert whole(world).records == {}


def test_expectations_of_more_records_than_a_transaction_reads(world: World) -> None:
    here = partition(world)
    expected = {f"line#{n:04d}": ABSENT for n in range(150)}
    assert here.add(line(200), expected=expected).version == 1
    with pytest.raises(Conflict, match="line#0200: there is such"):
        here.add(line(201), expected={**expected, "line#0200": ABSENT})


def test_a_writer_between_the_two_heads_makes_the_look_anew(world: World, faulty: World, line: Line) -> None:
    partition(world).add(a_line(1))
    other = iter([lambda: partition(world).put(a_line(1, amount=8))])
    line.before = lambda operation: operation == "BatchGetItem" and next(other, lambda: None)()
    expected = {f"line#{n:04d}": ABSENT for n in range(2, 150)}
    done = partition(faulty).add(a_line(200), expected={**expected, "line#0001": 2})
    assert done.version == 3


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(Changes(put=[line(2, amount=7)]), id="put"),
        pytest.param(Changes(delete=["line#0002"]), id="delete"),
    ],
)
def test_a_look_that_does_not_show_what_is_to_be_changed_is_no_base(
    world: World, filled: Snapshot, changes: Changes
) -> None:
    here = partition(world)
    look = here.write_rows(["line#0001"], lambda _: Changes(put=[line(1, amount=7)]))
    done = here.write_rows(["line#0002"], lambda _: changes, base=look)
    assert done is not None
    assert done.head.version == 3


def test_the_librarys_own_field_of_a_head_is_nobody_elses(world: World, filled: Snapshot) -> None:
    with pytest.raises(InvalidInput, match=r"^head\.store: is the library's own field") as refused:
        partition(world).update(HEAD, {"store": {}})
    assert refused.value.field == "store"
    assert whole(world) == filled


def test_what_is_to_be_removed_is_a_declared_field(world: World, filled: Snapshot) -> None:
    """Else a name that is mistyped leaves in place what was to go."""
    with pytest.raises(InvalidInput, match=r"^line\.mmo: is not a declared field") as refused:
        partition(world).update("line#0001", {}, remove=["memo", "mmo"])
    assert refused.value.field == "mmo"
    assert whole(world) == filled
