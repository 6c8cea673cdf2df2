"""Encrypt, Decrypt, ReEncrypt: opaque, authenticated ciphertexts that carry their key.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html
https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html
"""

from typing import Any

import pytest

from tests.kms_conformance.service import Service, bare, refused

CONTEXT = {"a": "bc"}


@pytest.mark.parametrize("size", [1, 16, 4095, 4096])
def test_encrypt_takes_up_to_4096_bytes(service: Service, shared: str, size: int):
    plaintext = bytes(range(256)) * 16
    sealed = service.client.encrypt(KeyId=shared, Plaintext=plaintext[:size])["CiphertextBlob"]
    assert service.client.decrypt(CiphertextBlob=sealed)["Plaintext"] == plaintext[:size]


@pytest.mark.parametrize("size", [pytest.param(0, id="nothing"), pytest.param(4097, id="4097 bytes")])
def test_encrypt_refuses_other_sizes(service: Service, shared: str, size: int):
    with refused("ValidationException"):
        service.client.encrypt(KeyId=shared, Plaintext=b"x" * size)


def test_two_encryptions_of_one_text_differ(service: Service, shared: str):
    one, two = (service.client.encrypt(KeyId=shared, Plaintext=b"same")["CiphertextBlob"] for _ in range(2))
    assert one != two


def test_a_ciphertext_shows_nothing_of_its_text(service: Service, shared: str):
    assert b"plainly" not in service.client.encrypt(KeyId=shared, Plaintext=b"plainly")["CiphertextBlob"]


@pytest.mark.parametrize("place", [0, 1, 20, 60, -20, -1])
def test_a_flipped_byte_is_refused(service: Service, blob: bytes, place: int):
    broken = bytearray(blob)
    broken[place] ^= 1
    # Where the key's name stands, AWS cannot know that the key is not someone else's.
    with refused("InvalidCiphertextException", "AccessDeniedException"):
        service.client.decrypt(CiphertextBlob=bytes(broken), EncryptionContext=CONTEXT)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda blob: blob[:-1], id="last byte missing"),
        pytest.param(lambda blob: blob + b"\x00", id="one byte more"),
        pytest.param(lambda blob: blob[:40], id="cut in the middle"),
        pytest.param(lambda blob: b"\x00" * len(blob), id="zeros"),
        pytest.param(lambda _blob: b"x", id="one byte"),
        pytest.param(lambda blob: blob * 3, id="three times"),
    ],
)
def test_what_is_no_ciphertext_is_refused(service: Service, blob: bytes, broken):
    with refused("InvalidCiphertextException"):
        service.client.decrypt(CiphertextBlob=broken(blob), EncryptionContext=CONTEXT)


def test_decrypt_takes_the_right_key(service: Service, shared: str, blob: bytes):
    answer = service.client.decrypt(CiphertextBlob=blob, KeyId=shared, EncryptionContext=CONTEXT)
    assert answer["Plaintext"] == b"text"


def test_decrypt_refuses_another_key(service: Service, other: str, blob: bytes):
    with refused("IncorrectKeyException"):
        service.client.decrypt(CiphertextBlob=blob, KeyId=other, EncryptionContext=CONTEXT)


def test_decrypt_refuses_a_key_that_does_not_exist(service: Service, blob: bytes):
    with refused("NotFoundException"):
        service.client.decrypt(
            CiphertextBlob=blob, KeyId="12345678-1234-4234-8234-123456789012", EncryptionContext=CONTEXT
        )


def test_a_key_is_echoed_as_its_arn(service: Service, key: str, alias: str):
    made = service.client.encrypt(KeyId=alias, Plaintext=b"x")
    assert made["KeyId"] == key
    assert service.client.decrypt(CiphertextBlob=made["CiphertextBlob"], KeyId=alias)["KeyId"] == key


def test_re_encrypt_moves_a_text_to_another_key(service: Service, shared: str, other: str, blob: bytes):
    moved = service.client.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=other,
        DestinationEncryptionContext={"new": "one"},
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (shared, other)
    opened = service.client.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"new": "one"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"text", other)


def test_re_encrypt_takes_the_named_source(service: Service, shared: str, other: str, blob: bytes):
    moved = service.client.re_encrypt(
        CiphertextBlob=blob, SourceKeyId=shared, SourceEncryptionContext=CONTEXT, DestinationKeyId=other
    )
    assert service.client.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"text"


def test_re_encrypt_refuses_another_source(service: Service, other: str, blob: bytes):
    with refused("IncorrectKeyException"):
        service.client.re_encrypt(
            CiphertextBlob=blob, SourceKeyId=other, SourceEncryptionContext=CONTEXT, DestinationKeyId=other
        )


