"""Idempotency keys: a request that is made again is answered as it was, and written once."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.records.attacks import Moments, partition
from tests.records.samples import LEDGER, SCOPE, line
from tests.stores import World
from twinvault.errors import Conflict, IntegrityError, InvalidInput, OutcomeUnknown, Place, Step, Unprocessable
from twinvault.records.changes import Changes
from twinvault.records.requests import KEPT_SECONDS, Answered, Idempotency, NewAnswer, requests_key
from twinvault.records.store import PartitionStore
from twinvault.scope import Scope

type Act = Callable[[PartitionStore], Any]
KEY = "7f2c-first"
LATER = "2126-01-01T00:00:00.000000Z"


def rows(world: World) -> list[dict[str, Any]]:
    return [item for item in world.items() if item["pk"]["S"] == requests_key(SCOPE)]


def later(world: World) -> World:
    """The same store in a century."""
    writer = world.vault.writer
    return replace(
        world, vault=replace(world.vault, writer=replace(writer, freezer=replace(writer.freezer, now=lambda: LATER)))
    )


CALLS: dict[str, Act] = {
    "put": lambda here: here.put(line(1, amount=7), idempotency_key=KEY),
    "add": lambda here: here.add(line(4), idempotency_key=KEY),
    "update": lambda here: here.update("line#0001", {"amount": 8}, expected={"line#0001": 1}, idempotency_key=KEY),
    "delete": lambda here: here.delete("line#0002", idempotency_key=KEY),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_repeated_request_is_answered_as_the_first_and_written_once(world: World, name: str) -> None:
    partition(world).put(line(1), line(2))
    first = CALLS[name](partition(world))
    before = world.items()
    again = CALLS[name](partition(world.another_environment()))
    assert (again.version, again.digest, again.repeated) == (first.version, first.digest, True)
    assert not first.repeated
    assert again.records == first.records
    assert world.items() == before


def test_a_repetition_tells_what_stands_now(world: World) -> None:
    first = partition(world).put(line(1, amount=7), idempotency_key=KEY)
    partition(world).put(line(1, amount=9))
    again = partition(world).put(line(1, amount=7), idempotency_key=KEY)
    assert (again.version, again.records["line#0001"].fields["amount"]) == (first.version, 9)
    assert again.records["line#0001"].version == 2


def test_the_first_write_of_a_tenant_may_have_a_key(world: World) -> None:
    assert partition(world).put(line(1), idempotency_key=KEY).version == 1
    assert partition(world).put(line(1), idempotency_key=KEY).repeated


def test_another_request_under_the_same_key_is_refused(world: World) -> None:
    partition(world).put(line(1, amount=7), idempotency_key=KEY)
    others: list[Act] = [
        lambda here: here.put(line(1, amount=8), idempotency_key=KEY),
        lambda here: here.put(line(1, amount=7), expected={"line#0001": 1}, idempotency_key=KEY),
        lambda here: here.add(line(1, amount=7), idempotency_key=KEY),
        lambda here: here.delete("line#0001", idempotency_key=KEY),
    ]
    for other in others:
        with pytest.raises(Unprocessable, match="idempotency_key: was used for another request") as caught:
            other(partition(world))
        assert caught.value.field == "idempotency_key"
    assert partition(world).put(line(1, amount=8), idempotency_key="another").version == 2


def test_a_key_is_its_callers_own(world: World) -> None:
    partition(world).put(line(1, amount=7), idempotency_key=KEY)
    activity = world.activity()
    activity.principal = "subject-2"
    other = world.partition(SCOPE, LEDGER, activity)
    assert not other.put(line(1, amount=8), idempotency_key=KEY).repeated


def test_a_row_shows_neither_key_nor_caller_nor_request(world: World) -> None:
    partition(world).put(line(1, amount=7), idempotency_key=KEY)
    (row,) = rows(world)
    shown = json.dumps(row, default=str)
    assert KEY not in shown
    assert "subject-1" not in shown
    expires = int(row["expires_at"]["N"])
    created = world.client.describe_table(TableName=world.tables.records)["Table"]["CreationDateTime"].timestamp()
    assert created + KEPT_SECONDS - 60 < expires < created + KEPT_SECONDS + 600


def test_an_expired_row_is_ignored_and_replaced(world: World) -> None:
    partition(world).put(line(1, amount=7), idempotency_key=KEY)
    (old,) = rows(world)
    done = partition(later(world)).put(line(1, amount=8), idempotency_key=KEY)
    assert (done.version, done.repeated) == (2, False)
    (row,) = rows(world)
    assert row["key_commitment"] != old["key_commitment"]
    assert partition(world).put(line(1, amount=8), idempotency_key=KEY).repeated


def test_a_repetition_is_answered_under_a_key_that_was_replaced_since(world: World) -> None:
    partition(world).put(line(1, amount=7), idempotency_key=KEY)
    partition(world).new_dek()
    assert partition(world.another_environment()).put(line(1, amount=7), idempotency_key=KEY).repeated


def test_a_refused_request_leaves_no_row(world: World) -> None:
    partition(world).put(line(1))
    with pytest.raises(Conflict):
        partition(world).add(line(1), idempotency_key=KEY)
    assert rows(world) == []


def test_two_that_make_the_same_request_at_once_write_it_once(world: World, faulty: World, line: Line) -> None:
    """The other is done between this one's look and its write."""
    draft = a_line(1, amount=7)
    partition(world).put(a_line(2))
    other = iter([lambda: partition(world).put(draft, idempotency_key=KEY)])
    line.before = lambda operation: operation == "ExecuteTransaction" and next(other, lambda: None)()
    done = partition(faulty).put(draft, idempotency_key=KEY)
    assert (done.version, done.repeated) == (2, True)
    assert partition(world).read().head.version == 2  # type: ignore[union-attr]  # it was written


