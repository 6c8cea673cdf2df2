"""DEKs and the index key brought under the newest KEK: once, whoever is killed, writes or rotates meanwhile."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.fakes import OUTAGE, FakeKms
from tests.faults import Fault, Line
from tests.keys.test_changing import index_key, keys, note, put, rows
from tests.keys.test_epochs import do, text
from tests.maintenance.samples import Clock, House, Killed, deadly
from tests.stores import World, make_world
from twinvault.audit.elements import row_hash
from twinvault.errors import Conflict, DependencyError, IntegrityError, KeyRefused, NotFound
from twinvault.keys import deks
from twinvault.maintenance import rekeying
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.holding import LEASE_SECONDS, PATIENCE_SECONDS, RESERVE_SECONDS
from twinvault.maintenance.rekeying import Rekeying
from twinvault.maintenance.schedule import Carried, carry_on
from twinvault.maintenance.work import Work, WorkState, decode

FIRST, SECOND, THIRD = "kek#000001", "kek#000002", "kek#000003"


@dataclass
class Keyhouse:
    """One environment's view of a tenant's works of keys."""

    world: World
    clock: Clock = field(default_factory=Clock)
    seconds: float = 30.0

    def do[T](self, what: Callable[[Rekeying], T], *, tenant: str = "acme") -> T:
        with self.world.vault.acting(tenant=tenant, principal="ann", action="key.test", seconds=self.seconds) as acting:
            return what(Rekeying(acting, now=self.clock))

    def begin(self) -> Work:
        return self.do(lambda one: one.begin())[0]

    def drive(self, work: Work) -> Work:
        return self.do(lambda one: one.drive(work.id))

    def get(self, work: Work) -> Work:
        return self.do(lambda one: one.get(work.id))

    def other(self) -> "Keyhouse":
        return replace(self, world=self.world.another_environment())


def write(world: World, count: int) -> list[str]:
    names = [f"n{number:03d}" for number in range(count)]
    for name in names:
        put(note(world, name), 1)
    return names


def under(world: World) -> dict[str, str]:
    """By DEK, the KEK that its row names."""
    return {name: row["key_id"]["S"] for name, row in rows(world).items() if name.startswith("dek#")}


@pytest.fixture
def house(world: World) -> Keyhouse:
    """Five partitions under the first epoch, and a second one."""
    write(world, 5)
    world.rotate()
    return Keyhouse(world)


def test_every_dek_is_brought_under_the_newest_kek_and_stays_the_same_key(house: Keyhouse) -> None:
    world, index = house.world, index_key(house.world).key
    before = rows(world)
    work = house.begin()
    assert (work.state, work.counts, work.job, work.kind) == (WorkState.RUNNING, Counts(), "rewrap", "keys")
    done = house.drive(work)
    assert (done.state, done.counts, done.lease) == (WorkState.DONE, Counts(5, 5, 0, 0), None)
    assert set(under(world).values()) == {SECOND}
    after = rows(world)
    assert {after[name]["version"]["N"] for name in under(world)} == {"2"}
    assert all(after[name]["created_at"] == before[name]["created_at"] for name in under(world))
    do(world, lambda one: one.revoke(1))
    fresh = world.another_environment()
    assert [text(fresh, f"n{number:03d}") for number in range(5)] == ["text 1"] * 5
    assert index_key(fresh).key == index
    assert house.get(work) == done
    assert house.drive(work) == done, "what has ended is not done again"


def test_what_is_there_already_is_let_alone(house: Keyhouse) -> None:
    house.drive(house.begin())
    before = rows(house.world)
    again = house.drive(house.begin())
    assert again.counts == Counts(5, 0, 5, 0)
    assert {name: row for name, row in rows(house.world).items() if name in under(house.world)} == {
        name: row for name, row in before.items() if name in under(house.world)
    }


def test_the_index_key_is_brought_along(house: Keyhouse) -> None:
    """A rotation does that, too; but the newest epoch may be retired, and an older one seal."""
    world, index = house.world, index_key(house.world).key
    do(world, lambda one: one.retire(2))
    assert rows(world)["idx"]["key_id"] == {"S": SECOND}
    house.drive(house.begin())
    assert rows(world)["idx"]["key_id"] == {"S": FIRST}
    assert index_key(world.another_environment()).key == index


def test_all_versions_of_a_dek_and_all_kinds_are_brought_along(house: Keyhouse) -> None:
    world = house.world
    note(world, "n000").new_dek()
    world.rotate()
    assert house.drive(house.begin()).counts == Counts(6, 6, 0, 0)
    assert set(under(world).values()) == {THIRD}


def test_keys_under_a_revoked_epoch_are_refused_said_and_brought_along_once_it_is_reinstated(house: Keyhouse) -> None:
    world = house.world
    put(note(world, "young"), 1)
    world.rotate()
    do(world, lambda one: one.revoke(1))
    done = house.drive(house.begin())
    assert (done.state, done.counts) == (WorkState.FAILED, Counts(6, 1, 0, 5))
    assert sorted(under(world).values()) == [FIRST] * 5 + [THIRD]
    said = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    refused = [one for one in said if (one["action"], one["outcome"]) == ("key.rewrap", "failure")]
    assert [one["problem"] for one in refused] == ["key-refused"], "of those that one key refuses one entry says so"
    do(world, lambda one: one.reinstate(1))
    assert house.drive(house.begin()).counts == Counts(6, 5, 1, 0)
    assert set(under(world).values()) == {THIRD}


def test_a_row_that_was_changed_is_refused_and_the_others_are_done(house: Keyhouse) -> None:
    world = house.world
    row = rows(world)["dek#note#n002#000001"]
    world.client.put_item(TableName=world.tables.keys, Item={**row, "created_at": {"S": "2000"}})
    done = house.drive(house.begin())
    assert (done.state, done.counts) == (WorkState.FAILED, Counts(5, 4, 0, 1))
    assert under(world)["dek#note#n002#000001"] == FIRST


def test_of_rows_that_were_changed_each_has_an_entry_of_its_own(house: Keyhouse) -> None:
    world = house.world
    names = [f"dek#note#n{number:03d}#000001" for number in (1, 2, 4)]
    for name in names:
        row = rows(world)[name]
        world.client.put_item(TableName=world.tables.keys, Item={**row, "created_at": {"S": "2000"}})
    assert house.drive(house.begin()).counts == Counts(5, 2, 0, 3)
    said = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    refused = [one["row"] for one in said if (one["action"], one["outcome"]) == ("key.rewrap", "failure")]
    assert sorted(refused) == sorted(row_hash("keys", pk="tenant#acme", sk=name) for name in names)


def test_rows_that_are_called_as_no_dek_are_passed_over(house: Keyhouse) -> None:
    world = house.world
    row = rows(world)["dek#note#n002#000001"]
    for name in ("dek#", "dek#note#n002", "dek#note#n002#1", "dek#A#B#000001", "dek#note#n002#000001#more"):
        world.client.put_item(TableName=world.tables.keys, Item={**row, "sk": {"S": name}})
    assert house.drive(house.begin()).counts == Counts(5, 5, 0, 0)


def test_more_rows_than_a_page_and_a_transaction_hold_are_all_done(
    house: Keyhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deks, "_PAGE", 3)
    monkeypatch.setattr(rekeying, "MAX_ROWS", 2)
    assert house.drive(house.begin()).counts == Counts(5, 5, 0, 0)
    assert set(under(house.world).values()) == {SECOND}


# -- killed, and lost answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before the engine has it", "after the engine has it"])
def test_killed_at_any_call_every_key_is_done_and_counted_once(
    world: World, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    monkeypatch.setattr(rekeying, "MAX_ROWS", 1)
    names = write(world, 2)
    calls, killed = 0, True
    while killed:
        calls += 1
        # An index key to be moved, too: the newest epoch is retired again.
        for _ in range(2):
            world.rotate()
        do(world, lambda one: one.retire(keys(world).register.newest))
        house = Keyhouse(world)
        work = house.begin()
        dying, _ = deadly(world, at=calls, after=after)
        try:
            Keyhouse(dying, house.clock).drive(work)
            killed = False
        except Killed:
            house.clock.pass_on(LEASE_SECONDS)
        done = house.other().drive(work)
        assert done.state is WorkState.DONE
        assert done.counts.partitions == done.counts.rewritten + done.counts.skipped == 2
        newest = keys(world).register.sealing_epoch().epoch
        assert set(under(world).values()) == {f"kek#{newest:06d}"}
        assert rows(world)["idx"]["key_id"] == {"S": f"kek#{newest:06d}"}
        fresh = world.another_environment()
        assert [text(fresh, name) for name in names] == ["text 1"] * 2
        assert calls < 30
    assert calls > 3


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.ERROR_AFTER, Fault.LOSE_REQUEST, Fault.CONFLICT])
def test_lost_answers_change_nothing(world: World, faulty: World, line: Line, fault: Fault) -> None:
    write(world, 3)
    world.rotate()
    house = Keyhouse(faulty)
    work = house.begin()
    line.next(*[fault, Fault.PASS] * 8)
    done = house.drive(work)
    assert (done.state, done.counts) == (WorkState.DONE, Counts(3, 3, 0, 0))
    assert set(under(world).values()) == {SECOND}


def test_a_kms_that_cannot_answer_stops_the_work_and_the_next_goes_on(house: Keyhouse, kms: FakeKms) -> None:
    work = house.begin()
    kms.fault = OUTAGE
    with pytest.raises(DependencyError):
        house.other().drive(work)
    kms.fault = None
    house.clock.pass_on(LEASE_SECONDS)
    assert house.drive(work).counts == Counts(5, 5, 0, 0)


def test_where_kms_refuses_the_newest_kek_for_too_long_the_work_ends_and_says_so(house: Keyhouse, kms: FakeKms) -> None:
    kms.roots["root-2"] = bytes(32)
    moved = make_world(house.world.client, kms, house.world.tables, roots=("root-2", "root-1"))
    moved.rotate()
    work = house.begin()
    kms.refused.add("root-2")
    mine = Keyhouse(moved.another_environment(), house.clock)
    with pytest.raises(KeyRefused):
        mine.drive(work)
    assert mine.get(work).is_running
    house.clock.pass_on(PATIENCE_SECONDS)
    with pytest.raises(KeyRefused):
        mine.drive(work)
    assert mine.get(work).state is WorkState.FAILED
    assert set(under(moved).values()) == {FIRST}


def test_what_there_is_no_time_for_is_gone_on_with(house: Keyhouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying, "MAX_ROWS", 1)
    work = house.begin()
    held = replace(house, seconds=RESERVE_SECONDS + 0.5)
    driven = [held.drive(work).counts.partitions]
    while house.get(work).is_running:
        house.clock.pass_on(LEASE_SECONDS)
        driven.append(held.drive(work).counts.partitions)
        assert len(driven) < 50
    assert house.get(work).counts == Counts(5, 5, 0, 0)
    assert driven == sorted(driven)


# -- who is there meanwhile -------------------------------------------------------------------------------------------


def test_two_that_drive_at_once_do_it_once(house: Keyhouse) -> None:
    work = house.begin()
    others = [house.other() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda one: one.drive(work), others))
    assert house.get(work).counts == Counts(5, 5, 0, 0)
    assert {rows(house.world)[name]["version"]["N"] for name in under(house.world)} == {"2"}


def test_a_driver_that_outlived_its_lease_does_no_harm(house: Keyhouse) -> None:
    work = house.begin()
    before = rows(house.world)
    house.drive(work)
    late: Any = house.world.vault
    rewrapping = rekeying.DekRewrapping(
        hierarchy=late.keys,
        table=late.key_table,
        name=late.key_table.name,
        now=house.clock,
        randomness=rekeying.os.urandom,
        sleep=lambda _: None,
    )
    stale = [before[name] for name in sorted(under(house.world))]
    done = rewrapping.rewrap(stale, tenant="acme", under=SECOND, committer=house.world.commits())
    assert (done.done, done.already, done.refused) == (0, 5, ())


def test_a_row_that_changed_meanwhile_is_looked_at_again(house: Keyhouse) -> None:
    stale = [rows(house.world)[name] for name in sorted(under(house.world))]
    house.drive(house.begin())
    assert house.world.rotate() == 3
    vault = house.world.vault
    rewrapping = rekeying.DekRewrapping(
        hierarchy=vault.keys,
        table=vault.key_table,
        name=vault.key_table.name,
        now=house.clock,
        randomness=rekeying.os.urandom,
        sleep=lambda _: None,
    )
    done = rewrapping.rewrap(stale, tenant="acme", under=THIRD, committer=house.world.commits())
    assert (done.done, set(under(house.world).values())) == (5, {THIRD})
    assert text(house.world.another_environment(), "n000") == "text 1"


def test_readers_writers_and_rotations_go_on_meanwhile(house: Keyhouse) -> None:
    world = house.world

    def rewrap() -> None:
        for _ in range(3):
            other = house.other()
            other.drive(other.begin())
            house.clock.pass_on(LEASE_SECONDS)

    def rotate() -> None:
        for _ in range(3):
            world.another_environment().rotate()

    with ThreadPoolExecutor(3) as pool:
        going: list[Any] = [pool.submit(rewrap), pool.submit(rotate)]
        count = 0
        while not all(one.done() for one in going):
            fresh = world.another_environment()
            put(note(fresh, f"new{count:03d}"), 1)
            put(note(fresh, "n001"), 1)
            assert text(fresh, "n002") == "text 1"
            count += 1
        for one in going:
            one.result(60)
    house.drive(house.begin())
    assert set(under(world).values()) == {"kek#000005"}
    fresh = world.another_environment()
    for name in (*(f"n{number:03d}" for number in range(5)), *(f"new{number:03d}" for number in range(count))):
        assert text(fresh, name) == "text 1"


# -- beginning, listing, the schedule ---------------------------------------------------------------------------------


def test_there_is_one_rewrapping_at_a_time(house: Keyhouse) -> None:
    first, is_new = house.do(lambda one: one.begin())
    assert is_new
    assert house.other().do(lambda one: one.begin()) == (first, False)


def test_there_is_nothing_to_do_without_keys_and_nothing_to_do_it_with_where_none_seals(house: Keyhouse) -> None:
    with pytest.raises(NotFound):
        house.do(lambda one: one.begin(), tenant="nobody")
    do(house.world, lambda one: one.revoke())
    with pytest.raises(Conflict, match="rotate first"):
        house.begin()


def test_works_of_keys_and_of_partitions_are_listed_and_driven_apart(house: Keyhouse) -> None:
    partitions = House(house.world, house.clock)
    work, other = house.begin(), partitions.begin()
    assert [one.id for one in house.do(lambda one: one.newest())] == [work.id]
    assert [one.id for one in partitions.do(lambda one: one.newest())] == [other.id]
    with pytest.raises(NotFound):
        house.do(lambda one: one.drive(other.id))
    with pytest.raises(Conflict):
        partitions.drive(work)


def test_a_schedule_of_keys_carries_works_of_keys_on_and_no_other(house: Keyhouse) -> None:
    partitions = House(house.world, house.clock)
    work, other = house.begin(), partitions.begin()

    def run() -> Carried:
        world = house.world.another_environment()
        return carry_on(
            world.vault,
            lambda acting: Rekeying(acting, now=house.clock),
            of_keys=True,
            seconds=30.0,
            about={"function": "keys"},
            count=lambda _name, _value: None,
            report=lambda error: pytest.fail(str(error)),
        )

    assert run() == Carried(1, 1, 0)
    assert house.get(work).state is WorkState.DONE
    assert partitions.get(other).is_running
    assert run() == Carried(0, 0, 0)
    said = [json.loads(item["entry"]["S"]) for item in house.world.items(house.world.tables.audit)]
    assert {one["principal"] for one in said if one["action"] == "key.resume"} == {"twinvault:maintenance"}


def test_each_transaction_says_which_keys_it_wrapped_anew(house: Keyhouse) -> None:
    house.drive(house.begin())
    said = [json.loads(item["entry"]["S"]) for item in house.world.items(house.world.tables.audit)]
    wrapped = [event["key"] for one in said for event in one["keys"] if event["op"] == "rewrap"]
    assert sorted(wrapped) == sorted(under(house.world))


def test_a_cursor_of_another_form_is_no_works(house: Keyhouse) -> None:
    work = house.begin()

    def read(cursor: str) -> Work:
        payload = replace(work, cursor=cursor).encode()
        return decode(payload, work_id=work.id, begun=work.begun, updated=work.updated)

    for cursor in ("dek#note#n1#000001", "n1", ""):
        assert read(cursor).cursor == cursor
    for cursor in ("dek#note#n1", "dek#note#n1#1", "kek#000001", "dek#A#n1#000001"):
        with pytest.raises(IntegrityError):
            read(cursor)
