"""Processes that outlive their command: found again, and never mistaken for another."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from twinvault_local.machine import processes, waiting
from twinvault_local.machine.processes import Slot

SLEEP = [sys.executable, "-c", "import time; print('begun', flush=True); time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('begun', flush=True); time.sleep(600)",
]


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    run, logs = tmp_path / "run", tmp_path / "logs"
    run.mkdir()
    logs.mkdir()
    slot = Slot(name="thing", run=run, logs=logs)
    yield slot
    processes.stop(slot)


def begin(slot: Slot, command: list[str]) -> int:
    pid = processes.start(slot, command, environment={"ONLY": "this"})
    assert waiting.until(lambda: "begun" in processes.last_words(slot), seconds=20)
    return pid


def test_a_started_process_is_found_again_and_stopped(slot: Slot) -> None:
    assert processes.running(slot) is None
    pid = begin(slot, SLEEP)
    assert processes.running(slot) == pid
    assert processes.stop(slot)
    assert processes.running(slot) is None
    assert not psutil.pid_exists(pid)
    assert not processes.remembered(slot)


def test_a_process_is_in_a_session_of_its_own_with_the_environment_it_was_given(slot: Slot) -> None:
    pid = begin(slot, SLEEP)
    assert os.getsid(pid) == pid
    assert psutil.Process(pid).environ() == {"ONLY": "this"}


def test_stopping_twice_is_no_error(slot: Slot) -> None:
    begin(slot, SLEEP)
    assert processes.stop(slot)
    assert not processes.stop(slot)


def test_a_process_that_will_not_end_is_killed(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.3)
    pid = begin(slot, DEAF)
    assert processes.stop(slot)
    assert not psutil.pid_exists(pid)


def test_a_killed_process_does_not_run_and_is_remembered(slot: Slot) -> None:
    os.kill(begin(slot, SLEEP), signal.SIGKILL)
    assert waiting.until(lambda: processes.running(slot) is None, seconds=10)
    assert processes.remembered(slot)


@pytest.mark.parametrize(
    "note",
    [
        pytest.param({"started": "another-boot:1"}, id="the machine was started anew and the pid is another's"),
        pytest.param({"started": None}, id="the process had died before its start was read"),
        pytest.param({"pid": 2**22 + 1}, id="the pid is nobody's"),
        pytest.param({"pid": "7"}, id="the pid is no number"),
    ],
)
def test_a_process_that_only_has_the_same_pid_is_left_alone(slot: Slot, note: dict[str, object]) -> None:
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE) as stranger:
        try:
            true = {"pid": stranger.pid, "started": processes.started(stranger.pid)}
            slot.file.write_text(json.dumps(true | note), encoding="utf-8")
            assert processes.running(slot) is None
            assert not processes.stop(slot)
            assert stranger.poll() is None
            assert not processes.remembered(slot)
        finally:
            stranger.kill()


def test_the_output_is_the_running_processs_own(slot: Slot) -> None:
    slot.log.write_text("a line of an earlier run\n", encoding="utf-8")
    begin(slot, SLEEP)
    assert processes.output(slot) == "begun\n"


def test_a_large_log_is_set_aside(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_KEEP_LOG_BYTES", 10)
    slot.log.write_text("a line of an earlier run\n", encoding="utf-8")
    begin(slot, SLEEP)
    assert processes.last_words(slot) == "begun"
    assert slot.log.with_suffix(".log.1").read_text(encoding="utf-8") == "a line of an earlier run\n"
