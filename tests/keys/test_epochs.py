"""Epochs retired, revoked and reinstated: what each move stops and what it lets be; races and lost answers."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fakes import FakeKms
from tests.faults import Fault, Line
from tests.keys.test_changing import Between, index_key, keys, marks, note, put, rows
from tests.stores import World
from twinvault.audit.elements import row_hash
from twinvault.dynamodb.transaction import Outcome
from twinvault.errors import Conflict, InvalidInput, KeyRefused, NotFound
from twinvault.keys.epochs import Epochs
from twinvault.keys.register import State
from twinvault.tenant_keys import TenantKeys

ACTIVE, RETIRED, REVOKED = State.ACTIVE, State.RETIRED, State.REVOKED


def do[T](world: World, what: Callable[[TenantKeys], T], *, tenant: str = "acme") -> T:
    """Something asked of the tenant's keys, in an activity of its own."""
    with world.vault.acting(tenant=tenant, principal="ann", action="key.test") as acting:
        return what(acting.keys)


def states(world: World) -> list[State]:
    return [one.state for one in keys(world).register.epochs]


def text(world: World, name: str) -> str:
    snapshot = note(world, name).read()
    assert snapshot is not None
    return str(snapshot.records["line#1"].fields["text"])


@pytest.fixture
def tenant(world: World) -> World:
    """A partition under each of two epochs."""
    put(note(world, "one"), 1)
    world.rotate()
    put(note(world, "two"), 1)
    return world


def test_a_retired_epoch_opens_and_seals_nothing_new(tenant: World) -> None:
    moved = do(tenant, lambda one: one.retire(2))
    assert [(one.epoch, one.state) for one in moved] == [(1, "active"), (2, "retired")]
    fresh = tenant.another_environment()
    assert text(fresh, "two") == "text 1"
    put(note(fresh, "two"), 2)
    put(note(fresh, "three"), 1)
    assert rows(tenant)["dek#note#three#000001"]["key_id"] == {"S": "kek#000001"}


def test_a_revoked_epoch_opens_nothing_and_the_others_are_as_they_were(tenant: World) -> None:
    moved = do(tenant, lambda one: one.revoke(1))
    assert [(one.epoch, one.state) for one in moved] == [(1, "revoked"), (2, "active")]
    fresh = tenant.another_environment()
    for use in (lambda: text(fresh, "one"), lambda: put(note(fresh, "one"), 2), lambda: note(fresh, "one").new_dek()):
        with pytest.raises(KeyRefused):
            use()
    assert text(fresh, "two") == "text 1"
    put(note(fresh, "three"), 1)
    assert index_key(fresh) is not None


def test_who_revokes_waits_for_no_ttl_and_others_until_theirs(tenant: World) -> None:
    other = tenant.another_environment()
    assert text(tenant, "one") == text(other, "one") == "text 1"
    do(tenant, lambda one: one.revoke(1))
    with pytest.raises(KeyRefused):
        text(tenant, "one")
    assert text(other, "one") == "text 1", "the key is in memory: that is the revocation lag"
    other.keys.tenant("acme", observer=other.activity(), fresh=True)
    with pytest.raises(KeyRefused):
        text(other, "one")


def test_the_index_key_moves_from_under_an_epoch_that_is_revoked(tenant: World) -> None:
    before = index_key(tenant).key
    assert rows(tenant)["idx"]["key_id"] == {"S": "kek#000002"}
    do(tenant, lambda one: one.revoke(2))
    assert rows(tenant)["idx"]["key_id"] == {"S": "kek#000001"}
    assert index_key(tenant.another_environment()).key == before
    with pytest.raises(KeyRefused):
        text(tenant.another_environment(), "two")


def test_a_tenant_whose_epochs_are_all_revoked_is_refused_until_it_is_rotated(tenant: World) -> None:
    before = index_key(tenant).key
    assert {one.state for one in do(tenant, lambda one: one.revoke())} == {"revoked"}
    fresh = tenant.another_environment()
    for use in (lambda: text(fresh, "one"), lambda: put(note(fresh, "three"), 1), lambda: index_key(fresh)):
        with pytest.raises(KeyRefused):
            use()
    assert tenant.rotate() == 3
    fresh = tenant.another_environment()
    put(note(fresh, "three"), 1)
    assert (text(fresh, "three"), index_key(fresh).key) == ("text 1", before)
    with pytest.raises(KeyRefused):
        text(fresh, "one")


