"""Imported key material.

https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html
https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-delete-key-material.html
"""

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

from tests.kms_conformance.service import Service, bare, refused

MATERIAL = bytes(range(32))
FOREVER = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
HASHES = {"1": hashes.SHA1(), "256": hashes.SHA256()}  # noqa: S303  # OAEP with SHA-1 is one of the algorithms


@pytest.fixture
def empty(service: Service) -> str:
    return service.key(Origin="EXTERNAL")


def _wrapped(public: bytes, material: bytes, algorithm: str) -> bytes:
    key = serialization.load_der_public_key(public)
    assert isinstance(key, rsa.RSAPublicKey)
    chosen = HASHES[algorithm.rpartition("_")[2]]
    oaep = padding.OAEP(mgf=padding.MGF1(chosen), algorithm=chosen, label=None)
    if not algorithm.startswith("RSA_AES"):
        return key.encrypt(material, oaep)
    wrapper = b"w" * 32
    return key.encrypt(wrapper, oaep) + aes_key_wrap_with_padding(wrapper, material)


def _import(
    service: Service, key: str, material: bytes = MATERIAL, *, algorithm: Any = "RSAES_OAEP_SHA_256", **more: Any
) -> Any:
    parameters = service.client.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"
    )
    return service.client.import_key_material(
        KeyId=key,
        ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=_wrapped(parameters["PublicKey"], material, algorithm),
        **(more or FOREVER),
    )


def test_a_key_waits_for_its_material(service: Service, empty: str):
    described = service.describe(empty)
    assert (described["Origin"], described["KeyState"], described["Enabled"]) == ("EXTERNAL", "PendingImport", False)
    with refused("KMSInvalidStateException"):
        service.client.encrypt(KeyId=empty, Plaintext=b"x")


@pytest.mark.parametrize("operation", ["enable_key", "disable_key", "rotate_key_on_demand"])
def test_a_key_without_material_cannot_be_switched(service: Service, empty: str, operation: str):
    with refused("KMSInvalidStateException"):
        getattr(service.client, operation)(KeyId=bare(empty))


@pytest.mark.parametrize(
    "algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"]
)
def test_imported_material_makes_the_key_usable(service: Service, empty: str, algorithm: str):
    _import(service, empty, algorithm=algorithm)
    described = service.describe(empty)
    assert (described["KeyState"], described["ExpirationModel"]) == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    blob = service.client.encrypt(KeyId=empty, Plaintext=b"x")["CiphertextBlob"]
    assert service.client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_deleted_material_comes_back_by_the_same_import(service: Service, empty: str):
    _import(service, empty)
    blob = service.client.encrypt(KeyId=empty, Plaintext=b"x")["CiphertextBlob"]
    service.client.delete_imported_key_material(KeyId=empty)
    assert service.state(empty) == "PendingImport"
    with refused("KMSInvalidStateException"):
        service.client.decrypt(CiphertextBlob=blob)
    _import(service, empty)
    assert service.client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_other_material_is_refused_in_its_place(service: Service, empty: str):
    _import(service, empty)
    service.client.delete_imported_key_material(KeyId=empty)
    with refused("IncorrectKeyMaterialException"):
        _import(service, empty, b"o" * 32)


def test_new_material_waits_for_a_rotation(service: Service, empty: str):
    first = _import(service, empty)["KeyMaterialId"]
    blob = service.client.encrypt(KeyId=empty, Plaintext=b"x")["CiphertextBlob"]
    second = _import(service, empty, b"n" * 32, ImportType="NEW_KEY_MATERIAL", **FOREVER)["KeyMaterialId"]
    assert service.describe(empty)["CurrentKeyMaterialId"] == first
    service.client.rotate_key_on_demand(KeyId=bare(empty))
    assert service.describe(empty)["CurrentKeyMaterialId"] == second
    assert service.client.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == first


def test_a_rotation_needs_new_material(service: Service, empty: str):
    _import(service, empty)
    with refused("KMSInvalidStateException"):
        service.client.rotate_key_on_demand(KeyId=bare(empty))


def test_imported_keys_do_not_rotate_by_themselves(service: Service, empty: str):
    _import(service, empty)
    with refused("UnsupportedOperationException"):
        service.client.enable_key_rotation(KeyId=bare(empty))


def test_material_may_expire(service: Service, empty: str):
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    _import(service, empty, ExpirationModel="KEY_MATERIAL_EXPIRES", ValidTo=until)
    described = service.describe(empty)
    assert (described["ExpirationModel"], described["ValidTo"]) == ("KEY_MATERIAL_EXPIRES", until)


@pytest.mark.parametrize(
    "expiry",
    [
        pytest.param({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}, id="expires, nobody knows when"),
        pytest.param({**FOREVER, "ValidTo": datetime(2099, 1, 1, tzinfo=UTC)}, id="never expires, with a date"),
        pytest.param({"ValidTo": datetime(2020, 1, 1, tzinfo=UTC)}, id="in the past"),
        pytest.param({"ValidTo": datetime.now(UTC) + timedelta(days=366)}, id="after more than 365 days"),
    ],
)
def test_an_expiry_against_the_rules_is_refused(service: Service, empty: str, expiry: dict[str, Any]):
    with refused("ValidationException"):
        _import(service, empty, **expiry)


@pytest.mark.parametrize("size", [16, 31, 33])
def test_material_of_another_length_is_refused(service: Service, empty: str, size: int):
    with refused("IncorrectKeyMaterialException", "InvalidCiphertextException"):
        _import(service, empty, b"x" * size)


def test_a_token_of_another_key_is_refused(service: Service, empty: str):
    other = service.key(Origin="EXTERNAL")
    parameters = service.client.get_parameters_for_import(
        KeyId=other, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    with refused("InvalidImportTokenException"):
        service.client.import_key_material(
            KeyId=empty,
            ImportToken=parameters["ImportToken"],
            EncryptedKeyMaterial=_wrapped(parameters["PublicKey"], MATERIAL, "RSAES_OAEP_SHA_256"),
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
        )


def test_material_that_does_not_unwrap_is_refused(service: Service, empty: str):
    parameters = service.client.get_parameters_for_import(
        KeyId=empty, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    with refused("InvalidCiphertextException"):
        service.client.import_key_material(
            KeyId=empty,
            ImportToken=parameters["ImportToken"],
            EncryptedKeyMaterial=b"x" * 256,
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
        )


def test_keys_of_aws_take_no_material(service: Service, key: str):
    with refused("UnsupportedOperationException"):
        service.client.get_parameters_for_import(
            KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
        )
    with refused("UnsupportedOperationException"):
        service.client.delete_imported_key_material(KeyId=key)


def test_an_imported_hmac_key_computes(service: Service):
    key = service.key(Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    _import(service, key)
    made = service.client.generate_mac(KeyId=key, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert made == hmac.digest(MATERIAL, b"m", "sha256")


def test_an_imported_private_key_signs(service: Service):
    key = service.key(Origin="EXTERNAL", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    private = ec.generate_private_key(ec.SECP256R1())
    der = private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _import(service, key, der)
    made = service.client.sign(KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    private.public_key().verify(made, b"m", ec.ECDSA(hashes.SHA256()))
