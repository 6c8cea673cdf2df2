"""DEKs that nothing is under any more are destroyed, and no others, whatever somebody has in memory; a real engine."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.maintenance.samples import NOTE, Killed, deadly, note, texts, write_notes
from tests.stores import World
from twinvault.errors import Conflict, Held, IntegrityError, InvalidInput, NotFound, Step
from twinvault.keys.changing import DEFAULT_TTL_SECONDS
from twinvault.keys.destroying import SLACK_SECONDS
from twinvault.keys.holding import Hold
from twinvault.keys.overview import overview
from twinvault.keys.rows import dek_name
from twinvault.maintenance.reencrypting import Reencrypt
from twinvault.records.changes import Changes
from twinvault.records.dek_life import DeksDestroyed, DekUse
from twinvault.records.partition import Look, Snapshot
from twinvault.records.record import Draft
from twinvault.scope import Scope

LONGEST = 30.0
WAIT = DEFAULT_TTL_SECONDS + LONGEST + SLACK_SECONDS
NAME = "n000"
FIRST, SECOND = (dek_name(Scope("acme", "note", NAME), version) for version in (1, 2))


def at(world: World, seconds: float) -> World:
    """The same environment at another time of the day."""
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    world.changes.now = lambda: moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return world


def reencrypt(world: World, name: str = NAME) -> None:
    with world.vault.acting(tenant="acme", principal="ann", action="x") as acting:
        step = Reencrypt(world.vault).step(acting.partition(NOTE, name), since="2999", is_over=lambda: False)
    assert step.is_complete


def destroy(world: World, name: str = NAME) -> DeksDestroyed:
    with world.vault.acting(tenant="acme", principal="ann", action="key.destroy") as acting:
        return acting.keys.destroy_deks(acting.partition(NOTE, name), longest_seconds=LONGEST)


def uses(world: World, name: str = NAME) -> list[DekUse]:
    with world.vault.acting(tenant="acme", principal="ann", action="key.status") as acting:
        return acting.keys.of_partition(acting.partition(NOTE, name))


def deks(world: World) -> set[str]:
    return {
        item["sk"]["S"] for item in world.items(world.tables.keys) if item["sk"]["S"].startswith(f"dek#note#{NAME}#")
    }


def read(world: World) -> Snapshot:
    snapshot = note(world, NAME).read()
    assert snapshot is not None
    return snapshot


@pytest.fixture
def old(world: World) -> World:
    """A partition that was re-encrypted, and whose first key nothing is under any more."""
    write_notes(world, 1)
    reencrypt(world)
    return world


def test_what_no_record_is_under_is_destroyed_and_all_opens_as_before(old: World) -> None:
    before = read(old)
    assert destroy(at(old, WAIT)) == DeksDestroyed([1], 2, 2)
    assert deks(old) == {SECOND}
    assert texts(old, NAME) == [f"text {n} of {NAME}" for n in range(3)]
    after = read(old.another_environment())
    assert (after.head.version, after.head.updated_at) == (before.head.version + 1, before.head.updated_at)
    assert (after.state.lowest_dek_version, after.state.dek_version) == (2, 2)
    assert destroy(old) == DeksDestroyed([], 2, 2), "it is safe to repeat"
    assert read(old.another_environment()).head.version == after.head.version, "and then writes nothing"


def test_each_version_says_what_it_is_used_for(world: World) -> None:
    write_notes(world, 1)
    reencrypt(world)
    note(world, NAME).new_dek()
    note(world, NAME).update("line#1", {"text": "newer"})
    made = {item["sk"]["S"]: item["created_at"]["S"] for item in world.items(world.tables.keys)}
    names = [dek_name(Scope("acme", "note", NAME), version) for version in (1, 2, 3)]
    assert uses(world) == [
        DekUse(1, "retired", made[names[0]], "kek#000001", 0),
        DekUse(2, "in-use", made[names[1]], "kek#000001", 2),
        DekUse(3, "current", made[names[2]], "kek#000001", 2),
    ]
    with pytest.raises(NotFound):
        uses(world, "never-was")


def test_it_waits_until_nobody_can_have_an_older_head_and_says_until_when(old: World) -> None:
    with pytest.raises(Conflict, match=r"not before \d{4}-"):
        destroy(at(old, WAIT - 10))
    assert deks(old) == {FIRST, SECOND}
    assert destroy(at(old, WAIT)).destroyed == [1]


def test_under_a_legal_hold_nothing_is_destroyed(old: World) -> None:
    """A backup of before opens under the old key, and may be what a court asks for."""
    held = Hold(kind="note", partition=NAME, since="2026-11-30T09:00:00.000000Z", principal="ann")
    old.vault.holds.put("acme", held, committer=old.commits())
    with pytest.raises(Held):
        destroy(at(old, WAIT))
    assert deks(old) == {FIRST, SECOND}
    old.vault.holds.lift("acme", kind="note", partition=NAME, committer=old.commits())
    assert destroy(old).destroyed == [1]


def test_versions_in_use_stay(world: World) -> None:
    write_notes(world, 1)
    note(world, NAME).new_dek()
    assert destroy(at(world, WAIT)) == DeksDestroyed([], 1, 2)
    assert deks(world) == {FIRST, SECOND}
    with pytest.raises(NotFound):
        destroy(world, "never-was")


def test_no_write_ends_a_version_that_its_head_has_in_use(world: World) -> None:
    write_notes(world, 1)
    note(world, NAME).new_dek()
    with pytest.raises(InvalidInput):
        note(world, NAME).write_rows((), lambda _: Changes(destroy_deks=[1]))
    with pytest.raises(InvalidInput):
        note(world, NAME).write_rows((), lambda _: Changes(destroy_deks=[1], lowest_dek=2))
    assert deks(world) == {FIRST, SECOND}


def test_while_a_row_does_not_open_nothing_is_destroyed(old: World) -> None:
    place = {"pk": {"S": f"tenant#acme#note#{NAME}"}, "sk": {"S": "line#1"}}
    row = old.client.get_item(TableName=old.tables.records, Key=place)["Item"]
    old.client.put_item(TableName=old.tables.records, Item={**row, "mark": {"S": "other"}})
    with pytest.raises(IntegrityError):
        destroy(at(old, WAIT))
    assert deks(old) == {FIRST, SECOND}
    old.client.put_item(TableName=old.tables.records, Item=row)
    assert destroy(old).destroyed == [1]


def test_a_row_of_before_that_was_put_back_keeps_its_key_from_being_destroyed(world: World) -> None:
    write_notes(world, 1)
    row = next(item for item in world.items() if item["sk"]["S"] == "line#0")
    reencrypt(world)
    world.client.put_item(TableName=world.tables.records, Item=row)
    with pytest.raises(IntegrityError):
        destroy(at(world, WAIT))
    assert deks(world) == {FIRST, SECOND}


def test_after_it_a_row_of_before_opens_for_nobody(world: World) -> None:
    """Not for a point read either, which does not ask the head."""
    write_notes(world, 1)
    row = next(item for item in world.items() if item["sk"]["S"] == "line#0")
    reencrypt(world)
    world.client.put_item(TableName=world.tables.records, Item=row)
    assert note(world.another_environment(), NAME).get("line#0") is not None, "authentic, and not the newest"
    current = next(item for item in world.items() if item["sk"]["S"] == "line#1")
    assert current["key_id"] == {"S": SECOND}
    world.client.delete_item(TableName=world.tables.keys, Key={"pk": {"S": "tenant#acme"}, "sk": {"S": FIRST}})
    with pytest.raises(IntegrityError) as refused:
        note(world.another_environment(), NAME).get("line#0")
    assert refused.value.step is Step.MISSING_KEY


def test_it_is_one_transaction_with_its_entry(old: World) -> None:
    destroy(at(old, WAIT))
    event = read(old.another_environment()).state.last_event
    said = [json.loads(item["entry"]["S"]) for item in old.items(old.tables.audit)]
    (entry,) = [one for one in said if one["event"] == event]
    assert entry["keys"] == [{"key": FIRST, "op": "destroy"}]
    assert entry["action"] == "key.destroy"


def test_more_versions_than_a_transaction_holds_are_all_destroyed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twinvault.records.dek_life._AT_ONCE", 2)
    write_notes(world, 1)
    for _ in range(4):
        note(world, NAME).new_dek()
    reencrypt(world)
    assert destroy(at(world, WAIT)) == DeksDestroyed([1, 2, 3, 4, 5], 6, 6)
    assert deks(world) == {dek_name(Scope("acme", "note", NAME), 6)}


def test_keys_that_are_under_a_destroyed_epoch_or_do_not_open_go_too(old: World) -> None:
    row = next(item for item in old.items(old.tables.keys) if item["sk"]["S"] == FIRST)
    old.client.put_item(TableName=old.tables.keys, Item={**row, "created_at": {"S": "2000"}})
    assert destroy(at(old, WAIT)).destroyed == [1]
    assert deks(old) == {SECOND}


@pytest.mark.parametrize("after", [False, True], ids=["before the engine has it", "after the engine has it"])
def test_killed_at_any_call_it_is_done_or_not_done(world: World, *, after: bool) -> None:
    write_notes(world, 1)
    calls, killed = 0, True
    while killed:
        calls += 1
        reencrypt(world)
        dying, _ = deadly(world, at=calls, after=after)
        try:
            destroy(at(dying, WAIT))
            killed = False
        except Killed:
            pass
        assert texts(world, NAME) == [f"text {n} of {NAME}" for n in range(3)]
        destroy(at(world.another_environment(), WAIT))
        current = read(world.another_environment()).state.dek_version
        assert deks(world) == {dek_name(Scope("acme", "note", NAME), current)}
    assert calls > 1


def test_two_at_once_destroy_what_one_would(old: World) -> None:
    others = [at(old.another_environment(), WAIT) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(destroy, others))
    assert {one.lowest for one in done} == {2}
    assert deks(old) == {SECOND}
    assert len(read(old.another_environment()).records) == 3


# -- what somebody has in memory --------------------------------------------------------------------------------------


def test_who_has_the_head_and_the_key_of_before_in_memory_cannot_write_under_it(world: World) -> None:
    """The schedule: one looks and has the first key in memory; it is retired and destroyed; then that one writes."""
    write_notes(world, 1)
    stale = world.another_environment()
    base = read(stale)
    planned: list[int] = []

    def plan(look: Look | None) -> Changes:
        assert look is not None
        planned.append(look.state.dek_version)
        return Changes(put=[Draft("line", "line#0", {"mark": "m", "text": "late"})])

    reencrypt(world)
    destroy(at(world, WAIT))
    note(stale, NAME).write_rows(["line#0"], plan, base=base)
    assert planned == [1, 2], "what was sealed under the first key was refused, and planned anew"
    after = read(world.another_environment())
    assert after.records["line#0"].key_id == SECOND
    assert after.records["line#0"].fields["text"] == "late"


@dataclass
class Between:
    """A table of which something happens between the first page of a Query and the keys that its rows name."""

    inner: Any
    act: Any

    def pages(self, *given: Any, **more: Any) -> Iterator[Any]:
        for page in self.inner.pages(*given, **more):
            act, self.act = self.act, lambda: None
            act()
            yield page

    def close(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_who_reads_rows_whose_key_is_destroyed_meanwhile_reads_the_partition_as_it_then_is(world: World) -> None:
    write_notes(world, 1)

    def between() -> None:
        reencrypt(world)
        destroy(at(world, WAIT))

    reading = world.another_environment()
    reading.vault.reader.table = Between(reading.vault.reader.table, between)  # type: ignore[assignment]
    assert {record.key_id for record in read(reading).records.values()} == {SECOND}


def test_a_register_in_memory_makes_no_key_of_before(old: World) -> None:
    """Nor does a rewrapping beside it keep one: what is deleted is deleted, under whatever KEK it is by then."""
    stale = old.another_environment()
    read(stale)
    old.rotate()
    destroy(at(old, WAIT))
    note(stale, NAME).update("line#2", {"text": "more"})
    assert deks(old) == {SECOND}
    assert {row.name for row in overview(old.keys, "acme", observer=old.activity()) if row.name == FIRST} == set()
