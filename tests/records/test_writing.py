"""Writes: together or not at all, once, and never in silence."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.records.samples import HEAD_FIELDS, LEDGER, SCOPE, line, puts
from tests.stores import BEGINNING, World
from twinvault.audit.elements import mark_hash
from twinvault.dynamodb.marks import head_mark_key
from twinvault.errors import Conflict, DependencyError, InvalidInput, OutcomeUnknown, TooLarge
from twinvault.records.batches import MAX_DRAFTS
from twinvault.records.changes import Changes
from twinvault.records.partition import Snapshot
from twinvault.records.record import Draft
from twinvault.records.store import PartitionStore
from twinvault.scope import Scope


def partition(world: World, *, seconds: float = 20.0, scope: Scope = SCOPE) -> PartitionStore:
    activity = world.activity(scope.tenant, seconds=seconds)
    return world.partition(scope, LEDGER, activity)


@contextmanager
def recorded(world: World, *, seconds: float = 20.0, scope: Scope = SCOPE) -> Iterator[PartitionStore]:
    mine = partition(world, seconds=seconds, scope=scope)
    with world.audit.recording(mine.activity):
        yield mine


def written(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["wrote"] for one in entry["partitions"] if "wrote" in one]


def seen(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["saw"] for one in entry["partitions"] if one.get("saw")]


def entries(world: World) -> list[dict[str, Any]]:
    import json

    items = sorted(world.items(world.tables.audit), key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
    made = [json.loads(item["entry"]["S"]) for item in items]
    return [entry for entry in made if entry["action"] != BEGINNING]


def test_a_first_write_is_records_head_key_and_entry_together(world: World) -> None:
    written = partition(world).write(puts(line(1), line(2)))
    assert written is not None
    assert [item["sk"]["S"] for item in world.items()] == ["head", "line#0001", "line#0002"]
    assert "dek#ledger#p1#000001" in {item["sk"]["S"] for item in world.items(world.tables.keys)}
    (entry,) = entries(world)
    wrote = {"version": 1, "digest": written.head.digest.hex(), "replaced": None}
    mark = mark_hash(head_mark_key(SCOPE.pk))
    assert entry["partitions"] == [{"mark": mark, "saw": None, "wrote": wrote}]
    assert entry["keys"] == [{"op": "make_dek", "key": "dek#ledger#p1#000001"}]
    assert {"op": "encrypt", "key": "dek#ledger#p1#000001", "outcome": "success", "n": 3} in entry["crypto"]


def test_what_a_write_returns_is_what_a_read_finds(world: World) -> None:
    written = partition(world).write(puts(line(1, amount=1.0, paid=None, memo={"a": [1.5, None]})))
    assert partition(world.another_environment()).read() == written
    changed = partition(world).write(puts(line(1, amount=2, paid=True)))
    assert partition(world.another_environment()).read() == changed
    assert changed is not None
    assert changed.records["line#0001"].version == 2
    assert "memo" not in changed.records["line#0001"].fields


def test_a_clear_field_that_becomes_absent_is_removed(world: World) -> None:
    partition(world).write(puts(line(1, paid=True, currency="EUR")))
    partition(world).write(puts(line(1)))
    item = next(item for item in world.items() if item["sk"]["S"] == "line#0001")
    assert not {"paid", "currency"} & item.keys()
    assert partition(world).read() is not None


def test_a_plan_that_wants_nothing_writes_nothing(world: World) -> None:
    assert partition(world).write(lambda _before: None) is None
    assert world.items() == entries(world) == []


@pytest.mark.parametrize(
    ("drafts", "error"),
    [
        pytest.param([line(n) for n in range(MAX_DRAFTS + 1)], InvalidInput, id="one record too many"),
        pytest.param([line(1), line(1)], InvalidInput, id="one record twice"),
        pytest.param([line(1, memo="x" * 410_000)], TooLarge, id="a record over 400 KiB"),
        pytest.param([line(n, memo="x" * 390_000) for n in range(11)], TooLarge, id="more than a transaction holds"),
        pytest.param([Draft("page", "page#0001", {})], InvalidInput, id="no such entity"),
        pytest.param([Draft("head", "head", HEAD_FIELDS)], InvalidInput, id="a second head"),
        pytest.param([Draft("line", "head", {})], InvalidInput, id="a line at the head's place"),
        pytest.param([line(1, amount="5")], InvalidInput, id="a clear field of another type"),
        pytest.param([line(1, memo=float("nan"))], InvalidInput, id="no JSON"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_nothing_stored(
    world: World, drafts: list[Draft], error: type[Exception]
) -> None:
    with pytest.raises(error):
        partition(world).write(puts(*drafts))
    assert world.items() == entries(world) == []
    assert not [item for item in world.items(world.tables.keys) if item["sk"]["S"].startswith("dek#")]


def test_as_many_records_as_fit_are_written_at_once(world: World) -> None:
    partition(world).write(puts(*(line(n) for n in range(MAX_DRAFTS))))
    assert len(world.items()) == MAX_DRAFTS + 1


def test_a_record_of_another_entity_does_not_take_its_place(world: World) -> None:
    partition(world).write(puts(line(1)))
    with pytest.raises(InvalidInput):
        partition(world).write(puts(Draft("note", "line#0001", {"text": ""})))


def _counted(before: Snapshot | None) -> Changes:
    amount = before.records["line#0001"].fields["amount"] if before else 0
    return Changes(HEAD_FIELDS, [line(1, amount=amount + 1)])


def test_many_writers_lose_no_write(world: World) -> None:
    """Each begins with caches of its own and with no partition, KEK or DEK there."""
    worlds = [world.another_environment() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda here: [partition(here).write(_counted) for _ in range(5)], worlds))
    snapshot = partition(world).read()
    assert snapshot is not None
    assert snapshot.records["line#0001"].fields["amount"] == 20
    assert snapshot.head.version == 20
    written_heads = [wrote for entry in entries(world) for wrote in written(entry)]
    # Each head was written by one entry, which says which one it replaced.
    by_version = {wrote["version"]: wrote for wrote in written_heads}
    assert sorted(wrote["version"] for wrote in written_heads) == list(range(1, 21))
    for version in range(2, 21):
        assert by_version[version]["replaced"] == {"version": version - 1, "digest": by_version[version - 1]["digest"]}
    assert by_version[1]["replaced"] is None


def test_a_stale_base_is_planned_again_on_what_is_there(world: World) -> None:
    base = partition(world).write(_counted)
    partition(world.another_environment()).write(_counted)
    counted: list[str] = []
    activity = world.activity(count=lambda name, _value: counted.append(name))
    written = world.partition(SCOPE, LEDGER, activity).write(_counted, base=base)
    assert written is not None
    assert written.records["line#0001"].fields["amount"] == 3
    assert counted.count("HeadConflict") == 1


def test_a_writer_that_always_loses_gives_up_with_a_conflict(world: World) -> None:
    partition(world).write(_counted)
    other = world.another_environment()

    def plan(before: Snapshot | None) -> Changes:
        partition(other).write(_counted)
        return _counted(before)

    with pytest.raises(Conflict), recorded(world) as losing:
        losing.write(plan)
    versions = {wrote["version"]: wrote["digest"] for entry in entries(world) for wrote in written(entry)}
    failed = next(entry for entry in entries(world) if entry["outcome"] == "failure")
    assert failed["problem"] == "conflict"
    assert seen(failed)
    assert all(versions[saw["version"]] == saw["digest"] for saw in seen(failed))
    assert not written(failed)


def test_an_entry_tells_of_the_attempt_that_counted(world: World) -> None:
    partition(world).write(puts(line(1), line(2), line(3)))
    others = iter(range(2))

    def plan(before: Snapshot | None) -> Changes:
        assert before is not None
        if next(others, None) is not None:
            partition(world.another_environment()).write(puts(line(4)))
        return Changes(HEAD_FIELDS, [line(1)])

    with recorded(world) as late:
        late.write(plan)
    entry = max(entries(world), key=lambda one: one["time"])
    (key,) = {one["key"] for one in entry["crypto"] if one["op"] == "encrypt"}
    # Three attempts were sealed, and three looks were taken: the last of each counts, and all that was seen is there.
    assert entry["attempt"] == 3
    assert {"op": "encrypt", "key": key, "outcome": "success", "n": 2} in entry["crypto"]
    assert {"op": "decrypt", "key": key, "outcome": "success", "n": 5} in entry["crypto"]
    assert [saw["version"] for saw in seen(entry)] == [1, 2, 3]
    assert [wrote["version"] for wrote in written(entry)] == [4]


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.ERROR_AFTER, Fault.LOSE_REQUEST, Fault.CUT_ANSWER])
def test_a_lost_answer_is_pursued_and_the_write_happens_once(
    world: World, faulty: World, line: Line, fault: Fault
) -> None:
    partition(world).write(_counted)
    line.next(fault)
    written = partition(faulty).write(_counted)
    assert written == partition(world).read()
    assert written is not None
    assert written.records["line#0001"].version == 2


def test_a_write_of_unknown_outcome_is_known_by_the_heads_last_event(world: World, faulty: World, line: Line) -> None:
    partition(world).write(_counted)
    line.always(Fault.LOSE_ANSWER)
    written = partition(faulty, seconds=2.0).write(_counted)
    assert written == partition(world).read()


def test_a_write_that_never_arrived_is_unknown_and_says_so(world: World, faulty: World, line: Line) -> None:
    before = partition(world).write(_counted)
    line.always(Fault.LOSE_REQUEST)
    with pytest.raises(OutcomeUnknown):
        partition(faulty, seconds=2.0).write(_counted)
    assert partition(world).read() == before


def test_after_an_unknown_outcome_no_entry_names_a_head_that_never_was(world: World, faulty: World, line: Line) -> None:
    before = partition(world).write(_counted)
    assert before is not None
    line.always(Fault.LOSE_REQUEST)

    def write(here: PartitionStore) -> None:
        try:
            here.write(_counted)
        finally:
            line.clear()  # the entry about the failure arrives

    with pytest.raises(OutcomeUnknown), recorded(faulty, seconds=2.0) as here:
        write(here)
    failed = next(entry for entry in entries(world) if entry["outcome"] == "failure")
    assert not written(failed)
    assert [saw["digest"] for saw in seen(failed)] == [before.head.digest.hex()]
    (closed,) = failed["continues"]
    assert failed["chain"] != closed["chain"]


def test_a_refused_write_leaves_the_chain_whole(world: World, faulty: World, line: Line) -> None:
    with recorded(faulty) as here:
        here.write(_counted)
        line.next(*[Fault.THROTTLE] * 30)
    with pytest.raises(DependencyError), recorded(faulty, seconds=2.0) as here:
        here.write(_counted)
    line.clear()
    with recorded(faulty) as here:
        here.write(_counted)
    one, other = entries(world)
    assert (one["chain"], other["seq"]) == (other["chain"], 2)


def test_threads_of_one_environment_write_chains_of_their_own(world: World) -> None:
    scopes = [Scope("acme", "ledger", f"p{n}") for n in range(6)]
    barrier = threading.Barrier(6)

    def write(scope: Scope) -> None:
        with recorded(world, scope=scope) as here:
            barrier.wait(20)
            here.write(_counted)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, scopes))
    assert [entry["seq"] for entry in entries(world)] == [1] * 6
    assert len({entry["chain"] for entry in entries(world)}) == 6


def test_a_write_begins_no_try_after_its_deadline(world: World) -> None:
    partition(world).write(_counted)
    with pytest.raises(DependencyError, match="no time left"):
        partition(world, seconds=0.0).write(_counted)
    snapshot = partition(world).read()
    assert snapshot is not None
    assert snapshot.head.version == 1
