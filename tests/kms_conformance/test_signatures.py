"""Signatures and MACs.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
"""

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa

from tests.kms_conformance.service import Service, bare, refused

SIGNERS = [
    pytest.param("ECC_NIST_P256", "ECDSA_SHA_256", id="P-256"),
    pytest.param("ECC_NIST_P384", "ECDSA_SHA_384", id="P-384"),
    pytest.param("ECC_NIST_P521", "ECDSA_SHA_512", id="P-521"),
    pytest.param("ECC_SECG_P256K1", "ECDSA_SHA_256", id="secp256k1"),
    pytest.param("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", id="Ed25519"),
    pytest.param("RSA_2048", "RSASSA_PSS_SHA_256", id="RSA PSS"),
    pytest.param("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512", id="RSA PKCS #1 v1.5"),
    pytest.param("RSA_3072", "RSASSA_PSS_SHA_384", id="RSA 3072 PSS"),
    pytest.param("RSA_4096", "RSASSA_PKCS1_V1_5_SHA_256", id="RSA 4096 PKCS #1 v1.5"),
    pytest.param("ML_DSA_44", "ML_DSA_SHAKE_256", id="ML-DSA-44"),
    pytest.param("ML_DSA_65", "ML_DSA_SHAKE_256", id="ML-DSA-65"),
    pytest.param("ML_DSA_87", "ML_DSA_SHAKE_256", id="ML-DSA-87"),
]
MACS = [
    pytest.param("HMAC_224", "HMAC_SHA_224", 28, id="HMAC-SHA-224"),
    pytest.param("HMAC_256", "HMAC_SHA_256", 32, id="HMAC-SHA-256"),
    pytest.param("HMAC_384", "HMAC_SHA_384", 48, id="HMAC-SHA-384"),
    pytest.param("HMAC_512", "HMAC_SHA_512", 64, id="HMAC-SHA-512"),
]


@pytest.mark.parametrize(("spec", "algorithm"), SIGNERS)
def test_what_is_signed_verifies(service: Service, spec: str, algorithm: Any):
    key = service.key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    made = service.client.sign(KeyId=key, Message=b"message", SigningAlgorithm=algorithm)
    assert (made["KeyId"], made["SigningAlgorithm"]) == (key, algorithm)
    checked = service.client.verify(
        KeyId=key, Message=b"message", Signature=made["Signature"], SigningAlgorithm=algorithm
    )
    assert checked["SignatureValid"] is True


@pytest.mark.parametrize(("spec", "algorithm"), SIGNERS)
def test_another_message_does_not_verify(service: Service, spec: str, algorithm: Any):
    key = service.key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    made = service.client.sign(KeyId=key, Message=b"message", SigningAlgorithm=algorithm)["Signature"]
    with refused("KMSInvalidSignatureException"):
        service.client.verify(KeyId=key, Message=b"massage", Signature=made, SigningAlgorithm=algorithm)


