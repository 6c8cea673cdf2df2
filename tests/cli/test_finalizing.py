"""`twinvault erase finalize`: it says what it would do, waits the wait out, and says how it ended."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from twinvault_cli import finalizing, main
from twinvault_cli.errors import TamperingError, UnavailableError

COUNTS = {"keys": 5, "rewrapped": 5, "already": 0, "refused": 0}


def work(phase: str, **more: Any) -> dict[str, Any]:
    state = phase if phase in {"done", "failed"} else "running"
    about = {"id": "w-1", "work": "finalize", "phase": phase, "state": state, "counts": COUNTS}
    return {**about, "waits_until": None, "driven_until": None, **more}


@dataclass
class Answering:
    """A service that answers what it is told to, in this order."""

    answers: list[Any]
    status: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def post(self, path: str, body: bytes) -> bytes:
        assert body == b""
        self.asked.append(path)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()

    def get(self, path: str) -> bytes:
        self.asked.append(path)
        return json.dumps(self.status).encode()


@pytest.fixture
def run(monkeypatch):
    def of(service: Answering, *arguments: str) -> Any:
        slept: list[float] = []
        monkeypatch.setattr(finalizing, "connect", lambda *_: service)
        monkeypatch.setattr(finalizing.time, "sleep", slept.append)
        words = ["erase", "finalize", "--tenant", "acme", *arguments]
        done = CliRunner().invoke(main.app(words), words)
        done.slept = slept
        return done

    return of


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_it_waits_the_wait_out_in_looks_and_goes_on(run):
    waiting = work("waiting", waits_until=soon(390))
    service = Answering([work("rotating"), waiting, UnavailableError("later"), waiting, work("done")])
    done = run(service)
    assert done.exit_code == 0, done.output
    assert "w-1: done. 5 keys: 5 brought along" in done.output
    assert service.asked == ["/keys/finalize", *["/keys/finalize/w-1"] * 4]
    assert [seconds for seconds in done.slept if seconds > 1] == [15.0, 15.0]


def test_without_waiting_it_ends_at_the_wait_and_says_who_goes_on(run):
    service = Answering([work("rotating"), work("waiting", waits_until=soon(390))])
    done = run(service, "--no-wait")
    assert (done.exit_code, "A schedule goes on with it" in done.output) == (0, True)
    assert done.slept == []


def test_what_could_not_be_destroyed_is_said_with_where_to_look(run):
    service = Answering([work("rotating"), work("failed", counts=COUNTS | {"refused": 1})])
    done = run(service)
    assert isinstance(done.exception, TamperingError)
    assert "key.finalize" in done.exception.next_step


def test_a_dry_run_says_what_it_would_come_to_and_does_nothing(run):
    epochs = [
        {"epoch": 1, "state": "retired", "deks": 3},
        {"epoch": 2, "state": "revoked", "deks": 2},
        {"epoch": 3, "state": "active", "deks": 4},
    ]
    service = Answering([], {"epochs": epochs})
    told = json.loads(run(service, "--dry-run", "--json").stdout)
    assert told == {"new_epoch": 4, "destroyed": [1, 2, 3], "rewrapped": 7, "kept_alive_by_revoked": 2}
    said = run(service, "--dry-run").output
    assert "Epoch 4 would be made" in said
    assert "reinstate it first" in said
    assert set(service.asked) == {"/keys/status"}
    assert "none" in run(Answering([], {"epochs": []}), "--dry-run").output
