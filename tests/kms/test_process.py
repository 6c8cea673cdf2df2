"""The process: reproducible, quiet about secrets, clear about what stands in its way."""

import base64
import inspect
import json
import os
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from tests.kms.running import free_port, start
from twinvault_cli.errors import UsageError
from twinvault_cli.kms import kms as kms_command
from twinvault_kms.identity import read_callers
from twinvault_kms.process import Options


def _run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twinvault_kms", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_two_stores_of_one_seed_give_the_same_keys(tmp_path: Path):
    ids = []
    for name in ("one", "two"):
        running = start(tmp_path / name)
        kms = running.client()
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        ids.append((key, kms.get_public_key(KeyId=key)["PublicKey"]))
        running.stop()
    assert ids[0] == ids[1]


def test_a_restart_keeps_everything(tmp_path: Path):
    running = start(tmp_path)
    key = running.client().create_key()["KeyMetadata"]["KeyId"]
    blob = running.client().encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    running.stop()
    assert running.process.returncode == 0
    again = start(tmp_path)
    try:
        assert again.client().decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
        assert again.client().create_key()["KeyMetadata"]["KeyId"] != key
    finally:
        again.stop()


def test_without_callers_start_up_says_that_policies_prove_nothing(tmp_path: Path):
    running = start(tmp_path)
    running.stop()
    assert "policies prove nothing" in running.log


def test_the_log_names_the_operation_that_is_not_offered_and_no_secret(tmp_path: Path):
    running = start(tmp_path)
    kms = running.client("CALLERID")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    plaintext = os.urandom(32)
    blob = kms.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext={"k": "very-private"})["CiphertextBlob"]
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    with pytest.raises(kms.exceptions.ClientError):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"k": "very-secret"})
    with pytest.raises(kms.exceptions.ClientError):
        kms.describe_custom_key_stores()
    running.stop()
    log = running.log
    assert "DescribeCustomKeyStores is not offered" in log
    assert "CALLERID" in log
    secrets = [plaintext, made]
    forbidden = ["very-private", "very-secret", (tmp_path / "seed").read_text()]
    forbidden += [
        form for secret in secrets for form in (secret.hex(), base64.b64encode(secret).decode(), repr(secret))
    ]
    assert [each for each in forbidden if each in log] == []


def test_no_secret_lies_in_the_store(tmp_path: Path):
    running = start(tmp_path)
    kms = running.client()
    rsa = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    running.stop()
    journal = (running.data / "journal").read_text()
    sealed = next(
        base64.b64decode(material["sealed"])
        for line in journal.splitlines()
        for change in json.loads(line[9:]).get("changes", [])
        if change.get("put") == "key" and change["value"]["key_id"] == rsa
        for material in change["value"]["materials"]
    )
    assert b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" not in sealed  # rsaEncryption's object identifier


@pytest.mark.parametrize(
    ("callers", "words"),
    [
        pytest.param("{", "cannot be read", id="not JSON"),
        pytest.param('{"ID": "someone"}', "something else", id="no ARN"),
        pytest.param("[]", "not an object", id="not a map"),
    ],
)
def test_a_callers_file_against_the_rules_stops_the_start(tmp_path: Path, callers: str, words: str):
    path = tmp_path / "callers.json"
    path.write_text(callers)
    ended = _run("--port", str(free_port()), "--data", tmp_path / "data", "--callers", path)
    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_stops_the_start(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = _run("--port", str(taken.getsockname()[1]), "--data", tmp_path)
    assert ended.returncode == 1
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_store_in_use_stops_the_start(tmp_path: Path):
    running = start(tmp_path)
    ended = _run("--port", str(free_port()), "--data", running.data, "--seed-file", tmp_path / "seed")
    running.stop()
    assert ended.returncode == 1
    assert "in use" in ended.stderr


def test_the_command_needs_a_port_and_a_folder():
    class Context:
        invoked_subcommand = None

    with pytest.raises(UsageError):
        kms_command(Context())  # type: ignore[arg-type]  # the one attribute that is asked for


def test_the_account_can_be_chosen(tmp_path: Path):
    ended = _run("--port", str(free_port()), "--data", tmp_path, "--account", "12")
    assert ended.returncode == 1
    assert "12 digits" in ended.stderr
    assert read_callers(None, account="111122223333").account == "111122223333"


def test_both_commands_take_the_same_options():
    assert set(inspect.signature(kms_command).parameters) - {"context"} == {each.name for each in fields(Options)}