def test_a_revocation_does_not_wait_for_a_key_that_kms_refuses_already(tenant: World, kms: FakeKms) -> None:
    """A Deny on the epoch comes first where it leaked: the register must say so all the same."""
    kms.roots["root-2"] = bytes(32)
    from tests.stores import make_world  # a store with another root key in front

    moved = make_world(tenant.client, kms, tenant.tables, roots=("root-2", "root-1"))
    assert moved.rotate() == 3
    kms.refused.add("root-2")
    fresh = moved.another_environment()
    do(fresh, lambda one: one.revoke(3))
    found = fresh.another_environment().keys.tenant("acme", observer=fresh.activity())
    assert found is not None
    assert [one.state for one in found.register.epochs] == [ACTIVE, ACTIVE, REVOKED]
    assert found.rows.index.wrapped_under == "kek#000003", "nobody could open it to move it"


def test_a_revocation_does_not_wait_for_an_index_key_that_does_not_open(tenant: World) -> None:
    """Its row was changed: the epoch is revoked, and the audit log names the row."""
    changed = {**rows(tenant)["idx"], "created_at": {"S": "2000"}}
    tenant.client.put_item(TableName=tenant.tables.keys, Item=changed)
    fresh = tenant.another_environment()
    assert [(one.epoch, one.state) for one in do(fresh, lambda one: one.revoke(2))] == [(1, "active"), (2, "revoked")]
    assert states(tenant.another_environment()) == [ACTIVE, REVOKED]
    assert rows(tenant)["idx"]["key_id"] == {"S": "kek#000002"}
    told = [json.loads(item["entry"]["S"]) for item in tenant.items(tenant.tables.audit)]
    told = sorted((one for one in told if one["action"] == "key.test"), key=lambda one: one["seq"])
    assert [(one["outcome"], one.get("problem")) for one in told[:2]] == [
        ("failure", "integrity"),
        ("success", None),
    ]
    assert told[0]["row"] == row_hash("keys", pk="tenant#acme", sk="idx")
    events = [[event["op"] for event in one["keys"]] for one in told]
    assert events[:2] == [[], ["revoke"]]


def test_a_revoked_epoch_is_reinstated_as_a_retired_one(tenant: World) -> None:
    do(tenant, lambda one: one.revoke(1))
    with pytest.raises(KeyRefused):
        text(tenant, "one")
    moved = do(tenant, lambda one: one.reinstate(1))
    assert [one.state for one in moved] == ["retired", "active"]
    assert text(tenant, "one") == "text 1", "that it was refused a moment ago does not count any more"
    assert text(tenant.another_environment(), "one") == "text 1"


