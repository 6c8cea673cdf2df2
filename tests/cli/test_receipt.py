"""`twinvault receipt`: verified offline by the vectors of all verifiers, and a status that says "not yet"."""

import json
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from tests.vectors.receipts import FINAL, RECEIPT, SEED, signed
from twinvault_cli import main, receipt, receipt_file
from twinvault_cli.errors import TamperingError, UsageError

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "receipts.json").read_text())
KEY = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTORS["keys"][1]["seed"])).public_key()


def pem_of(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def named(vectors):
    return [pytest.param(vector, id=vector["name"]) for vector in vectors]


def run(*arguments):
    return CliRunner().invoke(main.app([str(one) for one in arguments]), [str(one) for one in arguments])


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "audit.pub"
    path.write_bytes(pem_of(KEY))
    return path


@pytest.fixture
def file(tmp_path):
    """A receipt's file of this content."""

    def write(content, **more):
        path = tmp_path / "receipt.json"
        path.write_text(json.dumps(signed(content) | more))
        return path

    return write


@pytest.mark.parametrize("vector", named(VECTORS["receipts"]))
def test_a_good_receipt_verifies_by_this_verifier_too(vector):
    content = receipt_file.verified(vector["file"].encode(), KEY)
    assert content == vector["content"]
    for then in vector["standing"]:
        assert receipt_file.standing(content, datetime.fromisoformat(then["now"])) == then["standing"]
    with pytest.raises(TamperingError, match="3 signature"):
        receipt_file.verified(vector["file"].encode(), OTHER)


@pytest.mark.parametrize("vector", named(VECTORS["refused"]))
def test_what_is_no_receipt_of_this_key_is_refused_at_the_same_step(vector):
    with pytest.raises(TamperingError, match=f"step {vector['step']}"):
        receipt_file.verified(vector["file"].encode(), KEY)


@pytest.mark.parametrize("content", [b"\xff", b"[" * 100_000, b"1" * 5000, b"x" * (1024 * 1024 + 1)])
def test_whatever_bytes_there_are_it_is_said_in_words(content):
    with pytest.raises(TamperingError, match="does not verify"):
        receipt_file.verified(content, KEY)


def test_verify_says_all_that_the_receipt_says_and_what_it_does_not_cover(file, key):
    done = run("receipt", "verify", file(FINAL.content()), "--key", key)
    assert done.exit_code == 0, done.output
    for text in (
        "acme",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "dek#dialogue#",
        "12 perspective",
        "CloudTrail",
        "until 2026-12-08",
    ):
        assert text in done.output
    told = json.loads(run("receipt", "verify", file(FINAL.content()), "--key", key, "--json").output)
    assert told.pop("standing") in {"not yet", "irrecoverable"}
    assert told == FINAL.content()


@pytest.mark.parametrize("about", [("--tenant", "bolt"), ("--store", "another")])
def test_a_receipt_of_something_else_is_refused(file, key, about):
    done = run("receipt", "verify", file(FINAL.content()), "--key", key, *about)
    assert isinstance(done.exception, TamperingError)
    assert run("receipt", "verify", file(FINAL.content()), "--key", key, "--tenant", "acme").exit_code == 0


def test_a_changed_receipt_is_refused(file, key):
    content = FINAL.content()
    changed = {**content, "irrecoverable_after": "2026-12-01T09:00:00.000000Z"}
    done = run("receipt", "verify", file(content, receipt=changed), "--key", key)
    assert isinstance(done.exception, TamperingError)


def test_before_the_time_the_status_is_not_yet_and_until_when(file, key, monkeypatch):
    def at(moment):
        class Then(datetime):
            @classmethod
            def now(cls, _zone):
                return datetime(*moment, tzinfo=UTC)

        monkeypatch.setattr(receipt, "datetime", Then)

    at((2026, 12, 8, 8, 15))
    done = run("receipt", "status", file(FINAL.content()), "--key", key)
    assert (done.exit_code, "NOT YET" in done.output) == (1, True)
    assert "2026-12-08T08:16:00.000000Z" in done.output
    at((2026, 12, 8, 8, 17))
    done = run("receipt", "status", file(FINAL.content()), "--key", key)
    assert (done.exit_code, "IRRECOVERABLE" in done.output) == (0, True)
    done = run("receipt", "status", file(RECEIPT.content()), "--key", key)
    assert done.exit_code == 1
    assert "REFUSED BY THE STORE, NOT ERASED" in done.output
    assert "erase finalize" in done.output


def test_without_a_key_the_status_says_that_nothing_was_verified(file):
    done = run("receipt", "status", file(FINAL.content(), signature="00" * 64), "--json")
    told = json.loads(done.stdout)
    assert told["verified"] is False
    assert told["irrecoverable_after"] == FINAL.content()["irrecoverable_after"]
    assert "not checked" in done.output


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", id="no key"),
        pytest.param(pem_of(ec.generate_private_key(ec.SECP256R1()).public_key()), id="another curve"),
    ],
)
def test_what_is_no_audit_key_names_the_command_that_prints_it(file, key, content):
    key.write_bytes(content)
    done = run("receipt", "verify", file(FINAL.content()), "--key", key)
    assert isinstance(done.exception, UsageError)
    assert "receipt key" in done.exception.next_step


def test_a_file_that_is_not_there_names_itself(tmp_path, key):
    done = run("receipt", "verify", tmp_path / "none.json", "--key", key)
    assert isinstance(done.exception, UsageError)
    assert "none.json" in done.exception.message


def test_the_public_half_is_printed_as_kms_has_it(kms_endpoint, aws, monkeypatch, tmp_path):
    for name, value in (
        ("AWS_ENDPOINT_URL_KMS", kms_endpoint),
        ("AWS_ACCESS_KEY_ID", aws["aws_access_key_id"]),
        ("AWS_SECRET_ACCESS_KEY", aws["aws_secret_access_key"]),
    ):
        monkeypatch.setenv(name, value)
    kms = boto3.client("kms", endpoint_url=kms_endpoint, **aws)
    audit = kms.create_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    done = run("receipt", "key", "--key-id", audit)
    assert done.exit_code == 0, done.output
    assert receipt_file.public_key(done.stdout.encode())
    other = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    assert isinstance(run("receipt", "key", "--key-id", other).exception, UsageError)
    assert run("receipt", "key", "--key-id", "alias/none").exception.exit_code == 4
    kms.close()
