"""New epochs and versions: used from now on, while what is old still opens; races end with whole epochs."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fakes import OUTAGE, FakeKms
from tests.faults import Fault, Line, cancelled
from tests.stores import Watched, World, make_world
from twinvault.dynamodb.transaction import Outcome, Result
from twinvault.errors import Conflict, DependencyError, KeyRefused, NotFound, OutcomeUnknown
from twinvault.keys.overview import overview
from twinvault.keys.register import MAX_EPOCHS
from twinvault.keys.table import Committer
from twinvault.records.committing import AuditedCommits
from twinvault.records.record import Draft
from twinvault.records.spec import TEXT, EntitySpec, KindSpec
from twinvault.records.store import PartitionStore
from twinvault.records.writing import Changes
from twinvault.scope import Scope

LINE = EntitySpec("line", re.compile(r"line#[0-9]+"), {"mark": TEXT}, frozenset({"text"}))
NOTE = KindSpec("note", (LINE,))


def note(world: World, name: str) -> PartitionStore:
    return world.partition(Scope("acme", "note", name), NOTE, world.activity())


def put(partition: PartitionStore, number: int) -> None:
    partition.write(lambda _: Changes({}, [Draft("line", f"line#{number}", {"mark": "m", "text": f"text {number}"})]))


def keys(world: World, tenant: str = "acme") -> Any:
    found = world.another_environment().keys.tenant(tenant, observer=world.activity())
    assert found is not None
    return found


def rows(world: World) -> dict[str, Any]:
    return {item["sk"]["S"]: item for item in world.items(world.tables.keys)}


def index_key(world: World) -> Any:
    return world.keys.index_key("acme", observer=world.activity())


def marks(world: World) -> list[Any]:
    items = [item for item in world.items(world.tables.marks) if item["pk"]["S"] == "register#acme"]
    return sorted(items, key=lambda item: item["sk"]["S"])


def test_a_new_epoch_wraps_new_keys_and_the_old_ones_still_open(world: World) -> None:
    put(note(world, "before"), 1)
    first = index_key(world)
    assert world.rotate() == 2
    put(note(world, "after"), 1)
    there = rows(world)
    assert there["dek#note#before#000001"]["key_id"] == {"S": "kek#000001"}
    assert there["dek#note#after#000001"]["key_id"] == {"S": "kek#000002"}
    assert there["idx"]["key_id"] == {"S": "kek#000002"}
    assert there["idx"]["version"] == {"N": "2"}
    fresh = world.another_environment()
    for name in ("before", "after"):
        snapshot = note(fresh, name).read()
        assert snapshot is not None
        assert snapshot.records["line#1"].fields["text"] == "text 1"
    assert index_key(fresh).key == first.key, "the index key never changes"


def test_each_change_of_the_register_has_its_mark(world: World) -> None:
    put(note(world, "n"), 1)
    world.rotate()
    found = keys(world)
    assert [int(mark["sk"]["S"]) for mark in marks(world)] == [1, 2]
    assert marks(world)[-1]["digest"] == {"B": found.rows.digest}
    assert marks(world)[-1]["event"] == {"S": found.register.last_event}
    entries = [item["entry"]["S"] for item in world.items(world.tables.audit)]
    assert any(found.register.last_event in entry for entry in entries), "the audit entry is in the same transaction"


def test_a_new_version_seals_new_records_and_the_old_ones_still_open(world: World) -> None:
    partition = note(world, "n")
    put(partition, 1)
    assert partition.new_dek().state.dek_version == 2
    put(partition, 2)
    snapshot = note(world.another_environment(), "n").read()
    assert snapshot is not None
    assert [record.key_id for record in snapshot.records.values()] == ["dek#note#n#000001", "dek#note#n#000002"]
    assert snapshot.head.key_id == "dek#note#n#000002"


def test_an_environment_with_the_old_keys_goes_on_writing(world: World) -> None:
    other = world.another_environment()
    put(note(world, "shared"), 1)
    put(note(other, "shared"), 2)
    world.rotate()
    note(world, "shared").new_dek()
    put(note(other, "shared"), 3)
    snapshot = note(world, "shared").read()
    assert snapshot is not None
    assert snapshot.records["line#3"].key_id == "dek#note#shared#000002", (
        "the sealed head says which version is current"
    )


def test_what_is_not_there_is_not_rotated(world: World) -> None:
    with pytest.raises(NotFound):
        world.rotate()
    with pytest.raises(NotFound):
        note(world, "nothing").new_dek()
    assert world.items(world.tables.keys) == world.items(world.tables.marks) == []


def test_rotations_at_once_end_with_whole_epochs(world: World) -> None:
    put(note(world, "n"), 1)
    others = [world.another_environment() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        made = sorted(pool.map(lambda one: one.rotate(), others))
    assert made == [2, 3, 4, 5]
    found = keys(world)
    assert [one.epoch for one in found.register.epochs] == [1, 2, 3, 4, 5]
    assert found.written.version == len(marks(world)) == 5
    assert note(world.another_environment(), "n").read() is not None


def test_readers_and_writers_go_on_while_keys_are_rotated(world: World) -> None:
    put(note(world, "n"), 1)

    def rotate() -> None:
        for _ in range(6):
            world.rotate()

    with ThreadPoolExecutor(4) as pool:
        rotating = pool.submit(rotate)
        done = 0
        while not rotating.done() or done < 3:
            fresh = world.another_environment()
            put(note(fresh, "n"), done)
            assert note(fresh, "n").read() is not None
            done += 1
        rotating.result(60)
    assert keys(world).register.newest == 7


def test_rotations_slow_no_read_and_end_at_32_live_epochs(world: World) -> None:
    """They once did: 5,000 rotations made a read take 2.8 s. Each epoch is a row that every load reads."""
    put(note(world, "n"), 1)
    counts = []
    for epochs in (1, MAX_EPOCHS):
        for _ in range(epochs - 1):
            world.rotate()
        kms, counting = FakeKms(roots=world.kms.roots), Counting(world.client)
        fresh = make_world(counting, kms, world.tables)
        assert note(fresh, "n").read() is not None
        assert index_key(fresh) is not None
        counts.append((counting.calls, kms.calls))
    assert counts[0][0] == counts[1][0]
    assert len(counts[1][1]) == len(counts[0][1]) + 1, "the index key is under the newest KEK, the DEK under the first"
    with pytest.raises(Conflict, match="rewrap"):
        world.rotate()
    assert keys(world).register.newest == MAX_EPOCHS


class Counting:
    """A client that counts its calls by name."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name == "meta":  # of the SDK's clients, and no call
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            return method(*args, **kwargs)

        return call


