"""The log over the real table: nothing is released before its entry is durable, whatever gets lost on the way."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.faults import Fault, Line, line_to
from tests.records.samples import LEDGER, SCOPE, line, puts
from tests.stores import World, make_world
from twinvault.audit.activity import Activity
from twinvault.audit.chain import entry_digest
from twinvault.audit.log import AuditLog
from twinvault.dynamodb.transaction import Outcome, Result
from twinvault.errors import Conflict, DependencyError, Forbidden, IntegrityError, NotFound, Step


@pytest.fixture
def faults(dynamodb_endpoint: str) -> Iterator[Line]:
    with line_to(dynamodb_endpoint) as faults:
        yield faults


@pytest.fixture
def here(faults: Line, world: World, aws: dict[str, Any]) -> Iterator[World]:
    """An environment at the end of a line on which requests and answers get lost."""
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
    client = boto3.client("dynamodb", endpoint_url=faults.endpoint, config=config, **aws)
    yield make_world(client, world.kms, world.tables)
    client.close()


def activity(seconds: float = 10.0, action: str = "test") -> Activity:
    return Activity(
        tenant="acme",
        principal="subject",
        trace_id="trace",
        span_id="span",
        action=action,
        deadline=time.monotonic() + seconds,
    )


def release(world: World, *, seconds: float = 10.0, action: str = "test") -> None:
    world.audit.release(activity(seconds, action))


def chains(world: World) -> dict[str, list[dict[str, Any]]]:
    """The entries by chain, after checking that each is intact and holds its predecessor's digest."""
    found: dict[str, list[dict[str, Any]]] = {}
    items = sorted(world.items(world.tables.audit), key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
    for item in items:
        entry = json.loads(item["entry"]["S"])
        digest = entry_digest(item["entry"]["S"].encode())
        assert item["digest"]["B"] == digest
        assert (item["pk"]["S"], item["sk"]["S"]) == (f"chain#{entry['chain']}", f"{entry['seq']:012d}")
        chain = found.setdefault(entry["chain"], [])
        assert entry["seq"] == len(chain) + 1
        assert entry["prev"] == (chain[-1]["digest"] if chain else "00" * 32)
        assert ("continues" in entry) <= (entry["seq"] == 1)
        chain.append(entry | {"digest": digest.hex()})
    return found


def test_entries_follow_one_another_in_one_chain(world: World) -> None:
    for _ in range(3):
        release(world)
    (chain,) = chains(world).values()
    assert [entry["seq"] for entry in chain] == [1, 2, 3]
    assert chain[0]["principal"] == "subject"


def test_every_environment_has_a_chain_of_its_own(world: World) -> None:
    release(world)
    release(world.another_environment())
    assert len(chains(world)) == 2


def test_threads_wait_for_one_another_and_keep_one_chain(world: World) -> None:
    barrier = threading.Barrier(8)

    def work(_: int) -> None:
        barrier.wait(20)
        for _ in range(3):
            release(world)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    (chain,) = chains(world).values()
    assert len(chain) == 24


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.ERROR_AFTER, Fault.IN_PROGRESS])
def test_a_lost_acknowledgement_is_the_same_bytes_again(world: World, here: World, faults: Line, fault: Fault) -> None:
    faults.next(fault)
    release(here)
    release(here)
    (chain,) = chains(world).values()
    assert len(chain) == 2
    first, again, _ = faults.sent()
    assert first == again


def test_an_append_of_unknown_outcome_closes_the_chain_and_the_next_names_it(
    world: World, here: World, faults: Line
) -> None:
    release(here)
    faults.always["ExecuteTransaction"] = Fault.LOSE_ANSWER
    with pytest.raises(DependencyError):
        release(here, seconds=0.3)
    faults.always.clear()
    release(here)
    old, new = sorted(chains(world).values(), key=len, reverse=True)
    assert [len(old), len(new)] == [2, 1]
    assert new[0]["continues"] == [{"chain": old[0]["chain"], "seq": 2, "candidate": old[1]["digest"]}]


