"""Erasures asked for, called off and made final: in which order, by whom, and whatever somebody does to their rows."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.erasure.test_inspected import unanswered
from tests.faults import Fault, Line
from tests.keys.test_changing import NOTE, note, put
from tests.stores import World, now
from twinvault.erasure.act import Eraser
from twinvault.erasure.facts import Erased
from twinvault.erasure.procedure import ErasureProcedure, ErasureRules
from twinvault.erasure.request import ErasureRequest, ErasureState, decode
from twinvault.erasure.sweeping import Sweeping
from twinvault.errors import Conflict, Forbidden, Gone, Held, IntegrityError, InvalidInput, NotFound, TwinvaultError
from twinvault.records.record import Draft
from twinvault.scope import Scope

REQUESTED, CANCELLED, FINAL = ErasureState.REQUESTED, ErasureState.CANCELLED, ErasureState.FINAL
EVENT = "0193587d-2a00-7000-8000-000000000001"
ERASED = Erased(
    kind="note",
    partition="one",
    erased_at="2026-11-30T09:00:00.000000Z",
    event_id=EVENT,
    head_version=3,
    tombstone_digest="ab" * 32,
    keys=(),
    newest_epoch=1,
    records={"line": 2},
    dynamodb_request_ids=("A",),
    kms_request_ids=(),
    refused_by="erased",
)


def do[T](
    world: World,
    what: Callable[[ErasureProcedure], T],
    *,
    who: str = "ann",
    hours: int = 0,
    four_eyes: bool = False,
    at: Callable[[], str] = now,
) -> T:
    """Something done in an activity of its own."""
    with world.vault.acting(tenant="acme", principal=who, action="erase.test") as acting:
        return what(ErasureProcedure(acting, ErasureRules(hold_hours=hours, four_eyes=four_eyes), at))


def request(world: World, partition: str = "one", **more: Any) -> ErasureRequest:
    return do(world, lambda one: one.request(kind="note", partition=partition, caller_id="The Incident"), **more)[0]


def make_final(world: World, one: ErasureRequest, **more: Any) -> ErasureRequest:
    """The decision alone: what it decides is `erasure.act`'s."""
    four_eyes = more.pop("four_eyes", False)
    return do(world, lambda all_of: all_of._requests.make_final(one.id, four_eyes=four_eyes), **more)


def cancel(world: World, one: ErasureRequest, **more: Any) -> ErasureRequest:
    return do(world, lambda all_of: all_of.cancel(one.id), **more)


def get(world: World, one: ErasureRequest) -> ErasureRequest:
    return do(world.another_environment(), lambda all_of: all_of.get(one.id))


def hours_on(hours: float) -> Callable[[], str]:
    at = datetime.now(UTC) + timedelta(hours=hours)
    return lambda: at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.fixture
def begun(world: World) -> World:
    """A tenant with three partitions."""
    for name in ("one", "two", "other"):
        put(note(world, name), 1)
    return world


def test_what_was_asked_for_is_there_for_who_asks_by_its_id_or_for_all(begun: World) -> None:
    first, second = request(begun, hours=72), request(begun, "two")
    found = get(begun, first)
    assert found == first
    assert (found.state, found.kind, found.partition, found.caller_id) == (REQUESTED, "note", "one", "The Incident")
    assert found.requested.principal == "ann"
    until = datetime.fromisoformat(found.requested.at) + timedelta(hours=72)
    assert datetime.fromisoformat(found.not_before) == until
    assert do(begun, lambda one: one.newest()) == ([second, first], [])


def test_the_same_asked_for_again_is_the_same_until_it_is_done(begun: World) -> None:
    first = request(begun, hours=72)
    assert do(begun, lambda one: one.request(kind="note", partition="one")) == (first, False)
    assert request(begun, "two").id != first.id
    cancel(begun, first)
    assert request(begun).id != first.id


