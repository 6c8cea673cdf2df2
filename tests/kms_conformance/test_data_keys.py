"""Data keys, data key pairs, random bytes.

https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html
"""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from tests.kms_conformance.service import Service, refused


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        pytest.param({"KeySpec": "AES_256"}, 32, id="AES_256"),
        pytest.param({"KeySpec": "AES_128"}, 16, id="AES_128"),
        pytest.param({"NumberOfBytes": 1}, 1, id="1 byte"),
        pytest.param({"NumberOfBytes": 1024}, 1024, id="1024 bytes"),
    ],
)
def test_a_data_key_has_the_size_asked_for(service: Service, shared: str, asked: dict[str, Any], size: int):
    made = service.client.generate_data_key(KeyId=shared, **asked)
    assert len(made["Plaintext"]) == size
    assert made["KeyId"] == shared
    assert service.client.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({}, id="neither spec nor size"),
        pytest.param({"KeySpec": "AES_256", "NumberOfBytes": 32}, id="both"),
        pytest.param({"NumberOfBytes": 0}, id="0 bytes"),
        pytest.param({"NumberOfBytes": 1025}, id="1025 bytes"),
        pytest.param({"KeySpec": "AES_512"}, id="a spec that does not exist"),
    ],
)
def test_another_request_for_a_data_key_is_refused(service: Service, shared: str, asked: dict[str, Any]):
    with refused("ValidationException"):
        service.client.generate_data_key(KeyId=shared, **asked)


def test_two_data_keys_differ(service: Service, shared: str):
    one, two = (service.client.generate_data_key(KeyId=shared, KeySpec="AES_256")["Plaintext"] for _ in range(2))
    assert one != two


def test_a_data_key_may_come_without_its_plaintext(service: Service, shared: str):
    made = service.client.generate_data_key_without_plaintext(KeyId=shared, KeySpec="AES_256")
    assert "Plaintext" not in made
    assert len(service.client.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]) == 32


def test_a_data_key_names_its_key_material(service: Service, shared: str):
    made = service.client.generate_data_key(KeyId=shared, KeySpec="AES_256")
    assert made["KeyMaterialId"] == service.describe(shared)["CurrentKeyMaterialId"]


@pytest.mark.parametrize(
    "spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "RSA_2048"]
)
def test_a_key_pair_fits_together(service: Service, shared: str, spec: Any):
    made = service.client.generate_data_key_pair(KeyId=shared, KeyPairSpec=spec, EncryptionContext={"p": spec})
    private = serialization.load_der_private_key(made["PrivateKeyPlaintext"], password=None)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert public == made["PublicKey"]
    opened = service.client.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext={"p": spec})
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "RSA_2048", "RSA_3072"])
def test_a_key_pair_without_plaintext_opens_later(service: Service, shared: str, spec: Any):
    made = service.client.generate_data_key_pair_without_plaintext(KeyId=shared, KeyPairSpec=spec)
    assert (made["KeyId"], made["KeyPairSpec"]) == (shared, spec)
    assert "PrivateKeyPlaintext" not in made
    opened = service.client.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"]
    public = serialization.load_der_private_key(opened, password=None).public_key()
    der, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    assert public.public_bytes(der, form) == made["PublicKey"]


@pytest.mark.parametrize("operation", ["generate_data_key_pair", "generate_data_key_pair_without_plaintext"])
@pytest.mark.parametrize("fixture", ["hmac_key", "signing_key", "rsa_key"])
def test_other_keys_make_no_key_pairs(service: Service, request: pytest.FixtureRequest, operation: str, fixture: str):
    with refused("InvalidKeyUsageException"):
        getattr(service.client, operation)(KeyId=request.getfixturevalue(fixture), KeyPairSpec="ECC_NIST_P256")


@pytest.mark.parametrize("operation", ["generate_data_key_pair", "generate_data_key_pair_without_plaintext"])
def test_a_dry_run_makes_no_key_pair(service: Service, shared: str, operation: str):
    with refused("DryRunOperationException"):
        getattr(service.client, operation)(KeyId=shared, KeyPairSpec="ECC_NIST_P256", DryRun=True)


@pytest.mark.parametrize("operation", ["generate_data_key_pair", "generate_data_key_pair_without_plaintext"])
def test_a_key_pair_opens_under_its_context_alone(service: Service, shared: str, operation: str):
    made = getattr(service.client, operation)(KeyId=shared, KeyPairSpec="ECC_NIST_P256", EncryptionContext={"a": "b"})
    with refused("InvalidCiphertextException"):
        service.client.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], EncryptionContext={"a": "c"})


@pytest.mark.parametrize("fixture", ["hmac_key", "signing_key", "rsa_key"])
def test_other_keys_make_no_data_keys(service: Service, request: pytest.FixtureRequest, fixture: str):
    with refused("InvalidKeyUsageException"):
        service.client.generate_data_key(KeyId=request.getfixturevalue(fixture), KeySpec="AES_256")


def test_a_dry_run_makes_no_data_key(service: Service, shared: str):
    with refused("DryRunOperationException"):
        service.client.generate_data_key(KeyId=shared, KeySpec="AES_256", DryRun=True)


@pytest.mark.parametrize("size", [1, 32, 1024])
def test_random_bytes_come_in_the_number_asked_for(service: Service, size: int):
    assert len(service.client.generate_random(NumberOfBytes=size)["Plaintext"]) == size


@pytest.mark.parametrize("size", [pytest.param(0, id="none"), pytest.param(1025, id="too many")])
def test_random_bytes_have_limits(service: Service, size: int):
    with refused("ValidationException"):
        service.client.generate_random(NumberOfBytes=size)
