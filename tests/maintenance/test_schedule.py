"""Works that nobody drives: found in the index, whosever they are, and carried on."""

from typing import Any

import pytest

from tests.maintenance.samples import NOTE, OTHER, House, Noting, write_notes
from tests.stores import World
from twinvault.errors import KeyRefused, TwinvaultError
from twinvault.maintenance.driving import Maintenance
from twinvault.maintenance.holding import LEASE_SECONDS, RESERVE_SECONDS
from twinvault.maintenance.schedule import Carried, carry_on
from twinvault.maintenance.work import WorkState


def run(house: House, *, seconds: float = 30.0) -> tuple[Carried, list[TwinvaultError]]:
    reported: list[TwinvaultError] = []
    world = house.world.another_environment()
    carried = carry_on(
        world.vault,
        lambda acting: Maintenance(acting, kinds=[NOTE, OTHER], jobs=house.jobs, now=house.clock),
        seconds=seconds,
        about={"function": "maintain", "request_id": "request-1"},
        count=lambda _name, _value: None,
        report=reported.append,
    )
    return carried, reported


def plant(world: World, tenant: str, ids: Any) -> None:
    world.client.put_item(
        TableName=world.tables.keys, Item={"pk": {"S": "work"}, "sk": {"S": tenant}, **({"open": ids} if ids else {})}
    )


def test_works_of_all_tenants_are_carried_on_to_their_end(world: World) -> None:
    houses = [House(world, tenant=tenant) for tenant in ("acme", "others")]
    for house in houses:
        write_notes(world, 2, tenant=house.tenant)
    works = [(house, house.begin(kind=kind)) for house in houses for kind in ("note", "other")]
    carried, reported = run(houses[0])
    assert (carried, reported) == (Carried(4, 4, 0), [])
    assert {house.get(work).state for house, work in works} == {WorkState.DONE}
    assert run(houses[0])[0] == Carried(0, 0, 0)


def test_where_there_are_none_nothing_happens(world: World) -> None:
    assert run(House(world))[0] == Carried(0, 0, 0)
    assert world.items(world.tables.audit) == []


def test_a_work_that_was_killed_is_carried_on_once_its_lease_has_run_out(world: World) -> None:
    write_notes(world, 2)

    def die(_: str) -> None:
        raise KeyboardInterrupt

    house = House(world, jobs=[Noting(act=die)])
    work = house.begin("noting")
    with pytest.raises(KeyboardInterrupt):
        house.drive(work)
    house.jobs = [Noting()]
    assert run(house)[0] == Carried(1, 1, 0)
    assert house.get(work).is_running
    house.clock.pass_on(LEASE_SECONDS)
    run(house)
    assert house.get(work).state is WorkState.DONE


def test_what_keeps_one_from_being_driven_keeps_no_other(world: World) -> None:
    houses = [House(world, tenant=tenant) for tenant in ("acme", "others")]
    for house in houses:
        write_notes(world, 1, tenant=house.tenant)

    def refuse(_: str) -> None:
        raise KeyRefused("refused")

    houses[0].jobs = [Noting(act=refuse)]
    refused, driven = houses[0].begin("noting"), houses[1].begin()
    houses[1].jobs = [*houses[0].jobs, *houses[1].jobs]
    carried, reported = run(houses[1])
    assert carried == Carried(2, 2, 1)
    assert [type(error) for error in reported] == [KeyRefused]
    assert houses[0].get(refused).is_running
    assert houses[1].get(driven).state is WorkState.DONE


def test_with_no_time_nothing_is_begun(world: World) -> None:
    write_notes(world, 1)
    house = House(world)
    work = house.begin()
    assert run(house, seconds=RESERVE_SECONDS)[0] == Carried(1, 0, 0)
    assert house.get(work) == work


@pytest.mark.parametrize(
    ("tenant", "ids"),
    [
        pytest.param("nobody", {"S": "never-was"}, id="a tenant without keys"),
        pytest.param("acme", {"S": "never-was"}, id="no such work"),
        pytest.param("A#B", {"S": "x"}, id="no tenant"),
        pytest.param("acme", {"S": "A#B  "}, id="no ids"),
        pytest.param("acme", {"N": "1"}, id="a number"),
        pytest.param("acme", None, id="nothing"),
    ],
)
def test_a_planted_row_of_the_index_makes_nothing_happen(world: World, tenant: str, ids: Any) -> None:
    write_notes(world, 1)
    before = world.items(world.tables.records)
    plant(world, tenant, ids)
    carried, reported = run(House(world))
    assert carried.failed == len(reported) == carried.driven
    assert world.items(world.tables.records) == before


def test_the_log_says_that_nobody_with_a_token_did_it(world: World) -> None:
    write_notes(world, 1)
    house = House(world)
    house.begin()
    run(house)
    text = str(world.items(world.tables.audit))
    assert '"action":"maintain.resume"' in text
    assert '"principal":"twinvault:maintenance"' in text
    assert '"function":"maintain"' in text


@pytest.mark.parametrize("ids", [{"S": "never-was"}, {"N": "1"}, None], ids=["no such work", "a number", "nothing"])
def test_a_planted_row_of_the_index_keeps_no_work_from_beginning(world: World, ids: Any) -> None:
    write_notes(world, 1)
    plant(world, "acme", ids)
    house = House(world)
    work = house.begin()
    assert house.index() == [work.id]
    assert house.drive(work).state is WorkState.DONE
