"""Events that no HTTP API sends: each is a caller's fault, and neither a crash nor a trace of one."""

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dialogues.samples import SMALL
from tests.service.conftest import Service
from twinvault.errors import InvalidInput
from twinvault_http.events import HttpEvent

IMPORT, LIST, READ = "POST /dialogues/import", "GET /dialogues", "GET /dialogues/{id}"
LONE = "\ud800"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("route", "change", "problem"),
    [
        pytest.param(LIST, {"version": "1.0"}, (400, "version"), id="payload format 1.0"),
        pytest.param(LIST, {"version": 2.0}, (400, "version"), id="a version as a number"),
        pytest.param(LIST, {"version": ...}, (400, "version"), id="no version"),
        pytest.param(LIST, {"requestContext": ...}, (400, "requestContext"), id="no request context"),
        pytest.param(LIST, {"requestContext": "x"}, (400, "requestContext"), id="a request context in words"),
        pytest.param(LIST, {"routeKey": ...}, (400, "routeKey"), id="no route key"),
        pytest.param(LIST, {"routeKey": None}, (400, "routeKey"), id="null for a route key"),
        pytest.param(LIST, {"routeKey": ["GET /dialogues"]}, (400, "routeKey"), id="a list of route keys"),
        pytest.param(LIST, {"routeKey": {}}, (400, "routeKey"), id="an object as route key"),
        pytest.param(LIST, {"routeKey": "GET /else"}, (404, None), id="an unknown route"),
        pytest.param(LIST, {"routeKey": LONE}, (404, None), id="a lone surrogate as route"),
        pytest.param(LIST, {"headers": ...}, (401, "authorization"), id="no headers"),
        pytest.param(LIST, {"headers": None}, (401, "authorization"), id="null for headers"),
        pytest.param(LIST, {"headers": []}, (400, "headers"), id="a list of headers"),
        pytest.param(LIST, {"headers": {"authorization": None}}, (400, "headers"), id="null for a header"),
        pytest.param(LIST, {"headers": {"authorization": ["a", "b"]}}, (400, "headers"), id="two values of a header"),
        pytest.param(LIST, {"headers": {"authorization": f"Bearer {LONE}"}}, (400, "headers"), id="a lone surrogate"),
        pytest.param(LIST, {"headers": {"authorization": "Bearer \x00"}}, (401, "authorization"), id="NUL as a token"),
        pytest.param(READ, {"pathParameters": ...}, (400, "pathParameters"), id="no parameters"),
        pytest.param(READ, {"pathParameters": None}, (400, "pathParameters"), id="null for parameters"),
        pytest.param(READ, {"pathParameters": {"name": "x"}}, (400, "pathParameters"), id="another parameter"),
        pytest.param(READ, {"pathParameters": "x"}, (400, "pathParameters"), id="parameters in words"),
        pytest.param(READ, {"pathParameters": {"id": 7}}, (400, "pathParameters"), id="a number as id"),
        pytest.param(READ, {"pathParameters": {"id": LONE}}, (400, "pathParameters"), id="no Unicode as id"),
        pytest.param(READ, {"pathParameters": {"id": ""}}, (400, "id"), id="an empty id"),
        pytest.param(LIST, {"queryStringParameters": "limit=1"}, (400, "queryStringParameters"), id="a query in words"),
        pytest.param(LIST, {"queryStringParameters": {"limit": 5}}, (400, "queryStringParameters"), id="a number"),
        pytest.param(LIST, {"queryStringParameters": {"limit": None}}, (400, "queryStringParameters"), id="null"),
        pytest.param(
            LIST, {"queryStringParameters": {LONE: "x"}}, (400, "queryStringParameters"), id="no Unicode name"
        ),
        pytest.param(IMPORT, {"body": ...}, (400, "body"), id="no body"),
        pytest.param(IMPORT, {"body": None}, (400, "body"), id="null for a body"),
        pytest.param(IMPORT, {"body": {"id": "x"}}, (400, "body"), id="an object as body"),
        pytest.param(IMPORT, {"body": 5}, (400, "body"), id="a number as body"),
        pytest.param(IMPORT, {"body": f'"{LONE}"'}, (400, "body"), id="no Unicode as body"),
        pytest.param(IMPORT, {"isBase64Encoded": True, "body": "?!"}, (400, "body"), id="no base64"),
        pytest.param(
            IMPORT, {"isBase64Encoded": True, "body": "\u00e9\u00e9\u00e9\u00e9"}, (400, "body"), id="no ASCII"
        ),
        pytest.param(IMPORT, {"isBase64Encoded": True, "body": "QQ"}, (400, "body"), id="base64 without its padding"),
        pytest.param(IMPORT, {"isBase64Encoded": "false"}, (400, "isBase64Encoded"), id="false in words"),
        pytest.param(IMPORT, {"isBase64Encoded": None}, (400, "isBase64Encoded"), id="null for false"),
        pytest.param(IMPORT, {"isBase64Encoded": 1}, (400, "isBase64Encoded"), id="1 for true"),
    ],
)
def test_an_event_that_no_http_api_sends_is_a_problem_and_no_crash(
    service: Service,
    route: str,
    change: dict[str, Any],
    problem: tuple[int, str | None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    service.stored(SMALL)
    good = service.event(route, id="x" if route == READ else None, body=json.dumps(SMALL) if route == IMPORT else None)
    event = {name: value for name, value in {**good, **change}.items() if value is not ...}
    answer = service.send(event)
    assert (answer.status, answer.body.get("field")) == problem
    assert answer.headers["content-type"] == "application/problem+json"
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    assert '"failed"' not in printed.out, "a fault of ours was logged"


@pytest.mark.parametrize("event", [None, [], "x", 7, True, {}, {"Records": []}, {"source": "aws.events"}], ids=str)
def test_what_is_no_event_of_an_http_api_at_all_is_answered(service: Service, event: Any) -> None:
    assert service.send(event).status == 400
    assert service.entries() == []


def test_the_members_that_an_http_api_leaves_out_may_be_left_out(service: Service) -> None:
    event = service.event(LIST)
    for name in ("pathParameters", "queryStringParameters", "body"):
        assert name not in event
    del event["isBase64Encoded"]
    assert service.send(event).status == 200


def test_a_body_comes_out_as_it_was_sent() -> None:
    for body in (b"", b"{}", "\u00e9\U0001f375".encode(), bytes(range(256))):
        event = {"version": "2.0", "requestContext": {}, "routeKey": "", "isBase64Encoded": True}
        assert HttpEvent.read({**event, "body": base64.b64encode(body).decode()}).body() == body


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.fixed_dictionaries(
        {"version": st.just("2.0"), "requestContext": st.just({}), "routeKey": st.sampled_from([READ, IMPORT])},
        optional=dict.fromkeys(("headers", "pathParameters", "queryStringParameters", "body", "isBase64Encoded"), JSON),
    )
    | JSON
)
def test_any_json_is_an_event_or_refused_as_one(sent: Any) -> None:
    with contextlib.suppress(InvalidInput):
        event = HttpEvent.read(sent)
        event.require_parameters()
        event.header("authorization")
        event.body()