def test_one_that_never_arrived_is_named_as_a_candidate_too(world: World, here: World, faults: Line) -> None:
    faults.always["ExecuteTransaction"] = Fault.LOSE_REQUEST
    for _ in range(2):
        with pytest.raises(DependencyError):
            release(here, seconds=0.2)
    faults.always.clear()
    release(here)
    release(here)
    (chain,) = chains(world).values()
    assert [closed["seq"] for closed in chain[0]["continues"]] == [1, 1]
    assert "continues" not in chain[1]


def test_a_place_that_is_taken_closes_the_chain_and_the_entry_finds_another(world: World) -> None:
    """Someone with the writer's own permissions may insert at the chain's next place, but cannot silence it."""
    release(world)
    (chain,) = chains(world).values()
    name = chain[0]["chain"]
    squatter = {"pk": {"S": f"chain#{name}"}, "sk": {"S": "000000000002"}, "entry": {"S": "{}"}}
    world.client.put_item(TableName=world.tables.audit, Item=squatter)
    release(world, action="second")
    world.client.delete_item(TableName=world.tables.audit, Key={"pk": squatter["pk"], "sk": squatter["sk"]})
    new = next(chain for other, chain in chains(world).items() if other != name)
    assert new[0]["action"] == "second"
    assert [(closed["chain"], closed["seq"]) for closed in new[0]["continues"]] == [(name, 2)]


def test_a_write_whose_entrys_place_is_taken_is_not_lost(world: World) -> None:
    partition = world.partition(SCOPE, LEDGER, activity())
    partition.write(puts(line(1)))
    (name,) = chains(world)
    squatter = {"pk": {"S": f"chain#{name}"}, "sk": {"S": "000000000002"}, "entry": {"S": "{}"}}
    world.client.put_item(TableName=world.tables.audit, Item=squatter)
    written = world.partition(SCOPE, LEDGER, activity()).write(puts(line(2)))
    assert written is not None
    assert written.head.version == 2


def test_a_throttled_append_leaves_its_place_free(world: World, here: World, faults: Line) -> None:
    release(here)
    faults.always["ExecuteTransaction"] = Fault.THROTTLE
    with pytest.raises(DependencyError):
        release(here, seconds=0.3)
    faults.always.clear()
    release(here)
    (chain,) = chains(world).values()
    assert len(chain) == 2


def test_nothing_is_released_that_could_not_be_recorded(world: World, here: World, faults: Line) -> None:
    world.partition(SCOPE, LEDGER, activity()).write(puts(line(1)))
    for fault in (Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.THROTTLE, Fault.ERROR_BEFORE, Fault.CONFLICT):
        faults.always["ExecuteTransaction"] = fault
        counted: list[str] = []
        asking = Activity(
            tenant="acme",
            principal="s",
            action="read",
            deadline=time.monotonic() + 0.3,
            count=lambda name, _value, counted=counted: counted.append(name),
        )
        partition = here.partition(SCOPE, LEDGER, asking)
        with pytest.raises(DependencyError):
            partition.read()
        with pytest.raises(DependencyError):
            partition.get("line#0001")
        assert counted.count("AuditAppendFailed") == 2


def test_a_write_and_its_entry_are_one(world: World, here: World, faults: Line) -> None:
    """Wherever the line breaks, there is both or neither."""
    for number, fault in enumerate((Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.ERROR_BEFORE, Fault.ERROR_AFTER), 1):
        faults.next(fault)
        here.partition(SCOPE, LEDGER, activity()).write(puts(line(number)))
    heads = [head["version"] for chain in chains(world).values() for entry in chain for head in entry["heads"]]
    assert sorted(heads) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(Forbidden("no"), "denied", id="a denial"),
        pytest.param(NotFound("no"), "failure", id="nothing there"),
        pytest.param(Conflict("no"), "failure", id="a conflict"),
        pytest.param(IntegrityError(Step.COMMITMENT, where="w"), "failure", id="tampering"),
        pytest.param(DependencyError("no"), "failure", id="a dependency"),
        pytest.param(ZeroDivisionError("a bug"), "failure", id="a bug"),
    ],
)
def test_what_fails_is_recorded_before_the_failure_is_told(world: World, error: Exception, outcome: str) -> None:
    asking = activity(action="ledger.read")
    asking.crypto("decrypt", "dek#1")
    with pytest.raises(type(error)), world.audit.recording(asking):
        raise error
    ((entry,),) = chains(world).values()
    assert (entry["outcome"], entry["action"]) == (outcome, "ledger.read")
    assert entry["crypto"] == [{"op": "decrypt", "key": "dek#1", "outcome": "success", "n": 1}]


