"""Key agreement: DeriveSharedSecret.

https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html
https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
"""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from tests.kms_conformance.service import Service, bare, refused

CURVES: list[Any] = [
    pytest.param("ECC_NIST_P256", ec.SECP256R1(), id="P-256"),
    pytest.param("ECC_NIST_P384", ec.SECP384R1(), id="P-384"),
    pytest.param("ECC_NIST_P521", ec.SECP521R1(), id="P-521"),
]


def _der(public: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def agreeing_key(service: Service) -> str:
    return service.key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")


@pytest.mark.parametrize(("spec", "curve"), CURVES)
def test_both_sides_derive_one_secret(service: Service, spec: Any, curve: ec.EllipticCurve):
    key = service.key(KeySpec=spec, KeyUsage="KEY_AGREEMENT")
    peer = ec.generate_private_key(curve)
    answer = service.client.derive_shared_secret(
        KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=_der(peer.public_key())
    )
    ours = serialization.load_der_public_key(service.client.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(ours, ec.EllipticCurvePublicKey)
    assert answer["SharedSecret"] == peer.exchange(ec.ECDH(), ours)
    assert (answer["KeyId"], answer["KeyAgreementAlgorithm"], answer["KeyOrigin"]) == (key, "ECDH", "AWS_KMS")


def test_two_keys_of_the_kms_derive_one_secret(service: Service, agreeing_key: str):
    second = service.key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    secrets = {
        service.client.derive_shared_secret(
            KeyId=one,
            KeyAgreementAlgorithm="ECDH",
            PublicKey=service.client.get_public_key(KeyId=two)["PublicKey"],
        )["SharedSecret"]
        for one, two in [(agreeing_key, second), (second, agreeing_key)]
    }
    assert len(secrets) == 1


def test_a_key_says_how_it_agrees(service: Service, agreeing_key: str):
    described = service.describe(agreeing_key)
    assert (described["KeyUsage"], described["KeyAgreementAlgorithms"]) == ("KEY_AGREEMENT", ["ECDH"])
    public = service.client.get_public_key(KeyId=agreeing_key)
    assert (public["KeyUsage"], public["KeyAgreementAlgorithms"]) == ("KEY_AGREEMENT", ["ECDH"])


@pytest.mark.parametrize(
    "public",
    [
        pytest.param(_der(ec.generate_private_key(ec.SECP384R1()).public_key()), id="another curve"),
        pytest.param(_der(ed25519.Ed25519PrivateKey.generate().public_key()), id="an Edwards curve"),
        pytest.param(b"x" * 64, id="no key"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_peer_must_be_on_the_same_curve(service: Service, agreeing_key: str, public: bytes):
    with refused("ValidationException"):
        service.client.derive_shared_secret(KeyId=agreeing_key, KeyAgreementAlgorithm="ECDH", PublicKey=public)


@pytest.mark.parametrize("fixture", ["shared", "hmac_key", "signing_key", "rsa_key"])
def test_keys_for_something_else_agree_on_nothing(service: Service, request: pytest.FixtureRequest, fixture: str):
    peer = _der(ec.generate_private_key(ec.SECP256R1()).public_key())
    with refused("InvalidKeyUsageException"):
        service.client.derive_shared_secret(
            KeyId=request.getfixturevalue(fixture), KeyAgreementAlgorithm="ECDH", PublicKey=peer
        )


@pytest.mark.parametrize("spec", ["ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "RSA_2048", "HMAC_256", "ML_DSA_44"])
def test_other_specs_are_not_for_agreement(service: Service, spec: Any):
    with refused("ValidationException"):
        service.key(KeySpec=spec, KeyUsage="KEY_AGREEMENT")


def test_an_agreeing_key_does_not_sign(service: Service, agreeing_key: str):
    with refused("InvalidKeyUsageException"):
        service.client.sign(KeyId=agreeing_key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        pytest.param("disable_key", "DisabledException", id="disabled"),
        pytest.param("schedule_key_deletion", "KMSInvalidStateException", id="pending deletion"),
    ],
)
def test_a_key_that_is_not_enabled_agrees_on_nothing(service: Service, stop: str, code: str):
    key = service.key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")
    getattr(service.client, stop)(KeyId=bare(key))
    peer = _der(ec.generate_private_key(ec.SECP256R1()).public_key())
    with refused(code):
        service.client.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=peer)


def test_a_dry_run_derives_nothing(service: Service, agreeing_key: str):
    peer = _der(ec.generate_private_key(ec.SECP256R1()).public_key())
    with refused("DryRunOperationException"):
        service.client.derive_shared_secret(
            KeyId=agreeing_key, KeyAgreementAlgorithm="ECDH", PublicKey=peer, DryRun=True
        )


@pytest.mark.parametrize("operation", ["DeriveSharedSecret", "GetPublicKey", "DescribeKey"])
def test_a_grant_may_allow_it(service: Service, agreeing_key: str, operation: Any):
    grantee = f"arn:aws:iam::{service.describe(agreeing_key)['AWSAccountId']}:root"
    service.client.create_grant(KeyId=agreeing_key, GranteePrincipal=grantee, Operations=[operation])


@pytest.mark.parametrize("operation", ["Sign", "Encrypt", "GenerateMac"])
def test_a_grant_allows_what_the_key_is_for(service: Service, agreeing_key: str, operation: Any):
    grantee = f"arn:aws:iam::{service.describe(agreeing_key)['AWSAccountId']}:root"
    with refused("ValidationException"):
        service.client.create_grant(KeyId=agreeing_key, GranteePrincipal=grantee, Operations=[operation])
