"""`twinvault` called within the test: what it prints, where, and with which exit code."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from twinvault_cli import main


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


type Call = Callable[..., Done]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """The command with these arguments, as the shell starts it."""
    for name in ("TWINVAULT_URL", "TWINVAULT_TOKEN", "TWINVAULT_STATE"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["twinvault", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.run()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return call
