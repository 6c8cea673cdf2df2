"""The KMS's answers as bytes on a socket: what AWS's have, in AWS's order, and what HTTP libraries do otherwise.

AWS's head is one recorded from kms.us-east-1.amazonaws.com (github.com/AllanZhengYP/cors-test, 2021); libmongocrypt's
recorded answers (github.com/mongodb/libmongocrypt, test/data) agree.
"""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.kms.running import RunningKms
from tests.serving.running import signed_headers

BODY = b'{"NumberOfBytes":1}'
TARGET = "TrentService.GenerateRandom"
HEAD = [
    b"x-amzn-RequestId",
    b"Cache-Control",
    b"Expires",
    b"Pragma",
    b"Date",
    b"Content-Type",
    b"Content-Length",
]
NO_SUCH_PLACE = b"<UnknownOperationException/>\n"


def request(kms: RunningKms, *, secret: str = "made-up", chunked: bool = False, **more: str) -> bytes:  # noqa: S107  # made up
    """A signed call as bytes; its body whole or in chunks."""
    signed = signed_headers(kms.url, TARGET, BODY, access_key_id="ROOT", service="kms", secret=secret)
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(BODY))}
    fields = {"Host": f"127.0.0.1:{kms.port}", **signed, **length, **more}
    head = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    pieces = (BODY[:7], BODY[7:]) if chunked else ()
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n" if chunked else BODY
    return "\r\n".join([*head, "", ""]).encode() + body


@contextmanager
def connected(kms: RunningKms) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", kms.port), timeout=20) as connection:
        yield connection


def taken_apart(answer: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Status line, fields and body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0], dict(re.findall(rb"\r\n([^:\r]+): ([^\r]*)", head)), body


@pytest.mark.parametrize(
    ("secret", "status"),
    [
        pytest.param("made-up", b"200 OK", id="an answer"),
        pytest.param("another", b"400 Bad Request", id="a refusal"),
    ],
)
def test_an_answer_arrives_by_one_read_with_awss_headers_in_their_order(kms: RunningKms, secret: str, status: bytes):
    with connected(kms) as connection:
        connection.sendall(request(kms, secret=secret))
        line, fields, body = taken_apart(connection.recv(65_536))
    assert line == b"HTTP/1.1 " + status
    assert list(fields) == HEAD
    assert int(fields[b"Content-Length"]) == len(body) > 0
    assert fields[b"Content-Type"] == b"application/x-amz-json-1.1"
    assert fields[b"Cache-Control"] == b"no-cache, no-store, must-revalidate, private"


def test_the_name_of_an_error_stands_in_the_body_alone(kms: RunningKms):
    """x-amzn-ErrorType belongs to AWS's REST protocols; clients of AWS JSON 1.1 read `__type`."""
    with connected(kms) as connection:
        connection.sendall(request(kms, secret="another"))
        _, fields, body = taken_apart(connection.recv(65_536))
    assert not [name for name in fields if name.lower() == b"x-amzn-errortype"]
    document = json.loads(body)
    assert list(document) == ["__type", "message"]
    assert document["__type"] == "InvalidSignatureException"


def test_a_connection_serves_one_call_after_the_other_each_with_an_id_of_its_own(kms: RunningKms):
    ids = set()
    with connected(kms) as connection:
        for _ in range(50):
            connection.sendall(request(kms))
            _, fields, _ = taken_apart(connection.recv(65_536))
            assert b"Connection" not in fields
            ids.add(fields[b"x-amzn-RequestId"])
    assert len(ids) == 50


def test_whoever_asks_for_the_connections_end_gets_it_behind_the_answer(kms: RunningKms):
    with connected(kms) as connection:
        connection.sendall(request(kms, Connection="close"))
        line, fields, body = taken_apart(connection.recv(65_536))
        assert (line, fields[b"Connection"]) == (b"HTTP/1.1 200 OK", b"close")
        assert body
        assert connection.recv(1) == b""


def test_a_request_may_come_in_chunks(kms: RunningKms):
    with connected(kms) as connection:
        connection.sendall(request(kms, chunked=True))
        line, _, body = taken_apart(connection.recv(65_536))
    assert line == b"HTTP/1.1 200 OK"
    assert set(json.loads(body)) == {"Plaintext"}


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"GET / HTTP/1.1", id="GET"),
        pytest.param(b"HEAD / HTTP/1.1", id="HEAD"),
        pytest.param(b"POST /elsewhere HTTP/1.1\r\nContent-Length: 2", id="another path"),
        pytest.param(b"OPTIONS / HTTP/1.1\r\nOrigin: https://page.example", id="a page of another origin"),
    ],
)
def test_what_is_no_call_is_answered_as_aws_does_and_the_connection_goes_on(kms: RunningKms, line: bytes):
    with connected(kms) as connection:
        connection.sendall(line + b"\r\nHost: here\r\n\r\n" + (b"{}" if b"elsewhere" in line else b""))
        status, fields, body = taken_apart(connection.recv(65_536))
        assert status == b"HTTP/1.1 404 Not Found"
        assert list(fields) == [name for name in HEAD if name != b"Content-Type"]
        assert fields[b"Content-Length"] == b"29"
        assert body == (b"" if line.startswith(b"HEAD") else NO_SUCH_PLACE)
        connection.sendall(request(kms))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")


def test_an_operation_that_is_not_offered_is_refused_in_a_sentence(kms: RunningKms):
    client = kms.client()
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.describe_custom_key_stores()
    error = caught.value.response["Error"]
    assert error["Code"] == "UnknownOperationException"
    assert error["Message"] == "The local KMS does not offer DescribeCustomKeyStores."
