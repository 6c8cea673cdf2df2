"""uvicorn's HTTP protocol, with the form that AWS's answers have on the wire.

Head and body of an answer leave in one write, and the names of its headers are in AWS's case: there are clients that
stumble over one or the other (aws-sdk-go-v2, libmongocrypt). And an application may drop its connection.
"""

import asyncio
from functools import cache
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT, CLOSE = "twinvault.abort", "twinvault.close"

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HEAD_ENDS = b"\r\n\r\n"
# As AWS spells them; the others have a capital at the beginning of each word.
_SPELLINGS = {
    b"etag": b"ETag",
    b"www-authenticate": b"WWW-Authenticate",
    b"x-amz-crc32": b"x-amz-crc32",
    b"x-amzn-errortype": b"x-amzn-ErrorType",
    b"x-amzn-requestid": b"x-amzn-RequestId",
}


class AwsProtocol(HttpToolsProtocol):
    """Gives each request two extensions: ABORT resets the connection, CLOSE ends it behind what was written so far."""

    def on_headers_complete(self) -> None:
        """Fit the answer's transport before the request's task runs (tasks start in a later turn of the loop)."""
        super().on_headers_complete()
        self.cycle.transport = _AnswerTransport(self.transport, has_body=self.scope["method"] != "HEAD")
        cast("dict[str, object]", self.scope)["extensions"] = {
            ABORT: self.transport.abort,
            CLOSE: self.transport.close,
        }

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; head and body are one write already."""
        connection, self.transport = self.transport, _AnswerTransport(self.transport, has_body=False)
        super().send_400_response(msg)
        self.transport = connection


class _AnswerTransport(asyncio.Transport):
    """The connection as one answer writes to it: uvicorn writes its head first, whole, and then its body."""

    def __init__(self, connection: asyncio.Transport, *, has_body: bool) -> None:
        super().__init__()
        self._connection = connection
        self._has_body = has_body
        self._begun = False
        self._head = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep the head until the body comes, as ASGI asks for; pass on what follows."""
        whole = bytes(data)
        if not self._begun and whole != _CONTINUE:
            self._begun, whole = True, _in_aws_case(whole)
            if self._has_body:
                self._head = whole
                return
        self._connection.write(self._head + whole)
        self._head = b""

    def close(self) -> None:
        """Close the connection, and let a head go whose body never came."""
        if self._head:
            self.write(b"")
        self._connection.close()

    def is_closing(self) -> bool:
        """Whether the connection is closed already."""
        return self._connection.is_closing()


def _in_aws_case(answer: bytes) -> bytes:
    head, ends, body = answer.partition(_HEAD_ENDS)
    status, *lines = head.split(b"\r\n")
    fields = (line.partition(b":") for line in lines)
    return b"\r\n".join([status, *(_spelling(name) + colon + value for name, colon, value in fields)]) + ends + body


@cache
def _spelling(name: bytes) -> bytes:
    return _SPELLINGS.get(name, name.title())
