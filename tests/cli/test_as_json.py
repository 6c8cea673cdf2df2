"""`--json` everywhere, errors included; and whose fault a wrong option is."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from tests.cli.calling import Call
from tests.cli.service import Service
from twinvault_cli import main

# A server in the foreground shows nothing; the others only hold commands.
SHOW_NOTHING = {"erase", "keys", "kms", "kms snapshot", "maintain", "receipt", "restore"}


def commands(group: Any, path: str = "") -> list[tuple[str, Any]]:
    found = []
    for name, command in group.commands.items():
        here = f"{path} {name}".strip()
        found.append((here, command))
        if hasattr(command, "commands"):
            found += commands(command, here)
    return found


def test_every_command_that_shows_something_takes_json() -> None:
    for path, command in commands(get_command(main.app([]))):
        takes = any("--json" in parameter.opts for parameter in command.params)
        assert takes == (path not in SHOW_NOTHING), path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["show", "--json"], 2, "Missing argument", id="a missing argument"),
        pytest.param(["list", "--limit", "x", "--json"], 2, "--limit", id="a value of another kind"),
        pytest.param(["nonsense", "--json"], 2, "nonsense", id="no such command"),
        pytest.param(["status", "--nonsense", "--json"], 2, "--nonsense", id="no such option"),
        pytest.param(["up", "--port", "99999", "--json"], 2, "65535", id="a port that is none"),
        pytest.param(["show", "x", "--json"], 4, "No twin runs", id="no twin"),
        pytest.param(["token", "--tenant", "t", "--json"], 4, "No twin runs", id="a token of none"),
        pytest.param(["raw", "x", "--json"], 4, "No twin runs", id="raw"),
        pytest.param(["export", "x", "--json"], 4, "No twin runs", id="export"),
        pytest.param(["tick", "--json"], 4, "No twin runs", id="tick"),
        pytest.param(["logs", "nothing", "--json"], 2, "no log", id="logs"),
        pytest.param(["list", "--url", "http://127.0.0.1:9", "--token", "t", "--json"], 4, "not answer", id="nobody"),
    ],
)
def test_an_error_is_one_object_on_standard_output(
    call: Call, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    options = [] if {"nonsense", "--nonsense"} & set(arguments) else ["--state", str(tmp_path)]
    done = call(*arguments, *options)
    error = json.loads(done.out)["error"]
    assert error.keys() == {"message", "next_step", "exit_code"}
    assert said in error["message"]
    assert (done.code, error["exit_code"]) == (code, code)


def test_an_error_after_a_result_is_on_standard_error(call: Call, service: Service) -> None:
    page = {"dialogues": [], "cursor": None, "refused": [{"partition": "p", "problem": "integrity"}]}
    service.answers["/dialogues"] = (200, {**page, "correlation_id": "1-a"})
    done = call("list", "--json", "--url", service.url, "--token", "t")
    assert json.loads(done.out)["refused"] == page["refused"]
    assert json.loads(done.err)["error"]["exit_code"] == done.code == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--token", "a\nb"], "The token is none", id="a token with a newline"),
        pytest.param(["--token", "é"], "The token is none", id="a token beyond ASCII"),
        pytest.param(["--token", "t", "--url", "127.0.0.1:8787"], "--url", id="a URL without a scheme"),
        pytest.param(["--token", "t", "--url", "ftp://vault"], "--url", id="another scheme"),
        pytest.param(["--token", "t", "--url", "http://"], "--url", id="no host"),
        pytest.param(["--token", "t", "--url", "http://127.0.0.1:99999"], "--url", id="a port beyond ports"),
        pytest.param(["--token", "t", "--url", "http://[::1"], "--url", id="half an address"),
    ],
)
def test_a_wrong_url_or_token_is_the_callers_fault_and_said(call: Call, arguments: list[str], said: str) -> None:
    url = [] if "--url" in arguments else ["--url", "http://127.0.0.1:9"]
    done = call("list", *arguments, *url)
    assert done.code == 2, done.err
    assert said in done.err
    assert "Traceback" not in done.err
    assert "é" not in done.err


def test_it_tells_its_version(call: Call) -> None:
    done = call("--version")
    assert (done.code, done.out.split()[0]) == (0, "twinvault")
    assert done.out.split()[1][0].isdigit()


def test_what_nobody_foresaw_shows_no_control_character(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> typer.Typer:
        raise RuntimeError("\x1b[2J")

    monkeypatch.setattr(main, "app", broken)
    done = call("list")
    assert (done.code, "\x1b" in done.err, r"\x1b[2J" in done.err) == (1, False, True)
    assert json.loads(call("list", "--json").out)["error"]["exit_code"] == 1
