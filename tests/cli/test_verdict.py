"""`twinvault verdict`: GO with exit code 0, NO-GO with 1 and what to do, and a file that one key verifies."""

import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from checkouts import checkout, commit, put, run
from cryptography.hazmat.primitives.asymmetric import ed25519
from keys_of_verdict import ED25519, private, public
from samples_of_verdict import DETAILS
from typer.testing import CliRunner

from twinvault_cli import main, verdict
from twinvault_cli.errors import TamperingError, UsageError
from twinvault_local.artifact import archive
from twinvault_local.engines import versions
from twinvault_verdict import evidence
from twinvault_verdict.gathering import everything, git, templates

__all__ = ["checkout"]  # a fixture
VALUES = {"region": "eu-central-1", "architecture": "x86_64", "issuer": "https://login.acme.io/"}


def prove(root, *names):
    """Evidence of everything, about this checkout as it is now."""
    about = everything.subject(root, engines=versions.versions())
    now = datetime.now(UTC)
    for name in names or DETAILS:
        details = DETAILS[name]
        evidence.write(root / everything.EVIDENCE, name, about=about, at=now, passed=True, details=details)


@pytest.fixture
def ready(checkout, monkeypatch):
    """A checkout that may be deployed, and the command is its own."""
    stages = {"dev": {**VALUES, "store": "twinvault-dev"}, "prod": {**VALUES, "store": "twinvault-prod"}}
    put(checkout, "cdk.json", json.dumps({"app": "false", "context": {"stage": "dev", "stages": stages}}))
    put(checkout, "requirements/runtime.txt", "# nothing is needed\n")
    put(checkout, "tests/skips.txt", "# why\ntests/library/*\n")
    commit(checkout)
    with zipfile.ZipFile(checkout / everything.ARTIFACT, "w") as zipped:
        names = ("service/__init__.py", "twinvault/envelope/primitive.py")
        sources = {name: (checkout / "functions" / name).read_bytes() for name in names}
        for name, content in archive.of_functions(sources).items():
            zipped.writestr(name, content)
    about = [{"alg": "SHA-256", "content": everything.digest_of(checkout / everything.ARTIFACT)}]
    bill = {"bomFormat": "CycloneDX", "metadata": {"component": {"hashes": about}}, "components": []}
    put(checkout, everything.BILL, json.dumps(bill))
    (checkout / ".gitignore").write_text("build/\n.cache/\n__pycache__/\n", encoding="utf-8")
    commit(checkout)
    prove(checkout)
    monkeypatch.setattr(verdict, "ROOT", checkout)
    monkeypatch.setattr(verdict, "WRITTEN", checkout / "build" / "verdict.json")
    # What cfn-lint finds is tested where the templates are; asking it takes seconds each time.
    monkeypatch.setattr(templates, "LINTER", "true")
    return checkout


def call(*arguments):
    return CliRunner().invoke(main.app(arguments), [*arguments])


def whys(result):
    checks = json.loads(result.stdout)["checks"]
    return {one["number"]: [reason["why"] for reason in one["reasons"]] for one in checks if one["reasons"]}


@pytest.fixture
def keys(tmp_path) -> tuple[Path, Path]:
    (tmp_path / "ci.pem").write_bytes(private(ED25519))
    (tmp_path / "ci.pub").write_bytes(public(ED25519))
    return tmp_path / "ci.pem", tmp_path / "ci.pub"


