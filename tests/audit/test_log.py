"""The log over the real table: nothing is released before its entry is durable, whatever gets lost on the way."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.chains import chains, entries, rows
from tests.faults import Fault, Line
from tests.records.samples import LEDGER, SCOPE, line, puts
from tests.stores import World
from twinvault.audit.activity import Activity
from twinvault.audit.elements import HeadSeen, Wrote, mark_hash, row_hash
from twinvault.audit.entry import MAX_ENTRY_BYTES, Origin
from twinvault.audit.log import AuditLog
from twinvault.audit.signing import ChainKey
from twinvault.audit.verify import verify_chain
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.transaction import Outcome, Result, Statement, insert
from twinvault.errors import (
    BrokenChain,
    ChainStep,
    Conflict,
    DependencyError,
    Forbidden,
    IntegrityError,
    NotFound,
    Place,
    Step,
)
from twinvault.records.store import PartitionStore

HEAD = HeadSeen(7, b"d" * 32)


@pytest.fixture
def world(world: World) -> World:
    """A store whose tenant has its first keys: their transaction is no part of what is looked at here."""
    world.begin()
    return world


@pytest.fixture
def faults(line: Line) -> Line:
    """The line, by a name that `line` of the samples does not take."""
    return line


@contextmanager
def recorded(world: World, **more: Any) -> Iterator[Activity]:
    activity = world.activity(**more)
    with world.audit.recording(activity):
        yield activity


def release(world: World, **more: Any) -> None:
    with recorded(world, **more) as activity:
        world.audit.release(activity)


def partition(world: World, activity: Activity) -> PartitionStore:
    return world.partition(SCOPE, LEDGER, activity)


def squat(world: World, chain: str, seq: int) -> dict[str, Any]:
    """Puts something at a place of a chain; returns its key."""
    key = {"pk": {"S": f"chain#{chain}"}, "sk": {"S": f"{seq:012d}"}}
    world.client.put_item(TableName=world.tables.audit, Item=key | {"entry": {"S": "{}"}})
    return key


# -- chains ----------------------------------------------------------------------------------------------------------


def test_activities_that_follow_one_another_use_one_chain(world: World) -> None:
    for _ in range(3):
        release(world)
    (chain,) = chains(world).values()
    assert [entry["seq"] for entry in chain] == [1, 2, 3]
    assert chain[0]["principal"] == "subject-1"
    assert [("public_key" in entry) for entry in chain] == [True, False, False]


def test_every_environment_has_chains_and_a_key_of_its_own(world: World) -> None:
    release(world)
    release(world.another_environment())
    one, other = chains(world).values()
    assert one[0]["public_key"] != other[0]["public_key"]


def test_activities_at_once_hold_a_chain_each_and_none_waits_for_another(world: World) -> None:
    """All eight have begun and none has ended when the first of them appends: behind one chain, they would hang."""
    barrier = threading.Barrier(8)

    def work(_: int) -> None:
        with recorded(world) as activity:
            barrier.wait(20)
            for _ in range(3):
                world.audit.release(activity)
                barrier.wait(20)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert [len(chain) for chain in chains(world).values()] == [3] * 8
    release(world)
    assert sorted(len(chain) for chain in chains(world).values()) == [3] * 7 + [4]


def test_an_activity_holds_its_chain_from_its_begin_so_looks_in_one_chain_are_ordered(world: World) -> None:
    """The one that began first looked first: with a chain taken at its end, its old look would follow the new one."""
    with recorded(world, action="slow") as slow:
        slow.saw("head#p", HeadSeen(1, b"1" * 32))
        with recorded(world, action="fast") as fast:
            fast.saw("head#p", HeadSeen(2, b"2" * 32))
    for chain in chains(world).values():
        looks = [one["saw"]["version"] for entry in chain for one in entry["partitions"]]
        assert looks == sorted(looks)
    assert len(chains(world)) == 2


def test_an_activity_that_nobody_records_has_a_chain_to_itself(world: World) -> None:
    alone = world.activity()
    for _ in range(2):
        world.audit.release(alone)
    release(world)
    assert sorted(len(chain) for chain in chains(world).values()) == [1, 2]


def test_a_chain_is_of_one_function_and_artifact(world: World) -> None:
    for function in ("one", "other", "one"):
        activity = world.activity()
        activity.origin = Origin(store="world", function=function)
        with world.audit.recording(activity):
            world.audit.release(activity)
    assert sorted([entry["function"] for entry in chain] for chain in chains(world).values()) == [
        ["one", "one"],
        ["other"],
    ]


def test_nobody_else_can_continue_a_chain(world: World) -> None:
    """Whoever may insert can write an entry at the next place, with every digest right; a verifier refuses it."""
    from tests.vectors.audit import READ
    from twinvault.audit.entry import Link, make_entry

    release(world)
    ((name, (entry,)),) = chains(world).items()
    event = READ.__class__(**{slot: getattr(READ, slot) for slot in READ.__slots__} | {"origin": Origin(store="world")})
    link = Link(name, 2, bytes.fromhex(entry["digest"]))
    forged = make_entry(event, [], link=link, key=ChainKey(b"f" * 32))
    world.client.put_item(TableName=world.tables.audit, Item=forged.to_item())
    with pytest.raises(BrokenChain) as caught:
        verify_chain(rows(world))
    assert (caught.value.step, caught.value.seq) == (ChainStep.SIGNATURE, 2)


# -- what gets lost --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.ERROR_AFTER, Fault.IN_PROGRESS])
def test_a_lost_acknowledgement_is_the_same_bytes_again(
    world: World, faulty: World, faults: Line, fault: Fault
) -> None:
    faults.next(fault)
    release(faulty)
    release(faulty)
    (chain,) = chains(world).values()
    assert len(chain) == 2
    first, again, _ = faults.sent()
    assert first == again


def test_an_append_of_unknown_outcome_closes_the_chain_and_the_next_names_it(
    world: World, faulty: World, faults: Line
) -> None:
    release(faulty)
    faults.always(Fault.LOSE_ANSWER)
    alone = faulty.activity(seconds=0.3)
    with pytest.raises(DependencyError), faulty.audit.recording(alone):
        faulty.audit.release(alone)
    faults.clear()
    release(faulty)
    # The failed activity tried to say that it failed, on a chain of its own, with the same fate.
    old, failed, new = sorted(chains(world).values(), key=lambda chain: chain[-1]["began"] + chain[-1]["time"])
    assert [len(old), len(failed), len(new)] == [2, 1, 1]
    assert failed[0]["continues"] == [{"chain": old[0]["chain"], "seq": 2, "candidate": old[1]["digest"]}]
    assert new[0]["continues"] == [
        *failed[0]["continues"],
        {"chain": failed[0]["chain"], "seq": 1, "candidate": failed[0]["digest"]},
    ]


def test_one_that_never_arrived_is_named_as_a_candidate_too(world: World, faulty: World, faults: Line) -> None:
    faults.always(Fault.LOSE_REQUEST)
    for _ in range(2):
        with pytest.raises(DependencyError):
            faulty.audit.release(faulty.activity(seconds=0.2))
    faults.clear()
    release(faulty)
    release(faulty)
    (chain,) = chains(world).values()
    assert [closed["seq"] for closed in chain[0]["continues"]] == [1, 1]
    assert "continues" not in chain[1]


def test_a_place_that_is_taken_closes_the_chain_and_the_entry_finds_another(world: World) -> None:
    """Someone with the writer's own permissions may insert at the chain's next place, but cannot silence it."""
    release(world)
    (name,) = chains(world)
    key = squat(world, name, 2)
    release(world, action="second")
    world.client.delete_item(TableName=world.tables.audit, Key=key)
    new = next(chain for other, chain in chains(world).items() if other != name)
    assert new[0]["action"] == "second"
    assert [(closed["chain"], closed["seq"]) for closed in new[0]["continues"]] == [(name, 2)]


def test_a_write_whose_entrys_place_is_taken_is_not_lost_and_not_planned_anew(world: World) -> None:
    with recorded(world) as activity:
        partition(world, activity).write(puts(line(1)))
    (name,) = chains(world)
    key = squat(world, name, 2)
    counted: list[str] = []
    with recorded(world, count=lambda metric, _value: counted.append(metric)) as activity:
        written = partition(world, activity).write(puts(line(2)))
    assert written is not None
    assert written.head.version == 2
    assert "HeadConflict" not in counted
    world.client.delete_item(TableName=world.tables.audit, Key=key)
    assert {entry["event"] for chain in chains(world).values() for entry in chain} >= {written.state.last_event}


def test_a_throttled_append_leaves_its_place_free(world: World, faulty: World, faults: Line) -> None:
    release(faulty)
    faults.always(Fault.THROTTLE)
    with pytest.raises(DependencyError):
        release(faulty, seconds=0.3)
    faults.clear()
    release(faulty)
    (chain,) = chains(world).values()
    assert len(chain) == 2


def test_a_throttled_first_entry_leaves_what_it_would_have_named_to_the_next(
    world: World, faulty: World, faults: Line
) -> None:
    for fault in (Fault.LOSE_REQUEST, Fault.THROTTLE):
        faults.always(fault)
        with pytest.raises(DependencyError):
            faulty.audit.release(faulty.activity(seconds=0.2))
    faults.clear()
    release(faulty)
    (chain,) = chains(world).values()
    assert len(chain[0]["continues"]) == 1


def test_nothing_is_released_that_could_not_be_recorded(world: World, faulty: World, faults: Line) -> None:
    with recorded(world) as activity:
        partition(world, activity).write(puts(line(1)))
    for fault in (Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.THROTTLE, Fault.ERROR_BEFORE, Fault.CONFLICT):
        faults.always(fault)
        counted: list[str] = []
        for ask in (lambda here: here.read(), lambda here: here.get("line#0001")):
            asking = faulty.activity(seconds=2.0, count=lambda name, _value, counted=counted: counted.append(name))
            with pytest.raises(DependencyError):
                ask(partition(faulty, asking))
        assert counted.count("AuditAppendFailed") == 2


def test_a_write_and_its_entry_are_one(world: World, faulty: World, faults: Line) -> None:
    """Wherever the line breaks, there is both or neither."""
    for number, fault in enumerate((Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.ERROR_BEFORE, Fault.ERROR_AFTER), 1):
        faults.next(fault)
        with recorded(faulty) as activity:
            partition(faulty, activity).write(puts(line(number)))
    wrote = [one["wrote"]["version"] for entry in entries(world) for one in entry["partitions"] if "wrote" in one]
    assert sorted(wrote) == [1, 2, 3, 4]


def test_an_environment_that_dies_with_an_entry_pending_leaves_its_chain_closed(world: World) -> None:
    class Dies:
        dying = True

        def execute(self, statements: list[Statement], *, deadline: float) -> Result:
            if self.dying:
                raise KeyboardInterrupt
            return world.transactor.execute(statements, deadline=deadline)

    transactions, drawn = Dies(), iter(["a" * 32, "b" * 32])
    log = AuditLog(
        transactions,
        table=world.tables.audit,
        key=ChainKey(b"k" * 32),
        new_chain=lambda: next(drawn),
        event_id=world.audit.event_id,
        now=lambda: "2026-11-23T10:30:00.000000Z",
    )
    with pytest.raises(KeyboardInterrupt):
        log.release(world.activity())
    transactions.dying = False
    log.release(world.activity())
    ((entry,),) = chains(world).values()
    assert (entry["chain"], entry["continues"][0]["chain"]) == ("b" * 32, "a" * 32)


# -- threads of one activity -----------------------------------------------------------------------------------------


def test_of_24_gathered_reads_of_one_activity_each_is_in_an_entry(world: World) -> None:
    """Each thread notes a look and appends; whichever entry says it, it is durable before its thread goes on."""
    lost: list[str] = []
    with recorded(world) as activity:

        def look(number: int) -> None:
            activity.saw(f"head#{number}", HEAD)
            activity.crypto("decrypt", f"dek#{number}")
            world.audit.release(activity)
            said = {one["mark"] for entry in entries(world) for one in entry["partitions"]}
            if mark_hash(f"head#{number}") not in said:
                lost.append(str(number))

        with ThreadPoolExecutor(24) as pool:
            list(pool.map(look, range(24)))
    assert lost == []
    (chain,) = chains(world).values()
    marks = [one["mark"] for entry in chain for one in entry["partitions"]]
    assert sorted(marks) == sorted(mark_hash(f"head#{number}") for number in range(24))
    assert sum(one["n"] for entry in chain for one in entry["crypto"]) == 24


def test_what_an_append_could_not_say_another_thread_says(world: World, faulty: World, faults: Line) -> None:
    with recorded(faulty) as activity:
        activity.saw("head#1", HEAD)
        faults.next(*[Fault.THROTTLE] * 2)
        activity.deadline -= 19.9
        with pytest.raises(DependencyError):
            faulty.audit.release(activity)
        faults.faults.clear()
        activity.deadline += 19.9
        with ThreadPoolExecutor(1) as pool:
            pool.submit(faulty.audit.release, activity).result()
    ((entry,),) = chains(world).values()
    assert entry["partitions"] == [{"mark": mark_hash("head#1"), "saw": {"version": 7, "digest": HEAD.digest.hex()}}]


# -- several entries -------------------------------------------------------------------------------------------------


def many_looks(activity: Activity, count: int) -> None:
    for number in range(count):
        activity.saw(f"head#{number}", HeadSeen(number + 1, b"d" * 32))


def test_an_activity_that_looked_at_5000_partitions_has_several_entries_in_order(world: World) -> None:
    with recorded(world) as activity:
        many_looks(activity, 5000)
        world.audit.release(activity)
    ((*first, last),) = chains(world).values()
    assert [entry["part"] for entry in [*first, last]] == list(range(1, last["of"] + 1))
    assert last["of"] > 10
    looks = [one["saw"]["version"] for entry in [*first, last] for one in entry["partitions"]]
    assert looks == list(range(1, 5001))
    assert max(len(row["entry"]["S"]) for row in rows(world)) <= MAX_ENTRY_BYTES


def test_only_the_last_entry_goes_with_the_write(world: World, faulty: World, faults: Line) -> None:
    with recorded(faulty) as activity:
        many_looks(activity, 600)
        written = partition(faulty, activity).write(puts(line(1)))
    assert written is not None
    (chain,) = chains(world).values()
    assert [(entry["part"], entry["of"]) for entry in chain] == [(1, 3), (2, 3), (3, 3)]
    assert [entry for entry in chain if any("wrote" in one for one in entry["partitions"])] == chain[2:]
    assert {entry["event"] for entry in chain} == {written.state.last_event}
    statements = [len(request["TransactStatements"]) for request in faults.sent()]
    assert statements[-3:-1] == [1, 1]
    assert statements[-1] > 2


def test_what_parts_have_said_before_a_lost_race_is_not_said_again(world: World) -> None:
    with recorded(world) as activity:
        partition(world, activity).write(puts(line(1)))
    race = iter(range(1))

    def plan(before: Any) -> Any:
        if next(race, None) is not None:
            other = world.another_environment()
            partition(other, other.activity()).write(puts(line(2)))
        return puts(line(3))(before)

    with recorded(world, action="late") as activity:
        many_looks(activity, 600)
        partition(world, activity).write(plan)
    late = [entry for entry in entries(world) if entry["action"] == "late"]
    assert [entry.get("part") for entry in late] == [1, 2, None]
    assert [entry["attempt"] for entry in late] == [1, 1, 2]
    looks = [one["mark"] for entry in late for one in entry["partitions"]]
    assert len(set(looks)) == 601
    assert len(looks) == 601 + 1  # the partition that was written was seen in two states


def test_a_chain_that_ends_within_an_event_rests(world: World, faulty: World, faults: Line) -> None:
    """Another activity's entry after an unfinished event would be a broken chain."""
    release(faulty)

    faults.next(Fault.PASS, *[Fault.THROTTLE] * 50)
    activity = faulty.activity(seconds=1.0)
    many_looks(activity, 600)
    with pytest.raises(DependencyError), faulty.audit.recording(activity):
        faulty.audit.release(activity)
    faults.faults.clear()
    release(faulty)
    old, new = sorted(chains(world).values(), key=len, reverse=True)
    assert [old[-1].get("part"), len(new)] == [1, 1]


