"""Transactions against the real engine, through the gate, which is told to lose requests and answers."""

import time
import uuid
from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.stores import World
from twinvault.dynamodb.transaction import Outcome, Result, Transactor, insert, replace


def deadline(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def item(sk: str = "a", **more: Any) -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}, "key_commitment": {"B": b"1"}, **more}


@pytest.fixture
def table(world: World) -> str:
    return world.tables.records


@pytest.fixture
def transactor(faulty: World) -> Transactor:
    return faulty.transactor


@pytest.mark.parametrize(
    "fault", [Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.CUT_ANSWER, Fault.ERROR_BEFORE, Fault.ERROR_AFTER]
)
def test_after_a_loss_the_same_bytes_and_token_are_sent_again(
    world: World, transactor: Transactor, line: Line, table: str, fault: Fault
) -> None:
    line.next(fault, fault)
    assert transactor.execute([insert(table, item())], deadline=deadline()).outcome is Outcome.COMMITTED
    first, *again = line.sent()
    # The SDK takes a cut answer for a whole one; rightly here, for 200 says that the transaction is committed.
    assert len(again) == (0 if fault is Fault.CUT_ANSWER else 2)
    assert all(one == first for one in again)
    assert len(world.items()) == 1


def test_two_transactions_never_share_a_token(transactor: Transactor, line: Line, table: str) -> None:
    for sk in ("a", "b"):
        transactor.execute([insert(table, item(sk))], deadline=deadline())
    one, other = (request["ClientRequestToken"] for request in line.sent())
    assert one != other
    assert uuid.UUID(one).version == 4


def test_an_answer_that_never_comes_is_unknown_at_the_deadline(
    world: World, transactor: Transactor, line: Line, table: str
) -> None:
    line.always(Fault.LOSE_ANSWER)
    assert transactor.execute([insert(table, item())], deadline=deadline(0.5)).outcome is Outcome.UNKNOWN
    assert len(world.items()) == 1


def test_a_request_that_never_arrives_is_unknown_too(
    world: World, transactor: Transactor, line: Line, table: str
) -> None:
    line.always(Fault.LOSE_REQUEST)
    assert transactor.execute([insert(table, item())], deadline=deadline(0.5)).outcome is Outcome.UNKNOWN
    assert world.items() == []


def test_even_past_its_deadline_a_transaction_is_tried_once(world: World, transactor: Transactor, table: str) -> None:
    """The entry that says how a request ended is written when its time is up."""
    assert transactor.execute([insert(table, item())], deadline=deadline(-1)).outcome is Outcome.COMMITTED
    assert len(world.items()) == 1


def test_nobody_listening_is_unknown_never_committed(world: World, table: str, aws: dict[str, Any]) -> None:
    from tests.stores import make_client
    from twinvault_local.machine.ports import free_port

    nowhere = make_client(f"http://127.0.0.1:{free_port()}", aws)
    there = Transactor(nowhere, new_token=lambda: "t" * 36, monotonic=time.monotonic, sleep=time.sleep)
    assert there.execute([insert(table, item())], deadline=deadline(0.3)).outcome is Outcome.UNKNOWN


def test_a_throttled_transaction_waits(world: World, transactor: Transactor, line: Line, table: str) -> None:
    line.next(Fault.THROTTLE, Fault.IN_PROGRESS, Fault.THROTTLE)
    assert transactor.execute([insert(table, item())], deadline=deadline()).outcome is Outcome.COMMITTED
    assert len(world.items()) == 1


def test_one_that_stays_throttled_was_certainly_not_stored(
    world: World, transactor: Transactor, line: Line, table: str
) -> None:
    line.always(Fault.THROTTLE)
    assert transactor.execute([insert(table, item())], deadline=deadline(0.4)) == Result(Outcome.REFUSED)
    assert world.items() == []


def test_a_throttled_repetition_does_not_make_an_unknown_outcome_known(
    transactor: Transactor, line: Line, table: str
) -> None:
    """The lost one may have been applied: to say `not stored` now would be a lie."""
    line.next(Fault.LOSE_ANSWER)
    line.always(Fault.THROTTLE)
    assert transactor.execute([insert(table, item())], deadline=deadline(0.5)).outcome is Outcome.UNKNOWN


def test_what_the_engine_refuses_is_refused_at_once(transactor: Transactor, line: Line) -> None:
    assert transactor.execute([insert("no-such-table", item())], deadline=deadline()).outcome is Outcome.REFUSED
    assert len(line.sent()) == 1


def test_where_no_statement_is_named_all_of_them_failed(transactor: Transactor, line: Line, table: str) -> None:
    line.next(Fault.CANCELLED_FOR_NO_REASON)
    result = transactor.execute([insert(table, item(sk)) for sk in ("a", "b")], deadline=deadline())
    assert result == Result(Outcome.CANCELLED, frozenset({0, 1}))


