"""Long work, done once: driven, killed, driven by two, refused; against the real engine."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.faults import Fault, Line
from tests.maintenance.samples import (
    ACTING,
    LINE,
    NOTE,
    OTHER,
    Clock,
    House,
    Killed,
    Noting,
    deadly,
    note,
    texts,
    versions,
    write_notes,
)
from tests.stores import World
from twinvault.errors import (
    Conflict,
    Contention,
    DependencyError,
    IntegrityError,
    InvalidInput,
    KeyRefused,
    NotFound,
    OutcomeUnknown,
    Step,
    TwinvaultError,
    Undeclared,
)
from twinvault.keys.overview import overview
from twinvault.maintenance import stepping
from twinvault.maintenance.counts import Counts
from twinvault.maintenance.holding import LEASE_SECONDS, PATIENCE_SECONDS, RESERVE_SECONDS
from twinvault.maintenance.jobs import JOBS, JobStep, Reindex
from twinvault.maintenance.work import Work, WorkState
from twinvault.maintenance.works import MAX_RUNNING
from twinvault.records.blind import Blind
from twinvault.records.changes import Changes
from twinvault.records.record import Draft
from twinvault.records.spec import EntitySpec, KindSpec


@pytest.fixture
def house(world: World) -> House:
    return House(world)


def entries(world: World) -> list[dict[str, Any]]:
    items = sorted(world.items(world.tables.audit), key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
    return [json.loads(item["entry"]["S"]) for item in items]


def test_every_record_is_written_again_and_opens_as_before(house: House) -> None:
    names = write_notes(house.world, 4)
    house.clock = Clock()
    work = house.begin()
    assert (work.state, work.counts, work.principal) == (WorkState.RUNNING, Counts(), "ann")
    assert house.index() == [work.id]
    done = house.drive(work)
    assert (done.state, done.counts, done.lease) == (WorkState.DONE, Counts(4, 12, 0, 0), None)
    assert house.get(work) == done
    assert house.index() == []
    for name in names:
        assert set(versions(house.world, name).values()) == {2}
        assert texts(house.world, name) == [f"text {n} of {name}" for n in range(3)]


def test_a_work_that_has_ended_is_not_done_again(house: House) -> None:
    (name,) = write_notes(house.world, 1)
    house.clock = Clock()
    work = house.begin()
    done = house.drive(work)
    assert house.drive(work) == done
    assert set(versions(house.world, name).values()) == {2}


def test_other_kinds_and_tenants_are_let_alone(house: House) -> None:
    write_notes(house.world, 2)
    write_notes(house.world, 2, kind=OTHER)
    write_notes(house.world, 2, tenant="others")
    house.clock = Clock()
    work = house.begin()
    assert house.drive(work).counts.partitions == 2
    assert set(versions(house.world, "n000", tenant="others").values()) == {1}
    snapshot = note(house.world.another_environment(), "n000", kind=OTHER).read()
    assert snapshot is not None
    assert snapshot.head.version == 1


def test_a_tenant_sees_no_work_of_another(house: House) -> None:
    write_notes(house.world, 1)
    write_notes(house.world, 1, tenant="others")
    work = house.begin()
    for what in (lambda one: one.get(work.id), lambda one: one.drive(work.id)):
        with pytest.raises(NotFound):
            house.do(what, tenant="others")
    assert house.do(lambda one: one.newest(), tenant="others") == []
    moved = next(item for item in house.world.items(house.world.tables.keys) if item["sk"]["S"].startswith("work#"))
    moved["pk"] = {"S": "tenant#others"}
    house.world.client.put_item(TableName=house.world.tables.keys, Item=moved)
    with pytest.raises(IntegrityError) as refused:
        house.do(lambda one: one.get(work.id), tenant="others")
    assert refused.value.step is Step.COMMITMENT


def test_works_are_listed_the_newest_first(house: House) -> None:
    write_notes(house.world, 1)
    first = house.begin()
    house.drive(first)
    second, third = house.begin(), house.begin(kind="other")
    assert [work.id for work in house.do(lambda one: one.newest())] == [third.id, second.id, first.id]


def test_of_one_job_and_kind_there_is_one_at_a_time(house: House) -> None:
    write_notes(house.world, 1)
    work, begun = house.do(lambda one: one.begin("rewrite", "note"))
    assert begun
    assert house.do(lambda one: one.begin("rewrite", "note"), principal="bob") == (work, False)
    house.drive(work)
    again, begun = house.do(lambda one: one.begin("rewrite", "note"))
    assert (begun, again.id == work.id) == (True, False)


def test_two_that_begin_the_same_at_once_get_one_work(house: House) -> None:
    write_notes(house.world, 1)
    others = [house.other() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        works = list(pool.map(lambda one: one.begin(), others))
    assert len({work.id for work in works}) == 1
    assert house.index() == [works[0].id]


def test_so_many_works_run_at_once_and_no_more(house: House) -> None:
    write_notes(house.world, 1)
    house.jobs = [Noting(f"job-{number}") for number in range(MAX_RUNNING + 1)]
    works = [house.begin(job.name) for job in house.jobs[:MAX_RUNNING]]
    with pytest.raises(Conflict, match=str(MAX_RUNNING)):
        house.begin(f"job-{MAX_RUNNING}")
    house.drive(works[0])
    assert house.begin(f"job-{MAX_RUNNING}").is_running


@pytest.mark.parametrize(
    ("job", "kind", "field"),
    [
        pytest.param("polish", "note", "work", id="no such job"),
        pytest.param("rewrite", "song", "kind", id="no such kind"),
        pytest.param("", "note", "work", id="no job"),
    ],
)
def test_what_cannot_be_asked_for_is_said_by_its_field(house: House, job: str, kind: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        house.begin(job, kind)
    assert refused.value.field == field


@pytest.mark.parametrize("work_id", ["", "a#b", "../x", "A", "x" * 64])
def test_what_cannot_be_an_id_is_malformed(house: House, work_id: str) -> None:
    write_notes(house.world, 1)
    with pytest.raises(InvalidInput):
        house.do(lambda one: one.get(work_id))


def test_a_tenant_without_keys_has_nothing_to_be_done(house: House) -> None:
    for what in (lambda one: one.begin("rewrite", "note"), lambda one: one.get("some-id")):
        with pytest.raises(NotFound):
            house.do(what)
    assert house.do(lambda one: one.newest()) == []
    assert house.world.items(house.world.tables.keys) == []


def test_a_tenant_with_works_is_loaded_as_any_other(house: House) -> None:
    write_notes(house.world, 2)
    work = house.begin()
    house.drive(work)
    house.begin(kind="other")
    fresh = house.world.another_environment()
    names = [row.name for row in overview(fresh.keys, "acme", observer=fresh.activity())]
    assert names[-4:] == ["idx", "kek#000001", "register", "register-key"]
    assert not [name for name in names if name.startswith("work#")]
    assert fresh.rotate() == 2
    assert house.other().get(work).state is WorkState.DONE


# -- killed, and lost answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["before the engine has it", "after the engine has it"])
def test_killed_at_any_call_every_partition_is_done_and_counted_once(
    house: House, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    monkeypatch.setattr(stepping, "STEP_PARTITIONS", 1)
    names = write_notes(house.world, 3, lines=2)
    calls, killed = 0, True
    while killed:
        calls += 1
        house.clock = Clock()
        work = house.begin()
        world, _ = deadly(house.world, at=calls, after=after)
        before = {name: versions(house.world, name)["head"] for name in names}
        try:
            House(world, house.clock).drive(work)
            killed = False
        except Killed:
            house.clock.pass_on(LEASE_SECONDS)
        done = house.other().drive(work)
        assert done.state is WorkState.DONE
        assert done.counts.partitions == 3
        assert done.counts.rewritten + done.counts.skipped == 6
        assert house.index() == []
        for name in names:
            found = versions(house.world, name)
            assert found == dict.fromkeys(found, before[name] + 1), "written once, whoever was killed"
    assert calls == 1 + 3 + 3 + 1, "the lease, three partitions, three steps; and then it was not killed"


@pytest.mark.parametrize("after", [False, True], ids=["before the engine has it", "after the engine has it"])
def test_killed_at_its_begin_a_work_is_there_whole_or_not_at_all(house: House, *, after: bool) -> None:
    write_notes(house.world, 1)
    world, _ = deadly(house.world, at=1, after=after)
    with pytest.raises(Killed):
        House(world, house.clock).begin()
    assert len(house.index()) == int(after)
    work, begun = house.do(lambda one: one.begin("rewrite", "note"))
    assert begun is not after
    assert house.index() == [work.id]


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.ERROR_AFTER, Fault.LOSE_REQUEST, Fault.CONFLICT])
def test_lost_answers_change_nothing(world: World, faulty: World, line: Line, fault: Fault) -> None:
    write_notes(world, 2, lines=2)
    house = House(faulty, Clock())
    line.next(fault)
    work = house.begin()
    line.next(*[fault, Fault.PASS] * 8)
    done = house.drive(work)
    assert (done.state, done.counts) == (WorkState.DONE, Counts(2, 4, 0, 0))
    assert house.index() == []
    assert set(versions(world, "n000").values()) == {2}


def test_a_begin_of_which_nobody_knows_the_end_says_so_and_is_repeated_safely(
    world: World, faulty: World, line: Line
) -> None:
    write_notes(world, 1)
    house = House(faulty, Clock(), seconds=1.0)
    faulty.keys.tenant("acme", observer=faulty.activity())
    line.always(Fault.LOSE_REQUEST)
    with pytest.raises((OutcomeUnknown, DependencyError)):
        house.begin()
    line.clear()
    assert house.begin().is_running
    assert len(house.index()) == 1


# -- two drivers ------------------------------------------------------------------------------------------------------


def test_driven_by_two_at_once_each_partition_is_done_once(house: House) -> None:
    names = write_notes(house.world, 6, lines=1)
    house.clock = Clock()
    job = Noting()
    house.jobs = [job]
    work = house.begin("noting")
    others = [house.other() for _ in range(4)]
    start = threading.Barrier(4)

    def drive(one: House) -> Work:
        start.wait(30)
        return one.drive(work)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(drive, others))
    assert house.get(work).counts == Counts(6, 6, 0, 0)
    assert job.seen == names


def test_while_one_holds_the_lease_another_waits_and_says_until_when(house: House) -> None:
    write_notes(house.world, 2)
    entered, leave = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        entered.set()
        leave.wait(30)

    job = Noting(act=hold)
    house.jobs = [job]
    work = house.begin("noting")
    with ThreadPoolExecutor(1) as pool:
        driving_on = pool.submit(house.other().drive, work)
        assert entered.wait(30)
        held = house.drive(work)
        assert held.lease is not None
        assert (held.state, held.counts, held.lease.until > house.clock()) == (WorkState.RUNNING, Counts(), True)
        leave.set()
        assert driving_on.result(60).state is WorkState.DONE
    assert job.seen == ["n000", "n001"]


def test_a_lease_that_ran_out_is_taken_and_who_had_it_counts_nothing(house: House) -> None:
    write_notes(house.world, 3)
    entered, leave = threading.Event(), threading.Event()
    first = threading.Lock()

    def hold_the_first(_: str) -> None:
        if first.acquire(blocking=False):
            entered.set()
            leave.wait(30)

    job = Noting(act=hold_the_first)
    house.jobs = [job]
    work = house.begin("noting")
    with ThreadPoolExecutor(1) as pool:
        asleep = pool.submit(house.other().drive, work)
        assert entered.wait(30)
        house.clock.pass_on(LEASE_SECONDS - 1)
        assert house.drive(work).is_running
        house.clock.pass_on(1)
        assert house.drive(work).counts == Counts(3, 3, 0, 0)
        leave.set()
        assert asleep.result(60).state is WorkState.DONE
    assert house.get(work).counts == Counts(3, 3, 0, 0)
    assert (job.seen.count("n000"), job.seen.count("n002")) == (2, 1), "done again, and counted once"


def test_a_driver_that_has_no_time_left_gives_the_lease_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    write_notes(house.world, 3)
    monkeypatch.setattr(stepping, "STEP_PARTITIONS", 1)
    work = house.begin()
    over = House(house.world, house.clock, seconds=RESERVE_SECONDS)
    left = over.drive(work)
    assert (left.is_running, left.lease, left.counts) == (True, None, Counts())
    assert house.drive(work).state is WorkState.DONE


def test_each_step_is_bounded_and_written_down(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    write_notes(house.world, 5, lines=1)
    monkeypatch.setattr(stepping, "STEP_PARTITIONS", 2)
    seen: list[tuple[str, int]] = []
    job = Noting(act=lambda name: seen.append((name, house.other().get(begun).counts.partitions)))
    house.jobs = [job]
    begun = house.begin("noting")
    assert house.drive(begun).counts.partitions == 5
    assert [written for _, written in seen] == [0, 0, 2, 2, 4]


# -- what cannot be done ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(IntegrityError(Step.HEAD), id="tampering"),
        pytest.param(Undeclared(["more"]), id="of a newer release"),
        pytest.param(InvalidInput("text: too odd"), id="what the declaration refuses"),
    ],
)
def test_a_partition_that_is_refused_is_counted_and_the_others_are_done(house: House, error: TwinvaultError) -> None:
    write_notes(house.world, 3)

    def refuse(name: str) -> None:
        if name == "n001":
            raise error

    house.jobs = [Noting(act=refuse)]
    work = house.begin("noting")
    done = house.drive(work)
    assert (done.state, done.counts) == (WorkState.FAILED, Counts(3, 2, 0, 1))
    assert house.index() == []
    failed = [one for one in entries(house.world) if one["outcome"] == "failure"]
    assert [(one["action"], one["problem"]) for one in failed] == [("maintain.noting", error.problem)]


def test_a_partition_that_was_tampered_with_is_refused_by_the_rewrite(house: House) -> None:
    write_notes(house.world, 3)
    key = {"pk": {"S": "tenant#acme#note#n001"}, "sk": {"S": "line#1"}}
    house.world.client.delete_item(TableName=house.world.tables.records, Key=key)
    house.clock = Clock()
    done = house.drive(house.begin())
    assert (done.state, done.counts) == (WorkState.FAILED, Counts(3, 6, 0, 1))
    (failed,) = [one for one in entries(house.world) if one["outcome"] == "failure"]
    assert (failed["action"], failed["step"].partition(":")[0]) == ("maintain.rewrite", Step.HEAD.value)


@pytest.mark.parametrize("error", [KeyRefused("refused"), Contention("moving"), Conflict("others keep writing")])
def test_what_cannot_be_done_now_stops_the_work_until_it_can(house: House, error: Exception) -> None:
    write_notes(house.world, 3)
    down = True

    def act(name: str) -> None:
        if name == "n001" and down:
            raise error

    house.jobs = [Noting(act=act)]
    work = house.begin("noting")
    for _ in range(2):
        with pytest.raises(type(error)):
            house.drive(work)
        stopped = house.get(work)
        assert (stopped.cursor, stopped.counts, stopped.lease) == ("n000", Counts(1, 1, 0, 0), None)
        assert stopped.stopped_since is not None
    down = False
    assert house.drive(work).counts == Counts(3, 3, 0, 0)


def test_a_partition_that_cannot_be_done_for_long_holds_the_others_up_no_more(house: House) -> None:
    write_notes(house.world, 3)

    def act(name: str) -> None:
        if name == "n001":
            raise KeyRefused("a key is revoked")

    house.jobs = [Noting(act=act)]
    work = house.begin("noting")
    with pytest.raises(KeyRefused):
        house.drive(work)
    house.clock.pass_on(PATIENCE_SECONDS - 1)
    with pytest.raises(KeyRefused):
        house.drive(work)
    assert house.get(work).cursor == "n000"
    house.clock.pass_on(1)
    with pytest.raises(KeyRefused):
        house.drive(work)
    assert house.get(work).cursor == "n001"
    done = house.drive(work)
    assert (done.state, done.counts) == (WorkState.FAILED, Counts(3, 2, 0, 1))


def test_a_partition_that_takes_longer_than_there_is_time_is_gone_on_with(house: House) -> None:
    write_notes(house.world, 2)
    parts = iter([JobStep(5, 0, is_complete=False), JobStep(4, 5, is_complete=False), JobStep(1, 9), JobStep(1, 0)])
    house.jobs = [Noting(act=lambda _: next(parts))]
    work = house.begin("noting")
    assert house.drive(work).counts == Counts(2, 11, 9, 0)


def test_a_work_of_another_release_is_let_alone(house: House) -> None:
    write_notes(house.world, 1)
    house.jobs = [Noting()]
    work = house.begin("noting")
    with pytest.raises(Conflict, match="release"):
        House(house.world, house.clock).drive(work)
    assert house.get(work).lease is None


def test_a_row_that_was_put_back_makes_partitions_be_done_again_and_nothing_else(house: House) -> None:
    write_notes(house.world, 2)
    house.jobs = [Noting()]
    work = house.begin("noting")
    before = next(item for item in house.world.items(house.world.tables.keys) if item["sk"]["S"] == f"work#{work.id}")
    assert house.drive(work).counts == Counts(2, 2, 0, 0)
    house.world.client.put_item(TableName=house.world.tables.keys, Item=before)
    assert house.drive(work).counts == Counts(2, 2, 0, 0)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"content_encrypted": {"B": bytes(528)}}, id="other contents"),
        pytest.param({"created_at": {"S": "2020-01-01T00:00:00.000000Z"}}, id="another time"),
        pytest.param({"more": {"S": "x"}}, id="one attribute more"),
        pytest.param({"key_id": {"S": "kek#000001"}}, id="another key"),
        pytest.param({"format": {"N": "2"}}, id="another format"),
    ],
)
def test_a_work_that_was_changed_is_refused(house: House, damage: dict[str, Any]) -> None:
    write_notes(house.world, 1)
    work = house.begin()
    row = next(item for item in house.world.items(house.world.tables.keys) if item["sk"]["S"] == f"work#{work.id}")
    house.world.client.put_item(TableName=house.world.tables.keys, Item={**row, **damage})
    for what in (lambda one: one.get(work.id), lambda one: one.drive(work.id), lambda one: one.newest()):
        with pytest.raises(IntegrityError):
            house.do(what)


def test_an_index_that_was_damaged_is_a_hint_and_no_more(house: House) -> None:
    write_notes(house.world, 1)
    work = house.begin()
    for damaged in ({}, {"open": {"N": "5"}}, {"open": {"S": "junk A#B  never-was"}}):
        item = {"pk": {"S": "work"}, "sk": {"S": "acme"}, **damaged}
        house.world.client.put_item(TableName=house.world.tables.keys, Item=item)
        assert house.get(work) == work
        if damaged.get("open", {}).get("S"):
            other = house.begin(kind="other")
            assert other.id in house.index()
            assert house.drive(other).state is WorkState.DONE
    assert house.drive(work).state is WorkState.DONE


# -- who writes meanwhile, and what the log says ----------------------------------------------------------------------


def test_who_writes_meanwhile_wins(house: House) -> None:
    write_notes(house.world, 1, lines=95)
    house.clock = Clock()
    work = house.begin()

    class Disturbed(Noting):
        def step(self, partition: Any, **more: Any) -> JobStep:
            return JOBS[0].step(_Disturbed(partition, house.world), **more)

    house.jobs = [Disturbed("rewrite")]
    done = house.drive(work)
    assert done.state is WorkState.DONE
    assert "changed meanwhile" in texts(house.world, "n000")


class _Disturbed:
    """A partition to which somebody else writes before each write."""

    def __init__(self, partition: Any, world: World) -> None:
        self._partition, self._world = partition, world

    def reopened(self) -> Any:
        return _Disturbed(self._partition.reopened(), self._world)

    def write_rows(self, sks: Any, plan: Any, **more: Any) -> Any:
        note(self._world, "n000").put(Draft("line", "line#7", {"mark": "m", "text": "changed meanwhile"}))
        return self._partition.write_rows(sks, plan, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._partition, name)


def test_a_partition_of_more_records_than_a_write_holds_is_rewritten_in_several(house: House) -> None:
    for batch in range(2):
        drafts = [Draft("line", f"line#{batch}{n:02d}", {"mark": "m", "text": "x"}) for n in range(90)]
        note(house.world, "long").put(*drafts)
    house.clock = Clock()
    assert house.drive(house.begin()).counts == Counts(1, 180, 0, 0)
    assert set(versions(house.world, "long").values()) == {3, 4}


def test_a_partition_of_no_records_has_its_head_written(house: House) -> None:
    note(house.world, "empty").write(lambda _: Changes({}))
    house.clock = Clock()
    assert house.drive(house.begin()).counts == Counts(1, 0, 0, 0)
    assert versions(house.world, "empty") == {"head": 2}


def test_every_step_is_in_the_audit_log_in_the_name_of_who_drove(house: House) -> None:
    write_notes(house.world, 2)
    house.clock = Clock()
    house.drive(house.begin(), principal="bob")
    said = [one for one in entries(house.world) if one["action"].startswith("maintain.")]
    assert {one["tenant"] for one in said} == {"acme"}
    begun = [one for one in said if (one["action"], one["principal"]) == (ACTING, "ann")]
    driven = [one for one in said if (one["action"], one["principal"]) == (ACTING, "bob")]
    rewritten = [one for one in said if one["action"] == "maintain.rewrite"]
    assert [len(begun) >= 1, len(driven) >= 2, len(rewritten)] == [True, True, 2]
    assert all("wrote" in one["partitions"][0] for one in rewritten)
    named = {partition["mark"] for one in begun + driven for partition in one["partitions"]}
    assert len(named) == 1, "each names the work, and nothing but the work"
    assert all(one["outcome"] == "success" for one in said)


def test_no_plaintext_of_a_work_stands_in_the_table(house: House) -> None:
    write_notes(house.world, 1)
    work = house.begin(principal="very-secret-subject")
    row = next(item for item in house.world.items(house.world.tables.keys) if item["sk"]["S"] == f"work#{work.id}")
    assert "very-secret-subject" not in str(row)
    assert NOTE.kind not in {value.get("S") for value in row.values()}


# -- blind indexes ----------------------------------------------------------------------------------------------------

SEARCHABLE = KindSpec("note", (EntitySpec("line", LINE.sk, LINE.clear, LINE.sealed, {"text": Blind(slot=1)}),))


def test_what_became_searchable_is_indexed_and_no_more(house: House) -> None:
    names = write_notes(house.world, 3)
    house.kinds = (SEARCHABLE,)
    first = house.begin("reindex")
    assert house.drive(first).counts == Counts(3, 9, 0, 0)
    again = house.begin("reindex")
    assert house.drive(again).counts == Counts(3, 0, 0, 0)
    assert {item["sk"]["S"] for item in house.world.items() if "bi_1" in item} == {"line#0", "line#1", "line#2"}
    assert {versions(house.world, name, kind=SEARCHABLE)["line#1"] for name in names} == {2}


def test_a_partition_for_which_there_was_no_time_is_indexed_by_the_next_driver(house: House) -> None:
    def out_of_time() -> int:
        raise DependencyError("there was no time left to write")

    class Late:
        reindex = staticmethod(out_of_time)

    late: Any = Late()
    assert Reindex().step(late, since="", is_over=lambda: True) == JobStep(is_complete=False)
    with pytest.raises(DependencyError):
        Reindex().step(late, since="", is_over=lambda: False)