def test_a_place_that_is_taken_amid_an_event_moves_the_rest_of_it_to_another_chain(world: World) -> None:
    release(world)
    (name,) = chains(world)
    key = squat(world, name, 3)
    with recorded(world) as activity:
        many_looks(activity, 600)
        world.audit.release(activity)
    world.client.delete_item(TableName=world.tables.audit, Key=key)
    old = chains(world)[name]
    new = next(chain for other, chain in chains(world).items() if other != name)
    assert (old[1]["part"], old[1]["of"], old[1]["event"]) == (1, 3, new[0]["event"])
    assert [entry["part"] for entry in new] == [1, 2]
    looks = [one["saw"]["version"] for entry in [old[1], *new] for one in entry["partitions"]]
    assert looks == list(range(1, 601))


# -- commit ----------------------------------------------------------------------------------------------------------


def put(world: World, sk: str) -> Statement:
    return insert(world.tables.records, {"pk": {"S": "p"}, "sk": {"S": sk}})


def commit(world: World, activity: Activity, *statements: Statement) -> Result:
    wrote = {"register#acme": Wrote(2, b"2" * 32, HeadSeen(1, b"1" * 32))}
    return world.audit.commit(activity, statements, event_id=world.audit.event_id(), wrote=wrote)


def test_a_commit_says_which_of_the_statements_failed(world: World) -> None:
    with recorded(world) as activity:
        assert commit(world, activity, put(world, "a")) == Result(Outcome.COMMITTED)
        assert commit(world, activity, put(world, "b"), put(world, "a")) == Result(Outcome.CANCELLED, frozenset({1}))
    ((entry,),) = chains(world).values()
    written = {"version": 2, "digest": "32" * 32, "replaced": {"version": 1, "digest": "31" * 32}}
    assert entry["partitions"] == [{"mark": mark_hash("register#acme"), "wrote": written}]
    assert len(world.items()) == 1


