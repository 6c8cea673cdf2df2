"""logs for people and for programs, doctor, completion, and a command line that starts quickly."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from twinvault_cli import client, log_lines, main
from twinvault_local.state import StateFolder

TWINVAULT = Path(sys.executable).with_name("twinvault")
ANSWERED = (
    '{"level":"INFO","location":"finish:48","message":"answered","timestamp":"2026-11-23 04:34:32,422+0000",'
    '"service":"twinvault","route":"GET /dialogues/{id}","status":200,"ms":12,"request_id":"r","trace_id":"t"}'
)
METRICS = '{"_aws":{"Timestamp":1},"service":"twinvault-dev-read","KmsCalls":[2.0]}'
REPORT = (
    "REPORT RequestId: r\tDuration: 12.30 ms\tBilled Duration: 13 ms\tMemory Size: 1024 MB\tMax Memory Used: 78 MB"
    "\tStatus: timeout"
)


def twinvault(*arguments: str, state: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "TWINVAULT_STATE": str(state), "LANG": "C.UTF-8", **environment}
    return subprocess.run(
        [str(TWINVAULT), *arguments], env=environment, capture_output=True, text=True, check=False, stdin=-3
    )


REFUSED = (
    "2026-11-23 04:34:33,001 WARNING 0b5e refused: User: arn:aws:iam::000000000000:role/{} is not authorized to perform"
    ": dynamodb:PutItem on resource: arn:aws:dynamodb:eu-central-1:000000000000:table/records because no identity-based"
    " policy allows the dynamodb:PutItem action\n"
)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    state = StateFolder(tmp_path / "state")
    state.prepare()
    (state.logs / "twinvault-dev-read.log").write_text(
        f"START RequestId: r Version: $LATEST\n{ANSWERED}\n{METRICS}\nEND RequestId: r\n{REPORT}\n", encoding="utf-8"
    )
    (state.logs / "twinvault-dev-import.log").write_text("[ERROR] it [fails]\n", encoding="utf-8")
    (state.logs / "kms.log").write_text("ready\n", encoding="utf-8")
    return state.folder


def test_a_functions_log_reads_like_a_console(logs: Path) -> None:
    assert twinvault("logs", "read", state=logs).stdout.splitlines() == [
        "04:34:32 INFO    answered  route=GET /dialogues/{id}  status=200  ms=12",
        "         KmsCalls=2",
        "         took 12.30 ms, 78 MB, Status: timeout",
    ]


def test_logs_of_several_functions_say_whose_each_line_is(logs: Path) -> None:
    lines = twinvault("logs", state=logs).stdout.splitlines()
    assert lines[0] == "import    [ERROR] it [fails]"
    assert lines[1].startswith("read      04:34:32 INFO")
    assert len(lines) == 4


def test_what_was_refused_stands_in_the_logs_of_all_functions_and_of_the_one_that_was(logs: Path) -> None:
    passed = "2026-11-23 04:34:33,000 INFO 0b5e PutItem TWINVAULTDEVREADEUCENTRAL1 ok 1.0ms\n" * 200
    refusals = "".join(REFUSED.format(f"twinvault-dev-{name}-eu-central-1") for name in ("read", "import"))
    (logs / "logs" / "gate.log").write_text(refusals + passed, encoding="utf-8")
    said = [line for line in twinvault("logs", state=logs).stdout.splitlines() if line.startswith("gate")]
    assert [line.split(" is ")[0] for line in said] == [
        f"gate      04:34:33 WARNING refused: User: arn:aws:iam::000000000000:role/twinvault-dev-{name}-eu-central-1"
        for name in ("read", "import")
    ]
    own = twinvault("logs", "read", state=logs).stdout.splitlines()
    assert len(own) == 4
    assert own[-1].startswith(
        "04:34:33 WARNING refused: User: arn:aws:iam::000000000000:role/twinvault-dev-read-eu-central-1 is not"
    )
    assert "refused" not in twinvault("logs", "gate", state=logs).stdout, "its own log is printed as it is"


def test_json_is_the_lines_of_json_as_they_were_written(logs: Path) -> None:
    assert twinvault("logs", "--json", state=logs).stdout.splitlines() == [ANSWERED, METRICS]


def test_an_engines_log_is_printed_as_it_is(logs: Path) -> None:
    assert twinvault("logs", "kms", state=logs).stdout == "ready\n"


@pytest.mark.parametrize(
    "line", ["{", '{"level": 3}', "{}", "null", "REPORT RequestId", '{"message": "x", "timestamp": 5}', "\x1b[31m"]
)
def test_no_line_is_too_strange_to_be_shown(line: str) -> None:
    assert log_lines.shown(line) is not None


def test_doctor_tells_what_there_is_and_exits_with_0_where_all_is_well(tmp_path: Path) -> None:
    done = twinvault("doctor", "--json", "--port", "8799", state=tmp_path / "state")
    findings = {one["what"]: one for one in json.loads(done.stdout)}
    assert findings["Java"]["grade"] == "well"
    assert findings["Python"]["found"].startswith("3.13")
    assert {"Maven", "Node.js", "Docker", "ports", "memory", "state folder"} <= findings.keys()
    assert done.returncode == (4 if any(one["grade"] == "bad" for one in findings.values()) else 0)
    assert not (tmp_path / "state").exists()


def test_doctor_says_what_to_install(tmp_path: Path) -> None:
    done = twinvault("doctor", state=tmp_path / "state", PATH="/nowhere")
    assert done.returncode == 4
    words = " ".join(done.stdout.split())
    for said in ("There is no `java`", "openjdk-17-jre-headless", "Install Node.js 20", "There is no `docker`"):
        assert said in words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_had_for_a_shell(tmp_path: Path, shell: str) -> None:
    # Otherwise it is for the shell that this was started from, which may be any.
    done = twinvault("--show-completion", shell, state=tmp_path, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert done.returncode == 0, done.stderr
    assert "_TWINVAULT_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        pytest.param("twinvault re", {"receipt", "reload", "reset", "restore"}, id="a command"),
        pytest.param("twinvault kms sn", {"snapshot"}, id="a command of a command"),
        pytest.param("twinvault up --deb", {"--debug", "--debug-port"}, id="an option"),
    ],
)
def test_a_shell_completes(tmp_path: Path, typed: str, completed: set[str]) -> None:
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    done = twinvault(state=tmp_path, _TWINVAULT_COMPLETE="complete_bash", **words)
    assert set(done.stdout.split()) == completed, done.stderr


def test_a_shell_completes_the_names_of_logs(logs: Path) -> None:
    words = {"COMP_WORDS": "twinvault logs im", "COMP_CWORD": "2"}
    assert twinvault(state=logs, _TWINVAULT_COMPLETE="complete_bash", **words).stdout.split() == ["import"]


def test_the_table_of_commands_has_every_command() -> None:
    known = set(get_command(main.app([])).commands)  # type: ignore[attr-defined]  # a group has commands
    assert known == set(main.COMMANDS)
    for command in known:
        assert command in get_command(main.app([command])).commands  # type: ignore[attr-defined]  # likewise


def test_a_reload_does_not_import_what_it_does_not_need() -> None:
    script = "import sys; from twinvault_cli import main; main.app(['reload']); print('boto3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_full_disk_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(main, "app", lambda _: full)
    with pytest.raises(SystemExit, match="4"):
        main.run()
    said = capsys.readouterr().err
    assert "The disk is full" in said
    assert "twinvault doctor" in said


def test_an_expired_token_says_how_to_get_another() -> None:
    error = client.refusal(401, b'{"detail": "token: has expired"}')
    assert error.message == "token: has expired (401)"
    assert "twinvault token --tenant" in error.next_step


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--lose", "2"], id="what may be lost of nothing"),
        pytest.param(["--partition"], id="a partition's id that is not there"),
        pytest.param(["--no-keys", "--accept", "a"], id="mending without keys"),
        pytest.param(["--no-keys", "--kind", "note"], id="a kind that is not asked for"),
        pytest.param(["--all"], id="all tenants with one's token"),
    ],
)
def test_fsck_takes_no_option_that_it_would_pass_over(tmp_path: Path, options: list[str]) -> None:
    done = twinvault("fsck", *options, state=tmp_path / "state")
    assert done.returncode == 2, done.stdout
    assert "--" in done.stderr
