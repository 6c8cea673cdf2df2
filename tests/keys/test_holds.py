"""Legal holds: put and lifted once, seen by whoever would erase, and not to be taken away by who writes the table."""

import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.keys.test_changing import Between
from tests.stores import Watched, World, now
from twinvault.audit.elements import mark_hash
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.transaction import Outcome, Result
from twinvault.errors import (
    DependencyError,
    Held,
    IntegrityError,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Step,
    TooLarge,
)
from twinvault.keys.holding import MAX_HOLDS, Hold, HoldList, decode
from twinvault.keys.rows import HOLDS
from twinvault.scope import Scope

ONE, OTHER = Scope("acme", "note", "one"), Scope("acme", "note", "other")
LOCK = "\U0001f512"
"""A character of four bytes."""
SINCE, EVENT = "2026-11-30T09:00:00.000000Z", "0193587d-2a00-7000-8000-000000000001"


def hold(scope: Scope | None = ONE, **more: Any) -> Hold:
    place = {"kind": scope.kind, "partition": scope.partition} if scope else {"kind": None, "partition": None}
    return Hold(**{**place, "since": now(), "principal": "ann", **more})


def wordy() -> HoldList:
    """As many holds with the longest ids as may be."""
    listed = HoldList((), EVENT)
    with contextlib.suppress(TooLarge):
        for n in range(MAX_HOLDS):
            listed = listed.put(hold(Scope("acme", "note", f"p{n}"), since=SINCE, caller_id=LOCK * 256))
    return listed


def put(world: World, scope: Scope | None = ONE, **more: Any) -> tuple[Hold, bool]:
    return world.vault.holds.put("acme", hold(scope, **more), committer=world.commits())


def lift(world: World, scope: Scope | None = ONE) -> Hold:
    kind, partition = (scope.kind, scope.partition) if scope else (None, None)
    return world.vault.holds.lift("acme", kind=kind, partition=partition, committer=world.commits())


def ask(world: World, scope: Scope | None = ONE) -> None:
    world.another_environment().vault.holds.require_none("acme", scope, observer=world.activity())


def standing(world: World) -> tuple[Hold, ...]:
    return world.another_environment().vault.holds.standing("acme", observer=world.activity())


def row(world: World) -> dict[str, Any] | None:
    key = {"pk": {"S": "tenant#acme"}, "sk": {"S": HOLDS}}
    return world.client.get_item(TableName=world.tables.keys, Key=key, ConsistentRead=True).get("Item")


def put_back(world: World, item: dict[str, Any] | None) -> None:
    """What who writes the keys table can do to the row; None: takes it away."""
    if item is not None:
        world.client.put_item(TableName=world.tables.keys, Item=item)
        return
    key = {"pk": {"S": "tenant#acme"}, "sk": {"S": HOLDS}}
    world.client.delete_item(TableName=world.tables.keys, Key=key)


def marks(world: World) -> list[dict[str, Any]]:
    items = [item for item in world.items(world.tables.marks) if item["pk"]["S"] == "hold#acme"]
    return sorted(items, key=lambda item: item["sk"]["S"])


@pytest.fixture
def begun(world: World) -> World:
    """A tenant with keys."""
    world.begin()
    return world


def test_a_hold_forbids_what_it_names_and_nothing_else(begun: World) -> None:
    ask(begun)
    made, is_new = put(begun, reason="case 17", caller_id="The Incident")
    assert is_new
    assert (made.reason, made.caller_id, made.principal) == ("case 17", "The Incident", "ann")
    with pytest.raises(Held, match=f"partition is under legal hold since {made.since}"):
        ask(begun)
    ask(begun, OTHER)
    with pytest.raises(Held, match="a partition of this tenant is under legal hold"):
        ask(begun, None)
    assert standing(begun) == (made,)


def test_a_tenants_hold_counts_for_all_its_partitions(begun: World) -> None:
    made, _ = put(begun, None)
    for scope in (ONE, OTHER, None):
        with pytest.raises(Held, match=f"this tenant is under legal hold since {made.since}"):
            ask(begun, scope)
    begun.begin("bolt")
    begun.vault.holds.require_none("bolt", Scope("bolt", "note", "one"), observer=begun.activity("bolt"))


def test_what_is_lifted_forbids_nothing_any_more_and_another_hold_stands(begun: World) -> None:
    put(begun, None)
    made, _ = put(begun)
    assert lift(begun, None).kind is None
    with pytest.raises(Held):
        ask(begun)
    assert lift(begun) == made
    ask(begun, None)
    with pytest.raises(NotFound, match="not under hold"):
        lift(begun)


def test_a_hold_that_stands_is_left_as_it_is(begun: World) -> None:
    first, _ = put(begun, reason="case 17")
    again, is_new = put(begun, reason="case 18")
    assert (again, is_new) == (first, False)
    assert len(marks(begun)) == 1


