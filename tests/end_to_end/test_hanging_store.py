"""DynamoDB hangs: it takes connections and answers nothing. The API says so in time, and serves again when it answers.

Of what was asked meanwhile there is no audit entry that anybody could have waited for: the function's log says what was
the matter, under the id that the caller was told.
"""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from samples import canonical, dialogue
from vaults import Vault

from twinvault import Clear, DependencyError, Kind, Record, TableNames, open_vault
from twinvault_local.machine import processes
from twinvault_local.provision import callers

pytestmark = pytest.mark.xdist_group("end_to_end")

AT_LAST = 300.0  # seconds; what nobody bounds takes ten minutes
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=2, read_timeout=600)
TRIES = 3
WRITERS = "twinvault-dev-import-eu-central-1"


class Terms(Record, sk="terms"):
    """Another team's record."""

    vendor: Clear[str]


CONTRACT = Kind("contract", [Terms])


@contextmanager
def hanging(vault: Vault, engine: str = "dynamodb") -> Iterator[None]:
    """The engine stands still, with its connections open, and goes on at the end."""
    pid = processes.running(vault.twin.state.slot(engine))
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def answered(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """What the function itself answers.

    It has 26 of its 29 seconds for the request. On a machine that has no time for it in the rest it is cut off all the
    same: so it is asked a few times, and one that waited for the store is cut off each time.
    """
    for _ in range(TRIES):
        answer = ask()
        if answer.headers["content-type"] == "application/problem+json":
            break
    return answer


def test_the_api_answers_in_time_while_the_store_hangs_and_serves_again_afterwards(vault: Vault) -> None:
    document, other = dialogue("outlasts", perspectives=3, words=5), dialogue("arrives", perspectives=3, words=5)
    assert vault.load(document).status_code == 201
    assert vault.export("outlasts").status_code == 200
    asks = [
        lambda: vault.export("outlasts"),
        lambda: vault.call("GET", "/dialogues"),
        lambda: vault.load(other),
        lambda: vault.call("GET", "/keys"),
    ]
    with hanging(vault), ThreadPoolExecutor(len(asks)) as pool:
        answers = list(pool.map(answered, asks))
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), answer.text
        assert int(answer.headers["retry-after"]) > 0
    told = logged(vault)
    for answer in answers:
        (cause,) = [one["cause"] for one in told if one.get("trace_id") == answer.json()["correlation_id"]]
        assert cause["trouble"] == "Silent"
    assert canonical(vault.export("outlasts").json()) == canonical(document)
    assert vault.load(other).status_code in {200, 201}
    assert canonical(vault.export("arrives").json()) == canonical(other)


def test_in_the_library_an_activity_has_its_time_and_no_thread_waits_for_another(vault: Vault) -> None:
    library = opened(vault)
    with library.acting(tenant="hangs", principal="u-1", action="contract.sign") as acting:
        acting.partition(CONTRACT, "c-0").put(Terms(vendor="initech"))

    def sign(number: int, seconds: float = 3) -> None:
        with library.acting(tenant="hangs", principal="u-1", action="contract.sign", seconds=seconds) as acting:
            contract = acting.partition(CONTRACT, f"c-{number}")
            contract.put(Terms(vendor="initech")) if number else contract.read()

    def all_at_once() -> list[BaseException | None]:
        with ThreadPoolExecutor(8) as pool:
            return [one.exception() for one in [pool.submit(sign, number) for number in range(8)]]

    with hanging(vault):
        ended = in_the_end(all_at_once)
    assert [type(one) for one in ended if not isinstance(one, DependencyError)] == []
    for number in range(8):
        sign(number, seconds=60)
        with library.acting(tenant="hangs", principal="u-1", action="contract.read") as acting:
            assert acting.partition(CONTRACT, f"c-{number}").get(Terms) == Terms(vendor="initech")


def logged(vault: Vault) -> list[dict[str, Any]]:
    """What functions logged with the cause that the SDK gave."""
    lines = [line for log in vault.twin.state.logs.glob("*.log") for line in log.read_text().splitlines()]
    return [json.loads(line) for line in lines if line.startswith("{") and '"cause"' in line]


def opened(vault: Vault) -> Any:
    """The library on the twin's engines, as the function that writes, by clients that wait for ten minutes."""
    caller = callers.read(vault.twin.state.callers, callers.access_key_id(WRITERS))

    def client(service: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=vault.facts.endpoints[service],
            region_name=vault.facts.region,
            aws_access_key_id=caller.access_key_id,
            aws_secret_access_key=caller.secret,
            config=PATIENT,
        )

    made = json.loads(vault.twin.state.provisioned.read_bytes())
    (root_key,) = (name for path, name in made.items() if path.endswith("/RootKey"))
    tables = TableNames(**{name: vault.facts.tables[name] for name in ("records", "keys", "marks", "audit")})
    return open_vault(
        store="twinvault-dev", dynamodb=client("dynamodb"), kms=client("kms"), tables=tables, root_keys=[root_key]
    )


def in_the_end[T](work: Callable[[], T]) -> T:
    """What it came to, if it came to an end at all."""
    future: Future[T] = Future()
    thread = threading.Thread(target=lambda: future.set_result(work()), daemon=True)
    thread.start()
    thread.join(AT_LAST)
    assert not thread.is_alive(), "it waits for longer than it has time"
    return future.result()
