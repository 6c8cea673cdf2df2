"""Keys wrapped under another root key: all at once or none, the keys themselves untouched, whatever meets it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fakes import OUTAGE, FakeKms
from tests.faults import Fault, Line
from tests.keys.test_changing import Between, index_key, keys, marks, note, put, rows
from tests.keys.test_epochs import do, text
from tests.stores import World, make_world
from twinvault.dynamodb.transaction import Outcome
from twinvault.errors import DependencyError, IntegrityError, KeyRefused, NotFound
from twinvault.keys.rerooting import Rerooted, Rerooting

WRAPPED = ("kek#000001", "kek#000002", "register-key")


@pytest.fixture
def moved(world: World, kms: FakeKms) -> World:
    """A store whose settings have a new root key in front, and a tenant with two epochs under the old one."""
    put(note(world, "one"), 1)
    world.rotate()
    put(note(world, "two"), 1)
    kms.roots["root-2"] = bytes(range(32))
    return make_world(world.client, kms, world.tables, roots=("root-2", "root-1"))


def roots(world: World) -> set[str]:
    there = rows(world)
    return {there[name]["root_key_id"]["S"] for name in WRAPPED}


def test_all_that_kms_wrapped_is_under_the_first_root_key_and_opens_without_the_old_one(
    moved: World, kms: FakeKms
) -> None:
    before, index = rows(moved), index_key(moved).key
    assert do(moved, lambda one: one.rewrap_root()) == Rerooted("root-2", 3, ("root-1",))
    after = rows(moved)
    for name in WRAPPED:
        assert after[name]["key"] == before[name]["key"], "the context is kept"
        assert after[name]["wrapped"] != before[name]["wrapped"]
        assert (after[name]["version"], before[name]["version"]) == ({"N": "2"}, {"N": "1"})
    assert after["idx"] == before["idx"]
    assert [one.root_key_id for one in keys(moved).register.epochs] == ["root-2", "root-2"]
    del kms.roots["root-1"]
    fresh = make_world(moved.client, kms, moved.tables, roots=("root-2",))
    assert [text(fresh, name) for name in ("one", "two")] == ["text 1", "text 1"]
    assert index_key(fresh).key == index


def test_a_revoked_epoch_moves_too_and_stays_revoked(moved: World) -> None:
    do(moved, lambda one: one.revoke(1))
    assert do(moved, lambda one: one.rewrap_root()).rewrapped == 3
    assert [one.state for one in keys(moved).register.epochs] == ["revoked", "active"]
    do(moved, lambda one: one.reinstate(1))
    assert text(moved.another_environment(), "one") == "text 1"


def test_a_repetition_changes_nothing_unless_it_is_asked_to(moved: World, kms: FakeKms) -> None:
    do(moved, lambda one: one.rewrap_root())
    there, version = rows(moved), keys(moved).written.version
    assert do(moved, lambda one: one.rewrap_root()) == Rerooted("root-2", 0, ())
    assert (rows(moved), keys(moved).written.version) == (there, version)
    assert do(moved, lambda one: one.rewrap_root(again=True)) == Rerooted("root-2", 3, ())
    assert all(rows(moved)[name]["wrapped"] != there[name]["wrapped"] for name in WRAPPED)
    assert text(moved.another_environment(), "one") == "text 1"


def test_it_is_one_transaction_with_mark_and_entry(moved: World) -> None:
    do(moved, lambda one: one.rewrap_root())
    found = keys(moved)
    assert len(marks(moved)) == found.written.version == 3
    (entry,) = [
        item["entry"]["S"]
        for item in moved.items(moved.tables.audit)
        if found.register.last_event in item["entry"]["S"]
    ]
    for name in WRAPPED:
        assert f'{{"key":"{name}","op":"rewrap"}}' in entry


@pytest.mark.parametrize("root", ["root-1", "root-2"])
def test_where_kms_refuses_one_of_them_nothing_is_changed(moved: World, kms: FakeKms, root: str) -> None:
    before = rows(moved)
    assert keys(moved).register.newest == 2
    fresh = moved.another_environment()
    assert fresh.keys.tenant("acme", observer=fresh.activity()) is not None
    kms.refused.add(root)
    with pytest.raises(KeyRefused):
        do(fresh, lambda one: one.rewrap_root())
    kms.refused.clear()
    kms.fault = OUTAGE
    with pytest.raises(DependencyError):
        do(fresh, lambda one: one.rewrap_root())
    kms.fault = None
    assert rows(moved) == before


def test_a_row_that_was_changed_is_not_wrapped_anew(moved: World) -> None:
    row = rows(moved)["kek#000001"]
    moved.client.put_item(TableName=moved.tables.keys, Item={**row, "wrapped": {"B": b"x" * 60}})
    with pytest.raises(IntegrityError):
        do(moved, lambda one: one.rewrap_root())
    assert roots(moved) == {"root-1"}


def test_a_tenant_without_keys_has_nothing_to_wrap(world: World) -> None:
    with pytest.raises(NotFound):
        do(world, lambda one: one.rewrap_root())


@pytest.mark.parametrize("ended", [Outcome.UNKNOWN, Outcome.CANCELLED])
def test_an_answer_that_was_lost_is_found_and_nothing_is_done_twice(moved: World, ended: Outcome) -> None:
    lost = Between(moved.commits(), ended=ended)
    assert Rerooting(moved.changes).rewrap("acme", again=False, committer=lost).rewrapped == 3
    assert keys(moved).written.version == 3


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.CONFLICT])
def test_a_fault_on_the_line_wraps_them_all_the_same(world: World, faulty: World, line: Line, fault: Fault) -> None:
    put(note(world, "one"), 1)
    assert faulty.keys.tenant("acme", observer=faulty.activity()) is not None
    line.next(fault)
    assert do(faulty, lambda one: one.rewrap_root(again=True)).rewrapped == 2
    assert text(world.another_environment(), "one") == "text 1"
    assert len(marks(world)) == 2


def test_rotations_readers_and_writers_go_on_meanwhile(moved: World) -> None:
    def rewrap() -> None:
        for _ in range(4):
            do(moved.another_environment(), lambda one: one.rewrap_root(again=True))

    def rotate() -> None:
        for _ in range(3):
            moved.another_environment().rotate()

    with ThreadPoolExecutor(3) as pool:
        going: list[Any] = [pool.submit(rewrap), pool.submit(rotate)]
        while not all(one.done() for one in going):
            fresh = moved.another_environment()
            put(note(fresh, "one"), 1)
            assert text(fresh, "two") == "text 1"
        for one in going:
            one.result(60)
    found = keys(moved)
    assert found.register.newest == 5
    assert {one.root_key_id for one in found.register.epochs} == {"root-2"}


def test_an_environment_with_the_older_register_goes_on_with_the_rows_that_it_knows(moved: World) -> None:
    other = moved.another_environment()
    assert other.keys.tenant("acme", observer=other.activity()) is not None
    do(moved, lambda one: one.rewrap_root())
    assert text(other, "one") == "text 1", "the old ciphertext opens under the old root key, while that is there"
