"""Marks on the real engine: the newest one is found, a place is taken once, and what is no mark is refused."""

import hashlib
import time
import uuid
from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.stores import World
from twinvault.dynamodb.marks import Mark, Marks, head_mark_key, mark_statement, register_mark_key
from twinvault.dynamodb.table import Table
from twinvault.dynamodb.transaction import Outcome, Result, Statement, Transactor, insert
from twinvault.errors import Contention, DependencyError, IntegrityError, Place, Step

PK = head_mark_key("tenant#acme#ledger#p1")
EVENT = "01934a5e-0000-7000-8000-000000000000"


def mark(version: int, digest: bytes = bytes(32)) -> Mark:
    return Mark(version, digest, EVENT)


def run(world: World, *statements: Statement) -> Result:
    transactor = Transactor(
        world.client, new_token=lambda: str(uuid.uuid4()), monotonic=time.monotonic, sleep=time.sleep
    )
    return transactor.execute(statements, deadline=time.monotonic() + 5)


def marks(world: World) -> Marks:
    return Marks(Table(world.client, world.tables.marks, sleep=time.sleep))


def plant(world: World, **item: Any) -> None:
    world.client.put_item(TableName=world.tables.marks, Item={"pk": {"S": PK}, **item})


def test_the_key_of_a_partitions_marks_is_a_hash_that_shows_nothing_of_it() -> None:
    message = b"\x00\x00\x00\x07records" + b"\x00\x00\x00\x15tenant#acme#ledger#p1"
    assert f"head#{hashlib.sha256(message).hexdigest()}" == PK
    assert register_mark_key("acme") == "register#acme"


def test_the_newest_mark_is_the_one_of_the_highest_version(world: World) -> None:
    assert marks(world).newest(PK) is None
    for version in (1, 2, 10, 9):
        assert run(world, mark_statement(PK, mark(version), table=world.tables.marks)).outcome is Outcome.COMMITTED
    assert marks(world).newest(PK) == mark(10)
    assert marks(world).newest(register_mark_key("acme")) is None


def test_a_version_is_taken_once_and_nothing_of_the_second_write_happens(world: World) -> None:
    row = {"pk": {"S": "p"}, "sk": {"S": "a"}}
    run(world, mark_statement(PK, mark(1, b"1" * 32), table=world.tables.marks))
    fork = mark_statement(PK, mark(1, b"2" * 32), table=world.tables.marks)
    result = run(world, insert(world.tables.records, row), fork)
    assert result == Result(Outcome.CANCELLED, frozenset({1}))
    assert marks(world).newest(PK) == mark(1, b"1" * 32)
    assert world.items() == []


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"sk": {"S": "zz"}, "digest": {"B": bytes(32)}, "event": {"S": EVENT}}, id="no version"),
        pytest.param({"sk": {"S": "1" * 21}, "digest": {"B": bytes(32)}, "event": {"S": EVENT}}, id="21 digits"),
        pytest.param({"sk": {"S": "9" * 20}, "digest": {"B": bytes(31)}, "event": {"S": EVENT}}, id="a short digest"),
        pytest.param({"sk": {"S": "9" * 20}, "digest": {"S": "0" * 32}, "event": {"S": EVENT}}, id="a digest in text"),
        pytest.param({"sk": {"S": "9" * 20}, "event": {"S": EVENT}}, id="no digest"),
    ],
)
def test_a_planted_row_that_is_no_mark_is_refused(world: World, item: dict[str, Any]) -> None:
    run(world, mark_statement(PK, mark(1), table=world.tables.marks))
    plant(world, **item)
    with pytest.raises(IntegrityError) as refused:
        marks(world).newest(PK)
    assert refused.value.step is Step.MARK
    assert refused.value.where == Place("marks", PK, item["sk"]["S"])


def test_marks_that_cannot_be_read_are_no_absent_marks(faulty: World, line: Line) -> None:
    for fault in (Fault.LOSE_ANSWER, Fault.CUT_ANSWER, Fault.ERROR_BEFORE, Fault.THROTTLE):
        line.next(fault, operation="Query")
        with pytest.raises(DependencyError):
            marks(faulty).newest(PK)


def test_an_isolated_read_finds_what_is_there_and_says_when_it_is_being_changed(faulty: World, line: Line) -> None:
    table = faulty.vault.records
    assert table.get_isolated("p", "a") is None
    run(faulty, insert(faulty.tables.records, {"pk": {"S": "p"}, "sk": {"S": "a"}}))
    assert table.get_isolated("p", "a") == {"pk": {"S": "p"}, "sk": {"S": "a"}}
    line.next(Fault.CONFLICT, operation="TransactGetItems")
    with pytest.raises(Contention):
        table.get_isolated("p", "a")
    for fault in (Fault.LOSE_ANSWER, Fault.CUT_ANSWER, Fault.ERROR_BEFORE):
        line.next(fault, operation="TransactGetItems")
        with pytest.raises(DependencyError):
            table.get_isolated("p", "a")
