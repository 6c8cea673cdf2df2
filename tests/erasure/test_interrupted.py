"""An erasure that is killed, whose answer is lost, or that others run into: done once, or not at all."""

import itertools
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from tests.chains import entries
from tests.erasure.samples import at_once, erase, filled, key_rows, killed_at, partition
from tests.faults import Fault, Line
from tests.maintenance.samples import Killed
from tests.records.samples import SCOPE, puts
from tests.records.samples import line as entry
from tests.stores import World, now
from twinvault.errors import DependencyError, Gone, OutcomeUnknown
from twinvault.keys.rewrapping import DekRewrapping
from twinvault.keys.rows import dek_name, kek_name
from twinvault.scope import Scope

ONCE = [
    Fault.LOSE_REQUEST,
    Fault.LOSE_ANSWER,
    Fault.CUT_ANSWER,
    Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER,
    Fault.UNAVAILABLE,
    Fault.THROTTLE,
    Fault.CONFLICT,
    Fault.THROTTLED_WITHIN,
    Fault.CANCELLED_FOR_NO_REASON,
]


def told(world: World) -> list[str]:
    """The erasures that the audit log tells of."""
    return [entry["event"] for entry in entries(world) if any(one["op"] == "erase" for one in entry["keys"])]


def acting_once(line_: Line, act: Callable[[], object]) -> None:
    """What somebody else does right before the first transaction is sent."""
    todo = [act]

    def before(operation: str) -> None:
        if operation == "ExecuteTransaction" and todo:
            todo.pop()()

    line_.before = before


@pytest.mark.parametrize("fault", ONCE, ids=lambda fault: fault.name)
def test_a_fault_on_the_way_leaves_it_done_once(world: World, faulty: World, line: Line, fault: Fault) -> None:
    filled(world)
    line.next(fault)
    erased = erase(faulty)
    assert erased.records == {"line": 3, "note": 1}
    assert told(world) == [erased.event_id]
    with pytest.raises(Gone):
        partition(world).read()


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.ERROR_AFTER, Fault.LOSE_REQUEST])
def test_an_answer_that_never_comes_is_told_as_such_and_asking_again_is_safe(
    world: World, faulty: World, line: Line, fault: Fault
) -> None:
    filled(world)
    line.always(fault)
    first = None
    # What was done may be seen in time, by a look; what never arrived was not done, and nobody says that it was.
    with suppress(OutcomeUnknown, DependencyError):
        first = erase(faulty, activity=faulty.activity(seconds=2))
    assert first is None or fault is not Fault.LOSE_REQUEST
    line.clear()
    erased = erase(world)
    assert first is None or first.event_id == erased.event_id
    assert told(world) == [erased.event_id]
    assert erased.records == {"line": 3, "note": 1}


@pytest.mark.parametrize("when", ["before-send", "after-call"])
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.long)])
def test_killed_at_any_call_it_is_done_or_not_and_done_at_last(
    world: World, aws: dict[str, Any], when: str, step: int
) -> None:
    whole, gone = 0, 0
    for count in itertools.count(1, step):
        scope = Scope("acme", "ledger", f"p{count}")
        filled(world, scope)
        was_killed = True
        with killed_at(world, count, when=when, aws=aws) as dying, suppress(Killed):
            erase(dying, scope)
            was_killed = False
        try:
            snapshot = partition(world.another_environment(), scope).read()
        except Gone:
            gone += 1
        else:
            assert snapshot
            assert len(snapshot.records) == 4
            whole += 1
        erased = erase(world.another_environment(), scope)
        assert erased.records == {"line": 3, "note": 1}
        assert told(world).count(erased.event_id) == 1
        if not was_killed:
            break
    assert whole > 3 // step
    assert gone > 1 // step
    assert len(told(world)) == whole + gone


def test_two_at_once_are_one(world: World) -> None:
    filled(world, lines=20)
    there = [world, world.another_environment(), world.another_environment()]
    done = at_once(there, erase)
    assert len(done) == len(there)
    assert len({(one.event_id, one.tombstone_digest, one.keys, str(one.records)) for one in done}) == 1
    assert told(world) == [done[0].event_id]


def test_a_writer_who_is_faster_is_erased_with_the_rest(world: World, faulty: World, line: Line) -> None:
    filled(world)
    acting_once(line, lambda: partition(world).add(entry(9)))
    erased = erase(faulty)
    assert (erased.head_version, erased.records) == (2, {"line": 4, "note": 1})


def test_a_write_under_a_new_key_that_is_faster_is_erased_with_the_rest(
    world: World, faulty: World, line: Line
) -> None:
    filled(world)

    def reencrypted() -> None:
        partition(world).new_dek()
        partition(world).rewrite(force=True)

    acting_once(line, reencrypted)
    erased = erase(faulty)
    assert [one.version for one in erased.keys] == [1, 2]
    assert not [name for name in key_rows(world) if name in {dek_name(SCOPE, 1), dek_name(SCOPE, 2)}]
    with pytest.raises(Gone):
        partition(world.another_environment()).get("line#0001")


def test_a_key_that_is_wrapped_anew_meanwhile_goes_as_well(world: World, faulty: World, line: Line) -> None:
    filled(world)

    def rewrapped() -> None:
        world.rotate()
        rows = [key_rows(world)[dek_name(SCOPE, 1)]]
        rewrapping(world).rewrap(rows, tenant="acme", under=kek_name(2), committer=world.commits())

    acting_once(line, rewrapped)
    assert [(one.version, one.epoch) for one in erase(faulty).keys] == [(1, 2)]
    assert dek_name(SCOPE, 1) not in key_rows(world)


def rewrapping(world: World) -> DekRewrapping:
    return DekRewrapping(
        hierarchy=world.keys,
        table=world.vault.key_table,
        name=world.tables.keys,
        now=now,
        randomness=os.urandom,
        sleep=time.sleep,
    )


def test_a_writer_who_comes_too_late_is_told_that_it_is_gone(world: World, faulty: World, line: Line) -> None:
    filled(world)
    acting_once(line, lambda: erase(world))
    with pytest.raises(Gone):
        partition(faulty).add(entry(9))


def test_a_whole_write_that_comes_too_late_is_told_so_as_well(world: World, faulty: World, line: Line) -> None:
    filled(world)
    acting_once(line, lambda: erase(world))
    with pytest.raises(Gone):
        partition(faulty).write(puts(entry(9)))
