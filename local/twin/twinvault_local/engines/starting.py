"""Starting one process of a twin and waiting until it serves."""

import os
from collections.abc import Callable, Mapping
from functools import partial

import httpx

from twinvault_local.engines import dynamodb, python
from twinvault_local.errors import EngineError
from twinvault_local.machine import disk, files, ports, processes, waiting
from twinvault_local.state import DYNAMODB, FIRST_PORT, GATE, ISSUER, KMS, SERVER, StateFolder

START_SECONDS = 60
ENGINES = (DYNAMODB, KMS, ISSUER, GATE)
GATE_ADMIN = "gate_admin"
LISTENERS = (*ENGINES, GATE_ADMIN)
"""Whatever has a port: the engines, and the second port of the gate."""
ENDPOINT_OF = {DYNAMODB: "dynamodb_engine", GATE: "dynamodb", GATE_ADMIN: GATE_ADMIN, KMS: KMS, ISSUER: ISSUER}
"""What a listener's address is called in what the twin tells: whoever asks for DynamoDB gets the gate."""
# What a process of the twin sees of this machine: no credentials, no proxies, no settings of any SDK.
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": os.defpath}


def launch(state: StateFolder, name: str, command: list[str]) -> None:
    """Start the process that holds the place of the service `name`."""
    processes.start(state.slot(name), command, environment=_ENVIRONMENT)


def await_ready(state: StateFolder, name: str, ready: Callable[[], bool]) -> None:
    """Return when `ready` says so.

    Raises:
        EngineError: the process ended, or START_SECONDS passed; with the last words of its log.
        DiskFullError: no room is left, so that it can neither become ready nor say so.
    """
    place = state.slot(name)

    def alive() -> bool:
        return processes.running(place) is not None and not disk.is_exhausted(state.folder)

    if not waiting.until(ready, seconds=START_SECONDS, alive=alive):
        disk.refuse_exhausted(state.folder)
        what = f"is not ready within {START_SECONDS} s" if alive() else "ended at once"
        raise EngineError(
            f"The twin's {name} {what}. It said:\n{processes.last_words(place)}",
            next_step=f"See the whole of it: {place.log}",
        )


def choose_ports(state: StateFolder) -> dict[str, int]:
    """The listeners' ports: as the last time where still free, so that what was noted elsewhere stays true."""
    kept = files.read_json(state.ports)
    chosen = {}
    for name in LISTENERS:
        port = kept.get(name)
        chosen[name] = port if isinstance(port, int) and ports.is_free(port) else ports.free_port()
    files.write_json(state.ports, {**kept, **chosen})
    return chosen


def api_port(state: StateFolder) -> int:
    """The port that the API had when the twin of this state folder last came up; `FIRST_PORT` if it never did."""
    port = files.read_json(state.ports).get(SERVER)
    return port if isinstance(port, int) else FIRST_PORT


def remember_port(state: StateFolder, port: int) -> None:
    """Write the API's port down for the next `up`."""
    files.write_json(state.ports, {**files.read_json(state.ports), SERVER: port})


def endpoints(chosen: Mapping[str, int]) -> dict[str, str]:
    """The addresses of the listeners on this machine, by what each is called in what the twin tells."""
    return {ENDPOINT_OF[name]: f"http://{ports.LOOPBACK}:{chosen[name]}" for name in LISTENERS}


def await_engines(state: StateFolder, told: Mapping[str, str]) -> None:
    """Return when all engines answer at their addresses (raises as `await_ready`)."""
    for name in ENGINES:
        await_ready(state, name, partial(answers, name, told[ENDPOINT_OF[name]]))


def answers(name: str, endpoint: str) -> bool:
    """Whether the service of this name answers at `endpoint`."""
    if name == DYNAMODB:
        return dynamodb.answers(endpoint)
    if name in {GATE, KMS, ISSUER}:
        return python.answers(f"{endpoint}/health")
    try:  # any answer will do: what lies at / is the template's affair
        return bool(httpx.get(endpoint, timeout=5, trust_env=False).status_code)
    except httpx.HTTPError:
        return False
