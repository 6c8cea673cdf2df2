"""The second look at what does not fit: between two heads it tells a writer at work from tampering."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.records.samples import LEDGER, SCOPE, puts
from tests.records.samples import line as entry
from tests.stores import World
from twinvault.errors import DependencyError, IntegrityError, Step
from twinvault.records.partition import Snapshot
from twinvault.records.store import PartitionStore

HEAD_READ = "TransactGetItems"
"""One before the second look, one after it, and so on."""


class Rows:
    """The partition's rows, set aside and put back as a test wants it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.all = {item["sk"]["S"]: item for item in world.items()}

    def away(self, *sks: str) -> None:
        for sk in sks or tuple(self.all):
            key = {"pk": {"S": SCOPE.pk}, "sk": {"S": sk}}
            self.world.client.delete_item(TableName=self.world.tables.records, Key=key)

    def back(self, *sks: str) -> None:
        for sk in sks or tuple(self.all):
            self.world.client.put_item(TableName=self.world.tables.records, Item=self.all[sk])


def partition(world: World, *, seconds: float = 20.0) -> PartitionStore:
    return world.partition(SCOPE, LEDGER, world.activity(seconds=seconds))


@pytest.fixture
def filled(world: World) -> Snapshot:
    written = partition(world).write(puts(entry(1, amount=1), entry(2), entry(3)))
    assert written is not None
    return written


@pytest.fixture
def rows(world: World, filled: Snapshot) -> Rows:
    return Rows(world)


def at(line: Line, operation: str, *acts: Callable[[], object]) -> None:
    """Before the n-th request of this operation the n-th act happens; the last one before all that follow, too."""
    todo: Iterator[Callable[[], object]] = itertools.chain(acts[:-1], itertools.repeat(acts[-1]))

    def before(asked: str) -> None:
        if asked == operation:
            next(todo)()

    line.before = before


def nothing() -> None:
    pass


def looks(line: Line, world: World) -> list[str]:
    """What was asked of the records table, in order."""
    return [
        operation
        for operation, body in line.requests
        if operation == HEAD_READ or body.get("TableName") == world.tables.records
    ]


def test_a_partition_that_fits_is_looked_at_once(faulty: World, line: Line, filled: Snapshot) -> None:
    assert partition(faulty).read() == filled
    assert looks(line, faulty) == ["Query"]


def test_what_does_not_fit_between_two_equal_heads_is_tampering_at_once(faulty: World, line: Line, rows: Rows) -> None:
    rows.away("line#0002")
    with pytest.raises(IntegrityError) as refused:
        partition(faulty).read()
    assert refused.value.check == "9 head: a record was deleted"
    assert looks(line, faulty) == ["Query", HEAD_READ, "Query", HEAD_READ]


@pytest.mark.parametrize(
    ("gone", "step"),
    [
        pytest.param([], Step.MISSING_PARTITION, id="nothing there but the mark"),
        pytest.param(["head"], Step.HEAD, id="no head"),
    ],
)
def test_two_heads_that_are_not_there_are_equal(
    faulty: World, line: Line, rows: Rows, gone: list[str], step: Step
) -> None:
    rows.away(*gone)
    with pytest.raises(IntegrityError) as refused:
        partition(faulty).read()
    assert refused.value.step is step
    assert len(looks(line, faulty)) == 4


def test_a_row_that_does_not_open_is_not_looked_at_again(faulty: World, line: Line, rows: Rows) -> None:
    """No transaction is half an attribute."""
    rows.world.client.put_item(TableName=rows.world.tables.records, Item=rows.all["line#0001"] | {"amount": {"N": "9"}})
    with pytest.raises(IntegrityError) as refused:
        partition(faulty).read()
    assert refused.value.step is Step.COMMITMENT
    assert looks(line, faulty) == ["Query"]


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(["line#0002"], id="a record not there yet"),
        pytest.param(["head"], id="the head not there yet"),
        pytest.param(["head", "line#0001", "line#0002", "line#0003"], id="only the mark there"),
    ],
)
def test_a_half_seen_transaction_is_read_again(
    faulty: World, line: Line, rows: Rows, filled: Snapshot, seen: list[str]
) -> None:
    rows.away(*seen)
    at(line, HEAD_READ, rows.back, nothing)
    assert partition(faulty).read() == filled


def test_a_key_row_seen_after_its_head_is_waited_for(faulty: World, line: Line, filled: Snapshot) -> None:
    key = {"pk": {"S": "tenant#acme"}, "sk": {"S": "dek#ledger#p1#000001"}}
    taken: Any = faulty.client.delete_item(TableName=faulty.tables.keys, Key=key, ReturnValues="ALL_OLD")["Attributes"]
    at(line, HEAD_READ, lambda: faulty.client.put_item(TableName=faulty.tables.keys, Item=taken), nothing)
    assert partition(faulty).read() == filled


def test_a_head_that_changed_meanwhile_is_a_writer_at_work(world: World, faulty: World, line: Line, rows: Rows) -> None:
    """Two looks see half of something, and a write comes between; after it all is as it should be."""
    rows.away("line#0002")

    def written() -> None:
        rows.back("line#0002")
        partition(world).write(puts(entry(7)))

    at(line, HEAD_READ, nothing, written, nothing)
    snapshot = partition(faulty).read()
    assert snapshot is not None
    assert "line#0007" in snapshot.records
    assert looks(line, faulty) == ["Query", HEAD_READ, "Query", HEAD_READ, HEAD_READ, "Query"]


def test_writers_that_never_stop_are_contention_when_the_time_is_up(
    world: World, faulty: World, line: Line, rows: Rows
) -> None:
    writer = partition(world)

    def busy() -> None:
        rows.back("line#0002")
        writer.write(puts(entry(1)))
        rows.away("line#0002")

    rows.away("line#0002")
    at(line, HEAD_READ, busy)
    # On a busy machine the time may be up within a call, and not between two looks.
    with pytest.raises(DependencyError) as refused:
        partition(faulty, seconds=3.0).read()
    problem, retry_after = refused.value.problem, refused.value.retry_after
    assert (problem, retry_after) == ("contention", 1) or problem == "unavailable"


def test_a_transaction_under_way_is_waited_for(faulty: World, line: Line, rows: Rows) -> None:
    rows.away("line#0002")
    line.next(Fault.CONFLICT, Fault.CONFLICT, operation=HEAD_READ)
    with pytest.raises(IntegrityError):
        partition(faulty).read()
    assert looks(line, faulty) == ["Query", *[HEAD_READ] * 3, "Query", HEAD_READ]


def test_who_changes_another_row_at_each_look_is_found_out_all_the_same(faulty: World, line: Line, rows: Rows) -> None:
    """It used to be 503 for ever: no three looks in a row saw the same amiss."""
    missing = itertools.cycle(["line#0002", "line#0003", "line#0001"])

    def another() -> None:
        rows.back()
        rows.away(next(missing))

    rows.away("line#0001")
    at(line, HEAD_READ, another)
    with pytest.raises(IntegrityError) as refused:
        partition(faulty).read()
    assert refused.value.step is Step.HEAD
    assert len(looks(line, faulty)) == 4