class Between(Watched):
    """Does something before each commit, and ends it as a test wants."""

    def __init__(self, inner: Committer, *, before: Any = None, ended: Outcome | None = None) -> None:
        super().__init__(inner)
        self._before = before
        self._ended = ended

    def commit(self, *args: Any, **kwargs: Any) -> Result:
        if self._before is not None:
            self._before()
        result: Result = self._inner.commit(*args, **kwargs)
        return result if self._ended is None else Result(self._ended)


def test_others_who_are_always_faster_are_a_conflict_after_a_bounded_number_of_tries(world: World) -> None:
    put(note(world, "n"), 1)
    other = world.another_environment()
    between = Between(world.commits(), before=other.rotate)
    with pytest.raises(Conflict, match="keep changing"):
        world.changes.new_epoch("acme", between)
    assert keys(world).register.newest == 13


def test_a_rotation_whose_answer_was_lost_is_found_and_not_repeated(world: World) -> None:
    put(note(world, "n"), 1)
    for number, ended in enumerate((Outcome.UNKNOWN, Outcome.CANCELLED), 2):
        lost = Between(world.commits(), ended=ended)
        assert world.changes.new_epoch("acme", lost) == number
    assert keys(world).register.newest == 3


def test_a_rotation_of_which_nobody_can_say_whether_it_was_written(world: World) -> None:
    put(note(world, "n"), 1)

    class Nothing(Between):
        def commit(self, *_args: Any, **_kwargs: Any) -> Result:
            return Result(Outcome.UNKNOWN)

    with pytest.raises(OutcomeUnknown):
        world.changes.new_epoch("acme", Nothing(world.commits()))
    assert keys(world).register.newest == 1