def test_a_commit_that_failed_twice_over_says_so_and_closes_the_chain(world: World) -> None:
    with recorded(world) as activity:
        commit(world, activity, put(world, "a"))
        (name,) = chains(world)
        key = squat(world, name, 2)
        assert commit(world, activity, put(world, "a")) == Result(Outcome.CANCELLED, frozenset({0}))
        assert commit(world, activity, put(world, "b")) == Result(Outcome.COMMITTED)
    world.client.delete_item(TableName=world.tables.audit, Key=key)
    assert sorted(len(chain) for chain in chains(world).values()) == [1, 1]


def test_what_a_cancelled_commit_would_have_said_the_next_entry_says(world: World) -> None:
    with recorded(world) as activity:
        commit(world, activity, put(world, "a"))
        activity.key_event("make_kek", "kek#000002")
        commit(world, activity, put(world, "a"))
        world.audit.release(activity)
    (chain,) = chains(world).values()
    assert [entry["keys"] for entry in chain] == [[], [{"op": "make_kek", "key": "kek#000002"}]]
    assert not any("wrote" in one for one in chain[1]["partitions"])


def test_what_a_commit_of_unknown_outcome_said_is_not_said_again_once_it_is_found(
    world: World, faulty: World, faults: Line
) -> None:
    with recorded(faulty) as activity:
        activity.saw("head#1", HEAD)
        event_id = faulty.audit.event_id()
        faults.always(Fault.LOSE_ANSWER)
        activity.deadline -= 19.0
        result = faulty.audit.commit(activity, [put(world, "a")], event_id=event_id, wrote={})
        assert result.outcome is Outcome.UNKNOWN
        faults.clear()
        activity.deadline += 19.0
        faulty.audit.found_committed(activity, event_id)
        faulty.audit.release(activity)
    first, second = entries(world)
    assert [len(entry["partitions"]) for entry in (first, second)] == [1, 0]


