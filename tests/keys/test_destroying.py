"""Epochs destroyed: nothing that anybody could still want is under them, whatever register somebody has in memory."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.keys.test_changing import Between, index_key, keys, marks, note, put, rows
from tests.keys.test_epochs import do, states, text
from tests.stores import World
from twinvault.dynamodb.transaction import Outcome
from twinvault.errors import Conflict, IntegrityError, NotFound
from twinvault.keys.changing import DEFAULT_TTL_SECONDS
from twinvault.keys.destroying import SLACK_SECONDS, Destroying
from twinvault.maintenance.rekeying import Rekeying
from twinvault.tenant_keys import KeyEpoch

LONGEST = 30.0
WAIT = DEFAULT_TTL_SECONDS + LONGEST + SLACK_SECONDS


def later(world: World, seconds: float) -> World:
    """The same environment at another time of the day."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    world.changes.now = lambda: at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return world


def destroy(world: World, epoch: int = 1) -> list[KeyEpoch]:
    return do(world, lambda one: one.destroy(epoch, longest_seconds=LONGEST))


def rewrap(world: World) -> None:
    with world.vault.acting(tenant="acme", principal="ann", action="key.test") as acting:
        works = Rekeying(acting, now=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        assert works.drive(works.begin()[0].id).state == "done"


@pytest.fixture
def old(world: World) -> World:
    """A tenant whose first epoch is retired and wraps nothing."""
    put(note(world, "one"), 1)
    world.rotate()
    do(world, lambda one: one.retire(1))
    rewrap(world)
    return world


def test_the_oldest_epoch_is_destroyed_and_all_opens_as_before(old: World) -> None:
    index = index_key(old).key
    assert [one.epoch for one in destroy(later(old, WAIT))] == [2]
    assert "kek#000001" not in rows(old)
    found = keys(old)
    assert (found.register.lowest_epoch, [one.epoch for one in found.register.epochs]) == (2, [2])
    fresh = old.another_environment()
    assert (text(fresh, "one"), index_key(fresh).key) == ("text 1", index)
    assert old.rotate() == 3
    with pytest.raises(Conflict, match="destroyed"):
        do(old, lambda one: one.reinstate(1))


def test_a_revoked_epoch_is_destroyed_as_well(old: World) -> None:
    do(old, lambda one: one.revoke(1))
    assert [one.epoch for one in destroy(later(old, WAIT))] == [2]


def test_it_is_one_transaction_with_mark_and_entry_and_safe_to_repeat(old: World) -> None:
    destroy(later(old, WAIT))
    found = keys(old)
    assert marks(old)[-1]["digest"] == {"B": found.rows.digest}
    (entry,) = [
        item["entry"]["S"] for item in old.items(old.tables.audit) if found.register.last_event in item["entry"]["S"]
    ]
    assert '{"key":"kek#000001","op":"destroy"}' in entry
    assert [one.epoch for one in destroy(old)] == [2]
    assert keys(old).written.version == found.written.version


def test_it_waits_until_no_environment_can_hold_an_older_register_and_says_until_when(old: World) -> None:
    since = keys(old).register.epochs[0].since
    until = datetime.fromisoformat(since) + timedelta(seconds=WAIT)
    with pytest.raises(Conflict, match=until.strftime("not before %Y-%m-%dT%H:%M:%SZ")):
        destroy(old)
    left = (until - datetime.now(UTC)).total_seconds()
    with pytest.raises(Conflict, match="not before"):
        destroy(later(old, left - 1))
    assert states(old) == ["retired", "active"]
    destroy(later(old, left + 1))


def test_a_cached_register_that_makes_a_partition_under_a_key_that_is_about_to_go_loses_nothing(world: World) -> None:
    """Another environment holds the register of before the retirement, and goes on sealing by it."""
    put(note(world, "one"), 1)
    world.rotate()
    do(world, lambda one: one.retire(2))  # so that the first seals, and is in the other's memory as that
    other = world.another_environment()
    put(note(other, "two"), 1)
    world.rotate()
    do(world, lambda one: one.retire(1))
    rewrap(world)
    with pytest.raises(Conflict, match="not before"):
        destroy(world)
    # What the wait is for: nobody told the other environment.
    put(note(other, "late"), 1)
    assert rows(world)["dek#note#late#000001"]["key_id"] == {"S": "kek#000001"}
    with pytest.raises(Conflict, match="wraps 1 keys"):
        destroy(later(world, WAIT))
    assert text(world.another_environment(), "late") == "text 1"
    rewrap(world)
    destroy(world)
    fresh = world.another_environment()
    assert [text(fresh, name) for name in ("one", "two", "late")] == ["text 1"] * 3


@pytest.mark.parametrize(
    ("epoch", "error", "says"),
    [
        pytest.param(3, NotFound, "no epoch 3", id="one that is not there"),
        pytest.param(2, Conflict, "oldest first", id="one that is not the oldest"),
        pytest.param(1, Conflict, "active", id="one that is active"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    world: World, epoch: int, error: type[Exception], says: str
) -> None:
    put(note(world, "one"), 1)
    world.rotate()
    with pytest.raises(error, match=says):
        destroy(later(world, WAIT), epoch)
    assert len(keys(world).register.epochs) == 2


def test_an_epoch_that_wraps_something_is_not_destroyed(world: World) -> None:
    put(note(world, "one"), 1)
    world.rotate()
    do(world, lambda one: one.retire(1))
    with pytest.raises(Conflict, match="wraps 1 keys"):
        destroy(later(world, WAIT))


def test_an_epoch_that_wraps_the_index_key_is_not_destroyed(world: World) -> None:
    index_key_made = world.begin()
    assert index_key_made is not None
    do(world, lambda one: one.revoke())
    with pytest.raises(Conflict, match="index key"):
        destroy(later(world, WAIT))


def test_a_row_that_only_says_that_it_is_under_another_epoch_keeps_the_key_that_it_is_under(world: World) -> None:
    """Who edits a row's `key_id` makes it unreadable; editing it back undoes that, unless the key is gone."""
    put(note(world, "one"), 1)
    world.rotate()
    do(world, lambda one: one.retire(1))
    row = rows(world)["dek#note#one#000001"]
    world.client.put_item(TableName=world.tables.keys, Item={**row, "key_id": {"S": "kek#000002"}})
    with pytest.raises(IntegrityError):
        destroy(later(world, WAIT))
    world.client.put_item(TableName=world.tables.keys, Item=row)
    assert text(world.another_environment(), "one") == "text 1"


def test_a_tenant_without_keys_has_none_to_destroy(world: World) -> None:
    with pytest.raises(NotFound):
        destroy(world)


@pytest.mark.parametrize("ended", [Outcome.UNKNOWN, Outcome.CANCELLED])
def test_an_answer_that_was_lost_is_found_and_nothing_is_done_twice(old: World, ended: Outcome) -> None:
    lost: Any = Between(old.commits(), ended=ended)
    later(old, WAIT)
    destroying = Destroying(old.changes, old.vault.key_table, LONGEST)
    assert destroying.destroy("acme", 1, committer=lost).lowest_epoch == 2
    assert keys(old).register.lowest_epoch == 2


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.CONFLICT])
def test_a_fault_on_the_line_destroys_it_all_the_same(old: World, faulty: World, line: Line, fault: Fault) -> None:
    mine = later(faulty, WAIT)
    assert mine.keys.tenant("acme", observer=mine.activity()) is not None
    line.next(Fault.PASS, fault)
    destroy(mine)
    assert keys(old).register.lowest_epoch == 2


def test_a_rotation_that_comes_first_changes_nothing_of_it(old: World) -> None:
    other = old.another_environment()
    between: Any = Between(old.commits(), before=iter_once(other.rotate))
    later(old, WAIT)
    Destroying(old.changes, old.vault.key_table, LONGEST).destroy("acme", 1, committer=between)
    assert [one.epoch for one in keys(old).register.epochs] == [2, 3]


def test_a_tenant_of_32_epochs_is_rotated_again_once_the_oldest_is_destroyed(old: World) -> None:
    while len(keys(old).register.epochs) < 32:
        old.rotate()
    with pytest.raises(Conflict, match="rewrap"):
        old.rotate()
    destroy(later(old, WAIT))
    assert old.rotate() == 33


def iter_once(what: Any) -> Any:
    """Does something the first time that it is called."""
    left = [what]
    return lambda: left.pop()() if left else None