def test_who_has_no_keys_holds_nothing(world: World) -> None:
    assert standing(world) == ()
    ask(world, None)
    for act in (put, lift):
        with pytest.raises(NotFound):
            act(world)
    with pytest.raises(NotFound):
        world.vault.holds.guard("acme", ONE, committer=world.commits())


def test_each_change_is_one_transaction_with_its_mark_and_its_entry(begun: World) -> None:
    put(begun)
    lift(begun)
    entries = [json.loads(item["entry"]["S"]) for item in begun.items(begun.tables.audit)]
    for number, mark in enumerate(marks(begun), 1):
        (entry,) = [one for one in entries if one["event"] == mark["event"]["S"]]
        (written,) = [one["wrote"] for one in entry["partitions"] if "wrote" in one]
        assert (int(mark["sk"]["S"]), written["version"], written["digest"]) == (
            number,
            number,
            mark["digest"]["B"].hex(),
        )
    assert len(marks(begun)) == 2


def test_as_many_holds_as_may_be_and_the_tenant_beyond(begun: World) -> None:
    holds = tuple(
        sorted((hold(Scope("acme", "note", f"p{n}"), since=SINCE) for n in range(MAX_HOLDS)), key=lambda one: one.place)
    )
    full = HoldList(holds, EVENT)
    assert decode(full.encode()) == full
    with pytest.raises(TooLarge, match="hold the tenant instead"):
        full.put(hold())
    listed = wordy()
    assert len(listed.holds) > 200
    with pytest.raises(TooLarge, match="bytes"):
        listed.put(hold(caller_id=LOCK * 256))


def test_a_list_that_is_as_large_as_may_be_is_an_item(begun: World) -> None:
    listed = wordy()
    with begun.commits().writing():
        begun.vault.holds._change("acme", lambda _: listed, committer=begun.commits())
    assert len(standing(begun)) == len(listed.holds)


# -- those who write the keys table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attack", "check"),
    [
        pytest.param(lambda _before, _after: None, Step.MARK, id="taken away"),
        pytest.param(lambda before, _after: before, Step.MARK, id="put back to the time before"),
        pytest.param(lambda _b, after: {**after, "version": {"N": "7"}}, Step.MARK, id="renumbered"),
        pytest.param(lambda _b, after: {**after, "updated_at": {"S": SINCE}}, Step.MARK, id="another time"),
        pytest.param(lambda _b, after: {**after, "key_id": {"S": "kek#000001"}}, Step.KEY_ID, id="another key"),
    ],
)
def test_a_row_that_was_tampered_with_lets_nothing_be_erased(
    begun: World, attack: Callable[[Any, Any], Any], check: Step
) -> None:
    put(begun, OTHER)
    before = row(begun)
    put(begun, ONE)
    put_back(begun, attack(before, row(begun)))
    for scope in (ONE, Scope("acme", "note", "third"), None):
        with pytest.raises(IntegrityError) as refused:
            ask(begun, scope)
        assert (refused.value.step, refused.value.where and refused.value.where.sk) == (check, HOLDS)
    with pytest.raises(IntegrityError):
        begun.vault.holds.guard("acme", OTHER, committer=begun.commits())
    for act in (put, lift):
        with pytest.raises(IntegrityError):
            act(begun)


def test_a_row_of_another_tenant_is_no_row_of_this_one(begun: World) -> None:
    begun.begin("bolt")
    begun.vault.holds.put("bolt", hold(), committer=begun.commits("bolt"))
    key = {"pk": {"S": "tenant#bolt"}, "sk": {"S": HOLDS}}
    theirs = begun.client.get_item(TableName=begun.tables.keys, Key=key)["Item"]
    put_back(begun, {**theirs, "pk": {"S": "tenant#acme"}})
    with pytest.raises(IntegrityError):
        ask(begun)


def test_where_the_row_is_lost_the_tenant_is_held_anew_and_the_log_says_what_happened(begun: World) -> None:
    put(begun)
    put_back(begun, None)
    with pytest.raises(IntegrityError):
        put(begun, OTHER)
    made, is_new = put(begun, None, reason="the holds were lost")
    assert (is_new, standing(begun)) == (True, (made,))
    assert [int(mark["sk"]["S"]) for mark in marks(begun)] == [1, 2]
    entries = [json.loads(item["entry"]["S"]) for item in begun.items(begun.tables.audit)]
    assert [one["step"] for one in entries if one["outcome"] == "failure" and "step" in one][-1].startswith("10 mark")
    lift(begun, None)
    ask(begun, None)


def test_a_row_with_a_name_that_no_statement_may_hold_must_go_by_hand_first(begun: World) -> None:
    put(begun)
    found = row(begun)
    assert found is not None
    put_back(begun, {**found, 'x"=? REMOVE "pk': {"S": "x"}})
    with pytest.raises(IntegrityError):
        put(begun, None)
    put_back(begun, None)
    assert put(begun, None)[1]


