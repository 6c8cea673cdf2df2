import base64
import http.client
import json
import re
import socket

import pytest

from twinvault_lambda.config import CorsConfig, RouteConfig, ThrottleConfig
from twinvault_local.machine import waiting

APP = "https://app.example"
HANDLERS = """
    import base64, json, os

    def echo(event, context):
        return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}

    def answers(event, context):
        return json.loads(event["body"])

    def sized(event, context):
        return {"statusCode": 200, "body": "x" * int(event["queryStringParameters"]["size"])}
    """


@pytest.fixture(scope="module")
def server(serve):
    routes = ("GET /dialogues/{id}", "ANY /echo/{proxy+}")
    return serve(
        HANDLERS,
        routes=(
            *(RouteConfig.from_key(key, function="echo") for key in routes),
            RouteConfig.from_key("POST /answers", function="answers"),
            RouteConfig.from_key("GET /sized", function="sized"),
        ),
        cors=CorsConfig(allow_origins=(APP,), allow_methods=("GET",)),
    )


def send(server, target, *, method="GET", headers=(), body=b""):
    """As it is: httpx would normalise the target and add headers of its own."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in (*headers, ("content-length", str(len(body)))):
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    answer = response.status, response.headers, response.read()
    connection.close()
    return answer


def test_a_request_arrives_as_an_event_and_its_id_goes_back(server):
    target = "/dialogues/caf%C3%A9%20x?a=1&a=2&b="
    status, headers, body = send(server, target, headers=(("X-Probe", "1"), ("X-Probe", "2"), ("Cookie", "s=1; t=2")))
    event = json.loads(body)
    assert status == 200
    assert event["routeKey"] == "GET /dialogues/{id}"
    assert event["rawPath"] == "/dialogues/café x"
    assert event["rawQueryString"] == "a=1&a=2&b="
    assert event["queryStringParameters"] == {"a": "1,2", "b": ""}
    assert event["pathParameters"] == {"id": "café x"}
    assert event["headers"]["x-probe"] == "1,2"
    assert event["cookies"] == ["s=1", "t=2"]
    assert event["requestContext"]["requestId"] == headers["apigw-requestid"]
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"


def test_an_answer_arrives_by_one_read_its_headers_in_the_apis_case(server):
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"GET /echo/x HTTP/1.1\r\nHost: here\r\n\r\n")
        head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
    fields = dict(re.findall(rb"\r\n([^:\r]+): ([^\r]*)", head))
    assert list(fields) == [b"Date", b"Content-Type", b"Apigw-Requestid", b"Content-Length"]
    assert int(fields[b"Content-Length"]) == len(body) > 0


@pytest.mark.parametrize(
    ("content_type", "is_base64"),
    [pytest.param("application/json", False, id="text"), pytest.param("application/octet-stream", True, id="bytes")],
)
def test_a_body_arrives_whole(server, content_type, is_base64):
    sent = bytes(range(128)) * 10
    _, _, body = send(server, "/echo/x", method="POST", headers=(("content-type", content_type),), body=sent)
    event = json.loads(body)
    arrived = base64.b64decode(event["body"]) if is_base64 else event["body"].encode()
    assert (event["isBase64Encoded"], arrived) == (is_base64, sent)


@pytest.mark.parametrize(
    ("target", "status", "message"),
    [
        pytest.param("/unknown", 404, "Not Found", id="no such route"),
        pytest.param("/dialogues/a%2Fb", 404, "Not Found", id="an encoded slash is a slash"),
        pytest.param("/dialogues/100%25", 400, "Bad Request", id="a percent sign alone"),
        pytest.param("/dialogues/" + "x" * 10_240, 431, "Request Header Fields Too Large", id="a long target"),
    ],
)
def test_the_api_answers_by_itself(server, target, status, message):
    answered, headers, body = send(server, target)
    assert (answered, body) == (status, f'{{"message":"{message}"}}'.encode())
    assert headers["content-type"] == "application/json"
    assert headers["apigw-requestid"]


def test_headers_count_together_towards_their_limit(server):
    many = tuple((f"x-{index}", "v" * 1000) for index in range(10))
    assert send(server, "/echo/x", headers=many)[0] == 200
    assert send(server, "/echo/x", headers=(*many, ("x-last", "v" * 300)))[0] == 431


MB = 1024 * 1024


@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(2 * MB, 200, id="two megabytes"),
        pytest.param(6 * MB, 413, id="more than an event may have"),
        pytest.param(10 * MB + 1, 413, id="more than the API takes"),
    ],
)
def test_large_bodies_are_refused(server, size, status):
    headers = (("content-type", "text/plain"),)
    answered, _, body = send(server, "/echo/x", method="POST", headers=headers, body=b"x" * size)
    assert answered == status
    if status == 413:
        assert body == b'{"message":"Request Entity Too Large"}'


def test_a_body_of_unknown_length_is_refused_once_it_is_too_large(server):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    chunks = (b"x" * MB for _ in range(11))
    connection.request("POST", "/echo/x", body=chunks, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_that_never_becomes_whole_reaches_no_function(server):
    before = server.log("echo").count("START")
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", "/echo/x")
    connection.putheader("content-length", "1000")
    connection.endheaders(b"a part")
    connection.close()
    assert send(server, "/echo/y")[0] == 200
    assert server.log("echo").count("START") == before + 1


@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(6 * MB - 100, 200, id="as large as an answer may be"),
        pytest.param(6 * MB + 100, 500, id="larger"),
    ],
)
def test_large_answers_are_a_failure_of_the_function(server, size, status):
    answered, _, body = send(server, f"/sized?size={size}")
    assert answered == status
    assert len(body) == (size if status == 200 else len('{"message":"Internal Server Error"}'))
    if status == 500:
        assert "exceeded maximum allowed payload size (6291556 bytes)" in server.log("sized")
        assert send(server, "/sized?size=1")[0] == 200


def test_an_answer_sets_status_headers_and_cookies(server):
    answer = {"statusCode": 418, "headers": {"X-A": "1"}, "cookies": ["a=1", "b=2"], "body": "tea"}
    response = server.client.post("/answers", json=answer)
    assert (response.status_code, response.text, response.headers["x-a"]) == (418, "tea", "1")
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert response.headers["content-type"] == "text/plain;charset=UTF-8"


def test_an_answer_without_status_is_the_body(server):
    response = server.client.post("/answers", json={"message": "hello"})
    assert (response.status_code, response.json()) == (200, {"message": "hello"})
    assert response.headers["content-type"] == "application/json"


def test_an_invalid_answer_is_a_failure_of_the_function(server):
    response = server.client.post("/answers", json={"statusCode": "many"})
    assert (response.status_code, response.json()) == (500, {"message": "Internal Server Error"})


def test_an_answer_without_content_has_no_length(server):
    response = server.client.post("/answers", json={"statusCode": 204, "body": "dropped"})
    assert (response.status_code, response.content) == (204, b"")
    assert "content-length" not in response.headers


def test_a_preflight_is_answered_for_any_path(server):
    headers = {"origin": APP, "access-control-request-method": "GET"}
    response = server.client.options("/no/such/path", headers=headers)
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == APP
    assert response.headers["access-control-allow-methods"] == "GET"


def test_a_cors_request_gets_the_apis_headers_in_place_of_the_functions(server):
    answer = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}, "body": "x"}
    response = server.client.post("/answers", json=answer, headers={"origin": APP})
    assert response.headers.get_list("access-control-allow-origin") == [APP]
    assert "access-control-allow-origin" not in server.client.post("/answers", json=answer).headers


def test_the_access_log_holds_the_route_and_never_the_path(server):
    response = server.client.get("/dialogues/the-title-in-disguise?q=secret-query")
    log = server.config.log_dir / "access.log"
    mine = response.headers["apigw-requestid"]
    assert waiting.until(lambda: mine in log.read_text(), seconds=10)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (line,) = [one for one in lines if one["requestId"] == mine]
    assert (line["routeKey"], line["httpMethod"], line["status"]) == ("GET /dialogues/{id}", "GET", "200")
    assert "the-title-in-disguise" not in log.read_text()
    assert "secret-query" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_the_access_log_has_the_stages_format_and_dashes_for_what_it_does_not_know(serve):
    written = "$context.status $context.routeKey $context.path $context.error.message $context.integrationLatency"
    server = serve(HANDLERS, access_log_format=written)
    server.client.get("/nowhere")
    log = server.config.log_dir / "access.log"
    assert waiting.until(lambda: log.read_text() == "404 - - - -\n", seconds=10)


def test_requests_beyond_the_burst_are_too_many(serve):
    throttled = serve(HANDLERS, throttle=ThrottleConfig(rate=0.001, burst=2))
    answers = [throttled.client.get("/echo/x") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[-1].json() == {"message": "Too Many Requests"}


def test_without_cors_the_function_answers_for_itself(serve):
    plain = serve(HANDLERS)
    answer = {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}, "body": "x"}
    response = plain.client.post("/answers/x", json=answer, headers={"origin": APP})
    assert response.headers["access-control-allow-origin"] == "*"
    preflight = {"origin": APP, "access-control-request-method": "GET"}
    assert plain.client.options("/nowhere", headers=preflight).status_code == 404
