"""What was left of what was erased is swept: all of it, nothing else, whoever is killed at it."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest

from tests.chains import entries
from tests.erasure.samples import erase, filled, key_rows, killed_at, partition
from tests.erasure.test_beginning import anew
from tests.maintenance.samples import Killed
from tests.records.attacks import Moments
from tests.records.samples import HEAD_FIELDS, LEDGER, SCOPE, line
from tests.stores import World, now
from twinvault.acting import Acting
from twinvault.erasure.sweeping import Sweeping
from twinvault.errors import Gone, InvalidInput, NotFound
from twinvault.keys.rows import dek_name
from twinvault.maintenance.driving import Maintenance
from twinvault.maintenance.schedule import carry_on
from twinvault.maintenance.work import Work, WorkState
from twinvault.records.requests import requests_key
from twinvault.scope import Scope


def acting(world: World, *, tenant: str = "acme", seconds: float = 20.0) -> AbstractContextManager[Acting]:
    return world.vault.acting(tenant=tenant, principal="u-1", action="test.sweep", seconds=seconds)


def sweeping(one: Acting) -> Sweeping:
    return Sweeping(one, kinds=[LEDGER], now=now)


def begin(world: World, kind: str = "ledger") -> Work:
    with acting(world) as one:
        return sweeping(one).begin(kind)[0]


def drive(world: World, work: Work) -> Work:
    with acting(world) as one:
        return sweeping(one).drive(work.id)


def sweep(world: World) -> Work:
    return drive(world, begin(world))


def rows(world: World, scope: Scope = SCOPE) -> list[str]:
    return [item["sk"]["S"] for item in world.items() if item["pk"]["S"] in {scope.pk, requests_key(scope)}]


def test_all_rows_go_and_so_do_their_places_in_indexes(world: World) -> None:
    filled(world, lines=130)
    partition(world).add(line(999), idempotency_key="once")
    other = Scope("acme", "ledger", "p2")
    filled(world, other)
    erase(world)
    assert len(rows(world)) == 133
    done = sweep(world)
    assert (done.state, done.counts.rewritten, done.counts.partitions) == (WorkState.DONE, 133, 1)
    assert rows(world) == []
    assert "dek#ledger#p1#erased" in key_rows(world)
    with pytest.raises(Gone):
        partition(world).read()
    assert partition(world, other).read()
    with acting(world) as one:
        listing = one.listing(LEDGER)
        assert listing
        assert [hit.partition for hit in listing.page(status=None, limit=10, cursor=None).scopes] == ["p2"]


def test_where_another_one_stands_by_now_nothing_is_swept(world: World) -> None:
    filled(world)
    erase(world)
    sweep(world)
    anew(world).put(line(7), head=HEAD_FIELDS)
    done = sweep(world)
    assert (done.state, done.counts.rewritten) == (WorkState.DONE, 0)
    assert partition(world.another_environment()).read()


def test_what_somebody_put_back_goes_as_well(world: World) -> None:
    filled(world)
    before = Moments(world).rows()
    erase(world)
    sweep(world)
    Moments(world).become({**Moments(world).rows(), **{place: before[place] for place in before}})
    assert dek_name(SCOPE, 1) in key_rows(world)
    sweep(world.another_environment())
    assert rows(world) == []
    assert dek_name(SCOPE, 1) not in key_rows(world)


def test_without_a_tombstone_that_is_named_nothing_is_swept(world: World) -> None:
    """Who plants one beside a partition that lives cannot have it swept away."""
    other = Scope("acme", "ledger", "p2")
    filled(world)
    filled(world, other)
    erase(world, other)
    stone = key_rows(world)["dek#ledger#p2#erased"]
    world.client.put_item(TableName=world.tables.keys, Item={**stone, "sk": {"S": "dek#ledger#p1#erased"}})
    done = sweep(world)
    assert (done.state, done.counts.failed) == (WorkState.FAILED, 1)
    assert partition(world).read()
    assert rows(world, other) == []


def test_one_that_runs_begins_again_for_what_was_erased_meanwhile(world: World) -> None:
    for name in ("p1", "p2", "p3"):
        filled(world, Scope("acme", "ledger", name))
    erase(world, Scope("acme", "ledger", "p2"))
    erase(world, Scope("acme", "ledger", "p3"))
    work = begin(world)
    first = begin(world)
    assert (first.id, first.cursor) == (work.id, "")
    # Its driver has come by the first partition's place when that is erased.
    table = world.vault.key_table
    original = table.query_range
    todo = [True]

    def then(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        if todo and args[1].startswith("dek#"):
            todo.pop()
            there = world.another_environment()
            erase(there)
            assert begin(there).id == work.id
        return found

    object.__setattr__(table, "query_range", then)
    done = drive(world, work)
    object.__setattr__(table, "query_range", original)
    assert done.state is WorkState.DONE
    assert [item for item in world.items() if item["pk"]["S"].startswith("tenant#acme#ledger")] == []


@pytest.mark.parametrize("when", ["before-send", "after-call"])
def test_killed_anywhere_it_is_carried_on(world: World, aws: dict[str, Any], when: str) -> None:
    for count in (3, 6, 9, 12, 15):
        scope = Scope("acme", "ledger", f"p{count}")
        filled(world, scope, lines=110)
        erase(world, scope)
        work = begin(world)
        with killed_at(world, count, when=when, aws=aws) as dying, pytest.raises(Killed):
            drive(dying, work)
        # Its lease runs out; here nobody waits for that.
        with acting(world) as one:
            driver = sweeping(one)
            work = driver._works.change(work.id, lambda found: replace(found, lease=None))
        assert drive(world, work).state is WorkState.DONE
        assert rows(world, scope) == []


def test_it_is_in_no_list_but_its_own_and_a_schedule_carries_it_on(world: World) -> None:
    filled(world)
    erase(world)
    work = begin(world)
    with acting(world) as one:
        assert [each.id for each in sweeping(one).newest()] == [work.id]
        assert Maintenance(one, kinds=[LEDGER], now=now).newest() == []
        assert sweeping(one).get(work.id).is_running
    carried = carry_on(
        world.vault, sweeping, of_erasures=True, seconds=20, about={}, count=lambda _n, _v: None, report=lambda _e: None
    )
    assert (carried.running, carried.driven, carried.failed) == (1, 1, 0)
    assert rows(world) == []
    assert any(entry["action"] == "maintain.sweep" for entry in entries(world))


def test_what_is_no_sweep_is_refused(world: World) -> None:
    filled(world)
    with pytest.raises(InvalidInput):
        begin(world, "other")
    with acting(world) as one:
        other, _ = Maintenance(one, kinds=[LEDGER], now=now).begin("rewrite", "ledger")
        with pytest.raises(NotFound):
            sweeping(one).drive(other.id)