def test_before_its_time_it_is_not_final_and_the_refusal_says_when(begun: World) -> None:
    one = request(begun, hours=2)
    with pytest.raises(Conflict, match=f"until {one.not_before}"):
        make_final(begun, one)
    with pytest.raises(Conflict):
        make_final(begun, one, at=hours_on(1.99))
    assert make_final(begun, one, at=hours_on(2.01)).state is FINAL


def test_with_no_hours_it_is_final_at_once(begun: World) -> None:
    made = make_final(begun, request(begun), who="bob")
    assert (made.state, made.final and made.final.principal, made.erased) == (FINAL, "bob", None)


def test_what_was_called_off_is_never_final_and_what_is_final_is_never_called_off(begun: World) -> None:
    one, other = request(begun, "one"), request(begun, "other")
    assert cancel(begun, one, who="bob").cancelled == replace(cancel(begun, one).cancelled, principal="bob")
    with pytest.raises(Conflict, match="was cancelled"):
        make_final(begun, one)
    first = make_final(begun, other)
    with pytest.raises(Conflict, match="is final"):
        cancel(begun, other)
    assert make_final(begun, other, who="bob") == first


def test_with_four_eyes_another_makes_it_final_whoever_said_so_before(begun: World) -> None:
    one = request(begun, who="ann")
    with pytest.raises(Forbidden, match="another principal"):
        make_final(begun, one, who="ann", four_eyes=True)
    assert get(begun, one).state is REQUESTED
    assert make_final(begun, one, who="bob", four_eyes=True).state is FINAL
    with pytest.raises(Forbidden):
        make_final(begun, one, who="ann", four_eyes=True)


def test_what_was_erased_is_said_once_and_the_callers_own_id_is_forgotten(begun: World) -> None:
    one = make_final(begun, request(begun))
    done = do(begun, lambda all_of: all_of._requests.done(one.id, ERASED))
    assert (done.erased, done.caller_id, done.is_open) == (ERASED, None, False)
    again = replace(ERASED, refused_by="another")
    assert do(begun, lambda all_of: all_of._requests.done(one.id, again)) == done == get(begun, one)


def test_what_is_under_hold_is_not_even_asked_for(begun: World) -> None:
    with begun.vault.acting(tenant="acme", principal="ann", action="erase.hold") as acting:
        acting.holds.put(kind="note", partition="one")
    with pytest.raises(Held):
        request(begun)
    request(begun, "two")


def test_nonsense_is_refused(begun: World) -> None:
    with pytest.raises(NotFound, match="no such partition"):
        request(begun, "never-was")
    with pytest.raises(InvalidInput):
        do(begun, lambda one: one.request(kind="note", partition="Not An Id"))
    for act in (get, cancel):
        with pytest.raises(NotFound):
            act(begun, replace(request(begun), id=EVENT))


def test_of_a_tenant_without_keys_nothing_is_erased(world: World) -> None:
    with pytest.raises(NotFound):
        request(world)


def test_of_cancel_and_final_at_once_one_wins(begun: World) -> None:
    for number in range(4):
        put(note(begun, f"p{number}"), 1)
        one = request(begun, f"p{number}")
        worlds = [begun.another_environment(), begun.another_environment()]

        def attempt(act: Callable[..., Any], world: World, one: ErasureRequest = one) -> Any:
            try:
                return act(world, one).state
            except TwinvaultError as error:
                return type(error)

        with ThreadPoolExecutor(2) as pool:
            ends = list(pool.map(attempt, (cancel, make_final), worlds))
        state = get(begun, one).state
        assert ends == ([CANCELLED, Conflict] if state is CANCELLED else [Conflict, FINAL])


def test_every_step_is_in_the_audit_log_with_its_mark(begun: World) -> None:
    one = request(begun)
    make_final(begun, one, who="bob")
    entries = [json.loads(item["entry"]["S"]) for item in begun.items(begun.tables.audit)]
    marks = [item for item in begun.items(begun.tables.marks) if item["pk"]["S"] == f"erasure#acme#{one.id}"]
    told = {entry["event"]: entry for entry in entries}
    assert len(marks) == 2
    assert {told[mark["event"]["S"]]["principal"] for mark in marks} == {"ann", "bob"}


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.ERROR_AFTER, Fault.LOSE_REQUEST])
def test_a_fault_on_the_line_decides_nothing_twice(begun: World, faulty: World, line: Line, fault: Fault) -> None:
    assert faulty.keys.tenant("acme", observer=faulty.activity()) is not None
    line.next(fault)
    one = request(faulty)
    line.next(fault)
    assert make_final(faulty, one).state is FINAL
    assert [found.state for found in do(begun, lambda all_of: all_of.newest())[0]] == [FINAL]


