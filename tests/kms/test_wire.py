"""The KMS's answers as bytes on a socket."""

import re
import socket

import pytest

from tests.kms.running import RunningKms
from tests.kms_conformance.service import AUTHORIZATION

BODY = b'{"NumberOfBytes":1}'
AUTHORIZED = AUTHORIZATION.format(region="eu-central-1")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [pytest.param(AUTHORIZED, b"200 OK", id="an answer"), pytest.param("", b"400 Bad Request", id="a refusal")],
)
def test_an_answer_arrives_by_one_read_its_headers_in_awss_case(kms: RunningKms, authorization: str, status: bytes):
    head = [
        "POST / HTTP/1.1",
        "Host: kms",
        "X-Amz-Target: TrentService.GenerateRandom",
        f"Authorization: {authorization}",
        f"Content-Length: {len(BODY)}",
    ]
    with socket.create_connection(("127.0.0.1", kms.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + BODY)
        answer = connection.recv(65_536)
    told, _, body = answer.partition(b"\r\n\r\n")
    fields = dict(re.findall(rb"\r\n([^:\r]+): ([^\r]*)", told))
    assert told.startswith(b"HTTP/1.1 " + status)
    assert list(fields) == [b"Date", b"Content-Type", b"x-amzn-RequestId", b"Content-Length"]
    assert int(fields[b"Content-Length"]) == len(body) > 0
