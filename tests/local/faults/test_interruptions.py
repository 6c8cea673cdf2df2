"""What was cut off half way: an `up` that was killed, a download, a laptop that slept."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from houses import STOPPED, WELL, House

from twinvault_local import status
from twinvault_local.errors import FetchError, StateError
from twinvault_local.machine import processes, toolchain, waiting

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_an_up_that_was_killed_half_way_is_ended_by_the_next_one(house: House) -> None:
    house.state.prepare()
    left = processes.start(house.state.slot("kms"), SLEEP, environment={})
    assert house.services() == STOPPED | {"kms": status.Health.SILENT}
    house.up()
    assert house.services() == WELL
    assert not psutil.pid_exists(left)


def test_down_ends_what_an_up_that_was_killed_left(house: House) -> None:
    house.state.prepare()
    left = processes.start(house.state.slot("issuer"), SLEEP, environment={})
    assert house.twin.down() == ["issuer"]
    assert house.twin.down() == []
    assert not psutil.pid_exists(left)


def test_a_runtime_client_that_cannot_be_installed_leaves_nothing_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "lambda.txt"
    lock.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    monkeypatch.setattr(toolchain, "LAMBDA_LOCK", lock)
    with pytest.raises(FetchError, match="could not be installed") as caught:
        toolchain.ensure_lambda_runtime(tmp_path / "cache", toolchain.base_python())
    assert "network" in caught.value.next_step
    assert list((tmp_path / "cache" / "lambda-runtime").iterdir()) == []


def test_a_twin_that_slept_goes_on_where_it_stood(house: House) -> None:
    facts = house.up()
    server = psutil.Process(house.pids()["server"])
    everyone = [*house.pids().values(), *(one.pid for one in server.children(recursive=True))]
    for pid in everyone:
        os.kill(pid, signal.SIGSTOP)
    assert waiting.until(lambda: server.status() == psutil.STATUS_STOPPED, seconds=10)
    with ThreadPoolExecutor(1) as callers:
        call = callers.submit(httpx.post, f"{facts.url}/things", timeout=60, trust_env=False)
        for pid in everyone:
            os.kill(pid, signal.SIGCONT)
        assert call.result().status_code == 201
    assert house.services() == WELL


def test_tables_whose_keys_nobody_remembers_are_not_given_new_ones(house: House) -> None:
    facts = house.up()
    house.twin.down()
    remembered = house.state.provisioned.read_bytes()
    house.state.provisioned.unlink()
    with pytest.raises(StateError, match=r"provisioned\.json") as caught:
        house.up()
    assert "reset" in caught.value.next_step
    assert house.services() == STOPPED
    house.state.provisioned.write_bytes(remembered)
    assert house.up() == facts


def test_a_server_that_died_takes_its_workers_along_and_up_starts_it_again(house: House) -> None:
    facts = house.up()
    workers = psutil.Process(house.pids()["server"]).children(recursive=True)
    os.kill(house.pids()["server"], signal.SIGKILL)
    assert waiting.until(lambda: not any(one.is_running() for one in workers), seconds=10)
    assert house.services() == WELL | {"server": status.Health.DIED}
    assert house.up() == facts
    assert httpx.post(f"{facts.url}/things").status_code == 201
