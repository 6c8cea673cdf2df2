"""DynamoDB Local, asked over connections that stay open.

It checks no signature, but where it has a database for each access key id and region, that of the namespace is asked,
whoever called. A request is sent once: whether one whose answer is lost was carried out, only its sender can find out.
"""

import asyncio
from typing import Final, cast

import httptools

from twinvault_gate.errors import DynamoDbError
from twinvault_gate.wire import CONTENT_TYPE
from twinvault_serving.exchange import HttpResponse

_ANSWER_SECONDS = 120  # longer than SDKs wait
_IDLE_SECONDS = 10  # the engine closes what is idle for 30 s; a request must not meet that
_PASSED_ON = frozenset({b"content-type", b"x-amzn-requestid", b"x-amz-crc32"})


class LocalEngine:
    """The engine at one address, for one namespace (an access key id, letters and digits)."""

    def __init__(self, host: str, port: int, *, namespace: str) -> None:
        self.address: Final = f"{host}:{port}"
        self._host, self._port, self._namespace = host, port, namespace
        self._idle: list[tuple[float, _Connection]] = []

    async def send(self, target: str, body: bytes, *, region: str) -> HttpResponse:
        """The engine's answer to a request.

        Raises:
            DynamoDbError: InternalServerError; the engine did not answer. ServiceUnavailable: it was not reached, so
                that nothing was done.
        """
        connection = await self._connection()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                response = await connection.exchange(self._head(target, len(body), region) + body)
        except (OSError, TimeoutError, httptools.HttpParserError):
            connection.close()
            raise DynamoDbError("InternalServerError", "DynamoDB Local gave no answer.", status=500) from None
        except asyncio.CancelledError:
            connection.close()
            raise
        if connection.is_open:
            self._idle.append((asyncio.get_running_loop().time(), connection))
        return response

    def close(self) -> None:
        """Close the connections that are idle."""
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _connection(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        while self._idle:
            since, connection = self._idle.pop()
            if connection.is_open and loop.time() - since < _IDLE_SECONDS:
                return connection
            connection.close()
        try:
            _, connection = await loop.create_connection(_Connection, self._host, self._port)
        except OSError:
            message = f"DynamoDB Local is not reached at {self.address}."
            raise DynamoDbError("ServiceUnavailable", message, status=503) from None
        return connection

    def _head(self, target: str, length: int, region: str) -> bytes:
        credential = f"{self._namespace}/20200101/{region}/dynamodb/aws4_request"
        lines = (
            "POST / HTTP/1.1",
            f"Host: {self.address}",
            f"X-Amz-Target: {target}",
            f"Content-Type: {CONTENT_TYPE}",
            "X-Amz-Date: 20200101T000000Z",
            f"Authorization: AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
            f"Content-Length: {length}",
        )
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Connection(asyncio.Protocol):
    """One connection, with at most one request on its way."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[HttpResponse] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes) -> HttpResponse:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._waiting = asyncio.get_running_loop().create_future()
        self._headers, self._body = [], []
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)
        return await self._waiting

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # TCP has no other

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(exc or ConnectionResetError())

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in _PASSED_ON:
            self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            status, headers = self._parser.get_status_code(), tuple(self._headers)
            self._waiting.set_result(HttpResponse(status=status, headers=headers, body=b"".join(self._body)))
        if not self._parser.should_keep_alive():
            self.close()

    def _fail(self, error: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
