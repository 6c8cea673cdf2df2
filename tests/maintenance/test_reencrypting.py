"""Partitions sealed anew under new DEKs: once, whoever is killed, reads or writes meanwhile; on the real engine."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.keys.test_epochs import do
from tests.maintenance.samples import NOTE, Clock, House, Killed, deadly, note, texts, versions, write_notes
from tests.maintenance.test_recovery import copy_of
from tests.stores import World
from twinvault.dynamodb.table import Table
from twinvault.errors import Conflict, IntegrityError, NotFound, Step
from twinvault.keys.holding import Hold
from twinvault.keys.rows import dek_name
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.holding import LEASE_SECONDS
from twinvault.maintenance.recovery import Recovery
from twinvault.maintenance.reencrypting import Reencrypt
from twinvault.maintenance.report import RecoveryReport
from twinvault.maintenance.work import Work, WorkState
from twinvault.records import batches
from twinvault.records.changes import Changes
from twinvault.records.partition import Look, Snapshot
from twinvault.records.record import Draft
from twinvault.records.spec import TEXT, EntitySpec, KindSpec, head_spec
from twinvault.scope import Scope

Item = dict[str, Any]


def house_of(world: World) -> House:
    return House(world, jobs=[Reencrypt(world.vault)])


@pytest.fixture
def house(world: World) -> House:
    return house_of(world)


def begin(house: House, partition: str = "") -> Work:
    return house.do(lambda one: one.begin("reencrypt", "note", partition=partition))[0]


def anew(house: House, partition: str = "") -> Work:
    """All of a work, begun now and driven to its end."""
    house.clock = Clock()
    work = begin(house, partition)
    return house.drive(work)


def seen(world: World, name: str) -> Snapshot:
    snapshot = note(world.another_environment(), name).read()
    assert snapshot is not None
    return snapshot


def keys_of(world: World, name: str) -> set[str]:
    snapshot = seen(world, name)
    return {record.key_id for record in (snapshot.head, *snapshot.records.values())}


def in_use(world: World, name: str) -> tuple[int, int]:
    state = seen(world, name).state
    return state.lowest_dek_version, state.dek_version


def rows_of(world: World, name: str) -> dict[str, Item]:
    return {item["sk"]["S"]: item for item in world.items() if item["pk"]["S"] == f"tenant#acme#note#{name}"}


def dek(name: str, version: int) -> str:
    return dek_name(Scope("acme", "note", name), version)


def test_every_record_is_under_a_new_key_and_says_what_it_said(house: House) -> None:
    world = house.world
    names = write_notes(world, 3)
    before = {name: seen(world, name) for name in names}
    done = anew(house)
    assert (done.state, done.counts, done.lease) == (WorkState.DONE, Counts(3, 9, 0, 0), None)
    for name in names:
        after = seen(world, name)
        assert keys_of(world, name) == {dek(name, 2)}
        assert in_use(world, name) == (2, 2)
        assert texts(world, name) == [f"text {n} of {name}" for n in range(3)]
        # It counts as a write, and nothing was updated by it.
        assert set(versions(world, name).values()) == {3}
        for old, new in zip(
            (before[name].head, *before[name].records.values()), (after.head, *after.records.values()), strict=True
        ):
            assert (new.created_at, new.updated_at, new.fields) == (old.created_at, old.updated_at, old.fields)


def test_a_second_work_makes_a_third_version(house: House) -> None:
    (name,) = write_notes(house.world, 1)
    anew(house)
    assert anew(house).counts == Counts(1, 3, 0, 0)
    assert in_use(house.world, name) == (3, 3)


def test_a_work_that_is_driven_again_makes_no_further_version(house: House) -> None:
    (name,) = write_notes(house.world, 1)
    house.clock = Clock()
    work = begin(house)
    job = Reencrypt(house.world.vault)
    for expected in (3, 0, 0):
        with house.world.vault.acting(tenant="acme", principal="ann", action="x") as acting:
            step = job.step(acting.partition(NOTE, name), since=work.begun, is_over=lambda: False)
        assert (step.rewritten, step.is_complete) == (expected, True)
    assert in_use(house.world, name) == (2, 2)


def test_a_version_that_was_made_since_will_do(house: House) -> None:
    (name,) = write_notes(house.world, 1)
    house.clock = Clock()
    work = begin(house)
    note(house.world, name).new_dek()
    assert house.drive(work).counts == Counts(1, 3, 0, 0)
    assert in_use(house.world, name) == (2, 2)


def test_a_partition_without_records_is_done_too(house: House) -> None:
    note(house.world, "empty").write(lambda _: Changes(head={}))
    assert anew(house).counts == Counts(1, 0, 0, 0)
    assert in_use(house.world, "empty") == (2, 2)


def test_one_partition_alone(house: House) -> None:
    write_notes(house.world, 3)
    house.clock = Clock()
    work = begin(house, "n001")
    assert (work.partition, begin(house, "n001").id, begin(house).id == work.id) == ("n001", work.id, False)
    done = house.drive(work)
    assert (done.state, done.counts) == (WorkState.DONE, Counts(1, 3, 0, 0))
    assert house.get(work).partition == "n001"
    assert [in_use(house.world, name) for name in ("n000", "n001", "n002")] == [(1, 1), (2, 2), (1, 1)]


def test_a_partition_that_there_is_not_begins_no_work(house: House) -> None:
    write_notes(house.world, 1)
    with pytest.raises(NotFound):
        begin(house, "never-was")
    assert house.index() == []


def test_what_nobody_here_declares_is_sealed_anew_as_it_is(house: House) -> None:
    """Retired fields, other entities, a head's own fields: a key that leaked does not wait for a declaration."""
    world = house.world
    line = EntitySpec("line", NOTE.entities[0].sk, {"mark": TEXT, "more": TEXT}, frozenset({"text", "secret"}))
    card = EntitySpec("card", NOTE.entities[0].sk, {}, frozenset({"pin"}))
    newer = KindSpec("note", (line, card), head_spec({"status": TEXT}, frozenset({"title"})))
    partition = world.partition(Scope("acme", "note", "newer"), newer, world.activity())
    fields = {"mark": "m", "more": "x", "text": "t", "secret": {"z": [1, 2.5, None], "a": "é"}}
    drafts = [Draft("line", "line#0", fields), Draft("card", "line#1", {"pin": "1234"})]
    partition.put(*drafts, head={"status": "open", "title": "T"})
    before = partition.read()
    assert anew(house).state is WorkState.DONE
    other = world.another_environment()
    after = other.partition(Scope("acme", "note", "newer"), newer, other.activity()).read()
    assert before is not None
    assert after is not None
    assert after.head.fields == before.head.fields == {"status": "open", "title": "T"}
    assert {sk: record.fields for sk, record in after.records.items()} == {"line#0": fields, "line#1": {"pin": "1234"}}
    assert {record.key_id for record in after.records.values()} == {dek("newer", 2)}