# -- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "outcome", "problem"),
    [
        pytest.param(Forbidden("no"), "denied", "forbidden", id="a denial"),
        pytest.param(NotFound("no"), "failure", "not-found", id="nothing there"),
        pytest.param(Conflict("no"), "failure", "conflict", id="a conflict"),
        pytest.param(IntegrityError(Step.COMMITMENT), "failure", "integrity", id="tampering"),
        pytest.param(DependencyError("no"), "failure", "unavailable", id="a dependency"),
        pytest.param(ZeroDivisionError("a bug"), "failure", "internal", id="a bug"),
    ],
)
def test_what_fails_is_recorded_before_the_failure_is_told(
    world: World, error: Exception, outcome: str, problem: str
) -> None:
    activity = world.activity(action="ledger.read")
    activity.asked("head#1")
    activity.crypto("decrypt", "dek#1")
    with pytest.raises(type(error)), world.audit.recording(activity):
        raise error
    ((entry,),) = chains(world).values()
    assert (entry["outcome"], entry["problem"], entry["action"]) == (outcome, problem, "ledger.read")
    assert entry["crypto"] == [{"op": "decrypt", "key": "dek#1", "outcome": "success", "n": 1}]
    assert entry["partitions"] == [{"mark": mark_hash("head#1")}]


