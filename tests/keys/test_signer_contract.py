"""What the audit key promises, asked of the fake and of the adapter on the local KMS."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.fakes import FakeSigner, Recorder
from tests.keys.test_kms_contract import ONCE
from twinvault.envelope.signature import SignatureLabel
from twinvault.errors import DependencyError, IntegrityError, KeyRefused
from twinvault.keys.signer import AwsSigner, Signer
from twinvault_local.machine.ports import free_port

RECEIPT = SignatureLabel.RECEIPT
DIGEST = hashlib.sha256(b"a receipt").digest()
EDWARDS = {"KeySpec": "ECC_NIST_EDWARDS25519", "KeyUsage": "SIGN_VERIFY"}


@dataclass
class Bench:
    signer: Signer
    client: Any = None


@pytest.fixture
def fake() -> Bench:
    return Bench(FakeSigner())


@pytest.fixture
def local(kms_endpoint: str, aws: dict[str, Any]) -> Iterator[Bench]:
    client = boto3.client("kms", endpoint_url=kms_endpoint, config=ONCE, **aws)
    yield Bench(AwsSigner(client, client.create_key(**EDWARDS)["KeyMetadata"]["KeyId"]), client)
    client.close()


@pytest.fixture(params=["fake", "local"])
def any_signer(request: pytest.FixtureRequest) -> Bench:
    bench: Bench = request.getfixturevalue(request.param)
    return bench


def test_what_was_signed_is_the_digest_under_its_label_and_any_library_verifies_it(any_signer: Bench) -> None:
    seen = Recorder()
    signature = any_signer.signer.sign(DIGEST, label=RECEIPT, observer=seen)
    public = Ed25519PublicKey.from_public_bytes(any_signer.signer.public_key(observer=seen))
    public.verify(signature, b"twinvault/v1/receipt-signature\x00" + DIGEST)
    assert len(signature) == 64


def test_each_call_is_counted_and_the_public_half_is_asked_for_once(any_signer: Bench) -> None:
    seen = Recorder()
    first, second = (any_signer.signer.sign(DIGEST, label=RECEIPT, observer=seen) for _ in range(2))
    assert first == second, "Ed25519 is deterministic"
    assert seen.metrics["KmsCalls"] == len(set(seen.kms_ids)) == 3


@pytest.mark.parametrize(
    "digest", [b"", b"x" * 31, b"x" * 33, b"{}" * 2049], ids=["nothing", "short", "long", "a text"]
)
def test_what_is_no_digest_is_never_signed(any_signer: Bench, digest: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        any_signer.signer.sign(digest, label=RECEIPT, observer=Recorder())


def test_a_key_that_is_disabled_or_not_there_is_refused(local: Bench) -> None:
    local.signer.sign(DIGEST, label=RECEIPT, observer=Recorder())
    local.client.disable_key(KeyId=local.signer.key_id)
    seen = Recorder()
    with pytest.raises(KeyRefused):
        local.signer.sign(DIGEST, label=RECEIPT, observer=seen)
    assert seen.metrics == {"KmsCalls": 1, "KmsErrors": 1}
    nowhere = AwsSigner(local.client, "00000000-0000-0000-0000-000000000000")
    with pytest.raises(KeyRefused):
        nowhere.public_key(observer=Recorder())


def test_a_caller_without_permission_is_refused(local: Bench, kms_endpoint: str, aws_read: dict[str, Any]) -> None:
    client = boto3.client("kms", endpoint_url=kms_endpoint, config=ONCE, **aws_read)
    with pytest.raises(KeyRefused):
        AwsSigner(client, local.signer.key_id).public_key(observer=Recorder())
    client.close()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}, id="another curve"),
        pytest.param({}, id="no key pair"),
    ],
)
def test_a_key_of_another_kind_signs_nothing(local: Bench, other: dict[str, str]) -> None:
    made = local.client.create_key(**other)["KeyMetadata"]["KeyId"]
    with pytest.raises((IntegrityError, DependencyError)):
        AwsSigner(local.client, made).sign(DIGEST, label=RECEIPT, observer=Recorder())


class Garbling:
    """A KMS whose signatures are of something else, and whose answers are of another key."""

    def __init__(self, client: Any, *, key: bool) -> None:
        self.meta, self._client, self._key = client.meta, client, key

    def get_public_key(self, **asked: Any) -> Any:
        return self._client.get_public_key(**asked)

    def sign(self, **asked: Any) -> Any:
        answer = self._client.sign(**{**asked, "Message": b"something else"})
        return {**answer, "KeyId": "arn:aws:kms:eu-central-1:000000000000:key/other"} if self._key else answer


@pytest.mark.parametrize("key", [False, True], ids=["another message", "another key"])
def test_a_signature_that_does_not_verify_never_leaves(local: Bench, key: bool) -> None:  # noqa: FBT001  # a parameter
    signer = AwsSigner(Garbling(local.client, key=key), local.signer.key_id)  # type: ignore[arg-type]  # two calls of it
    with pytest.raises(IntegrityError):
        signer.sign(DIGEST, label=RECEIPT, observer=Recorder())


def test_a_service_that_cannot_be_reached_is_a_dependency(aws: dict[str, Any]) -> None:
    client = boto3.client("kms", endpoint_url=f"http://127.0.0.1:{free_port()}", config=ONCE, **aws)
    with pytest.raises(DependencyError) as refused:
        AwsSigner(client, "audit").public_key(observer=Recorder())
    assert not isinstance(refused.value, KeyRefused)
    client.close()
