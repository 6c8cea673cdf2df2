"""What tests of several engines do with their processes: talk to the ports, and wait until one answers."""

import http.client
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

DEADLINE_SECONDS = 20.0


def order(port: int, method: str, path: str, document: object = None) -> dict[str, object]:
    """Asks an admin port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        answer: dict[str, object] = json.loads(response.read())
        assert response.status < 300, answer
        return answer
    finally:
        connection.close()


def wait_until_healthy(port: int, process: "subprocess.Popen[bytes]", *, log: Callable[[], str]) -> None:
    """Returns once the process answers on its port."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not healthy(port):
        assert process.poll() is None, log()
        assert time.monotonic() < deadline, log()
        time.sleep(0.02)


def healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
