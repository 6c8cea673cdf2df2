"""A service of our own that gives the answers a test wants, for what the command makes of them."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Service:
    """Answers by path, in turn where there is a list of them; `asked` is what was asked of it, `sent` what was posted.

    For a path in `waits` it gives no answer until that is set.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.sent: list[bytes] = []
        self.waits: dict[str, threading.Event] = {}
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append(self.path)
                path = self.path.partition("?")[0]
                if path in service.waits:
                    service.waits[path].wait(30)
                status, content = service.next_answer(path)
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                service.sent.append(self.rfile.read(int(self.headers["content-length"])))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def next_answer(self, path: str) -> tuple[int, Any]:
        found = self.answers.get(path, (404, {"detail": "not here"}))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        status, content = found
        return status, content

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.end()
