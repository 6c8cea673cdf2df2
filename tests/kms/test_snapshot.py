"""Snapshots, through the command that users type."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.kms.running import start
from twinvault_cli.errors import UsageError
from twinvault_cli.kms import app
from twinvault_kms.errors import SeedError, SnapshotError, StoreLockedError

PASSPHRASE = "correct horse battery"


def _run(*arguments: str | Path, passphrase: Path) -> None:
    command = ["snapshot", *map(str, arguments), "--passphrase-file", str(passphrase)]
    CliRunner().invoke(app, command, catch_exceptions=False)


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    return path


def test_a_snapshot_takes_a_data_set_with_its_keys_elsewhere(tmp_path: Path, passphrase: Path):
    here = start(tmp_path / "here")
    key = here.client().create_key(Description="shared")["KeyMetadata"]["KeyId"]
    rsa = here.client().create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    blob = here.client().encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "b"})["CiphertextBlob"]
    public = here.client().get_public_key(KeyId=rsa)["PublicKey"]
    snapshot = tmp_path / "team.snapshot"
    seed = tmp_path / "here" / "seed"
    # While it runs: a journal is whole up to its last record.
    _run("export", snapshot, "--data", here.data, "--seed-file", seed, passphrase=passphrase)
    here.stop()
    assert snapshot.stat().st_mode & 0o777 == 0o600
    assert seed.read_bytes().strip() not in snapshot.read_bytes()
    there = tmp_path / "there"
    there.mkdir()
    _run("import", snapshot, "--data", there / "data", "--seed-file", there / "seed", passphrase=passphrase)
    running = start(there)
    try:
        kms = running.client()
        assert kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})["Plaintext"] == b"x"
        assert kms.get_public_key(KeyId=rsa)["PublicKey"] == public
        assert kms.create_key()["KeyMetadata"]["KeyId"] not in {key, rsa}
        with pytest.raises(StoreLockedError):
            _run("import", snapshot, "--data", running.data, "--replace", passphrase=passphrase)
    finally:
        running.stop()
    with pytest.raises(SnapshotError):
        _run("import", snapshot, "--data", there / "data", passphrase=passphrase)
    with pytest.raises(UsageError):
        _run("export", snapshot, "--data", there / "data", passphrase=passphrase)


def _snapshot(tmp_path: Path, passphrase: Path) -> Path:
    running = start(tmp_path / "made")
    running.stop()
    path = tmp_path / "made.snapshot"
    _run("export", path, "--data", running.data, "--seed-file", tmp_path / "made" / "seed", passphrase=passphrase)
    return path


def test_another_passphrase_does_not_open_a_snapshot(tmp_path: Path, passphrase: Path):
    path = _snapshot(tmp_path, passphrase)
    passphrase.write_text("wrong horse battery")
    with pytest.raises(SnapshotError):
        _run("import", path, "--data", tmp_path / "data", passphrase=passphrase)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("place", [0, 8, 12, 20, 30, -1])
def test_a_changed_snapshot_does_not_open(tmp_path: Path, passphrase: Path, place: int):
    path = tmp_path / "changed"
    broken = bytearray(b"TVKMSNAP" + bytes([1, 4, 8, 1]) + bytes(28) + bytes(40))
    broken[place] ^= 0x10
    path.write_bytes(bytes(broken))
    with pytest.raises(SnapshotError):
        _run("import", path, "--data", tmp_path / "data", passphrase=passphrase)


def test_a_snapshot_cannot_ask_for_all_memory(tmp_path: Path, passphrase: Path):
    path = tmp_path / "greedy"
    path.write_bytes(b"TVKMSNAP" + bytes([1, 40, 8, 1]) + bytes(68))
    with pytest.raises(SnapshotError, match="too much"):
        _run("import", path, "--data", tmp_path / "data", passphrase=passphrase)


def test_a_short_passphrase_is_refused(tmp_path: Path, passphrase: Path):
    running = start(tmp_path / "made")
    running.stop()
    passphrase.write_text("short")
    with pytest.raises(SnapshotError):
        _run(
            "export",
            tmp_path / "x",
            "--data",
            running.data,
            "--seed-file",
            tmp_path / "made" / "seed",
            passphrase=passphrase,
        )
    assert not (tmp_path / "x").exists()


def test_a_store_is_exported_with_its_own_seed(tmp_path: Path, passphrase: Path):
    running = start(tmp_path / "made")
    running.stop()
    other = tmp_path / "other-seed"
    other.write_text("11" * 32)
    other.chmod(0o600)
    with pytest.raises(SeedError):
        _run("export", tmp_path / "x", "--data", running.data, "--seed-file", other, passphrase=passphrase)
