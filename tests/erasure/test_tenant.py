"""A tenant is erased: its KEKs and its index key go, its last register stays, and there is no way back from it."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.chains import entries
from tests.erasure.samples import at_once, erase, filled, key_rows, killed_at, partition
from tests.erasure.test_sweeping import acting
from tests.faults import Fault, Line
from tests.maintenance.samples import Killed
from tests.records.attacks import Moments, RowKey, without
from tests.records.samples import LEDGER, line
from tests.stores import World, now
from twinvault.erasure.act import Eraser
from twinvault.erasure.facts import Erased
from twinvault.erasure.sweeping import Sweeping
from twinvault.errors import Conflict, Gone, IntegrityError, NotFound
from twinvault.keys.last_register import LastRegister, decode
from twinvault.keys.rows import dek_name
from twinvault.keys.transitions import State
from twinvault.maintenance.driving import Maintenance
from twinvault.maintenance.rekeying import Rekeying
from twinvault.maintenance.work import Work, WorkState
from twinvault.scope import Scope

OTHER = Scope("bcme", "ledger", "p1")
ASKED: dict[str, Callable[[World], object]] = {
    "whole": lambda world: partition(world).read(),
    "one": lambda world: partition(world).get("line#0001"),
    "page": lambda world: partition(world).query(),
    "add": lambda world: partition(world).add(line(9)),
    "another": lambda world: partition(world, Scope("acme", "ledger", "p99")).add(line(9)),
    "rotate": lambda world: world.rotate(),
    "begin": lambda world: world.begin(),
    "erase": erase,
    "status": lambda world: in_an_activity(world, lambda one: one.keys.status()),
    "overview": lambda world: in_an_activity(world, lambda one: one.keys.overview()),
    "retire": lambda world: in_an_activity(world, lambda one: one.keys.retire(1)),
    "rewrap": lambda world: in_an_activity(world, lambda one: Rekeying(one, now=now).begin()),
    "works": lambda world: in_an_activity(world, lambda one: Maintenance(one, kinds=[LEDGER], now=now).newest()),
    "listing": lambda world: in_an_activity(world, lambda one: one.listing(LEDGER)),
}


def in_an_activity(world: World, ask: Callable[[Any], object]) -> object:
    with acting(world) as one:
        return ask(one)


def erase_tenant(world: World, tenant: str = "acme") -> Erased:
    return Eraser(world.vault).erase_tenant(tenant, activity=world.activity(tenant))


def refuses(kind: type[Exception], ask: Callable[[], object], *, name: str) -> None:
    try:
        ask()
    except kind:
        return
    raise AssertionError(name)


def is_gone(world: World) -> None:
    for name, ask in ASKED.items():
        refuses(Gone, lambda ask=ask: ask(world), name=name)


def told(world: World) -> list[str]:
    return [entry["event"] for entry in entries(world) if {"op": "erase", "key": "idx"} in entry["keys"]]


def test_what_was_erased_is_told(world: World) -> None:
    filled(world)
    world.rotate()
    before = world.keys.tenant("acme", observer=world.activity(), fresh=True)
    assert before
    erased = erase_tenant(world)
    assert (erased.kind, erased.partition, erased.head_version, erased.records) == (None, None, None, None)
    assert [(one.name, one.version, one.epoch) for one in erased.keys] == [
        ("idx", 1, 2),
        ("kek#000001", 1, 1),
        ("kek#000002", 2, 2),
    ]
    assert (erased.newest_epoch, erased.refused_by) == (2, "erased")
    (entry,) = (one for one in entries(world) if one["event"] == erased.event_id)
    assert {"op": "erase", "key": "kek#000002"} in entry["keys"]
    (wrote,) = (one["wrote"] for one in entry["partitions"] if "wrote" in one)
    assert (wrote["version"], wrote["digest"]) == (before.written.version + 1, erased.tombstone_digest)
    assert {name for name in key_rows(world) if not name.startswith(("dek#", "hold"))} == {"register", "register-key"}


def test_all_that_it_had_is_gone_and_nothing_begins_anew(world: World) -> None:
    filled(world)
    filled(world, OTHER)
    erase_tenant(world)
    is_gone(world)
    is_gone(world.another_environment())
    assert partition(world, OTHER).read()


def test_asked_again_it_says_the_same(world: World) -> None:
    filled(world)
    first, second = erase_tenant(world), erase_tenant(world.another_environment())
    assert (second.erased_at, second.event_id, second.tombstone_digest, second.keys, second.newest_epoch) == (
        first.erased_at,
        first.event_id,
        first.tombstone_digest,
        first.keys,
        first.newest_epoch,
    )
    assert told(world) == [first.event_id]


def test_a_tenant_that_never_was_cannot_be_erased(world: World) -> None:
    with pytest.raises(NotFound):
        erase_tenant(world, "nobody")


def test_a_tenant_whose_keys_are_all_revoked_can_be_erased(world: World) -> None:
    filled(world)
    in_an_activity(world, lambda one: one.keys.revoke())
    found = world.keys.tenant("acme", observer=world.activity(), fresh=True)
    assert found
    assert {one.state for one in found.register.epochs} == {State.REVOKED}
    assert erase_tenant(world).newest_epoch == 1
    is_gone(world.another_environment())


@pytest.mark.parametrize("fault", [Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.ERROR_AFTER, Fault.CONFLICT])
def test_a_fault_on_the_way_leaves_it_done_once(world: World, faulty: World, line: Line, fault: Fault) -> None:
    filled(world)
    line.next(fault, fault)
    erased = erase_tenant(faulty)
    assert told(world) == [erased.event_id]


def test_a_rotation_that_is_faster_is_erased_with_the_rest(world: World, faulty: World, line: Line) -> None:
    filled(world)
    erase_tenant_once = [True]

    def before(operation: str) -> None:
        if operation == "ExecuteTransaction" and erase_tenant_once:
            erase_tenant_once.pop()
            world.rotate()

    line.before = before
    assert erase_tenant(faulty).newest_epoch == 2
    is_gone(world.another_environment())


def test_two_at_once_are_one(world: World) -> None:
    filled(world)
    there = [world, world.another_environment(), world.another_environment()]
    done = at_once(there, erase_tenant)
    assert len(done) == len(there)
    assert {one.event_id for one in done} == set(told(world))
    assert len(told(world)) == 1


@pytest.mark.parametrize("when", ["before-send", "after-call"])
def test_killed_at_any_call_it_is_done_or_not_and_done_at_last(world: World, aws: dict[str, Any], when: str) -> None:
    states, count = set[str](), 0
    while True:
        count += 1
        scope = Scope(f"t{count}", "ledger", "p1")
        filled(world, scope)
        was_killed = True
        with killed_at(world, count, when=when, aws=aws) as dying, suppress(Killed):
            erase_tenant(dying, scope.tenant)
            was_killed = False
        try:
            assert partition(world.another_environment(), scope).read()
        except Gone:
            states.add("gone")
        else:
            states.add("whole")
        assert erase_tenant(world.another_environment(), scope.tenant).event_id in told(world)
        if not was_killed:
            break
    assert states == {"gone", "whole"}
    assert len(told(world)) == count


def test_any_rows_put_back_open_to_nobody(world: World) -> None:
    filled(world)
    before = Moments(world).rows()
    erase_tenant(world)
    after = Moments(world).rows()
    lost = [place for place in before if place not in after]
    assert {place[2] for place in lost} == {"idx", "kek#000001"}
    for some in (lost, lost[:1], lost[1:]):
        Moments(world).become({**after, **{place: before[place] for place in some}})
        is_gone(world.another_environment())
    # All of it, register included: an older register is none.
    Moments(world).become(before)
    for name, ask in ASKED.items():
        refuses(IntegrityError, lambda ask=ask: ask(world.another_environment()), name=name)


def test_its_last_register_taken_away_or_changed_is_tampering(world: World) -> None:
    filled(world)
    filled(world, OTHER)
    erase_tenant(world)
    erase_tenant(world, "bcme")
    after = Moments(world).rows()
    place: RowKey = ("keys", "tenant#acme", "register")
    other = after["keys", "tenant#bcme", "register"]
    for rows in (
        without(after, lambda one: one == place),
        without(after, lambda one: one[:2] == place[:2]),
        without(after, lambda one: one == (*place[:2], "register-key")),
        {**after, place: other},
        {**after, place: {**after[place], "updated_at": {"S": "2020-01-01T00:00:00Z"}}},
    ):
        Moments(world).become(rows)
        for name, ask in ASKED.items():
            refuses(IntegrityError, lambda ask=ask: ask(world.another_environment()), name=name)


def test_a_last_register_has_one_text() -> None:
    last = LastRegister("ab" * 16, 3, "root-1", "2026-11-30T20:00:00Z", (("idx", 2), ("kek#000002", 2)), _event())
    assert decode(last.encode()) == last
    assert decode(b'{"incarnation":"x"}') is None
    assert decode(b"no JSON") is None
    for bad in (
        last.encode().replace(b",", b", "),
        last.encode().replace(b'"epochs":[]', b'"epochs":[1]'),
        last.encode().replace(b'"kek#000002","epoch":2', b'"kek#000002","epoch":1'),
        last.encode().replace(b'"lowest_epoch":3', b'"lowest_epoch":true'),
        last.encode().replace(b'"idx"', b'"index"'),
    ):
        with pytest.raises(IntegrityError):
            decode(bad)


def _event() -> str:
    text = os.urandom(16).hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def sweep(world: World, *, longest_seconds: float = 0.0, ttl: float = 0.0) -> Work:
    object.__setattr__(world.changes, "key_ttl_seconds", ttl)
    with acting(world) as one:
        sweeping = Sweeping(one, kinds=[LEDGER], now=now, longest_seconds=longest_seconds)
        work, _ = sweeping.begin(None)
    with acting(world) as one:
        return Sweeping(one, kinds=[LEDGER], now=now, longest_seconds=longest_seconds).drive(work.id)


def left(world: World, tenant: str = "acme") -> set[str]:
    rows = {item["sk"]["S"] for item in world.items(world.tables.keys) if item["pk"]["S"] == f"tenant#{tenant}"}
    return {name for name in rows if not name.startswith(("work#", "hold"))} | {
        item["pk"]["S"] for item in world.items() if item["pk"]["S"].startswith(f"tenant#{tenant}#")
    }


def test_its_partitions_and_keys_are_swept_with_the_register_key_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinvault.keys.destroying.SLACK_SECONDS", 0.0)
    for name in ("p1", "p2"):
        filled(world, Scope("acme", "ledger", name), lines=110)
    partition(world).new_dek()
    partition(world).add(line(999), idempotency_key="once")
    filled(world, OTHER)
    erase(world, Scope("acme", "ledger", "p2"))
    before = Moments(world).rows()
    erase_tenant(world)
    kept = {place: item for place, item in before.items() if place[2] in {"idx", "kek#000001"} and "acme" in place[1]}
    Moments(world).become({**Moments(world).rows(), **kept})
    done = sweep(world.another_environment())
    assert done.state is WorkState.DONE
    assert left(world) == {"register", "register-key", "dek#ledger#p1#erased", "dek#ledger#p2#erased"}
    assert partition(world, OTHER).read()
    is_gone(world.another_environment())


def test_it_does_not_end_while_an_environment_may_still_write(world: World) -> None:
    filled(world)
    late = world.another_environment()
    late_partition = partition(late)
    assert late_partition.read()
    erase_tenant(world)
    work = sweep(world, ttl=300)
    assert (work.state, work.cursor, work.lease) == (WorkState.RUNNING, "", None)
    # It has the keys in memory, and has not heard of it.
    partition(late, Scope("acme", "ledger", "p7")).add(line(1))
    assert dek_name(Scope("acme", "ledger", "p7"), 1) in key_rows(world)
    again = sweep(world, ttl=300)
    assert (again.id, again.is_running) == (work.id, True)
    assert dek_name(Scope("acme", "ledger", "p7"), 1) not in key_rows(world)
    assert "tenant#acme#ledger#p7" not in left(world)


def test_a_tenant_that_lives_is_not_swept(world: World) -> None:
    filled(world)
    with acting(world) as one, pytest.raises(Conflict):
        Sweeping(one, kinds=[LEDGER], now=now).begin(None)
