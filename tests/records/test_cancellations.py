"""What a cancelled write means, told by what failed (docs/design.md, "Life of a write"), on the real engine."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.records.attacks import partition
from tests.records.samples import HEAD_FIELDS, LEDGER, SCOPE, puts
from tests.records.samples import line as entry
from tests.records.test_bracket import at, nothing
from tests.stores import BEGINNING, World
from twinvault.audit.elements import Wrote
from twinvault.errors import Conflict, DependencyError, IntegrityError, InvalidInput, Place, Step
from twinvault.records.changes import Changes
from twinvault.records.frozen import Frozen
from twinvault.records.partition import Snapshot

WRITE, HEAD_READ = "ExecuteTransaction", "TransactGetItems"
KEY = {"pk": {"S": SCOPE.pk}, "sk": {"S": "line#0001"}}


@pytest.fixture
def before(world: World) -> Snapshot:
    written = partition(world).write(puts(entry(1, amount=1), entry(2)))
    assert written is not None
    return written


def row(world: World, sk: str) -> dict[str, Any]:
    item: dict[str, Any] = world.client.get_item(TableName=world.tables.records, Key={**KEY, "sk": {"S": sk}})["Item"]
    return item


def putting(world: World, item: dict[str, Any]) -> Callable[[], object]:
    return lambda: world.client.put_item(TableName=world.tables.records, Item=item)


def deleting(world: World, sk: str) -> Callable[[], object]:
    return lambda: world.client.delete_item(TableName=world.tables.records, Key={**KEY, "sk": {"S": sk}})


def meanwhile(line: Line, **acts: Callable[[], object]) -> None:
    """Each act happens once, before the first request of its operation."""
    todo = dict(acts)

    def before(operation: str) -> None:
        todo.pop(operation, nothing)()

    line.before = before


def test_another_writers_head_is_a_lost_race_and_is_planned_anew(
    world: World, faulty: World, line: Line, before: Snapshot
) -> None:
    meanwhile(line, ExecuteTransaction=lambda: partition(world).write(puts(entry(3))))
    written = partition(faulty).write(puts(entry(4)), base=before)
    assert written is not None
    assert list(written.records) == ["line#0001", "line#0002", "line#0003", "line#0004"]
    assert written.head.version == 3
    assert partition(world).read() == written


def test_a_record_changed_behind_the_head_is_tampering(
    world: World, faulty: World, line: Line, before: Snapshot
) -> None:
    old = row(world, "line#0001")
    base = partition(world).write(puts(entry(1, amount=2)))
    meanwhile(line, ExecuteTransaction=putting(world, old))
    with pytest.raises(IntegrityError) as caught:
        partition(faulty).write(puts(entry(1, amount=3)), base=base)
    assert caught.value.check == "9 head: a record was rolled back"


def test_a_record_changed_behind_the_head_and_put_right_before_the_look_is_tampering_too(
    world: World, faulty: World, line: Line, before: Snapshot
) -> None:
    old = row(world, "line#0001")
    base = partition(world).write(puts(entry(1, amount=2)))
    new = row(world, "line#0001")
    meanwhile(line, ExecuteTransaction=putting(world, old), TransactGetItems=putting(world, new))
    with pytest.raises(IntegrityError) as caught:
        partition(faulty).write(puts(entry(1, amount=3)), base=base)
    assert (caught.value.step, caught.value.where) == (Step.PLACE_TAKEN, Place("records", SCOPE.pk))
    assert partition(world).read() == base


def test_a_row_planted_where_a_record_is_to_be_is_tampering(
    world: World, faulty: World, line: Line, before: Snapshot
) -> None:
    planted = row(world, "line#0001") | {"sk": {"S": "line#0005"}}
    meanwhile(line, ExecuteTransaction=putting(world, planted))
    with pytest.raises(IntegrityError) as caught:
        partition(faulty).write(puts(entry(5)), base=before)
    assert (caught.value.step, caught.value.where) == (Step.COMMITMENT, Place("records", SCOPE.pk, "line#0005"))


def test_an_insert_that_finds_nothing_in_its_place_failed_for_its_own_sake(
    world: World, faulty: World, line: Line, before: Snapshot
) -> None:
    """The engine gives one code for a row that exists and one that is too large; only looking tells."""
    planted = row(world, "line#0001") | {"sk": {"S": "line#0005"}}
    meanwhile(line, ExecuteTransaction=putting(world, planted), TransactGetItems=deleting(world, "line#0005"))
    with pytest.raises(InvalidInput, match="line#0005: the store does not take this record"):
        partition(faulty).write(puts(entry(5)), base=before)
    assert partition(world).read() == before


def test_an_insert_of_what_the_head_counts_already_is_a_conflict_that_names_it(world: World, before: Snapshot) -> None:
    """Whoever plans without having seen the record."""
    blind = dataclasses.replace(before, records={})
    with pytest.raises(Conflict, match="line#0002: there is such a record already"):
        partition(world).write(puts(entry(2)), base=blind)
    assert partition(world).read() == before


def test_a_head_that_failed_and_is_what_it_was_failed_for_its_own_sake(
    world: World, faulty: World, line: Line, before: Snapshot
) -> None:
    assert partition(faulty).read() == before, "so that no key has to be looked for later"
    head = row(world, "head")
    meanwhile(line, ExecuteTransaction=deleting(world, "head"), Query=putting(world, head))
    with pytest.raises(InvalidInput, match="head: the store does not take it"):
        partition(faulty).write(puts(entry(5)), base=before)


def test_a_place_in_the_audit_chain_that_is_taken_costs_the_chain_and_not_the_write(
    world: World, before: Snapshot
) -> None:
    (entry_row,) = [item for item in world.items(world.tables.audit) if BEGINNING not in item["entry"]["S"]]
    world.client.put_item(TableName=world.tables.audit, Item=entry_row | {"sk": {"S": f"{2:012d}"}})
    written = partition(world).write(puts(entry(3)), base=before)
    assert written is not None
    assert written.head.version == 2
    chains = {item["pk"]["S"] for item in world.items(world.tables.audit) if BEGINNING not in item["entry"]["S"]}
    assert len(chains) == 2
    assert partition(world.another_environment()).read() == written


def test_load_and_transactions_under_way_are_waited_for_and_are_no_lost_races(
    faulty: World, line: Line, before: Snapshot
) -> None:
    counted: list[str] = []
    activity = faulty.activity(count=lambda name, _value: counted.append(name))
    line.next(*[Fault.CONFLICT] * 3)
    written = faulty.partition(SCOPE, LEDGER, activity).write(puts(entry(3)))
    assert written is not None
    assert "HeadConflict" not in counted


def test_load_that_does_not_end_is_a_503_that_says_when_to_come_again(
    world: World, faulty: World, line: Line, before: Snapshot
) -> None:
    line.always(Fault.CONFLICT)
    with pytest.raises(DependencyError) as caught:
        partition(faulty, seconds=2.0).write(puts(entry(3)))
    assert caught.value.retry_after > 0
    assert partition(world).read() == before


def test_losing_every_race_ends_in_a_conflict(world: World, faulty: World, line: Line, before: Snapshot) -> None:
    other = partition(world)
    at(line, WRITE, lambda: other.write(puts(entry(1))))
    with pytest.raises(Conflict, match="others keep writing"):
        partition(faulty).write(puts(entry(2)))


def test_what_a_caller_holds_is_not_what_a_snapshot_holds(world: World) -> None:
    memo: dict[str, Any] = {"tags": ["a"]}
    head = {**HEAD_FIELDS, "owner": ["Ada"]}
    written = partition(world).write(lambda _before: Changes(head, [entry(1, memo=memo)]))
    assert written is not None
    memo["tags"].append("b")
    head["owner"].append("Bo")  # type: ignore[attr-defined]  # the fields are of any JSON type, and this one is a list
    assert written.records["line#0001"].fields["memo"] == {"tags": ["a"]}
    assert written.head.fields["owner"] == ["Ada"]
    assert partition(world).read() == written


def test_a_record_has_the_version_of_the_head_that_wrote_it(world: World, before: Snapshot) -> None:
    written = partition(world).write(puts(entry(2), entry(3)))
    assert written is not None
    assert {sk: record.version for sk, record in written.records.items()} == {
        "line#0001": 1,
        "line#0002": 2,
        "line#0003": 2,
    }
    assert partition(world.another_environment()).read() == written


def test_a_request_row_that_failed_beside_a_new_record_is_not_what_was_wrong(world: World, before: Snapshot) -> None:
    """It may have been deleted by its time between look and write."""
    after = dataclasses.replace(before, records={})
    wrote = Wrote(2, bytes(32), None, ())
    frozen = Frozen([], {1: "line#0003"}, request=2, after=after, event_id="e", wrote=wrote)
    refusal = frozen.refusal({1, 2}, found=after, pk=SCOPE.pk)
    assert (type(refusal), str(refusal)) == (InvalidInput, "line#0003: the store does not take this record")
    assert isinstance(frozen.refusal({1, 2, 3}, found=after, pk=SCOPE.pk), IntegrityError)