@pytest.mark.parametrize(
    ("before", "what", "error", "says"),
    [
        pytest.param([], lambda one: one.retire(3), NotFound, "no epoch 3", id="retiring what is not there"),
        pytest.param([], lambda one: one.revoke(7), NotFound, "no epoch 7", id="revoking what is not there"),
        pytest.param([], lambda one: one.retire(0), InvalidInput, "epoch", id="no epoch"),
        pytest.param([], lambda one: one.revoke(1_000_000), InvalidInput, "epoch", id="no epoch at all"),
        pytest.param([], lambda one: one.reinstate(1), Conflict, "active", id="reinstating an active one"),
        pytest.param(
            [lambda one: one.retire(1)], lambda one: one.retire(2), Conflict, "rotate first", id="retiring the last one"
        ),
        pytest.param(
            [lambda one: one.revoke(1)], lambda one: one.retire(1), Conflict, "reinstate", id="retiring a revoked one"
        ),
        pytest.param(
            [lambda one: one.revoke(1)], lambda one: one.retire(2), Conflict, "rotate first", id="the last that seals"
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    tenant: World, before: list[Any], what: Any, error: type[Exception], says: str
) -> None:
    for one in before:
        do(tenant, one)
    found = keys(tenant)
    with pytest.raises(error, match=says):
        do(tenant, what)
    assert keys(tenant) == found


def test_a_tenant_without_keys_has_no_epochs(world: World) -> None:
    for what in (lambda one: one.retire(1), lambda one: one.revoke(), lambda one: one.reinstate(1)):
        with pytest.raises(NotFound):
            do(world, what)
    assert world.items(world.tables.keys) == world.items(world.tables.marks) == []


@pytest.mark.parametrize(
    "what",
    [lambda one: one.retire(1), lambda one: one.revoke(1), lambda one: one.revoke(), lambda one: one.reinstate(1)],
    ids=["retire", "revoke", "revoke all", "reinstate"],
)
def test_a_repeated_move_changes_nothing(tenant: World, what: Any) -> None:
    if "reinstate" in what.__code__.co_names:
        do(tenant, lambda one: one.revoke(1))
    first = do(tenant, what)
    found = keys(tenant)
    assert do(tenant, what) == first
    assert keys(tenant).written.version == found.written.version
    assert len(marks(tenant)) == found.written.version


def test_each_move_has_its_mark_and_its_audit_entry(tenant: World) -> None:
    do(tenant, lambda one: one.revoke(2))
    found = keys(tenant)
    assert marks(tenant)[-1]["digest"] == {"B": found.rows.digest}
    (entry,) = [
        item["entry"]["S"]
        for item in tenant.items(tenant.tables.audit)
        if found.register.last_event in item["entry"]["S"]
    ]
    assert '{"key":"kek#000002","op":"revoke"}' in entry
    assert '{"key":"idx","op":"rewrap"}' in entry
    assert '"action":"key.test"' in entry


def test_moves_at_once_all_count(tenant: World) -> None:
    for _ in range(2):
        tenant.rotate()
    others = [tenant.another_environment() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        moves = [lambda one: one.retire(1), lambda one: one.revoke(2), lambda one: one.retire(3)]
        list(pool.map(do, others, moves))
    assert states(tenant) == [RETIRED, REVOKED, RETIRED, ACTIVE]
    assert keys(tenant).written.version == len(marks(tenant)) == 7


def test_of_two_that_retire_the_last_two_at_once_one_is_refused(tenant: World) -> None:
    others = [tenant.another_environment() for _ in range(2)]

    def attempt(world: World, number: int) -> bool:
        try:
            do(world, lambda one: one.retire(number))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, others, (1, 2))) == [False, True]
    assert sorted(states(tenant)) == [ACTIVE, RETIRED]


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.CONFLICT])
def test_a_fault_on_the_line_moves_it_all_the_same(world: World, faulty: World, line: Line, fault: Fault) -> None:
    put(note(world, "one"), 1)
    world.rotate()
    assert faulty.keys.tenant("acme", observer=faulty.activity()) is not None
    line.next(fault)
    do(faulty, lambda one: one.retire(1))
    assert states(world) == [RETIRED, ACTIVE]
    assert len(marks(world)) == 3


def test_a_move_whose_answer_was_lost_is_found_and_not_repeated(tenant: World) -> None:
    for ended, number in ((Outcome.UNKNOWN, 1), (Outcome.CANCELLED, 2)):
        lost = Between(tenant.commits(), ended=ended)
        Epochs(tenant.changes).revoke("acme", number, committer=lost)
    assert states(tenant) == [REVOKED, REVOKED]
    assert len(marks(tenant)) == 4


def test_readers_and_writers_meet_either_state_and_never_tampering(tenant: World) -> None:
    """A register that changes between a Query and its mark looks like a forgery until it is looked at again."""

    def move() -> None:
        for _ in range(8):
            do(tenant, lambda one: one.revoke(1))
            do(tenant, lambda one: one.reinstate(1))

    with ThreadPoolExecutor(2) as pool:
        moving = pool.submit(move)
        seen = set()
        while not moving.done():
            fresh = tenant.another_environment()
            assert text(fresh, "two") == "text 1"
            try:
                seen.add(text(fresh, "one"))
            except KeyRefused:
                seen.add("refused")
        moving.result(60)
    assert seen <= {"text 1", "refused"}
