"""A store that hangs or is throttled: the function's own 503, with time left to say how it ended."""

import json
import logging
import threading

import pytest

from tests.dialogues.samples import SMALL
from tests.faults import Fault, Line
from tests.service.conftest import Service
from twinvault.deadlines import CLOSING_SECONDS
from twinvault_http import wiring
from twinvault_http.http import MARGIN_SECONDS

READ = "GET /dialogues/{id}"


@pytest.fixture
def short(service: Service, line: Line, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service that has a dialogue, and from then on a second and a half a request, and DynamoDB at the line's end."""
    assert service.load(SMALL).status == 201
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", line.endpoint)
    logging.Logger.manager.loggerDict.pop("twinvault", None)  # as in conftest: it keeps the output that it began with
    wiring.service.cache_clear()
    service.context.milliseconds = round((MARGIN_SECONDS + 1.5) * 1000)
    return service


def test_a_hanging_store_is_a_503_after_an_attempt_at_an_entry(short: Service, line: Line) -> None:
    over, asked = threading.Event(), list[str]()

    def hang(operation: str) -> None:
        asked.append(operation)
        over.wait(120)

    line.before = hang
    try:
        answered = short.call(READ, id=SMALL["id"])
    finally:
        over.set()
    assert answered.status == 503
    assert int(answered.headers["retry-after"]) > 0
    assert asked[-1] == "ExecuteTransaction"


def test_a_throttled_store_is_a_503_that_says_when_to_come_again(
    short: Service, line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    line.next(*[Fault.THROTTLE] * 200, operation="Query")
    answered = short.call(READ, id=SMALL["id"])
    assert (answered.status, answered.body["detail"]) == (503, "the store is busy")
    assert int(answered.headers["retry-after"]) > 0
    assert "ThrottlingException" not in json.dumps(answered.body)
    logged = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    (cause,) = [one["cause"] for one in logged if "cause" in one]
    assert (cause["trouble"], cause["operation"], cause["code"]) == ("Throttled", "Query", "ThrottlingException")
    (metrics,) = [one for one in logged if "StoreErrors" in one]
    assert (metrics["StoreErrors"], metrics["StoreErrorsThrottled"]) == ([1.0], [1.0])
    assert "failure" in {entry["outcome"] for entry in short.entries()}


def test_there_is_time_left_for_the_last_entry_and_the_answer() -> None:
    """The answer that could not be released, and the entry that says so, and then a second more."""
    assert MARGIN_SECONDS >= 3 * CLOSING_SECONDS
