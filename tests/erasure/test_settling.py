"""Erasures get their time when the epochs are gone that may have wrapped their keys, and not before; each one once."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chains import entries
from tests.erasure.samples import erase, filled
from tests.erasure.test_finalizing import Finalhouse
from tests.keys.test_destroying import LONGEST, WAIT
from tests.keys.test_epochs import do
from tests.maintenance.samples import Killed, deadly
from tests.records.samples import SCOPE
from tests.stores import World
from twinvault.erasure.facts import Erased
from twinvault.erasure.request import ErasureRequest
from twinvault.erasure.requests import ErasureRequests
from twinvault.erasure.settling import Settling


def rows_of(world: World, house: Finalhouse, what: Any) -> Any:
    with world.vault.acting(tenant="acme", principal="ann", action="erase.test") as acting:
        vault = world.vault
        done = what(ErasureRequests(vault.holds.rows, vault.audit, acting.activity, house.clock))
        acting.release()
    return done


def asked(house: Finalhouse, partition: str) -> ErasureRequest:
    kind = SCOPE.kind
    made: ErasureRequest = rows_of(
        house.world,
        house,
        lambda all_of: all_of.request(kind=kind, partition=partition, caller_id="x", hold_hours=0)[0],
    )
    return made


def done(house: Finalhouse, one: ErasureRequest, erased: Erased) -> ErasureRequest:
    rows_of(house.world, house, lambda all_of: all_of.make_final(one.id, four_eyes=False))
    made: ErasureRequest = rows_of(house.world, house, lambda all_of: all_of.done(one.id, erased))
    return made


def get(house: Finalhouse, one: ErasureRequest) -> ErasureRequest:
    found: ErasureRequest = rows_of(house.world.another_environment(), house, lambda all_of: all_of.get(one.id))
    return found


@pytest.fixture
def house(world: World) -> Finalhouse:
    """Two partitions, one of which lives."""
    filled(filled(world), replace(SCOPE, partition="p2"))
    return Finalhouse(world)


def test_the_end_of_a_finalizing_gives_all_erasures_before_it_their_time_and_none_after(house: Finalhouse) -> None:
    first, open_one = asked(house, SCOPE.partition), asked(house, "p2")
    first = done(house, first, erase(house.world))
    assert first.finalized_at is None
    begun = house.begin()
    house.drive(begun)
    # Erased while it waits: the newest epoch is another by now, under which a copy of its key may be.
    late = done(house, open_one, replace(erase(house.world, replace(SCOPE, partition="p2")), newest_epoch=2))
    house.clock.pass_on(WAIT)
    assert house.drive(begun).phase == "done"
    assert get(house, first).finalized_at == house.clock()
    assert get(house, late).finalized_at is None
    house.clock.pass_on(1)
    house.through(house.begin())
    assert get(house, late).finalized_at == house.clock()
    assert get(house, first).finalized_at < house.clock(), "what has its time keeps it"


def test_an_erasure_that_was_only_asked_for_has_no_time(house: Finalhouse) -> None:
    one = asked(house, SCOPE.partition)
    house.through(house.begin())
    assert get(house, one).finalized_at is None


def test_where_an_epoch_stays_alive_the_erasures_under_it_stay_without_a_time(house: Finalhouse) -> None:
    first = done(house, asked(house, SCOPE.partition), erase(house.world))
    do(house.world, lambda one: one.revoke(1))
    assert house.through(house.begin()).phase == "failed"
    assert get(house, first).finalized_at is None


def test_epochs_that_were_destroyed_by_hand_count_for_whoever_looks_next(house: Finalhouse) -> None:
    first = done(house, asked(house, SCOPE.partition), erase(house.world))
    settled = rows_of(house.world, house, lambda all_of: Settling(all_of).settle_all(lowest_epoch=1))
    assert (settled, get(house, first).finalized_at) == (0, None)
    settled = rows_of(house.world, house, lambda all_of: Settling(all_of).settle_all(lowest_epoch=2))
    assert (settled, get(house, first).finalized_at) == (1, house.clock())
    assert rows_of(house.world, house, lambda all_of: Settling(all_of).settle_all(lowest_epoch=3)) == 0


def test_a_row_that_does_not_open_is_passed_over_and_said_and_the_others_get_their_time(house: Finalhouse) -> None:
    first, second = asked(house, SCOPE.partition), asked(house, "p2")
    first = done(house, first, erase(house.world))
    second = done(house, second, erase(house.world, replace(SCOPE, partition="p2")))
    table = house.world.tables.keys
    (row,) = [one for one in house.world.items(table) if one["sk"]["S"] == f"erasure#{first.id}"]
    house.world.client.put_item(TableName=table, Item={**row, "updated_at": {"S": "2000-01-01T00:00:00.000000Z"}})
    assert house.through(house.begin()).phase == "done"
    assert get(house, second).finalized_at is not None
    assert [one for one in entries(house.world) if one["outcome"] == "failure" and one["action"] == "key.finalize"]
    house.world.client.put_item(TableName=table, Item=row)
    assert get(house, first).finalized_at is None


def test_killed_while_it_gives_them_their_time_the_next_goes_on(house: Finalhouse) -> None:
    first, second = asked(house, SCOPE.partition), asked(house, "p2")
    first = done(house, first, erase(house.world))
    second = done(house, second, erase(house.world, replace(SCOPE, partition="p2")))
    begun = house.begin()
    house.drive(begun)
    house.clock.pass_on(WAIT)
    calls = 0
    while get(house, second).finalized_at is None:
        calls += 1
        assert calls < 30
        dying, _ = deadly(house.world, at=calls, after=bool(calls % 2))
        try:
            Finalhouse(dying, house.clock).drive(begun)
        except Killed:
            house.clock.pass_on(LONGEST)
    house.clock.pass_on(LONGEST)
    assert house.drive(begun).phase == "done"
    assert get(house, first).finalized_at is not None
