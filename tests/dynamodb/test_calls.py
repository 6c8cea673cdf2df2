"""Reading calls: load is waited for until the deadline of whoever asks, and told from all else."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults import Fault, Line
from tests.records.samples import LEDGER, SCOPE, puts
from tests.records.samples import line as a_line
from tests.stores import World
from twinvault.deadlines import within
from twinvault.dynamodb.calls import is_throttled
from twinvault.errors import Contention, DependencyError

READS = {
    "Query": lambda table: table.query("p"),
    "GetItem": lambda table: table.get("p", "a"),
    "BatchGetItem": lambda table: table.batch_get([("p", "a")]),
    "TransactGetItems": lambda table: table.get_isolated("p", "a"),
}


def refused(code: str, *reasons: str) -> ClientError:
    response: Any = {"Error": {"Code": code}, "CancellationReasons": [{"Code": reason} for reason in reasons]}
    return ClientError(response, "ExecuteTransaction")


@pytest.mark.parametrize("operation", READS)
def test_a_throttled_read_is_asked_again(faulty: World, line: Line, operation: str) -> None:
    line.next(Fault.THROTTLE, Fault.THROTTLE, operation=operation)
    with within(time.monotonic() + 20):
        assert not READS[operation](faulty.vault.records)
    assert len(line.sent(operation)) == 3


@pytest.mark.parametrize("operation", READS)
def test_a_read_that_stays_throttled_says_when_to_come_again(faulty: World, line: Line, operation: str) -> None:
    line.next(*[Fault.THROTTLE] * 60, operation=operation)
    with within(time.monotonic() + 0.5), pytest.raises(DependencyError, match="the store is busy") as caught:
        READS[operation](faulty.vault.records)
    assert caught.value.retry_after > 0
    assert len(line.sent(operation)) > 1


def test_a_transaction_under_way_is_no_load_and_the_readers_to_look_at_again(faulty: World, line: Line) -> None:
    line.next(Fault.CONFLICT, operation="TransactGetItems")
    with within(time.monotonic() + 20), pytest.raises(Contention):
        faulty.vault.records.get_isolated("p", "a")
    assert len(line.sent("TransactGetItems")) == 1


def test_nothing_is_asked_when_the_time_is_up(faulty: World, line: Line) -> None:
    with within(time.monotonic() - 1), pytest.raises(DependencyError, match="no time left"):
        faulty.vault.records.query("p")
    assert line.sent("Query") == []


@pytest.mark.parametrize(
    "error",
    [
        refused("ThrottlingException"),
        refused("ProvisionedThroughputExceededException"),
        refused("RequestLimitExceeded"),
        refused("TransactionCanceledException", "None", "ThrottlingError"),
        refused("TransactionCanceledException", "ProvisionedThroughputExceeded", "TransactionConflict"),
    ],
)
def test_load_is_what_is_waited_for(error: ClientError) -> None:
    assert is_throttled(error)


@pytest.mark.parametrize(
    "error",
    [
        refused("AccessDeniedException"),
        refused("TransactionCanceledException", "TransactionConflict", "None"),
        refused("TransactionCanceledException", "ThrottlingError", "ValidationError"),
        refused("TransactionCanceledException"),
    ],
)
def test_what_is_not_for_load_alone_is_no_load(error: ClientError) -> None:
    assert not is_throttled(error)


def test_a_write_among_load_is_no_lost_race_and_no_conflict(faulty: World, line: Line) -> None:
    counted: list[str] = []
    activity = faulty.activity(count=lambda name, _value: counted.append(name))
    with faulty.audit.recording(activity):
        for operation in ("Query", "TransactGetItems", "ExecuteTransaction"):
            line.next(Fault.THROTTLE, Fault.THROTTLE, operation=operation)
        assert faulty.partition(SCOPE, LEDGER, activity).write(puts(a_line(1))) is not None
    assert "HeadConflict" not in counted
    assert "AuditAppendFailed" not in counted


def test_a_throttled_entry_is_waited_for_on_the_same_chain(world: World, faulty: World, line: Line) -> None:
    activity = faulty.activity()
    with faulty.audit.recording(activity):
        line.next(*[Fault.THROTTLE] * 5)
        faulty.audit.release(activity)
    (entry,) = world.items(world.tables.audit)
    assert entry["sk"]["S"] == f"{1:012d}"