def test_a_row_planted_where_there_is_no_partition_is_tampering_and_no_conflict(world: World) -> None:
    partition(world).put(line(1), idempotency_key=KEY)
    (row,) = rows(world)
    other = Scope("acme", "ledger", "p2")
    world.client.put_item(TableName=world.tables.records, Item=row | {"pk": {"S": requests_key(other)}})
    with pytest.raises(IntegrityError) as refused:
        partition(world, other).put(line(1), idempotency_key=KEY)
    assert (refused.value.step, refused.value.where) == (Step.MISSING_PARTITION, Place("records", other.pk))


def test_what_a_repetition_was_answered_with_is_no_answer_to_another_request(world: World) -> None:
    partition(world).put(line(1))
    first, second = Idempotency("first", b"1" * 32), Idempotency("second", b"2" * 32)
    for _ in range(2):
        look = partition(world).write_rows(["line#0001"], lambda _: Changes(put=[line(1)]), idempotency=first)
    done = partition(world).write_rows(
        ["line#0001"], lambda _: Changes(put=[line(1, amount=7)]), base=look, idempotency=second
    )
    assert done is not None
    assert done.head.version == 3


def test_what_was_asked_shows_in_no_log_not_even_hashed() -> None:
    """Whoever sees the hash of a short request can try which one it is of."""
    asked = b"\xaa" * 32
    for one in (Idempotency("key", asked), Answered(asked, 1, b"", 0, b""), NewAnswer("request#x", asked)):
        assert "xaa" not in repr(one)


def a_line(number: int, **fields: Any) -> Any:
    return line(number, **fields)


def test_a_request_whose_outcome_was_unknown_is_answered_when_it_is_made_again(
    world: World, faulty: World, line: Line
) -> None:
    partition(world).put(a_line(2))
    line.always(Fault.LOSE_ANSWER)
    line.always(Fault.PASS, "TransactGetItems")
    here = partition(faulty, seconds=1.0)
    try:
        version = here.put(a_line(1), idempotency_key=KEY).version
    except OutcomeUnknown:
        version = 2
    again = partition(world).put(a_line(1), idempotency_key=KEY)
    assert (again.version, again.repeated) == (version, True)


def test_a_planted_or_changed_row_is_refused(world: World) -> None:
    partition(world).put(line(1, amount=7), idempotency_key=KEY)
    partition(world).put(line(1, amount=8), idempotency_key="other")
    one, other = rows(world)
    moments = Moments(world)
    place = ("records", one["pk"]["S"], one["sk"]["S"])
    for planted in (other, {**one, "expires_at": {"N": "9999999999"}}):
        moments.put(place, planted)
        refused = 0
        for amount, key in ((7, KEY), (8, "other")):
            try:
                partition(world).put(line(1, amount=amount), idempotency_key=key)
            except IntegrityError:
                refused += 1
        assert refused == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "zwölf", "a\nb"])
def test_a_key_that_no_header_carries_is_refused(world: World, key: str) -> None:
    with pytest.raises(InvalidInput, match="idempotency_key: must have 1 to 255 visible ASCII characters"):
        partition(world).put(line(1), idempotency_key=key)