def test_tampering_names_the_step_and_the_hash_of_the_row(world: World) -> None:
    with pytest.raises(IntegrityError), recorded(world):
        raise IntegrityError(Step.COMMITMENT, where=Place("records", SCOPE.pk, "line#0001"))
    ((entry,),) = chains(world).values()
    assert entry["step"] == "5 commitment"
    assert entry["row"] == row_hash("records", pk=SCOPE.pk, sk="line#0001")


def test_a_read_of_nothing_names_what_was_asked_for(world: World) -> None:
    with recorded(world) as activity:
        assert partition(world, activity).read() is None
    ((entry,),) = chains(world).values()
    assert entry["partitions"] == [{"mark": mark_hash(head_mark_key(SCOPE.pk)), "saw": None}]


def test_a_failure_that_cannot_be_recorded_is_a_dependencys(faulty: World, faults: Line) -> None:
    faults.always(Fault.LOSE_REQUEST)
    with pytest.raises(DependencyError), recorded(faulty, seconds=0.2):
        raise NotFound("this must not be told")


def test_what_ends_well_and_did_nothing_is_not_recorded(world: World) -> None:
    with recorded(world):
        pass
    assert chains(world) == {}


def test_what_ends_well_and_was_not_released_is_recorded_at_the_end(world: World) -> None:
    with recorded(world) as activity:
        partition(world, activity).peek()
    ((entry,),) = chains(world).values()
    assert (entry["outcome"], len(entry["partitions"])) == ("success", 1)


def test_entries_hold_no_plaintext_and_no_row_in_clear(world: World) -> None:
    mark = "Kumquat"
    with recorded(world) as activity:
        partition(world, activity).write(puts(line(1, payee=mark, memo={mark: mark}), owner=mark, title="clear"))
        partition(world, activity).read()
    with pytest.raises(IntegrityError), recorded(world):
        raise IntegrityError(Step.COMMITMENT, where=Place("records", SCOPE.pk, "line#0001"))
    text = repr(world.items(world.tables.audit))
    assert mark not in text
    assert SCOPE.pk not in text
    assert "line#0001" not in text


def test_a_read_names_the_head_that_it_saw(world: World) -> None:
    with recorded(world) as activity:
        partition(world, activity).write(puts(line(1)))
    with recorded(world) as activity:
        partition(world, activity).read()
    ((wrote, read),) = chains(world).values()
    (was,), (seen) = wrote["partitions"], read["partitions"]
    assert seen == [{"mark": was["mark"], "saw": {name: was["wrote"][name] for name in ("version", "digest")}}]
    assert {"op": "decrypt", "key": "dek#ledger#p1#000001", "outcome": "success", "n": 2} in read["crypto"]
