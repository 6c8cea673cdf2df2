"""One HTTP exchange as plain values, and the two ends that tie it to ASGI."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

type Scope = MutableMapping[str, Any]  # ASGI's own vocabulary: https://asgi.readthedocs.io/en/latest/specs/www.html
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]
type Headers = tuple[tuple[str, str], ...]

_BODILESS = frozenset({204, 304})


class ServingError(Exception):
    """A request that cannot be answered as it came."""


class BodyTooLargeError(ServingError):
    """The body is larger than the caller of ``read_body`` takes."""


class ClientGoneError(ServingError):
    """The client went away before its request was whole; nobody must act on a part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """What a client sent: header names in lower case, repeated ones kept apart, the path as it was on the wire."""

    method: str
    raw_path: str
    raw_query: str
    headers: Headers
    source_ip: str
    protocol: str = "HTTP/1.1"
    port: int = 0
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        """The value of the header ``name`` (lower case), repeated ones joined by commas; None where it is absent."""
        values = [value for key, value in self.headers if key == name]
        return ",".join(values) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What goes back; ``content-length`` is added on sending."""

    status: int
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)


def read_head(scope: Scope) -> HttpRequest:
    """The request without its body."""
    client = scope.get("client") or ("127.0.0.1", 0)
    server = scope.get("server") or ("127.0.0.1", 0)
    return HttpRequest(
        method=scope["method"],
        raw_path=scope["raw_path"].decode("latin-1"),
        raw_query=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]),
        source_ip=client[0],
        protocol=f"HTTP/{scope['http_version']}",
        port=server[1] or 0,
    )


async def read_body(receive: Receive, *, limit: int) -> bytes:
    """The whole body.

    Raises:
        ClientGoneError: it will never be whole.
        BodyTooLargeError: more than ``limit`` bytes came; what was read is dropped.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLargeError
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def send_response(send: Send, response: HttpResponse) -> None:
    """Send it whole; 204 and 304 have neither a body nor its length (RFC 9110, 6.4.1 and 8.6)."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    body = b"" if response.status in _BODILESS else response.body
    if response.status not in _BODILESS:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
