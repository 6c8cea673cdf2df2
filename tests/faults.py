"""A way to DynamoDB on which requests and answers get lost: a small proxy in front of the real engine.

Faults are told per operation and in order; what is not told passes. Every request is remembered as it was sent.
"""

import contextlib
import http.client
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import SplitResult, urlsplit


class Fault(Enum):
    PASS = auto()
    LOSE_REQUEST = auto()
    """The connection ends before the engine sees the request."""
    LOSE_ANSWER = auto()
    """The engine has done it; the connection ends without an answer."""
    CUT_ANSWER = auto()
    """The engine has done it; half of its answer arrives."""
    ERROR_BEFORE = auto()
    """500, and the engine has seen nothing."""
    ERROR_AFTER = auto()
    """500, although the engine has done it."""
    THROTTLE = auto()
    IN_PROGRESS = auto()
    CONFLICT = auto()
    """Cancelled because another transaction is under way, as the service says and the local engine never does."""


_REFUSALS = {
    Fault.ERROR_BEFORE: (500, {"__type": "InternalServerError", "message": "made up"}),
    Fault.THROTTLE: (400, {"__type": "com.amazon.coral.availability#ThrottlingException", "message": "made up"}),
    Fault.IN_PROGRESS: (400, {"__type": "TransactionInProgressException", "Message": "made up"}),
    Fault.CONFLICT: (
        400,
        {
            "__type": "TransactionCanceledException",
            "Message": "made up",
            "CancellationReasons": [{"Code": "TransactionConflict", "Message": "made up"}],
        },
    ),
}


@dataclass
class Line:
    """The line to the engine.

    Attributes:
        endpoint: where a client calls.
        faults: for each operation, what happens to its next requests, in order; then what `always` says.
        requests: (operation, body) as they arrived.
        before: called with the operation before anything else, for example to act in between.
    """

    endpoint: str = ""
    faults: dict[str, deque[Fault]] = field(default_factory=dict)
    always: dict[str, Fault] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    before: Callable[[str], None] = lambda _operation: None

    def next(self, *faults: Fault, operation: str = "ExecuteTransaction") -> None:
        """Tells what happens to the next requests of an operation."""
        self.faults.setdefault(operation, deque()).extend(faults)

    def sent(self, operation: str = "ExecuteTransaction") -> list[dict[str, Any]]:
        """The bodies of all requests of an operation."""
        return [body for name, body in self.requests if name == operation]

    def take(self, operation: str) -> Fault:
        waiting = self.faults.get(operation)
        return waiting.popleft() if waiting else self.always.get(operation, Fault.PASS)


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        self.server.line.before(operation)
        self.server.line.requests.append((operation, json.loads(body)))
        fault = self.server.line.take(operation)
        if fault in _REFUSALS:
            status, refusal = _REFUSALS[fault]
            self._answer(status, json.dumps(refusal).encode())
        elif fault is Fault.LOSE_REQUEST:
            self._hang_up()
        else:
            self._forward(body, fault)

    def _forward(self, body: bytes, fault: Fault) -> None:
        engine = http.client.HTTPConnection(self.server.engine.hostname or "", self.server.engine.port, timeout=20)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in {"connection", "content-length"}}
            engine.request("POST", "/", body, headers)
            answer = engine.getresponse()
            status, data = answer.status, answer.read()
        finally:
            engine.close()
        if fault is Fault.LOSE_ANSWER:
            self._hang_up()
        elif fault is Fault.CUT_ANSWER:
            self._answer(status, data[: len(data) // 2], said=len(data) + 1)
            self._hang_up()
        elif fault is Fault.ERROR_AFTER:
            self._answer(500, b'{"__type": "InternalServerError", "message": "made up"}')
        else:
            self._answer(status, data)

    def _answer(self, status: int, data: bytes, *, said: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(said or len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, line: Line, engine: SplitResult) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.line = line
        self.engine = engine

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what this is about."""


@contextmanager
def line_to(endpoint: str) -> Iterator[Line]:
    """A line to the engine at `endpoint`."""
    line = Line()
    with _Server(line, urlsplit(endpoint)) as server:
        line.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield line
        finally:
            server.shutdown()
            thread.join(10)
