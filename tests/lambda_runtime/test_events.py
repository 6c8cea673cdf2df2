import base64
import json
from datetime import UTC, datetime

import pytest

from twinvault_lambda.config import RouteConfig
from twinvault_lambda.events import Arrival, InvalidAnswerError, build_event, read_answer
from twinvault_lambda.routes import RouteMatch
from twinvault_serving.exchange import HttpRequest, HttpResponse

ARRIVAL = Arrival(
    account="000000000000",
    api_id="twinvault",
    request_id="ATfSmjLgPHcESJw=",
    trace_root="1-6a5145a9-1bae89e2512ec92d5d9438a0",
    now=datetime(2026, 7, 10, 19, 19, 5, 766_000, tzinfo=UTC),
)
ROUTE = RouteConfig.from_key("POST /dialogues/{id}", function="f")


def event(*, path="/dialogues/a b", query="", headers=(), body=b"", parameters=None):
    request = HttpRequest(
        method="POST",
        raw_path="/dialogues/a%20b",
        raw_query=query,
        headers=(("host", "127.0.0.1:8787"), *headers),
        source_ip="127.0.0.1",
        port=8787,
        body=body,
    )
    return build_event(request, RouteMatch(route=ROUTE, parameters=parameters or {}), path=path, arrival=ARRIVAL)


def test_a_whole_event_has_the_form_of_a_captured_one():
    assert event(
        query="repeat=one&repeat=two&literalPlus=a+b&encodedPlus=a%2Bb&empty=",
        headers=(
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("cookie", "session=abc123; theme=dark"),
            ("user-agent", "curl/8.7.1"),
            ("x-probe", "first"),
            ("x-probe", "second"),
        ),
        body='{"unicode":"lambda-λ"}'.encode(),
        parameters={"id": "a b"},
    ) == {
        "version": "2.0",
        "routeKey": "POST /dialogues/{id}",
        "rawPath": "/dialogues/a b",
        "rawQueryString": "repeat=one&repeat=two&literalPlus=a+b&encodedPlus=a%2Bb&empty=",
        "cookies": ["session=abc123", "theme=dark"],
        "headers": {
            "accept": "*/*",
            "content-length": "23",
            "content-type": "application/json",
            "host": "127.0.0.1:8787",
            "user-agent": "curl/8.7.1",
            "x-amzn-trace-id": "Root=1-6a5145a9-1bae89e2512ec92d5d9438a0",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "8787",
            "x-forwarded-proto": "http",
            "x-probe": "first,second",
        },
        "queryStringParameters": {"repeat": "one,two", "literalPlus": "a b", "encodedPlus": "a+b", "empty": ""},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "twinvault",
            "domainName": "127.0.0.1",
            "domainPrefix": "127",
            "http": {
                "method": "POST",
                "path": "/dialogues/a b",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl/8.7.1",
            },
            "requestId": "ATfSmjLgPHcESJw=",
            "routeKey": "POST /dialogues/{id}",
            "stage": "$default",
            "time": "10/Jul/2026:19:19:05 +0000",
            "timeEpoch": 1783711145766,
        },
        "pathParameters": {"id": "a b"},
        "body": '{"unicode":"lambda-λ"}',
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize("name", ["cookies", "queryStringParameters", "pathParameters", "body", "stageVariables"])
def test_what_a_request_does_not_have_its_event_does_not_have(name):
    assert name not in event()


@pytest.mark.parametrize(
    ("content_type", "is_base64"),
    [
        # As verified against a live HTTP API; see the module's docstring.
        pytest.param("text/csv", False, id="text"),
        pytest.param("application/json", False, id="json"),
        pytest.param("Application/JSON; charset=utf-8", False, id="json with a parameter"),
        pytest.param("application/xml", False, id="xml"),
        pytest.param("application/javascript", False, id="javascript"),
        pytest.param("application/x-www-form-urlencoded", True, id="a form"),
        pytest.param("application/octet-stream", True, id="bytes"),
        pytest.param(None, True, id="no content type"),
        # By the same rule.
        pytest.param("application/problem+json", True, id="json of another name"),
    ],
)
def test_bodies_are_text_or_base64_by_their_content_type(content_type, is_base64):
    headers = (("content-type", content_type),) if content_type else ()
    built = event(headers=headers, body=b"a=1")
    assert built["isBase64Encoded"] is is_base64
    assert built["body"] == (base64.b64encode(b"a=1").decode() if is_base64 else "a=1")


