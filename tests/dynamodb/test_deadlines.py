"""Deadlines hold when DynamoDB or KMS hang: a client that would wait for ten minutes is none that anybody waits for."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import batched
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.fakes import Recorder
from tests.faults import Fault, Line
from tests.records.samples import LEDGER, SCOPE, puts
from tests.records.samples import line as a_line
from tests.stores import World, make_world
from twinvault.deadlines import result_in_time, within
from twinvault.errors import DependencyError, OutcomeUnknown
from twinvault.keys.kms import AwsKms
from twinvault.vault import Vault

PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=2, read_timeout=600)
AT_LAST = 60.0  # seconds; what nobody bounds takes ten minutes
SECONDS = 1.0


@pytest.fixture
def patient(line: Line, world: World, aws: dict[str, Any]) -> Iterator[World]:
    """The world's tables at the end of the line, by a client that waits for ten minutes and tries eight times."""
    client = boto3.client("dynamodb", endpoint_url=line.endpoint, config=PATIENT, **aws)
    yield make_world(client, world.kms, world.tables)
    client.close()


@pytest.fixture
def hanging(line: Line) -> Iterator[Callable[..., list[str]]]:
    """Lets these operations hang from now on; all of them, where none is named. Returns what is asked from then on."""
    over = threading.Event()

    def hang(*operations: str) -> list[str]:
        asked: list[str] = []

        def before(operation: str) -> None:
            asked.append(operation)
            if not operations or operation in operations:
                over.wait(AT_LAST * 2)

        line.before = before
        return asked

    yield hang
    over.set()


def ended[T](work: Callable[[], T]) -> Future[T]:
    """What it came to, in a thread of its own, if it came to anything at all."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  # as an executor does
            future.set_exception(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(AT_LAST)
    assert not thread.is_alive(), "it waits for longer than it has time"
    return future


def acting(vault: Vault, *, write: bool) -> None:
    with vault.acting(tenant=SCOPE.tenant, principal="u-1", action="test.hang", seconds=SECONDS) as one:
        partition = one.partition(LEDGER, SCOPE.partition)
        partition.write(puts(a_line(2))) if write else partition.read()


@pytest.mark.parametrize("write", [False, True])
def test_a_store_that_hangs_ends_with_the_activitys_time_and_an_attempt_at_its_entry(
    world: World, patient: World, hanging: Callable[..., list[str]], *, write: bool
) -> None:
    world.partition(SCOPE, LEDGER, world.activity()).write(puts(a_line(1)))
    asked = hanging()
    with pytest.raises(DependencyError):
        ended(lambda: acting(patient.vault, write=write)).result()
    assert asked[-1] == "ExecuteTransaction"


def test_a_read_that_hangs_is_told_of_in_the_log(
    world: World, patient: World, hanging: Callable[..., list[str]]
) -> None:
    world.partition(SCOPE, LEDGER, world.activity()).write(puts(a_line(1)))
    hanging("Query")
    with pytest.raises(DependencyError):
        ended(lambda: acting(patient.vault, write=False)).result()
    (told,) = [item for item in world.items(world.tables.audit) if "test.hang" in item["entry"]["S"]]
    assert '"outcome":"failure"' in told["entry"]["S"]


def test_a_read_of_many_pages_ends_with_the_activitys_time(world: World, patient: World, line: Line) -> None:
    """No call of it hangs: there are too many for the time."""
    for numbers in batched(range(1, 600), 95, strict=False):
        world.partition(SCOPE, LEDGER, world.activity()).write(puts(*map(a_line, numbers)))
    line.before = lambda operation: time.sleep(0.6 * SECONDS) if operation == "Query" else None
    mine = patient.partition(SCOPE, LEDGER, patient.activity(seconds=SECONDS))
    with pytest.raises(DependencyError, match=r"no time left|cannot be read now"):
        ended(mine.read).result()
    assert len([one for one in line.sent("Query") if one["TableName"] == world.tables.records]) < 3


@pytest.mark.parametrize("ask", ["read", "get", "query"])
def test_a_read_whose_time_is_up_asks_nothing(world: World, patient: World, line: Line, ask: str) -> None:
    world.partition(SCOPE, LEDGER, world.activity()).write(puts(a_line(1)))
    mine = patient.partition(SCOPE, LEDGER, patient.activity(seconds=-1))
    asks: dict[str, Callable[[], object]] = {
        "read": mine.read,
        "get": lambda: mine.get("line#0001"),
        "query": mine.query,
    }
    with pytest.raises(DependencyError, match="no time left"):
        asks[ask]()
    assert line.requests == []


def test_threads_of_one_activity_do_not_queue_for_longer_than_it_has_time(
    world: World, patient: World, hanging: Callable[..., list[str]]
) -> None:
    world.partition(SCOPE, LEDGER, world.activity()).write(puts(a_line(1)))
    activity = patient.activity(seconds=SECONDS)
    hanging("ExecuteTransaction")

    def write(number: int) -> None:
        with suppress(DependencyError):
            patient.partition(SCOPE, LEDGER, activity).write(puts(a_line(number)))

    def all_at_once() -> None:
        with ThreadPoolExecutor(12) as threads:
            list(threads.map(write, range(2, 14)))

    assert ended(all_at_once).exception() is None


def test_a_write_that_hangs_may_or_may_not_be_stored(
    world: World, patient: World, hanging: Callable[..., list[str]]
) -> None:
    world.partition(SCOPE, LEDGER, world.activity()).write(puts(a_line(1)))
    mine = patient.partition(SCOPE, LEDGER, patient.activity(seconds=SECONDS))
    hanging("ExecuteTransaction")
    with pytest.raises(OutcomeUnknown):
        ended(lambda: mine.write(puts(a_line(2)))).result()


def test_the_sdk_tries_no_more_when_there_is_no_time_for_its_pause(patient: World, line: Line) -> None:
    line.next(*[Fault.ERROR_BEFORE] * 20, operation="Query")
    with within(time.monotonic() + 0.9), pytest.raises(DependencyError):
        patient.vault.records.query("p")
    assert len(line.sent("Query")) == 1


def test_what_others_ask_with_the_same_client_is_not_bounded(patient: World, line: Line) -> None:
    line.next(Fault.ERROR_BEFORE, operation="DescribeTable")
    with within(time.monotonic() - 1):
        assert patient.client.describe_table(TableName=patient.tables.records)
    assert len(line.sent("DescribeTable")) == 2


def test_a_key_service_that_hangs_ends_with_the_time_there_is(aws: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        kms = AwsKms(boto3.client("kms", endpoint_url=endpoint, config=PATIENT, **aws))

        def ask() -> None:
            with within(time.monotonic() + 0.5):
                kms.decrypt(b"wrapped", "key", context={}, observer=Recorder())

        with pytest.raises(DependencyError, match="cannot be reached"):
            ended(ask).result()


def test_a_key_that_another_thread_asks_for_is_waited_for_no_longer_than_there_is_time() -> None:
    with within(time.monotonic() + 0.1), pytest.raises(DependencyError, match="no time left"):
        result_in_time(Future[None]())