def test_a_store_that_takes_no_change_is_a_dependency_that_fails_and_not_a_conflict(world: World) -> None:
    put(note(world, "n"), 1)

    class Never(Between):
        outcome = Outcome.REFUSED

        def commit(self, *_args: Any, **_kwargs: Any) -> Result:
            return Result(self.outcome, frozenset({0}))

    for outcome in (Outcome.REFUSED, Outcome.CANCELLED):
        never = Never(world.commits())
        never.outcome = outcome
        with pytest.raises(DependencyError) as refused:
            world.changes.new_epoch("acme", never)
        assert not isinstance(refused.value, OutcomeUnknown)


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.CONFLICT])
def test_a_fault_on_the_line_makes_one_epoch_all_the_same(
    world: World, faulty: World, line: Line, fault: Fault
) -> None:
    put(note(world, "n"), 1)
    assert faulty.keys.tenant("acme", observer=faulty.activity()) is not None
    line.next(fault)
    assert faulty.rotate() == 2
    assert keys(world).register.newest == 2


CHANGED = ("KEK", "index key", "register", "mark", "audit entry")


def throttled_at(position: str) -> dict[str, Any]:
    return cancelled(*("ThrottlingError" if name == position else "None" for name in CHANGED))


@pytest.mark.parametrize("position", CHANGED)
def test_load_at_any_position_of_a_change_is_waited_for(world: World, faulty: World, line: Line, position: str) -> None:
    world.begin()
    line.next(*[throttled_at(position)] * 2)
    assert faulty.rotate() == 2
    (sent, *again) = line.sent()
    assert len(sent["TransactStatements"]) == len(CHANGED)
    assert again == [sent] * 2, "one change, sent again"


@pytest.mark.parametrize("fault", [*map(throttled_at, CHANGED), Fault.THROTTLE], ids=[*CHANGED, "the call itself"])
def test_load_of_which_a_change_sees_no_end_is_a_503_and_no_conflict(
    world: World, faulty: World, line: Line, fault: Fault | dict[str, Any]
) -> None:
    world.begin()
    before = rows(world)
    line.always(fault)
    commits = AuditedCommits(faulty.audit, faulty.activity(seconds=1.0))
    with pytest.raises(DependencyError) as caught:
        faulty.changes.new_epoch("acme", commits)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert caught.value.retry_after > 0
    if line.sent():  # a busy machine may have had no time for it
        assert caught.value.cause is not None
        assert caught.value.cause.is_load
    assert rows(world) == before


def test_a_rotation_under_another_root_key_leaves_the_old_ones_openable(world: World, kms: FakeKms) -> None:
    put(note(world, "n"), 1)
    kms.roots["root-2"] = bytes(32)
    moved = make_world(world.client, kms, world.tables, roots=("root-2", "root-1"))
    assert moved.rotate() == 2
    assert [one.root_key_id for one in keys(moved).register.epochs] == ["root-1", "root-2"]
    assert note(moved.another_environment(), "n").read() is not None


def test_an_epoch_that_another_environment_made_is_found_where_the_register_in_memory_is_older(world: World) -> None:
    put(note(world, "n"), 1)
    other = world.another_environment()
    assert note(other, "n").read() is not None
    world.rotate()
    put(note(world, "after"), 1)
    assert note(other, "after").read() is not None, "the DEK names an epoch that this environment does not know"


def test_no_key_is_made_where_kms_cannot_answer(world: World, kms: FakeKms) -> None:
    put(note(world, "n"), 1)
    for fault, error in ((OUTAGE, DependencyError), (KeyRefused("no"), KeyRefused)):
        kms.fault = fault
        with pytest.raises(error):
            world.rotate()
    kms.fault = None
    assert keys(world).register.newest == 1


def test_the_overview_says_what_is_used_for_what_is_new(world: World) -> None:
    put(note(world, "a"), 1)
    world.rotate()
    note(world, "a").new_dek()
    shown = overview(world.keys, "acme", observer=world.activity())
    assert [(row.name, row.state, row.uses, row.current) for row in shown] == [
        ("dek#note#a#000001", None, None, False),
        ("dek#note#a#000002", None, None, True),
        ("idx", None, None, False),
        ("kek#000001", "active", 1, False),
        ("kek#000002", "active", 2, True),
        ("register", None, None, False),
        ("register-key", None, None, False),
    ]
    assert [row.wrapped_under for row in shown] == [
        "kek#000001",
        "kek#000002",
        "kek#000002",
        "root-1",
        "root-1",
        "register-key",
        "root-1",
    ]
    assert overview(world.keys, "bolt", observer=world.activity("bolt")) == []