def test_text_that_is_not_utf_8_keeps_its_bytes():
    built = event(headers=(("content-type", "application/json"),), body=b'"\xff"')
    assert built["isBase64Encoded"] is True
    assert base64.b64decode(built["body"]) == b'"\xff"'


def test_a_comma_within_a_cookie_divides_nothing():
    built = event(headers=(("cookie", "a=1,2; b=3"), ("cookie", "c=4")))
    assert built["cookies"] == ["a=1,2", "b=3", "c=4"]
    assert "cookie" not in built["headers"]


def test_a_forwarded_request_keeps_the_addresses_before():
    assert event(headers=(("x-forwarded-for", "10.0.0.1"),))["headers"]["x-forwarded-for"] == "10.0.0.1, 127.0.0.1"


JSON = (("content-type", "application/json"),)
TEXT = ("content-type", "text/plain;charset=UTF-8")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param(b'{"a": 1}', HttpResponse(status=200, headers=JSON, body=b'{"a": 1}'), id="an object is the body"),
        pytest.param(b'"hello"', HttpResponse(status=200, headers=JSON, body=b'"hello"'), id="a string is the body"),
        pytest.param(b"null", HttpResponse(status=200, headers=JSON, body=b"null"), id="nothing returned"),
        pytest.param(
            b"not json", HttpResponse(status=200, headers=JSON, body=b"not json"), id="not JSON goes out as it is"
        ),
        pytest.param(b'{"statusCode": 204}', HttpResponse(status=204, headers=(TEXT,)), id="only a status"),
        pytest.param(
            b'{"statusCode": 201, "headers": {"Content-Type": "application/json", "X-N": 5, "X-B": true}, "body": "1"}',
            HttpResponse(
                status=201, headers=(("content-type", "application/json"), ("x-n", "5"), ("x-b", "true")), body=b"1"
            ),
            id="headers and body",
        ),
        pytest.param(
            b'{"statusCode": 200, "cookies": ["a=1", "b=2"], "body": "x"}',
            HttpResponse(status=200, headers=(TEXT, ("set-cookie", "a=1"), ("set-cookie", "b=2")), body=b"x"),
            id="cookies",
        ),
        pytest.param(
            b'{"statusCode": 200, "isBase64Encoded": true, "body": "AAH/"}',
            HttpResponse(status=200, headers=(TEXT,), body=b"\x00\x01\xff"),
            id="base64",
        ),
        pytest.param(
            b'{"statusCode": 200, "headers": {"Content-Length": "999", "Transfer-Encoding": "chunked"}, "body": "x"}',
            HttpResponse(status=200, headers=(TEXT,), body=b"x"),
            id="headers of the connection are the server's",
        ),
        pytest.param(
            b'{"statusCode": 200, "headers": null, "cookies": null, "body": null, "isBase64Encoded": null}',
            HttpResponse(status=200, headers=(TEXT,)),
            id="nulls are absent",
        ),
    ],
)
def test_an_answer_becomes_the_response_that_it_stands_for(payload, expected):
    assert read_answer(payload) == expected


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"statusCode": "200"}, id="status as text"),
        pytest.param({"statusCode": True}, id="status as boolean"),
        pytest.param({"statusCode": None}, id="status null"),
        pytest.param({"statusCode": 20}, id="no status of HTTP"),
        pytest.param({"statusCode": 600}, id="status too high"),
        pytest.param({"headers": ["a"]}, id="headers as list"),
        pytest.param({"headers": {"a": ["b"]}}, id="header as list"),
        pytest.param({"headers": {"a": None}}, id="header null"),
        pytest.param({"headers": {"a": "b\r\nc: d"}}, id="line break in a header"),
        pytest.param({"headers": {"a b": "c"}}, id="no name of a header"),
        pytest.param({"headers": {"a": "λ"}}, id="header beyond Latin-1"),
        pytest.param({"cookies": "a=1"}, id="cookies as text"),
        pytest.param({"cookies": ["a\n"]}, id="line break in a cookie"),
        pytest.param({"body": {"a": 1}}, id="body as object"),
        pytest.param({"isBase64Encoded": "true"}, id="flag as text"),
        pytest.param({"isBase64Encoded": True, "body": "*"}, id="no base64"),
    ],
)
def test_an_answer_of_another_form_is_invalid(change):
    with pytest.raises(InvalidAnswerError):
        read_answer(json.dumps({"statusCode": 200, "body": "x"} | change).encode())
