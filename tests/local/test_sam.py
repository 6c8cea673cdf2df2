"""What `sam local` is given: every variable of the template, and the engines' names inside their network."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from twinvault_lambda.config import Credentials, FunctionConfig
from twinvault_local import sam
from twinvault_local.errors import StateError
from twinvault_local.machine.checkout import ROOT
from twinvault_local.state import StateFolder

EVENTS = ROOT / "examples" / "events"
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_sample_event_is_of_the_payload_format_and_carries_no_token(path: Path) -> None:
    event = json.loads(path.read_text(encoding="utf-8"))
    assert event["version"] == "2.0"
    assert event["routeKey"].partition(" ")[0] == event["requestContext"]["http"]["method"]
    assert event["headers"]["authorization"] == "Bearer TOKEN"
    assert sam.with_token(event, "abc")["headers"] == {**event["headers"], "authorization": "Bearer abc"}
    assert event["headers"]["authorization"] == "Bearer TOKEN", "the sample itself stays as it is"


def test_the_engines_names_are_those_of_the_compose_file() -> None:
    for address in sam.INSIDE.values():
        name, port = address.split("/")[2].split(":")
        assert f"\n  {name}:\n" in COMPOSE
        assert f':{port}"\n' in COMPOSE


def test_only_the_engines_places_differ_from_what_the_twins_own_workers_are_given() -> None:
    declared = {"AWS_ENDPOINT_URL_KMS": "http://127.0.0.1:5001", "TWINVAULT_ISSUER": "http://127.0.0.1:5002", "A": "b"}
    function = FunctionConfig(
        name="twinvault-dev-read",
        handler="read.handler",
        timeout_seconds=29,
        memory_mb=1024,
        environment=declared,
        credentials=Credentials(access_key_id="A", secret_access_key="s", session_token="t"),
    )
    # The issuer is compared, not fetched: it has one name on both sides.
    wanted = {"AWS_ENDPOINT_URL_KMS": "http://kms:8789", "TWINVAULT_ISSUER": "http://127.0.0.1:5002", "A": "b"}
    assert sam.environment([function]) == {"twinvault-dev-read": wanted}


def test_a_function_has_its_own_credentials_in_a_shell(tmp_path: Path) -> None:
    function = FunctionConfig(
        name="twinvault-dev-read",
        handler="read.handler",
        timeout_seconds=29,
        memory_mb=1024,
        environment={},
        credentials=Credentials(access_key_id="A", secret_access_key="it's", session_token="t"),
    )
    (tmp_path / "callers").mkdir()
    (tmp_path / "callers" / function.name).write_text(sam.exports(function), encoding="utf-8")
    # What scripts/sam does, up to the program that it starts.
    script = (ROOT / "scripts" / "sam").read_text(encoding="utf-8")
    begin, end = script.index("caller="), script.index("exec ")
    shown = 'echo "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN ${AWS_PROFILE-}"'
    for arguments, wanted in (
        (["local", "invoke", function.name], "A it's t"),
        (["local", "start-api"], "MADEUP made-up made-up"),
    ):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script[begin:end] + shown, "sam", *arguments],
            env={"PATH": os.defpath, "TWINVAULT_SAM": str(tmp_path), "AWS_PROFILE": "production"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout.strip(), done.stderr) == (wanted, "")


def test_without_a_twin_it_says_what_to_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sam.main(["--state", str(tmp_path / "nowhere"), "--into", str(tmp_path / "out")]) == 1
    assert "twinvault up" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_engines_that_are_plain_processes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sam.status, "facts", lambda _: None)  # a twin that runs, whatever it tells
    with pytest.raises(StateError, match="plain processes") as caught:
        sam.write(StateFolder(tmp_path), EVENTS, tmp_path / "out")
    assert "--launcher docker" in caught.value.next_step
