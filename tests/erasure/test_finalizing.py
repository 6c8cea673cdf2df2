"""What makes erasures final: the old epochs are gone, nothing of the living is lost, whoever is killed or writes."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import OUTAGE, FakeKms
from tests.keys.test_changing import index_key, keys, note, put, rows
from tests.keys.test_destroying import LONGEST, WAIT
from tests.keys.test_epochs import do, states, text
from tests.maintenance.samples import Clock, Killed, deadly
from tests.maintenance.test_rekeying import under, write
from tests.stores import World
from twinvault.erasure.finalizing import Finalizing, FinalizingWork, KeyWorks
from twinvault.errors import Conflict, DependencyError, NotFound
from twinvault.keys.register import MAX_EPOCHS
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.driving import Maintenance
from twinvault.maintenance.holding import LEASE_SECONDS, PATIENCE_SECONDS
from twinvault.maintenance.rekeying import Rekeying
from twinvault.maintenance.schedule import Carried, carry_on
from twinvault.maintenance.work import WorkState


@dataclass
class Finalhouse:
    """One environment's view of the works that make a tenant's erasures final; keys are changed by its clock, too."""

    world: World
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.world.changes.now = self.clock

    def do[T](self, what: Callable[[Finalizing], T]) -> T:
        with self.world.vault.acting(tenant="acme", principal="ann", action="key.test", seconds=60) as acting:
            return what(Finalizing(acting, now=self.clock, longest_seconds=LONGEST))

    def begin(self) -> FinalizingWork:
        return self.do(lambda one: one.begin())[0]

    def drive(self, begun: FinalizingWork) -> FinalizingWork:
        return self.do(lambda one: one.drive(begun.work.id))

    def get(self, begun: FinalizingWork) -> FinalizingWork:
        return self.do(lambda one: one.get(begun.work.id))

    def other(self) -> "Finalhouse":
        return replace(self, world=self.world.another_environment())

    def through(self, begun: FinalizingWork) -> FinalizingWork:
        """Driven, the wait waited for, and driven to its end."""
        self.drive(begun)
        self.clock.pass_on(WAIT)
        return self.drive(begun)


@pytest.fixture
def house(world: World) -> Finalhouse:
    """Five partitions, three of them under the first epoch, two under the second."""
    house = Finalhouse(world)
    write(world, 3)
    world.rotate()
    for name in ("young1", "young2"):
        put(note(world, name), 1)
    return house


def texts(world: World) -> list[str]:
    fresh = world.another_environment()
    return [text(fresh, name) for name in ("n000", "n001", "n002", "young1", "young2")]


def test_it_rotates_retires_and_waits_and_then_brings_the_living_along_and_destroys_what_is_below(
    house: Finalhouse,
) -> None:
    world, index = house.world, index_key(house.world).key
    begun = house.begin()
    assert begun.phase == "rotating"
    waiting = house.drive(begun)
    since = house.clock.at
    assert (waiting.phase, waiting.work.state, waiting.work.lease) == ("waiting", WorkState.RUNNING, None)
    assert waiting.waits_until == (since + timedelta(seconds=WAIT)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert states(world) == ["retired", "retired", "active"]
    assert set(under(world).values()) == {"kek#000001", "kek#000002"}
    house.clock.pass_on(WAIT - 1)
    assert house.drive(begun) == house.get(begun), "a wait is not driven"
    house.clock.pass_on(2)
    done = house.drive(begun)
    assert (done.phase, done.work.counts, done.waits_until) == ("done", Counts(5, 5, 0, 0), None)
    assert set(under(world).values()) == {"kek#000003"}
    assert not {"kek#000001", "kek#000002"} & rows(world).keys()
    assert (keys(world).register.lowest_epoch, states(world)) == (3, ["active"])
    assert texts(world) == ["text 1"] * 5
    assert index_key(world.another_environment()).key == index
    assert house.drive(begun).work == done.work, "what has ended is not done again"


def test_each_act_has_an_entry_of_its_own_in_the_audit_log(house: Finalhouse) -> None:
    house.through(house.begin())
    said = [json.loads(item["entry"]["S"]) for item in house.world.items(house.world.tables.audit)]
    events = [(one["action"], event["op"], event["key"]) for one in said for event in one["keys"]]
    for op, key in (("rotate", 3), ("retire", 1), ("retire", 2), ("destroy", 1), ("destroy", 2)):
        assert ("key.finalize", op, f"kek#{key:06d}") in events
    assert {one["principal"] for one in said if one["action"] == "key.finalize"} == {"ann"}


def test_what_a_cached_register_made_meanwhile_is_brought_along(house: Finalhouse) -> None:
    """The schedule that the wait is for: an environment that heard of nothing goes on sealing under an old epoch."""
    other = house.world.another_environment()
    put(note(other, "before"), 1)
    begun = house.begin()
    house.drive(begun)
    put(note(other, "late"), 1)
    assert rows(house.world)["dek#note#late#000001"]["key_id"] == {"S": "kek#000002"}
    house.clock.pass_on(WAIT)
    done = house.drive(begun)
    assert (done.work.state, done.work.counts) == (WorkState.DONE, Counts(7, 7, 0, 0))
    assert text(house.world.another_environment(), "late") == "text 1"


def test_a_second_one_begins_anew_and_makes_final_what_came_after_the_first(house: Finalhouse) -> None:
    first = house.through(house.begin())
    again, is_new = house.do(lambda one: one.begin())
    assert is_new
    assert again.work.id != first.work.id
    assert house.through(again).work.counts == Counts(5, 5, 0, 0)
    assert keys(house.world).register.lowest_epoch == 4
    running, is_new = house.do(lambda one: one.begin())
    assert (house.do(lambda one: one.begin())[0].work.id, is_new) == (running.work.id, True), "one at a time"


# -- killed, two at once ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before the engine has it", "after the engine has it"])
def test_killed_at_any_call_it_goes_on_and_nothing_is_lost(world: World, *, after: bool) -> None:
    house = Finalhouse(world)
    write(world, 2)
    calls, killed = 0, True
    while killed:
        calls += 1
        begun = house.begin()
        newest = keys(world).register.newest
        dying, _ = deadly(world, at=calls, after=after)
        mine = Finalhouse(dying, house.clock)
        try:
            mine.through(begun)
            killed = False
        except Killed:
            house.clock.pass_on(LEASE_SECONDS)
        done = house.other().through(begun)
        house.clock.pass_on(WAIT)
        done = house.other().drive(begun)
        assert done.work.state is WorkState.DONE
        assert done.work.counts.failed == 0
        register = keys(world).register
        assert register.lowest_epoch == register.newest > newest
        assert register.newest <= newest + 2, "a kill costs one more epoch at most"
        fresh = world.another_environment()
        assert [text(fresh, name) for name in ("n000", "n001")] == ["text 1"] * 2
        assert calls < 40
    assert calls > 8


def test_two_that_drive_at_once_do_it_once(house: Finalhouse) -> None:
    begun = house.begin()
    for _ in range(2):
        others = [house.other() for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda one: one.drive(begun), others))
        house.clock.pass_on(WAIT)
    done = house.drive(begun)
    assert (done.work.state, done.work.counts) == (WorkState.DONE, Counts(5, 5, 0, 0))
    assert keys(house.world).register.newest == 3


def test_who_writes_and_rotates_meanwhile_only_adds_to_it(house: Finalhouse) -> None:
    begun = house.begin()
    house.drive(begun)
    assert house.world.rotate() == 4
    put(note(house.world, "more"), 1)
    house.clock.pass_on(WAIT)
    done = house.drive(begun)
    assert (done.work.state, states(house.world)) == (WorkState.DONE, ["active", "active"])
    assert keys(house.world).register.lowest_epoch == 3
    assert set(under(house.world).values()) == {"kek#000004"}


def test_who_retires_its_epoch_meanwhile_makes_it_wait_once_more(house: Finalhouse) -> None:
    begun = house.begin()
    house.drive(begun)
    house.clock.pass_on(WAIT)
    house.world.rotate()
    do(house.world, lambda one: one.retire(3))
    waiting = house.drive(begun)
    assert waiting.phase == "waiting"
    assert keys(house.world).register.lowest_epoch == 1
    house.clock.pass_on(WAIT)
    assert house.drive(begun).work.state is WorkState.DONE
    assert (keys(house.world).register.lowest_epoch, texts(house.world)) == (4, ["text 1"] * 5)


# -- what cannot be done ----------------------------------------------------------------------------------------------


def test_what_is_under_a_revoked_epoch_is_not_lost_and_the_work_ends_as_failed(house: Finalhouse) -> None:
    do(house.world, lambda one: one.revoke(2))
    done = house.through(house.begin())
    assert (done.phase, done.work.counts) == ("failed", Counts(5, 3, 0, 2))
    assert keys(house.world).register.lowest_epoch == 2, "what was below it is gone all the same"
    do(house.world, lambda one: one.reinstate(2))
    assert texts(house.world) == ["text 1"] * 5
    assert house.through(house.begin()).work.state is WorkState.DONE


def test_a_row_that_does_not_open_keeps_every_epoch_alive(house: Finalhouse) -> None:
    row = rows(house.world)["dek#note#n001#000001"]
    house.world.client.put_item(TableName=house.world.tables.keys, Item={**row, "created_at": {"S": "2000"}})
    done = house.through(house.begin())
    assert (done.phase, done.work.counts) == ("failed", Counts(5, 4, 0, 1))
    assert keys(house.world).register.lowest_epoch == 1
    house.world.client.put_item(TableName=house.world.tables.keys, Item=row)
    assert house.through(house.begin()).work.state is WorkState.DONE
    assert texts(house.world) == ["text 1"] * 5


def test_a_row_that_claims_another_epoch_keeps_every_epoch_alive(house: Finalhouse) -> None:
    """Edited after the rewrapping has passed it: the destroying itself looks once more."""
    begun = house.begin()
    house.drive(begun)
    row = rows(house.world)["dek#note#n001#000001"]
    claiming = {**row, "key_id": {"S": "kek#000003"}}
    house.world.client.put_item(TableName=house.world.tables.keys, Item=claiming)
    house.clock.pass_on(WAIT)
    done = house.drive(begun)
    assert (done.phase, keys(house.world).register.lowest_epoch) == ("failed", 1)
    assert done.work.counts.failed == 1


def test_a_kms_that_cannot_answer_stops_it_and_the_next_goes_on(house: Finalhouse, kms: FakeKms) -> None:
    begun = house.begin()
    kms.fault = OUTAGE
    with pytest.raises(DependencyError):
        house.other().drive(begun)
    kms.fault = None
    house.clock.pass_on(LEASE_SECONDS)
    assert house.through(begun).work.state is WorkState.DONE


def test_where_there_is_no_room_for_one_more_epoch_it_says_so_and_ends_after_a_while(world: World) -> None:
    house = Finalhouse(world)
    put(note(world, "one"), 1)
    for _ in range(MAX_EPOCHS - 1):
        world.rotate()
    begun = house.begin()
    with pytest.raises(Conflict):
        house.drive(begun)
    assert house.get(begun).work.is_running
    house.clock.pass_on(PATIENCE_SECONDS)
    with pytest.raises(Conflict):
        house.drive(begun)
    assert house.get(begun).phase == "failed"


def test_a_tenant_without_keys_and_works_of_another_sort_are_not_found(house: Finalhouse) -> None:
    with (
        house.world.vault.acting(tenant="bolt", principal="ann", action="key.test") as acting,
        pytest.raises(NotFound),
    ):
        Finalizing(acting, now=house.clock, longest_seconds=LONGEST).begin()
    begun = house.begin()

    def asked(what: Callable[[Any], Any]) -> Any:
        with house.world.vault.acting(tenant="acme", principal="ann", action="key.test") as acting:
            return what(acting)

    rewrapping = asked(lambda acting: Rekeying(acting, now=house.clock).begin()[0])
    with pytest.raises(NotFound):
        house.do(lambda one: one.drive(rewrapping.id))
    with pytest.raises(NotFound):
        asked(lambda acting: Rekeying(acting, now=house.clock).drive(begun.work.id))
    assert [one.id for one in house.do(lambda one: one.newest())] == [begun.work.id]
    assert [one.id for one in asked(lambda acting: Rekeying(acting, now=house.clock).newest())] == [rewrapping.id]
    assert asked(lambda acting: Maintenance(acting, kinds=[], now=house.clock).newest()) == []


def test_what_nobody_drives_a_schedule_carries_on_whatever_sort_it_is(house: Finalhouse) -> None:
    begun = house.begin()

    def tick() -> Any:
        return carry_on(
            house.world.vault,
            lambda acting: KeyWorks(acting, now=house.clock, longest_seconds=LONGEST),
            of_keys=True,
            seconds=60,
            about={},
            count=lambda _name, _value: None,
            report=lambda error: pytest.fail(str(error)),
        )

    assert tick() == Carried(1, 1, 0)
    assert tick() == Carried(1, 1, 0), "a work that waits is looked at, and no more"
    house.clock.pass_on(WAIT)
    with house.world.vault.acting(tenant="acme", principal="ann", action="key.test") as acting:
        rewrapping = Rekeying(acting, now=house.clock).begin()[0]
    assert tick() == Carried(2, 2, 0)
    assert house.get(begun).work.state is WorkState.DONE
    with house.world.vault.acting(tenant="acme", principal="ann", action="key.test") as acting:
        assert Rekeying(acting, now=house.clock).get(rewrapping.id).state is WorkState.DONE
    assert tick() == Carried(0, 0, 0)
