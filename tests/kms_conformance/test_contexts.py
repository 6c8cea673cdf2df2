"""Encryption context: an exact, case-sensitive map without order.

https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
"""

import pytest

from tests.kms_conformance.service import Service, refused


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({"ab": "c"}, id="characters moved from value to name"),
        pytest.param({"A": "bc"}, id="name of another case"),
        pytest.param({"a": "BC"}, id="value of another case"),
        pytest.param({"a": "bc", "b": ""}, id="one pair more"),
        pytest.param({"a": "bc "}, id="trailing space"),
        pytest.param({"a": ""}, id="empty value"),
        pytest.param({"": "abc"}, id="empty name"),
        pytest.param({}, id="none"),
    ],
)
def test_decrypt_refuses_another_context(service: Service, blob: bytes, context: dict[str, str]):
    with refused("InvalidCiphertextException") as caught:
        service.client.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert caught.value.response["Error"]["Message"] == ""


def test_the_same_context_opens(service: Service, shared: str, blob: bytes):
    answer = service.client.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "bc"})
    assert answer["Plaintext"] == b"text"
    assert answer["KeyId"] == shared
    assert answer["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": "b", "c": "d"}, {"c": "d", "a": "b"}, id="two pairs"),
        pytest.param({"z": "1", "y": "2", "x": "3"}, {"x": "3", "y": "2", "z": "1"}, id="three pairs"),
    ],
)
def test_order_does_not_matter(service: Service, shared: str, one: dict[str, str], other: dict[str, str]):
    made = service.client.encrypt(KeyId=shared, Plaintext=b"x", EncryptionContext=one)
    assert service.client.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=other)["Plaintext"] == b"x"


def test_an_empty_context_is_no_context(service: Service, shared: str):
    made = service.client.encrypt(KeyId=shared, Plaintext=b"x", EncryptionContext={})
    assert service.client.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == b"x"


@pytest.mark.parametrize(
    ("made", "tried"),
    [
        pytest.param({"a": "b", "c": "d"}, {"a": "bcd"}, id="pairs run together"),
        pytest.param({"a": "d", "c": "b"}, {"a": "b", "c": "d"}, id="values swapped"),
        pytest.param({"k": "é"}, {"k": "e\u0301"}, id="composed and decomposed"),
        pytest.param({"k": "\u0435"}, {"k": "e"}, id="a letter of another alphabet"),
    ],
)
def test_contexts_that_look_alike_are_others(
    service: Service, shared: str, made: dict[str, str], tried: dict[str, str]
):
    sealed = service.client.encrypt(KeyId=shared, Plaintext=b"x", EncryptionContext=made)["CiphertextBlob"]
    with refused("InvalidCiphertextException"):
        service.client.decrypt(CiphertextBlob=sealed, EncryptionContext=tried)


def test_a_unicode_context_opens(service: Service, shared: str):
    context = {"название": "Ünïcödé 🔑"}
    sealed = service.client.encrypt(KeyId=shared, Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    assert service.client.decrypt(CiphertextBlob=sealed, EncryptionContext=context)["Plaintext"] == b"x"


def test_a_data_key_is_bound_to_its_context(service: Service, shared: str):
    made = service.client.generate_data_key(KeyId=shared, KeySpec="AES_256", EncryptionContext={"t": "1"})
    with refused("InvalidCiphertextException"):
        service.client.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"t": "2"})


def test_asymmetric_keys_take_no_context(service: Service, rsa_key: str):
    with refused("ValidationException", "InvalidKeyUsageException"):
        service.client.encrypt(
            KeyId=rsa_key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256", EncryptionContext={"a": "b"}
        )