def test_all_statements_or_none(world: World, transactor: Transactor, table: str) -> None:
    transactor.execute([insert(table, item("b"))], deadline=deadline())
    result = transactor.execute([insert(table, item(sk)) for sk in ("a", "b", "c")], deadline=deadline())
    assert (result.outcome, result.failed) == (Outcome.CANCELLED, frozenset({1}))
    assert len(world.items()) == 1


def test_an_insert_never_overwrites(world: World, transactor: Transactor, table: str) -> None:
    transactor.execute([insert(table, item(value={"S": "first"}))], deadline=deadline())
    transactor.execute([insert(table, item(value={"S": "second"}))], deadline=deadline())
    assert world.items()[0]["value"] == {"S": "first"}


def test_a_replacement_needs_the_commitment_that_it_saw(world: World, transactor: Transactor, table: str) -> None:
    transactor.execute([insert(table, item(old={"N": "1"}, kept={"S": "x"}))], deadline=deadline())
    new = item(kept={"S": "y"}) | {"key_commitment": {"B": b"2"}}
    stale = transactor.execute([replace(table, new, remove=["old"], commitment=b"0")], deadline=deadline())
    assert stale.outcome is Outcome.CANCELLED
    fresh = transactor.execute([replace(table, new, remove=["old"], commitment=b"1")], deadline=deadline())
    assert fresh.outcome is Outcome.COMMITTED
    assert world.items() == [new]


def test_a_replacement_of_nothing_makes_nothing(world: World, transactor: Transactor, table: str) -> None:
    assert (
        transactor.execute([replace(table, item(), remove=[], commitment=b"1")], deadline=deadline()).outcome
        is Outcome.CANCELLED
    )
    assert world.items() == []


@pytest.mark.parametrize("text", ["'", '"', "?", "'}; DELETE FROM x", "\x00", "\u2028", "<<1>>", "-- "])
def test_values_are_bound_never_written_into_a_statement(
    world: World, transactor: Transactor, line: Line, table: str, text: str
) -> None:
    hostile = item(text, value={"S": text}, list={"L": [{"S": text}]}, flag={"BOOL": True}, none={"NULL": True})
    assert transactor.execute([insert(table, hostile)], deadline=deadline()).outcome is Outcome.COMMITTED
    assert world.items() == [hostile]
    assert line.sent()[0]["TransactStatements"][0]["Statement"].count("?") == len(hostile)


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        pytest.param([], Outcome.COMMITTED, id="an answer"),
        pytest.param([Fault.LOSE_ANSWER], Outcome.COMMITTED, id="a lost answer"),
        pytest.param([Fault.LOSE_ANSWER] * 50, Outcome.UNKNOWN, id="no answer ever"),
        pytest.param([Fault.THROTTLE] * 50, Outcome.REFUSED, id="throttled"),
        pytest.param([Fault.TOO_MUCH], Outcome.COMMITTED, id="too much for the table once"),
        pytest.param([Fault.OVER_THE_ACCOUNTS_LIMIT], Outcome.COMMITTED, id="over the account's limit once"),
        pytest.param([Fault.IN_PROGRESS], Outcome.COMMITTED, id="in progress once"),
        pytest.param([Fault.IN_PROGRESS] * 50, Outcome.UNKNOWN, id="in progress throughout"),
        pytest.param([Fault.UNAVAILABLE], Outcome.COMMITTED, id="unavailable once"),
        pytest.param([Fault.UNAVAILABLE] * 50, Outcome.UNKNOWN, id="unavailable throughout"),
        pytest.param([Fault.ERROR_AFTER] * 50, Outcome.UNKNOWN, id="an internal error, and done"),
        pytest.param([Fault.CONFLICT], Outcome.COMMITTED, id="in conflict once"),
        pytest.param([Fault.THROTTLED_WITHIN], Outcome.COMMITTED, id="throttled within, once"),
        pytest.param([Fault.TOO_MUCH_WITHIN] * 50, Outcome.REFUSED, id="too much for a partition throughout"),
        pytest.param([Fault.CANCELLED_FOR_NO_REASON], Outcome.CANCELLED, id="cancelled, no statement named"),
        pytest.param([Fault.CONFLICT] * 50, Outcome.REFUSED, id="in conflict throughout"),
    ],
)
def test_a_transaction_of_one_insert_says_how_it_ended(
    transactor: Transactor, line: Line, world: World, faults: list[Fault], outcome: Outcome
) -> None:
    line.next(*faults)
    statements = [insert(world.tables.audit, item())]
    assert transactor.execute(statements, deadline=deadline(0.6)).outcome is outcome


def test_an_insert_whose_place_is_taken_says_so_and_overwrites_nothing(transactor: Transactor, world: World) -> None:
    one, two = (insert(world.tables.audit, item(entry={"S": text})) for text in ("one", "two"))
    transactor.execute([one], deadline=deadline())
    assert transactor.execute([two], deadline=deadline()) == Result(Outcome.CANCELLED, frozenset({0}))
    assert world.items(world.tables.audit)[0]["entry"] == {"S": "one"}