def test_a_failure_that_cannot_be_recorded_is_a_dependencys(here: World, faults: Line) -> None:
    faults.always["ExecuteTransaction"] = Fault.LOSE_REQUEST
    with pytest.raises(DependencyError), here.audit.recording(activity(0.2)):
        raise NotFound("this must not be told")


def test_what_ends_well_is_not_recorded_as_failed(world: World) -> None:
    with world.audit.recording(activity()):
        pass
    assert chains(world) == {}


def test_a_worker_that_dies_with_an_entry_pending_leaves_its_chain_closed(world: World) -> None:
    class Dies:
        def append(self, item: dict[str, Any], *, deadline: float) -> Result:
            raise KeyboardInterrupt

    drawn = iter(["c1", "c2"])
    log = AuditLog(Dies(), new_chain=lambda: next(drawn), event_id=lambda: "e", now=lambda: "t")
    with pytest.raises(KeyboardInterrupt):
        log.append(log.event(activity(), "success"), activity())
    with log.pending(log.event(activity(), "success")) as pending:
        pending.ended(Result(Outcome.REFUSED))
        assert (pending.entry.chain, pending.entry.seq) == ("c2", 1)
        assert json.loads(pending.entry.encoded)["continues"][0]["chain"] == "c1"


@pytest.mark.parametrize(
    ("result", "free"),
    [
        pytest.param(Result(Outcome.REFUSED), True, id="a transaction that was refused"),
        pytest.param(Result(Outcome.CANCELLED, frozenset({0})), True, id="cancelled for another statement"),
        pytest.param(Result(Outcome.CANCELLED, frozenset({1})), False, id="cancelled for the entry itself"),
        pytest.param(Result(Outcome.UNKNOWN), False, id="unknown"),
    ],
)
def test_a_chain_goes_on_at_a_place_that_is_certainly_free(world: World, result: Result, *, free: bool) -> None:
    log = world.audit
    with log.pending(log.event(activity(), "success")) as first:
        first.ended(result, position=1)
    with log.pending(log.event(activity(), "success")) as second:
        assert (second.entry.chain == first.entry.chain) is free
        assert second.entry.seq == 1


def test_entries_hold_no_plaintext_and_no_row_in_clear(world: World) -> None:
    mark = "Kumquat"
    partition = world.partition(SCOPE, LEDGER, activity())
    partition.write(puts(line(1, payee=mark, memo={mark: mark}), owner=mark, title="clear"))
    world.partition(SCOPE, LEDGER, activity()).read()
    with pytest.raises(IntegrityError), world.audit.recording(activity()):
        raise IntegrityError(Step.COMMITMENT, where=f"{SCOPE.pk}/line#0001")
    text = repr(world.items(world.tables.audit))
    assert mark not in text
    assert SCOPE.pk not in text
    assert "line#0001" not in text


def test_a_read_names_the_head_that_it_saw(world: World) -> None:
    written = world.partition(SCOPE, LEDGER, activity()).write(puts(line(1)))
    assert written is not None
    world.partition(SCOPE, LEDGER, activity()).read()
    ((wrote, read),) = chains(world).values()
    assert read["heads"] == wrote["heads"]
    assert read["heads"][0]["commitment"] == written.head.commitment.hex()
    assert {"op": "decrypt", "key": "dek#ledger#p1#000001", "outcome": "success", "n": 2} in read["crypto"]