def test_go_is_signed_and_verified(ready, keys):
    told = call("verdict", "--json", "--key", str(keys[0]), "--verifier", "https://ci.acme.io")
    assert (told.exit_code, whys(told)) == (0, {}), told.output
    assert json.loads(told.stdout)["verdict"] == "GO"
    written = ready / "build" / "verdict.json"
    told = call("verdict", "verify", str(written), "--key", str(keys[1]), "--json", "--verifier", "https://ci.acme.io")
    assert told.exit_code == 0
    shown = json.loads(told.stdout)
    assert (shown["verdict"], shown["stage"], shown["commit"]) == ("GO", "prod", git.commit(ready))
    artifact = ready / everything.ARTIFACT
    assert call("verdict", "verify", str(written), "--key", str(keys[1]), "--artifact", str(artifact)).exit_code == 0
    artifact.write_bytes(artifact.read_bytes() + b"x")
    for option, value in (("--artifact", artifact), ("--stage", "staging"), ("--verifier", "https://laptop")):
        refused = call("verdict", "verify", str(written), "--key", str(keys[1]), option, str(value))
        assert isinstance(refused.exception, TamperingError), option
        assert refused.exception.message.startswith(f"This verdict is about {option[2:]} ")
    # the suite's evidence lies beside it as in-toto's test result, the one whose digest was signed
    result = json.loads((ready / "build/evidence/suite.test-result.json").read_bytes())
    assert result["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"


def test_no_go_says_why_and_what_to_do_and_verifies_as_no_go(ready, keys):
    put(ready, "functions/service/__init__.py", "changed")
    told = call("verdict", "--key", str(keys[0]))
    assert told.exit_code == 1
    assert "The work tree is not its commit: functions/service/__init__.py." in told.stdout
    assert "NO-GO  stage prod" in told.stdout
    told = call("verdict", "verify", str(ready / "build" / "verdict.json"), "--key", str(keys[1]))
    assert told.exit_code == 1
    assert "NO-GO" in told.stdout


def test_unsigned_it_is_written_and_nobody_verifies_it(ready, keys):
    told = call("verdict")
    assert told.exit_code == 0
    assert "GO  stage prod" in told.stdout
    assert "unsigned" in told.stderr
    refused = call("verdict", "verify", str(ready / "build" / "verdict.json"), "--key", str(keys[1]))
    assert isinstance(refused.exception, TamperingError)
    assert "unsigned" in refused.exception.message


def test_the_wrong_key_and_a_tampered_envelope_are_refused(ready, keys, tmp_path):
    call("verdict", "--key", str(keys[0]))
    (tmp_path / "other.pub").write_bytes(public(ed25519.Ed25519PrivateKey.generate()))
    written = ready / "build" / "verdict.json"
    refused = call("verdict", "verify", str(written), "--key", str(tmp_path / "other.pub"))
    assert isinstance(refused.exception, TamperingError)
    sealed = json.loads(written.read_bytes())
    sealed["payload"] = sealed["payload"][:-8] + "AAAA" + sealed["payload"][-4:]
    written.write_text(json.dumps(sealed), encoding="utf-8")
    assert isinstance(call("verdict", "verify", str(written), "--key", str(keys[1])).exception, TamperingError)
    for file, key in ((tmp_path / "nothing", keys[1]), (written, tmp_path / "nothing")):
        assert isinstance(call("verdict", "verify", str(file), "--key", str(key)).exception, UsageError)


def test_a_key_that_cannot_sign_is_said_before_anything_is_written(ready, tmp_path):
    told = call("verdict", "--key", str(tmp_path / "nothing.pem"))
    assert isinstance(told.exception, UsageError)
    assert not (ready / "build" / "verdict.json").exists()


def test_one_byte_of_the_artifact_is_no_go(ready):
    artifact = ready / everything.ARTIFACT
    artifact.write_bytes(artifact.read_bytes() + b"\0")
    told = call("verdict", "--json")
    assert told.exit_code == 1
    assert any("not one byte may differ" in why for why in whys(told)[1])


def test_the_artifact_that_was_given_must_be_the_one_that_was_tried(ready, tmp_path):
    (tmp_path / "last.zip").write_bytes(b"the last release")
    told = call("verdict", "--json", "--previous", str(tmp_path / "last.zip"))
    assert any("not about the artifact that was given" in why for why in whys(told)[8])
    assert isinstance(call("verdict", "--previous", str(tmp_path / "nothing")).exception, UsageError)


def test_an_unknown_stage_is_no_go(ready):
    told = call("verdict", "--json", "--stage", "nowhere")
    assert told.exit_code == 1
    assert "cdk.json has no stage nowhere" in whys(told)[12][0]


def test_what_is_missing_is_told_for_make_and_nothing_of_a_dirty_tree(ready):
    assert call("verdict", "--missing").stdout == ""
    (ready / "build/evidence/suite.json").unlink()
    assert call("verdict", "--missing").stdout == "make test\n"
    run(ready, "tag", "v0.1.0")
    put(ready, "more")
    commit(ready)
    assert call("verdict", "--missing").stdout == "make test\nmake parity\nmake either-way\n"
    put(ready, "dirty")
    assert call("verdict", "--missing").stdout == ""


def test_outside_of_a_checkout_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(verdict, "ROOT", tmp_path)
    put(tmp_path, "cdk.json", json.dumps({"context": {"stages": {"dev": {}}}}))
    put(tmp_path, "app.py", "")
    told = call("verdict")
    assert isinstance(told.exception, UsageError)
    assert "git" in told.exception.message


def test_the_installed_command_has_it():
    command = Path(sys.executable).with_name("twinvault")
    done = subprocess.run([command, "verdict", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "GO or NO-GO" in done.stdout
