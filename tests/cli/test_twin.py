"""The twin's half of the command: exit codes, clean JSON, and what it says next."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from twinvault_local.machine import processes, waiting
from twinvault_local.machine.ports import LOOPBACK, free_port
from twinvault_local.state import StateFolder

TWINVAULT = Path(sys.executable).with_name("twinvault")
PROCESSES = {"TWINVAULT_LAUNCHER": "process"}  # a Docker engine of this machine is none of these tests' business


def twinvault(*arguments: str, state: Path, **options: Any) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "TWINVAULT_STATE": str(state), "LANG": "C.UTF-8"} | PROCESSES
    return subprocess.run(
        [str(TWINVAULT), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL if "input" not in options else None,
        **options,
    )


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_without_a_twin_status_is_clean_json_and_exit_code_4(state: Path) -> None:
    done = twinvault("status", "--json", state=state)
    assert done.returncode == 4
    assert json.loads(done.stdout)["running"] is False
    assert not state.exists()


def test_without_a_twin_down_has_nothing_to_do(state: Path) -> None:
    done = twinvault("down", state=state)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Nothing was running" in done.stderr


def test_without_a_twin_a_token_says_what_to_type(state: Path) -> None:
    done = twinvault("token", "--tenant", "acme", state=state)
    assert (done.returncode, done.stdout) == (4, "")
    assert "twinvault up" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_said_and_nothing_is_started(state: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        done = twinvault("up", "--port", str(port), state=state)
    assert done.returncode == 4
    assert f"Port {port} is in use" in done.stderr
    assert "twinvault up --port " in done.stderr, "a free one is offered"
    assert not state.exists(), "nothing is left behind"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["up", "--port", "99999"], id="a port that is none"),
        pytest.param(["token"], id="no tenant"),
        pytest.param(["nothing"], id="an unknown command"),
        pytest.param(["logs", "nothing"], id="a log that is not there"),
    ],
)
def test_a_mistake_of_the_caller_is_exit_code_2(state: Path, arguments: list[str]) -> None:
    assert twinvault(*arguments, state=state).returncode == 2


def test_reset_asks_and_deletes_nothing_without_a_yes(state: Path) -> None:
    StateFolder(state).prepare()
    done = twinvault("reset", state=state, input="n\n")
    assert done.returncode == 2
    assert StateFolder(state).seed.exists()
    assert twinvault("reset", state=state, input="y\n").returncode == 0
    assert not state.exists()


def test_reset_with_yes_does_not_ask(state: Path) -> None:
    StateFolder(state).prepare()
    assert twinvault("reset", "--yes", state=state).returncode == 0
    assert not state.exists()


def test_a_folder_that_is_not_a_twins_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert twinvault("up", state=tmp_path).returncode == 4
    assert twinvault("reset", "--yes", state=tmp_path).returncode == 4
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_what_the_machine_refuses_is_said_in_words(state: Path) -> None:
    StateFolder(state).prepare()
    (state / "lock").unlink(missing_ok=True)
    (state / "lock").mkdir()  # what the command would write it cannot
    done = twinvault("down", state=state)
    assert done.returncode == 4
    assert "The machine refuses" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_up_that_is_told_to_end_leaves_nothing_running(state: Path, tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"  # an engine that never answers
    java.parent.mkdir()
    java.write_text('#!/bin/sh\n[ "$1" = -version ] && { echo \'version "17\' >&2; exit; }\nexec sleep 600\n')
    java.chmod(0o755)
    environment = {"PATH": f"{java.parent}:{os.environ['PATH']}", "TWINVAULT_STATE": str(state)} | PROCESSES
    port = str(free_port())
    with subprocess.Popen([str(TWINVAULT), "up", "--port", port], env=environment, stderr=subprocess.DEVNULL) as up:
        slots = [StateFolder(state).slot(name) for name in ("dynamodb", "kms", "issuer")]
        assert waiting.until(lambda: all(map(processes.running, slots)), seconds=120, alive=lambda: up.poll() is None)
        up.terminate()
        assert up.wait(60) == 143
    assert not any(map(processes.remembered, slots))


def test_without_a_twin_nothing_is_known_of_what_was_used(state: Path) -> None:
    done = twinvault("iam", "--json", state=state)
    assert done.returncode == 4
    assert "twinvault up" in json.loads(done.stdout)["error"]["next_step"]
