"""The KMS's answers as bytes on a socket."""

import re
import socket

import pytest

from tests.kms.running import RunningKms
from tests.serving.running import signed_headers

BODY = b'{"NumberOfBytes":1}'
TARGET = "TrentService.GenerateRandom"


@pytest.mark.parametrize(
    ("secret", "status"),
    [
        pytest.param("made-up", b"200 OK", id="an answer"),
        pytest.param("another", b"400 Bad Request", id="a refusal"),
    ],
)
def test_an_answer_arrives_by_one_read_its_headers_in_awss_case(kms: RunningKms, secret: str, status: bytes):
    signed = signed_headers(kms.url, TARGET, BODY, access_key_id="ROOT", service="kms", secret=secret)
    fields = {"Host": f"127.0.0.1:{kms.port}", **signed, "Content-Length": str(len(BODY))}
    head = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    with socket.create_connection(("127.0.0.1", kms.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + BODY)
        answer = connection.recv(65_536)
    told, _, body = answer.partition(b"\r\n\r\n")
    told_fields = dict(re.findall(rb"\r\n([^:\r]+): ([^\r]*)", told))
    assert told.startswith(b"HTTP/1.1 " + status)
    assert list(told_fields) == [b"Date", b"Content-Type", b"x-amzn-RequestId", b"Content-Length"]
    assert int(told_fields[b"Content-Length"]) == len(body) > 0
