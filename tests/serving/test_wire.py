"""The form of answers on the wire, read from raw sockets."""

import asyncio
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from twinvault_serving.exchange import Application, HttpResponse, Receive, Scope, Send, read_body, send_response
from twinvault_serving.server import LOOPBACK, listen, protocols
from twinvault_serving.wire import ABORT

GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
ANSWER = HttpResponse(status=200, headers=(("content-type", "text/plain"), ("x-amzn-requestid", "r-1")), body=b"a body")
SECONDS = 10

type Client = Callable[[socket.socket], Awaitable[None]]


async def answering(_scope: Scope, receive: Receive, send: Send) -> None:
    await read_body(receive, limit=100)
    await send_response(send, ANSWER)


def converse(app: Application, client: Client) -> None:
    """Serves one connection, on the loop that the servers use, for a client that reads and writes bytes."""

    async def both() -> None:
        loop = asyncio.get_running_loop()
        listener = listen(LOOPBACK, 0)
        server = await loop.create_server(protocols(app), sock=listener)
        try:
            with socket.create_connection(listener.getsockname()) as connection:
                connection.setblocking(False)
                await asyncio.wait_for(client(connection), SECONDS)
        finally:
            server.close()

    uvloop.run(both())


async def received(connection: socket.socket, until: bytes) -> bytes:
    data = b""
    while not data.endswith(until):
        part = await asyncio.get_running_loop().sock_recv(connection, 65_536)
        assert part, data
        data += part
    return data


def arrived(connection: socket.socket) -> bytes:
    """What is there to read without waiting."""
    try:
        return connection.recv(65_536)
    except BlockingIOError:
        return b""


def names(answer: bytes) -> list[bytes]:
    return re.findall(rb"\r\n([^:\r]+):", answer.partition(b"\r\n\r\n")[0])


def test_the_head_waits_for_the_body_and_both_arrive_by_one_read():
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"6")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        begun.set()
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"a body"})

    async def client(connection: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(connection, GET)
        await begun.wait()
        assert not arrived(connection)
        go_on.set()
        answer = await asyncio.get_running_loop().sock_recv(connection, 65_536)
        assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na body"

    converse(slow, client)


def test_the_names_of_headers_are_in_awss_case():
    headers = tuple((name, "x") for name in ("x-amzn-errortype", "x-amz-crc32", "etag", "apigw-requestid"))

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send_response(
            send, HttpResponse(status=400, headers=(*ANSWER.headers, *headers), body=b"x-not: a header")
        )

    async def client(connection: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(connection, GET)
        answer = await received(connection, b"x-not: a header")
        assert names(answer) == [
            b"Content-Type",
            b"x-amzn-RequestId",
            b"x-amzn-ErrorType",
            b"x-amz-crc32",
            b"ETag",
            b"Apigw-Requestid",
            b"Content-Length",
        ]

    converse(app, client)


@pytest.mark.parametrize("requests", [pytest.param(1, id="one after the other"), pytest.param(2, id="pipelined")])
def test_every_answer_of_a_connection_has_that_form(requests: int):
    async def client(connection: socket.socket) -> None:
        for _ in range(3):
            await asyncio.get_running_loop().sock_sendall(connection, GET * requests)
            answers = b""
            while answers.count(ANSWER.body) < requests:
                answers += await received(connection, ANSWER.body)
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nx-amzn-RequestId: r-1\r\nContent-Length: 6\r\n\r\n"
            assert answers == (head + ANSWER.body) * requests

    converse(answering, client)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(GET.replace(b"GET", b"HEAD"), 200, id="HEAD"),
        pytest.param(GET, 204, id="no content"),
    ],
)
def test_a_head_without_a_body_does_not_wait_for_one(request_: bytes, status: int):
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send_response(send, HttpResponse(status=status, headers=ANSWER.headers, body=b"a body"))

    async def client(connection: socket.socket) -> None:
        for _ in range(2):
            await asyncio.get_running_loop().sock_sendall(connection, request_)
            assert b"x-amzn-RequestId" in await received(connection, b"\r\n\r\n")

    converse(app, client)


def test_a_client_that_asks_whether_to_go_on_is_told_so_at_once():
    async def client(connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        head = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        await loop.sock_sendall(connection, head)
        assert await received(connection, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await loop.sock_sendall(connection, b"ab")
        assert (await received(connection, ANSWER.body)).startswith(b"HTTP/1.1 200 OK\r\nContent-Type")

    converse(answering, client)


def test_a_body_in_pieces_is_passed_on_as_it_comes_even_if_it_looks_like_a_head():
    piece = b"HTTP/1.1 200 OK\r\nx-not: a header\r\n\r\n"

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for more in (True, True, False):
            await send({"type": "http.response.body", "body": piece, "more_body": more})

    async def client(connection: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(connection, GET)
        answer = await received(connection, b"0\r\n\r\n")
        assert names(answer) == [b"Transfer-Encoding"]
        assert answer.count(b"%x\r\n%s\r\n" % (len(piece), piece)) == 3

    converse(app, client)


def test_what_is_no_http_is_refused_in_that_form_too():
    async def client(connection: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(connection, b"\x16\x03\x01\r\n\r\n")
        assert names(await received(connection, b"received.")) == [b"Content-Type", b"Content-Length", b"Connection"]

    converse(answering, client)


def test_an_application_may_drop_its_connection():
    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        scope["extensions"][ABORT]()
        await asyncio.sleep(SECONDS)

    async def client(connection: socket.socket) -> None:
        await asyncio.get_running_loop().sock_sendall(connection, GET)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.get_running_loop().sock_recv(connection, 1) == b""

    converse(app, client)


def test_an_application_that_fails_after_its_head_ends_the_connection():
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"6")]})
        raise RuntimeError

    async def client(connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, GET)
        assert (await received(connection, b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\nContent-Length: 6")
        assert await loop.sock_recv(connection, 1) == b""

    converse(app, client)