def test_the_public_key_verifies_elsewhere(service: Service, signing_key: str):
    made = service.client.sign(KeyId=signing_key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    answer = service.client.get_public_key(KeyId=signing_key)
    public = serialization.load_der_public_key(answer["PublicKey"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(made, b"m", ec.ECDSA(hashes.SHA256()))
    assert (answer["KeySpec"], answer["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert answer["SigningAlgorithms"] == ["ECDSA_SHA_256"]


def test_an_ed25519_signature_is_that_of_rfc_8032(service: Service):
    key = service.key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    made = service.client.sign(KeyId=key, Message=b"m", SigningAlgorithm="ED25519_SHA_512")["Signature"]
    public = serialization.load_der_public_key(service.client.get_public_key(KeyId=key)["PublicKey"])
    assert isinstance(public, ed25519.Ed25519PublicKey)
    public.verify(made, b"m")


def test_a_digest_is_signed_as_its_message(service: Service, signing_key: str):
    digest = hashlib.sha256(b"message").digest()
    made = service.client.sign(
        KeyId=signing_key, Message=digest, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
    )
    service.client.verify(
        KeyId=signing_key, Message=b"message", Signature=made["Signature"], SigningAlgorithm="ECDSA_SHA_256"
    )


@pytest.mark.parametrize(
    ("spec", "algorithm", "name"),
    [
        pytest.param("ECC_NIST_P384", "ECDSA_SHA_384", "sha384", id="P-384"),
        pytest.param("ECC_NIST_P521", "ECDSA_SHA_512", "sha512", id="P-521"),
        pytest.param("ECC_SECG_P256K1", "ECDSA_SHA_256", "sha256", id="secp256k1"),
        pytest.param("RSA_2048", "RSASSA_PSS_SHA_512", "sha512", id="RSA PSS"),
        pytest.param("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_384", "sha384", id="RSA PKCS #1 v1.5"),
    ],
)
def test_every_kind_of_key_signs_digests(service: Service, spec: Any, algorithm: Any, name: str):
    key = service.key(KeySpec=spec, KeyUsage="SIGN_VERIFY")
    digest = hashlib.new(name, b"message").digest()
    made = service.client.sign(KeyId=key, Message=digest, MessageType="DIGEST", SigningAlgorithm=algorithm)["Signature"]
    service.client.verify(KeyId=key, Message=b"message", Signature=made, SigningAlgorithm=algorithm)


@pytest.fixture(scope="module")
def lattice_key(service: Service) -> str:
    return service.key(KeySpec="ML_DSA_44", KeyUsage="SIGN_VERIFY")


def test_mu_is_signed_as_its_message(service: Service, lattice_key: str):
    public = service.client.get_public_key(KeyId=lattice_key)["PublicKey"]
    raw = serialization.load_der_public_key(public)
    assert isinstance(raw, mldsa.MLDSA44PublicKey)
    # FIPS 204, Algorithm 7: mu = H(H(pk, 64) || 0 || len(ctx) || ctx || M, 64), H being SHAKE256.
    tr = hashlib.shake_256(raw.public_bytes_raw()).digest(64)
    mu = hashlib.shake_256(tr + b"\x00\x00" + b"message").digest(64)
    algorithm: Any = "ML_DSA_SHAKE_256"
    made = service.client.sign(KeyId=lattice_key, Message=mu, MessageType="EXTERNAL_MU", SigningAlgorithm=algorithm)
    service.client.verify(
        KeyId=lattice_key, Message=b"message", Signature=made["Signature"], SigningAlgorithm=algorithm
    )
    service.client.verify(
        KeyId=lattice_key,
        Message=mu,
        MessageType="EXTERNAL_MU",
        Signature=made["Signature"],
        SigningAlgorithm=algorithm,
    )


@pytest.mark.parametrize(
    ("kind", "size"),
    [pytest.param("DIGEST", 64, id="digest"), pytest.param("EXTERNAL_MU", 63, id="mu of 63 bytes")],
)
def test_ml_dsa_signs_nothing_but_messages_and_mu(service: Service, lattice_key: str, kind: Any, size: int):
    algorithm: Any = "ML_DSA_SHAKE_256"
    with refused("ValidationException"):
        service.client.sign(KeyId=lattice_key, Message=b"x" * size, MessageType=kind, SigningAlgorithm=algorithm)


def test_mu_belongs_to_ml_dsa(service: Service, signing_key: str):
    with refused("ValidationException"):
        service.client.sign(
            KeyId=signing_key, Message=b"x" * 64, MessageType="EXTERNAL_MU", SigningAlgorithm="ECDSA_SHA_256"
        )


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        pytest.param("ECC_NIST_P521", ec.EllipticCurvePublicKey, id="P-521"),
        pytest.param("ECC_SECG_P256K1", ec.EllipticCurvePublicKey, id="secp256k1"),
        pytest.param("RSA_3072", rsa.RSAPublicKey, id="RSA_3072"),
        pytest.param("RSA_4096", rsa.RSAPublicKey, id="RSA_4096"),
        pytest.param("ML_DSA_65", mldsa.MLDSA65PublicKey, id="ML-DSA-65"),
    ],
)
def test_a_public_key_is_of_its_spec(service: Service, spec: Any, kind: type):
    answer = service.client.get_public_key(KeyId=service.key(KeySpec=spec, KeyUsage="SIGN_VERIFY"))
    public = serialization.load_der_public_key(answer["PublicKey"])
    assert isinstance(public, kind)
    assert answer["KeySpec"] == spec
    if isinstance(public, rsa.RSAPublicKey):
        assert (public.key_size, public.public_numbers().e) == (int(spec.removeprefix("RSA_")), 65537)


def test_a_digest_of_another_length_is_refused(service: Service, signing_key: str):
    with refused("ValidationException"):
        service.client.sign(
            KeyId=signing_key, Message=b"x" * 31, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
        )


@pytest.mark.parametrize("size", [pytest.param(0, id="nothing"), pytest.param(4097, id="4097 bytes")])
def test_a_message_has_limits(service: Service, signing_key: str, size: int):
    with refused("ValidationException"):
        service.client.sign(KeyId=signing_key, Message=b"x" * size, SigningAlgorithm="ECDSA_SHA_256")


def test_an_algorithm_of_other_keys_is_refused(service: Service, signing_key: str):
    with refused("InvalidKeyUsageException", "ValidationException"):
        service.client.sign(KeyId=signing_key, Message=b"m", SigningAlgorithm="ECDSA_SHA_384")


@pytest.mark.parametrize("fixture", ["shared", "hmac_key", "rsa_key"])
def test_keys_for_something_else_do_not_sign(service: Service, request: pytest.FixtureRequest, fixture: str):
    with refused("InvalidKeyUsageException"):
        service.client.sign(KeyId=request.getfixturevalue(fixture), Message=b"m", SigningAlgorithm="RSASSA_PSS_SHA_256")


@pytest.mark.parametrize("fixture", ["shared", "hmac_key"])
def test_symmetric_keys_have_no_public_half(service: Service, request: pytest.FixtureRequest, fixture: str):
    with refused("UnsupportedOperationException", "InvalidKeyUsageException"):
        service.client.get_public_key(KeyId=request.getfixturevalue(fixture))


@pytest.mark.parametrize("fixture", ["signing_key", "hmac_key"])
def test_keys_for_something_else_do_not_encrypt(service: Service, request: pytest.FixtureRequest, fixture: str):
    with refused("InvalidKeyUsageException"):
        service.client.encrypt(KeyId=request.getfixturevalue(fixture), Plaintext=b"x")


def test_a_disabled_key_neither_signs_nor_shows_its_public_half(service: Service):
    key = service.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    service.client.disable_key(KeyId=bare(key))
    with refused("DisabledException"):
        service.client.sign(KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")
    with refused("DisabledException"):
        service.client.get_public_key(KeyId=key)


@pytest.mark.parametrize(("spec", "algorithm", "size"), MACS)
def test_a_mac_verifies(service: Service, spec: str, algorithm: Any, size: int):
    key = service.key(KeySpec=spec, KeyUsage="GENERATE_VERIFY_MAC")
    made = service.client.generate_mac(KeyId=key, Message=b"m", MacAlgorithm=algorithm)
    assert (len(made["Mac"]), made["KeyId"], made["MacAlgorithm"]) == (size, key, algorithm)
    checked = service.client.verify_mac(KeyId=key, Message=b"m", MacAlgorithm=algorithm, Mac=made["Mac"])
    assert checked["MacValid"] is True


@pytest.mark.parametrize(
    ("message", "change"),
    [
        pytest.param(b"n", lambda mac: mac, id="another message"),
        pytest.param(b"m", lambda mac: mac[:-1], id="a byte less"),
        pytest.param(b"m", lambda mac: bytes([mac[0] ^ 1]) + mac[1:], id="a bit flipped"),
    ],
)
def test_another_mac_does_not_verify(service: Service, hmac_key: str, message: bytes, change):
    mac = service.client.generate_mac(KeyId=hmac_key, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
    with refused("KMSInvalidMacException"):
        service.client.verify_mac(KeyId=hmac_key, Message=message, MacAlgorithm="HMAC_SHA_256", Mac=change(mac))


@pytest.mark.parametrize("fixture", ["shared", "signing_key"])
def test_keys_for_something_else_make_no_macs(service: Service, request: pytest.FixtureRequest, fixture: str):
    with refused("InvalidKeyUsageException"):
        service.client.generate_mac(KeyId=request.getfixturevalue(fixture), Message=b"m", MacAlgorithm="HMAC_SHA_256")


def test_a_mac_key_has_one_algorithm(service: Service, hmac_key: str):
    with refused("InvalidKeyUsageException", "ValidationException"):
        service.client.generate_mac(KeyId=hmac_key, Message=b"m", MacAlgorithm="HMAC_SHA_512")


def test_dry_runs_neither_sign_nor_compute(service: Service, signing_key: str, hmac_key: str):
    with refused("DryRunOperationException"):
        service.client.sign(KeyId=signing_key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256", DryRun=True)
    with refused("DryRunOperationException"):
        service.client.generate_mac(KeyId=hmac_key, Message=b"m", MacAlgorithm="HMAC_SHA_256", DryRun=True)