def test_it_is_in_the_audit_log(house: House) -> None:
    (name,) = write_notes(house.world, 1)
    anew(house)
    said = [json.loads(item["entry"]["S"]) for item in house.world.items(house.world.tables.audit)]
    mine = [one for one in said if one["action"] == "maintain.reencrypt"]
    events = [(event["op"], event["key"]) for one in mine for event in one["keys"]]
    assert events == [("make_dek", dek(name, 2)), ("retire", dek(name, 1))]


# -- what is refused from then on -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sk", ["line#0", "head"])
def test_a_row_of_before_is_refused(house: House, sk: str) -> None:
    world = house.world
    (name,) = write_notes(world, 1)
    old = rows_of(world, name)[sk]
    anew(house)
    world.client.put_item(TableName=world.tables.records, Item=old)
    with pytest.raises(IntegrityError) as refused:
        seen(world, name)
    assert refused.value.step is Step.HEAD


def test_all_rows_of_before_with_their_key_are_refused(house: House) -> None:
    world = house.world
    (name,) = write_notes(world, 1)
    old = rows_of(world, name)
    anew(house)
    for row in old.values():
        world.client.put_item(TableName=world.tables.records, Item=row)
    with pytest.raises(IntegrityError) as refused:
        seen(world, name)
    assert refused.value.step is Step.MARK


def test_a_write_over_a_row_of_before_is_refused(house: House) -> None:
    """Not only a full read: a look that shows a record under a version below the lowest refuses it, too."""
    world = house.world
    (name,) = write_notes(world, 1)
    old = rows_of(world, name)["line#0"]
    anew(house)
    world.client.put_item(TableName=world.tables.records, Item=old)
    with pytest.raises(IntegrityError) as refused:
        note(world.another_environment(), name).update("line#0", {"text": "laundered"})
    assert refused.value.step is Step.HEAD


def test_who_has_the_old_head_in_memory_cannot_write_below_the_lowest_version(house: House) -> None:
    """The schedule: a writer looks, the partition is re-encrypted, and then the writer writes what it sealed."""
    world = house.world
    (name,) = write_notes(world, 1)
    stale = world.another_environment()
    base = note(stale, name).read()
    assert base is not None
    planned: list[int] = []

    def plan(look: Look | None) -> Changes:
        assert look is not None
        planned.append(look.state.dek_version)
        return Changes(put=[Draft("line", "line#0", {"mark": "m", "text": "late"})])

    anew(house)
    note(stale, name).write_rows(["line#0"], plan, base=base)
    assert planned == [1, 2], "what was sealed under the older key was refused, and planned anew"
    assert keys_of(world, name) == {dek(name, 2)}
    assert seen(world, name).records["line#0"].fields["text"] == "late"