def final(world: World, one: ErasureRequest, **more: Any) -> ErasureRequest:
    """The whole of it: decided, erased, and a sweep begun."""
    return do(world, lambda all_of: all_of.make_final(one.id, [NOTE])[0], **more)


def test_what_is_final_is_erased_and_said_and_swept(begun: World) -> None:
    one = request(begun)
    done = final(begun, one, who="bob")
    assert (done.erased and done.erased.partition, done.caller_id, done.state) == ("one", None, FINAL)
    with pytest.raises(Gone):
        note(begun, "one").read()
    assert do(begun, lambda all_of: all_of.drive(one.id, [NOTE])[1].state) == "done"
    assert final(begun, one) == done == get(begun, one)
    assert note(begun, "two").read() is not None


def test_who_is_killed_after_the_decision_or_after_the_erasure_goes_on_where_that_was(begun: World) -> None:
    decided = make_final(begun, request(begun))
    assert note(begun, "one").read() is not None
    done = final(begun, decided)
    other = request(begun, "other")
    make_final(begun, other)
    with begun.vault.acting(tenant="acme", principal="ann", action="erase.test") as acting:
        erased = Eraser(acting.vault).erase_partition(Scope("acme", "note", "other"), NOTE, activity=acting.activity)
    told = final(begun, other).erased
    assert told is not None
    assert (told.event_id, told.erased_at, told.tombstone_digest) == (
        erased.event_id,
        erased.erased_at,
        erased.tombstone_digest,
    )
    assert done.erased is not None


def test_a_hold_that_is_put_once_it_is_decided_stops_the_erasure_until_it_is_lifted(begun: World) -> None:
    decided = make_final(begun, request(begun))
    with begun.vault.acting(tenant="acme", principal="cho", action="erase.hold") as acting:
        acting.holds.put(kind="note", partition="one")
    with pytest.raises(Held):
        final(begun, decided)
    assert note(begun, "one").read() is not None
    with begun.vault.acting(tenant="acme", principal="cho", action="erase.lift") as acting:
        acting.holds.lift(kind="note", partition="one")
    assert final(begun, decided).erased is not None


def test_of_two_who_make_it_final_at_once_both_are_told_the_same(begun: World) -> None:
    one = request(begun)
    with ThreadPoolExecutor(2) as pool:
        worlds = [begun.another_environment() for _ in range(2)]
        done = list(pool.map(lambda world: final(world, one), worlds))
    assert done[0].erased == done[1].erased
    assert done[0].erased is not None


# -- those who write the keys table -----------------------------------------------------------------------------------


def row(world: World, one: ErasureRequest) -> dict[str, Any]:
    (found,) = [item for item in world.items(world.tables.keys) if item["sk"]["S"] == f"erasure#{one.id}"]
    return found


def put_back(world: World, item: dict[str, Any]) -> None:
    world.client.put_item(TableName=world.tables.keys, Item=item)


def test_who_calls_it_off_is_not_undone_by_an_older_row(begun: World) -> None:
    one = request(begun)
    before = row(begun, one)
    cancel(begun, one)
    put_back(begun, before)
    for act in (get, make_final, cancel):
        with pytest.raises(IntegrityError):
            act(begun, one)
    assert do(begun, lambda all_of: all_of.newest()) == ([], [f"erasure#{one.id}"])


def test_a_time_that_was_edited_is_refused(begun: World) -> None:
    one = request(begun, hours=72)
    for edit in ({"created_at": {"S": "2020-01-01T00:00:00.000000Z"}}, {"not_before": {"S": "2020-01-01T00:00:00Z"}}):
        put_back(begun, {**row(begun, one), **edit})
        with pytest.raises(IntegrityError):
            make_final(begun, one)