# -- at the same time -------------------------------------------------------------------------------------------------


def test_a_transaction_with_the_guard_fails_once_a_hold_was_put(begun: World) -> None:
    guard = begun.vault.holds.guard("acme", ONE, committer=begun.commits())
    free = begun.vault.holds.guard("acme", ONE, committer=begun.commits())
    assert len(marks(begun)) == 1
    one = begun.commits()
    assert one.commit([free], event_id=one.event_id(), change=None).outcome is Outcome.COMMITTED
    put(begun, OTHER)
    one = begun.commits()
    assert one.commit([guard], event_id=one.event_id(), change=None).outcome is Outcome.CANCELLED
    put(begun, ONE)
    with pytest.raises(Held):
        begun.vault.holds.guard("acme", ONE, committer=begun.commits())


def test_a_guard_changes_nothing_of_the_row(begun: World) -> None:
    put(begun, OTHER)
    before = row(begun)
    one = begun.commits()
    guard = begun.vault.holds.guard("acme", ONE, committer=one)
    assert one.commit([guard], event_id=one.event_id(), change=None).outcome is Outcome.COMMITTED
    assert row(begun) == before


def test_of_many_at_once_every_hold_stands(begun: World) -> None:
    scopes = [Scope("acme", "note", f"p{n}") for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        worlds = [begun.another_environment() for _ in scopes]
        assert all(made for _, made in pool.map(put, worlds, scopes))
    assert [one.partition for one in standing(begun)] == [scope.partition for scope in scopes]
    assert len(marks(begun)) == 6


def test_of_two_who_put_the_same_hold_one_does(begun: World) -> None:
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(put, [begun.another_environment() for _ in range(2)]))
    assert sorted(made for _, made in done) == [False, True]
    assert done[0][0] == done[1][0]


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.ERROR_AFTER, Fault.LOSE_REQUEST, Fault.CONFLICT])
def test_a_fault_on_the_line_puts_it_all_the_same(begun: World, faulty: World, line: Line, fault: Fault) -> None:
    assert faulty.keys.tenant("acme", observer=faulty.activity()) is not None
    line.next(fault)
    assert put(faulty)[1]
    assert len(standing(begun)) == len(marks(begun)) == 1


@pytest.mark.parametrize("ended", [Outcome.UNKNOWN, Outcome.CANCELLED])
def test_a_hold_whose_answer_was_lost_is_found_and_not_put_again(begun: World, ended: Outcome) -> None:
    made, is_new = begun.vault.holds.put("acme", hold(), committer=Between(begun.commits(), ended=ended))
    assert (is_new, standing(begun)) == (True, (made,))
    lifted = begun.vault.holds.lift(
        "acme", kind="note", partition="one", committer=Between(begun.commits(), ended=ended)
    )
    assert (lifted, standing(begun)) == (made, ())


def test_what_cannot_be_written_is_said(begun: World, faulty: World, line: Line) -> None:
    with pytest.raises(OutcomeUnknown):
        begun.vault.holds.put("acme", hold(), committer=_Unheard(begun.commits()))
    line.always(Fault.UNAVAILABLE)
    with pytest.raises(DependencyError):
        put(faulty)
    assert standing(begun) == ()


class _Unheard(Watched):
    """A committer whose commits never arrive, and nobody says so."""

    def commit(self, *_args: Any, **_kwargs: Any) -> Result:
        return Result(Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        pytest.param({"reason": "x" * 257}, "reason", id="a long reason"),
        pytest.param({"reason": "\ud800"}, "reason", id="half a character"),
        pytest.param({"kind": "note", "partition": "one", "caller_id": "x" * 257}, "id", id="a long id"),
        pytest.param({"kind": "note"}, "partition", id="a kind alone"),
        pytest.param({"partition": "one"}, "partition", id="a partition alone"),
        pytest.param({"kind": "Note", "partition": "one"}, "kind", id="no kind"),
    ],
)
def test_who_holds_nothing_that_can_be_held_is_told_why(begun: World, asked: dict[str, str], field: str) -> None:
    with (
        pytest.raises(InvalidInput) as refused,
        begun.vault.acting(tenant="acme", principal="ann", action="erase.hold") as acting,
    ):
        acting.holds.put(**asked)
    assert refused.value.field == field


def test_the_log_says_what_is_held_and_what_is_lifted(begun: World) -> None:
    for act in ("put", "lift", "standing"):
        with begun.vault.acting(tenant="acme", principal="ann", action=f"erase.{act}") as acting:
            place = {} if act == "standing" else {"kind": "note", "partition": "one"}
            getattr(acting.holds, act)(**place)
    entries = [json.loads(item["entry"]["S"]) for item in begun.items(begun.tables.audit)]
    for act in ("put", "lift"):
        told = [one for one in entries if one["action"] == f"erase.{act}"]
        assert mark_hash(head_mark_key(ONE.pk)) in {one["mark"] for entry in told for one in entry["partitions"]}
