"""A function under a debugger: it waits for one, stops where it is told, and the others know nothing of it."""

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from houses import House, Templates

from twinvault_local import status
from twinvault_local.errors import NotRunningError, PortInUseError
from twinvault_local.inner_loop import debugging, reloading
from twinvault_local.machine.ports import LOOPBACK, free_port


class Debugger:
    """As much of an editor as it takes (Debug Adapter Protocol, "Base Protocol")."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), timeout=60)
        self._stream = self._socket.makefile("rb")
        self._sent = 0

    def send(self, command: str, **arguments: Any) -> int:
        self._sent += 1
        body = json.dumps({"seq": self._sent, "type": "request", "command": command, "arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        return self._sent

    def wait(self, name: str) -> dict[str, Any]:
        """The next event of this name, or response to this command."""
        while True:
            length = int(self._stream.readline().split(b":")[1])
            self._stream.readline()
            message: dict[str, Any] = json.loads(self._stream.read(length))
            if name in {message.get("event"), message.get("command")}:
                assert message.get("success", True), message
                return message

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


@pytest.fixture(scope="module")
def up(
    build: Callable[[Path, Templates], House],
    fresh_templates: Callable[[], Templates],
    tmp_path_factory: pytest.TempPathFactory,
) -> House:
    """A twin that is up; tests that use it leave it up."""
    house = build(tmp_path_factory.mktemp("up"), fresh_templates())
    house.up()
    return house


def test_a_function_waits_for_the_debugger_and_stops_at_a_breakpoint(up: House, repository_cache: Path) -> None:
    port, facts = free_port(), status.facts(up.state)
    debugging.attach(up.state, repository_cache, "small-dev-read", port=port)
    handlers = up.state.artifact / facts.artifact / "small" / "handlers.py"
    lines = handlers.read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if '"id"' in text)
    with ThreadPoolExecutor(1) as callers, closing(Debugger(port)) as debugger:
        call = callers.submit(httpx.get, f"{facts.url}/things/7", timeout=90, trust_env=False)
        assert httpx.post(f"{facts.url}/things").status_code == 201, "the other function needs no debugger"
        debugger.send("initialize", adapterID="test")
        debugger.wait("initialize")
        debugger.send("attach", justMyCode=False)
        debugger.wait("initialized")
        debugger.send("setBreakpoints", source={"path": str(handlers)}, breakpoints=[{"line": line}])
        debugger.wait("setBreakpoints")
        debugger.send("configurationDone")
        stopped = debugger.wait("stopped")["body"]
        assert stopped["reason"] == "breakpoint"
        assert not call.done()
        debugger.send("continue", threadId=stopped["threadId"])
        answer = call.result()
        debugger.send("disconnect")
    assert answer.json()["id"] == "7"
    assert "debugpy" in answer.json()["environment"]["PYTHONPATH"]


def test_what_is_debugged_stays_so_over_a_reload_and_ends_with_down(up: House, repository_cache: Path) -> None:
    port = free_port()
    debugging.attach(up.state, repository_cache, "small-dev-write", port=port)
    debugging.attach(up.state, repository_cache, "small-dev-read", port=port)
    url = status.facts(up.state).url
    assert httpx.post(f"{url}/things").status_code == 201, "one function at a time"
    assert not reloading.reload(up.state, up.made.artifact)[1]
    up.twin.down()
    up.up()
    assert "debugpy" not in httpx.get(f"{url}/things/7").json()["environment"]["PYTHONPATH"]


def test_a_port_in_use_is_named_and_the_function_goes_on(up: House, repository_cache: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortInUseError, match=str(port)):
            debugging.attach(up.state, repository_cache, "small-dev-read", port=port)
    assert httpx.get(f"{status.facts(up.state).url}/things/7").status_code == 200


def test_without_a_twin_there_is_nothing_to_debug(house: House, repository_cache: Path) -> None:
    assert debugging.functions(house.state) == []
    with pytest.raises(NotRunningError):
        debugging.attach(house.state, repository_cache, "small-dev-read", port=free_port())