def test_a_request_that_was_answered_under_an_older_key_counts_as_expired(house: House) -> None:
    world = house.world
    (name,) = write_notes(world, 1)
    draft = Draft("line", "line#7", {"mark": "m", "text": "once"})
    first = note(world, name).put(draft, idempotency_key="k1")
    assert note(world, name).put(draft, idempotency_key="k1").repeated
    anew(house)
    again = note(world, name).put(draft, idempotency_key="k1")
    assert (again.repeated, again.version > first.version) == (False, True)
    assert note(world, name).put(draft, idempotency_key="k1").repeated


# -- killed, held up, with others beside it ---------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before the engine has it", "after the engine has it"])
def test_killed_at_any_call_it_is_done_once_and_counted_once(
    world: World, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    monkeypatch.setattr(batches, "BATCH_UNITS", 20)  # two records a part
    write_notes(world, 2, lines=3)
    calls, killed, version = 0, True, 1
    while killed:
        calls, version = calls + 1, version + 1
        house = house_of(world)
        work = begin(house)
        dying, _ = deadly(world, at=calls, after=after)
        mine = House(dying, house.clock, jobs=[Reencrypt(dying.vault)])
        try:
            mine.drive(work)
            killed = False
        except Killed:
            house.clock.pass_on(LEASE_SECONDS)
        for name in ("n000", "n001"):
            assert texts(world, name) == [f"text {n} of {name}" for n in range(3)], "it reads as before, at any time"
        other = house_of(world.another_environment())
        other.clock = house.clock
        done = other.drive(work)
        assert (done.state, done.counts.partitions, done.counts.failed) == (WorkState.DONE, 2, 0)
        assert [in_use(world, name) for name in ("n000", "n001")] == [(version, version)] * 2
        assert keys_of(world, "n000") == {dek("n000", version)}
    assert calls > 8


def test_what_does_not_fit_into_a_call_goes_on_in_the_next(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_UNITS", 20)
    (name,) = write_notes(house.world, 1, lines=5)
    house.clock = Clock()
    work = begin(house)
    job, looks = Reencrypt(house.world.vault), 0
    asked = 0

    def is_over() -> bool:
        nonlocal asked
        asked += 1
        return asked > 1

    while True:
        asked, looks = 0, looks + 1
        with house.world.vault.acting(tenant="acme", principal="ann", action="x") as acting:
            step = job.step(acting.partition(NOTE, name), since=work.begun, is_over=is_over)
        if step.is_complete:
            break
        assert in_use(house.world, name) == (1, 2), "records of before still open"
        assert texts(house.world, name) == [f"text {n} of {name}" for n in range(5)]
    assert looks > 1
    assert in_use(house.world, name) == (2, 2)


def test_two_at_once_and_a_writer_and_a_reader_beside_them(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH_UNITS", 20)
    world = house.world
    (name,) = write_notes(world, 1, lines=8)
    house.clock = Clock()
    work = begin(house)
    over, written, read = threading.Event(), 0, 0

    def drive() -> bool:
        mine = world.another_environment()
        job = Reencrypt(mine.vault)
        while True:
            try:
                with mine.vault.acting(tenant="acme", principal="ann", action="x", seconds=60) as acting:
                    return job.step(acting.partition(NOTE, name), since=work.begun, is_over=lambda: False).is_complete
            except Conflict:
                continue  # the others were faster, too often: whoever drives asks again

    def write() -> None:
        nonlocal written
        mine = world.another_environment()
        while not over.is_set():
            try:
                note(mine, name).update("line#3", {"text": f"written {written + 1}"})
                written += 1
            except Conflict:
                continue

    def look() -> None:
        nonlocal read
        while not over.is_set():
            assert len(seen(world, name).records) == 8
            read += 1

    with ThreadPoolExecutor(4) as pool:
        beside = [pool.submit(write), pool.submit(look)]
        driving = [pool.submit(drive), pool.submit(drive)]
        try:
            assert [one.result(120) for one in driving] == [True, True]
        finally:
            over.set()
        for one in beside:
            one.result(60)
    assert written > 0
    assert read > 0
    assert in_use(world, name) == (2, 2)
    assert keys_of(world, name) == {dek(name, 2)}
    found = seen(world, name).records
    assert found["line#3"].fields["text"] == f"written {written}"
    assert all(found[f"line#{n}"].fields["text"] == f"text {n} of {name}" for n in range(8) if n != 3)


def test_what_is_under_a_revoked_epoch_is_passed_over_and_said(house: House) -> None:
    world = house.world
    write_notes(world, 2)
    world.rotate()
    note(world, "young").put(Draft("line", "line#0", {"mark": "m", "text": "t"}))
    do(world, lambda one: one.revoke(1))
    house.world = world.another_environment()
    house.jobs = [Reencrypt(house.world.vault)]
    done = anew(house)
    assert (done.state, done.counts) == (WorkState.FAILED, Counts(3, 1, 0, 2))
    assert [(one.partition, one.problem) for one in done.findings] == [("n000", "key-refused"), ("n001", "key-refused")]
    do(world, lambda one: one.reinstate(1))
    house.world = world.another_environment()
    house.jobs = [Reencrypt(house.world.vault)]
    assert anew(house).state is WorkState.DONE
    assert [in_use(world, name) for name in ("n000", "n001")] == [(2, 2)] * 2


def test_what_is_under_a_legal_hold_stays_as_it_is_until_that_is_lifted(house: House) -> None:
    world = house.world
    write_notes(world, 2)
    held = Hold(kind="note", partition="n000", since=house.clock(), principal="ann")
    world.vault.holds.put("acme", held, committer=world.commits())
    done = anew(house)
    assert (done.state, done.counts) == (WorkState.FAILED, Counts(2, 3, 0, 1))
    assert [(one.partition, one.problem) for one in done.findings] == [("n000", "held")]
    assert in_use(world, "n000") == (1, 1)
    said = [json.loads(item["entry"]["S"]) for item in world.items(world.tables.audit)]
    assert "held" in {one.get("problem") for one in said if one["action"] == "maintain.reencrypt"}
    world.vault.holds.lift("acme", kind="note", partition="n000", committer=world.commits())
    assert anew(house).state is WorkState.DONE
    everything = Hold(kind=None, partition=None, since=house.clock(), principal="ann")
    world.vault.holds.put("acme", everything, committer=world.commits())
    assert anew(house).counts == Counts(2, 0, 0, 2)


def test_a_partition_that_was_tampered_with_is_refused_and_the_others_are_done(house: House) -> None:
    world = house.world
    write_notes(world, 2)
    world.client.delete_item(
        TableName=world.tables.records, Key={"pk": {"S": "tenant#acme#note#n000"}, "sk": {"S": "line#1"}}
    )
    done = anew(house)
    assert (done.state, done.counts) == (WorkState.FAILED, Counts(2, 3, 0, 1))
    assert [one.partition for one in done.findings] == ["n000"]


def test_its_load_is_bounded(house: House) -> None:
    """A part is 500 write units at most, and the next waits until a partition of the table has taken it."""
    world = house.world
    draft = [Draft("line", f"line#{n}", {"mark": "m", "text": "x" * 20_000}) for n in range(30)]
    note(world, "large").put(*draft[:15])
    note(world, "large").put(*draft[15:])
    slept: list[float] = []
    mine = world.another_environment()
    stopped = time.monotonic()
    writer = replace(mine.vault.writer, sleep=slept.append, monotonic=lambda: stopped)
    vault = replace(mine.vault, writer=writer)
    with vault.acting(tenant="acme", principal="ann", action="x", seconds=60) as acting:
        step = Reencrypt(vault).step(acting.partition(NOTE, "large"), since="2999", is_over=lambda: False)
    assert step.rewritten == 30
    # 30 records of some 40 units each are three parts: after each but the first it waited.
    assert len([one for one in slept if one > 0.1]) == 2


# -- put back from a backup of before ---------------------------------------------------------------------------------


def restored(world: World, backup: str) -> RecoveryReport:
    mine = world.another_environment()
    with mine.vault.acting(tenant="acme", principal="ann", action="maintain.restore", seconds=60) as acting:
        return Recovery(acting, NOTE, "n000", Table(mine.client, backup, sleep=lambda _: None)).mend()


def test_what_is_put_back_from_a_backup_is_under_the_keys_of_then_until_it_is_sealed_anew(house: House) -> None:
    world = house.world
    write_notes(world, 1)
    backup = copy_of(world)
    anew(house)
    assert restored(world, backup).done
    assert in_use(world, "n000") == (1, 2)
    assert keys_of(world, "n000") == {dek("n000", 1), dek("n000", 2)}
    assert anew(house).state is WorkState.DONE
    assert in_use(world, "n000") == (3, 3)
    assert texts(world, "n000") == [f"text {n} of n000" for n in range(3)]


def test_what_is_under_a_destroyed_key_cannot_be_put_back(house: House) -> None:
    world = house.world
    write_notes(world, 1)
    backup = copy_of(world)
    anew(house)
    place = {"pk": {"S": "tenant#acme"}, "sk": {"S": dek("n000", 1)}}
    world.client.delete_item(TableName=world.tables.keys, Key=place)
    with pytest.raises(Conflict):
        restored(world, backup)
    assert texts(world, "n000") == [f"text {n} of n000" for n in range(3)]