def test_re_encrypt_refuses_another_context(service: Service, other: str, blob: bytes):
    with refused("InvalidCiphertextException"):
        service.client.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other)


def test_encrypt_refuses_an_algorithm_of_other_keys(service: Service, shared: str):
    with refused("InvalidKeyUsageException"):
        service.client.encrypt(KeyId=shared, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_rsa_encrypts_and_decrypts(service: Service, rsa_key: str, algorithm: str):
    sealed = service.client.encrypt(KeyId=rsa_key, Plaintext=b"text", EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    opened = service.client.decrypt(CiphertextBlob=sealed, KeyId=rsa_key, EncryptionAlgorithm=algorithm)
    assert opened["Plaintext"] == b"text"


@pytest.mark.parametrize(("algorithm", "size"), [("RSAES_OAEP_SHA_1", 215), ("RSAES_OAEP_SHA_256", 191)])
def test_rsa_refuses_a_longer_text(service: Service, rsa_key: str, algorithm: str, size: int):
    with refused("ValidationException"):
        service.client.encrypt(KeyId=rsa_key, Plaintext=b"x" * size, EncryptionAlgorithm=algorithm)


# API reference of Encrypt, "maximum size of the data that you can encrypt".
@pytest.mark.parametrize(
    ("spec", "algorithm", "limit"),
    [
        pytest.param("RSA_2048", "RSAES_OAEP_SHA_1", 214, id="2048 SHA-1"),
        pytest.param("RSA_2048", "RSAES_OAEP_SHA_256", 190, id="2048 SHA-256"),
        pytest.param("RSA_3072", "RSAES_OAEP_SHA_1", 342, id="3072 SHA-1"),
        pytest.param("RSA_3072", "RSAES_OAEP_SHA_256", 318, id="3072 SHA-256"),
        pytest.param("RSA_4096", "RSAES_OAEP_SHA_1", 470, id="4096 SHA-1"),
        pytest.param("RSA_4096", "RSAES_OAEP_SHA_256", 446, id="4096 SHA-256"),
    ],
)
def test_rsa_takes_what_its_modulus_holds(service: Service, spec: Any, algorithm: Any, limit: int):
    key = service.key(KeySpec=spec, KeyUsage="ENCRYPT_DECRYPT")
    assert service.describe(key)["EncryptionAlgorithms"] == ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
    text = b"x" * limit
    sealed = service.client.encrypt(KeyId=key, Plaintext=text, EncryptionAlgorithm=algorithm)["CiphertextBlob"]
    opened = service.client.decrypt(CiphertextBlob=sealed, KeyId=key, EncryptionAlgorithm=algorithm)
    assert opened["Plaintext"] == text
    with refused("ValidationException"):
        service.client.encrypt(KeyId=key, Plaintext=text + b"x", EncryptionAlgorithm=algorithm)


def test_rsa_needs_its_key_named(service: Service, rsa_key: str):
    sealed = service.client.encrypt(KeyId=rsa_key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    with refused("ValidationException", "InvalidCiphertextException"):
        service.client.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionAlgorithm="RSAES_OAEP_SHA_256")


def test_rsa_refuses_a_changed_ciphertext(service: Service, rsa_key: str):
    sealed = service.client.encrypt(KeyId=rsa_key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    broken = bytes([sealed["CiphertextBlob"][0] ^ 1]) + sealed["CiphertextBlob"][1:]
    with refused("InvalidCiphertextException"):
        service.client.decrypt(CiphertextBlob=broken, KeyId=rsa_key, EncryptionAlgorithm="RSAES_OAEP_SHA_256")


def test_dry_runs_end_in_their_own_error(service: Service, shared: str, other: str, blob: bytes):
    with refused("DryRunOperationException"):
        service.client.encrypt(KeyId=shared, Plaintext=b"x", DryRun=True)
    with refused("DryRunOperationException"):
        service.client.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT, DryRun=True)
    with refused("DryRunOperationException"):
        service.client.re_encrypt(
            CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=other, DryRun=True
        )


def test_a_dry_run_says_no_where_the_run_would(service: Service, key: str):
    service.client.disable_key(KeyId=bare(key))
    with refused("DisabledException"):
        service.client.encrypt(KeyId=key, Plaintext=b"x", DryRun=True)


def test_a_dry_run_may_leave_the_ciphertext_out(service: Service, shared: str):
    with refused("DryRunOperationException"):
        service.client.decrypt(KeyId=shared, DryRun=True, DryRunModifiers=["IGNORE_CIPHERTEXT"])