def test_a_row_that_was_taken_away_or_moved_is_refused_and_hides_no_other(begun: World) -> None:
    one, other = request(begun, "one"), request(begun, "other")
    moved = {**row(begun, one), "sk": {"S": f"erasure#{EVENT}"}}
    key = {"pk": {"S": "tenant#acme"}, "sk": {"S": f"erasure#{one.id}"}}
    begun.client.delete_item(TableName=begun.tables.keys, Key=key)
    with pytest.raises(IntegrityError):
        get(begun, one)
    put_back(begun, moved)
    put_back(begun, {**moved, "sk": {"S": "erasure#No Id"}})
    found, refused = do(begun, lambda all_of: all_of.newest())
    assert (found, sorted(refused)) == ([other], [f"erasure#{EVENT}", "erasure#No Id"])
    assert request(begun, "other").id == other.id


def test_one_erasure_has_one_text(begun: World) -> None:
    one = do(begun, lambda all_of: all_of._requests.done(make_final(begun, request(begun)).id, ERASED))
    text = one.encode()
    assert decode(text, erasure_id=one.id, requested_at=one.requested.at) == one
    for other in (b"", b"{}", text + b" ", text.replace(b'"final"', b'"over"'), text.replace(b'"id":null', b'"id":1')):
        with pytest.raises(IntegrityError):
            decode(other, erasure_id=one.id, requested_at=one.requested.at)


def test_what_began_at_its_place_after_it_was_erased_stays_whoever_asks_again(begun: World) -> None:
    """Killed once it was erased, and asked again when another partition had begun there: that was not asked for."""
    one, same = request(begun), request(begun, "two")
    make_final(begun, one)
    with begun.vault.acting(tenant="acme", principal="ann", action="erase.test") as acting:
        erased = Eraser(acting.vault).erase_partition(Scope("acme", "note", "one"), NOTE, activity=acting.activity)
        sweep = Sweeping(acting, kinds=[NOTE], now=now)
        assert sweep.drive(sweep.begin("note")[0].id).state == "done"
    with begun.vault.acting(tenant="acme", principal="ann", action="test") as acting:
        acting.partition(NOTE, "one", after_erasure=True).put(Draft("line", "line#1", {"mark": "m", "text": "anew"}))
    told = final(begun, one).erased
    assert told is not None
    assert (told.event_id, told.tombstone_digest) == (erased.event_id, erased.tombstone_digest)
    assert told.refused_by == erased.refused_by
    assert note(begun.another_environment(), "one").read() is not None
    assert get(begun, same).state is REQUESTED
    # Asked for anew, it is that one that goes.
    assert final(begun, request(begun)).erased != told
    with pytest.raises(Gone):
        note(begun, "one").read()


def test_no_other_request_tells_the_callers_own_id_of_what_was_erased(begun: World) -> None:
    called_off = request(begun)
    cancel(begun, called_off)
    kept = request(begun, "two")
    final(begun, request(begun))
    assert get(begun, called_off).caller_id is None
    assert (get(begun, called_off).state, get(begun, called_off).cancelled is None) == (CANCELLED, False)
    assert get(begun, kept).caller_id == "The Incident"


def test_once_the_tenant_is_erased_no_request_tells_of_a_partition(begun: World) -> None:
    kept = request(begun, "two")
    tenant = do(begun, lambda one: one.request())[0]
    final(begun, tenant)
    assert get(begun, kept).caller_id is None


def test_a_look_without_keys_knows_whose_the_marks_of_requests_are(begun: World) -> None:
    one = request(begun)
    assert unanswered(begun) == 0
    cancel(begun, one)
    assert unanswered(begun) == 0
    begun.client.delete_item(TableName=begun.tables.keys, Key={name: row(begun, one)[name] for name in ("pk", "sk")})
    assert unanswered(begun) == 1, "nobody takes a request away unnoticed"
