"""Data keys under keys of the suite's own: contexts, changed blobs, other keys, and keys that are switched off.

AWS KMS API Reference, "GenerateDataKey", "Decrypt"; Developer Guide, "Encryption context", "Key states of KMS keys".
"""

from typing import Any

import pytest

from tests.parity.refusals import refused
from tests.parity.target import Target

pytestmark = pytest.mark.xdist_group("parity")

CONTEXT = {
    "twinvault:purpose": "kek",
    "twinvault:format": "1",
    "twinvault:store": "parity",
    "twinvault:tenant": "acme",
    "twinvault:epoch": "1",
    "twinvault:key": "0f" * 16,
}


@pytest.fixture(scope="module")
def made(kms: Any, keys: list[str]) -> dict[str, Any]:
    """A data key under the first key, as the functions ask for theirs."""
    answer: dict[str, Any] = kms.generate_data_key(KeyId=keys[0], NumberOfBytes=32, EncryptionContext=CONTEXT)
    return answer


def test_a_data_key_opens_under_its_very_context(kms: Any, keys: list[str], made: dict[str, Any]) -> None:
    opened = kms.decrypt(KeyId=keys[0], CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert len(made["Plaintext"]) == 32
    assert (opened["Plaintext"], opened["KeyId"]) == (made["Plaintext"], keys[0])
    assert made["KeyId"] == keys[0], "the key is named by its ARN"


def test_the_order_of_a_context_does_not_matter(kms: Any, keys: list[str], made: dict[str, Any]) -> None:
    turned = dict(reversed(CONTEXT.items()))
    assert list(turned) != list(CONTEXT)
    opened = kms.decrypt(KeyId=keys[0], CiphertextBlob=made["CiphertextBlob"], EncryptionContext=turned)
    assert opened["Plaintext"] == made["Plaintext"]


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({}, id="none"),
        *(
            pytest.param({name: value for name, value in CONTEXT.items() if name != left_out}, id=f"without {left_out}")
            for left_out in CONTEXT
        ),
        pytest.param({**CONTEXT, "twinvault:more": "1"}, id="one more"),
        pytest.param({**CONTEXT, "twinvault:tenant": "Acme"}, id="another case"),
        pytest.param({**CONTEXT, "twinvault:tenant": "acme "}, id="a space"),
        pytest.param({**CONTEXT, "twinvault:tenant": "1", "twinvault:epoch": "acme"}, id="values swapped"),
    ],
)
def test_a_data_key_does_not_open_under_another_context(
    kms: Any, keys: list[str], made: dict[str, Any], context: dict[str, str]
) -> None:
    with refused("InvalidCiphertextException"):
        kms.decrypt(KeyId=keys[0], CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)


@pytest.mark.parametrize(
    ("made_under", "tried"),
    [
        pytest.param({"a": "bc"}, {"ab": "c"}, id="characters moved"),
        pytest.param({"a": "b", "c": "d"}, {"a": "bcd"}, id="pairs run together"),
        pytest.param({"a": "é"}, {"a": "e\u0301"}, id="composed and decomposed"),
    ],
)
def test_contexts_that_collide_when_they_are_joined_are_others(
    kms: Any, keys: list[str], made_under: dict[str, str], tried: dict[str, str]
) -> None:
    blob = kms.generate_data_key(KeyId=keys[0], NumberOfBytes=32, EncryptionContext=made_under)["CiphertextBlob"]
    with refused("InvalidCiphertextException"):
        kms.decrypt(KeyId=keys[0], CiphertextBlob=blob, EncryptionContext=tried)


def test_a_blob_with_a_flipped_bit_does_not_open(kms: Any, keys: list[str], made: dict[str, Any]) -> None:
    blob = made["CiphertextBlob"]
    for place in range(0, len(blob), max(1, len(blob) // 24)):  # each costs a request: some two dozen, all over it
        flipped = blob[:place] + bytes([blob[place] ^ 1]) + blob[place + 1 :]
        with pytest.raises(kms.exceptions.ClientError) as caught:
            kms.decrypt(KeyId=keys[0], CiphertextBlob=flipped, EncryptionContext=CONTEXT)
        # A bit of what names the key makes it another key's blob, or nobody's.
        code = caught.value.response["Error"]["Code"]
        assert code in {"InvalidCiphertextException", "IncorrectKeyException", "AccessDeniedException"}, place


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda blob: blob[:-1], id="cut short"),
        pytest.param(lambda blob: blob + b"\0", id="longer"),
        pytest.param(lambda blob: b"x" * len(blob), id="something else"),
    ],
)
def test_a_blob_of_another_length_or_make_does_not_open(
    kms: Any, keys: list[str], made: dict[str, Any], change: Any
) -> None:
    with refused("InvalidCiphertextException"):
        kms.decrypt(KeyId=keys[0], CiphertextBlob=change(made["CiphertextBlob"]), EncryptionContext=CONTEXT)


def test_a_blob_does_not_open_under_another_key(kms: Any, keys: list[str], made: dict[str, Any]) -> None:
    with refused("IncorrectKeyException"):
        kms.decrypt(KeyId=keys[1], CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)


def test_a_data_key_has_at_most_1024_bytes(kms: Any, keys: list[str]) -> None:
    made = kms.generate_data_key(KeyId=keys[0], NumberOfBytes=1024, EncryptionContext=CONTEXT)
    assert len(made["Plaintext"]) == 1024
    with refused("ValidationException"):
        kms.generate_data_key(KeyId=keys[0], NumberOfBytes=1025, EncryptionContext=CONTEXT)


def test_a_key_that_is_disabled_opens_nothing_and_one_that_waits_for_its_deletion_neither(
    kms: Any, keys: list[str]
) -> None:
    key = keys[2]
    made = kms.generate_data_key(KeyId=key, NumberOfBytes=32, EncryptionContext=CONTEXT)
    blob = {"KeyId": key, "CiphertextBlob": made["CiphertextBlob"], "EncryptionContext": CONTEXT}
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        kms.decrypt(**blob)
    with refused("DisabledException"):
        kms.generate_data_key(KeyId=key, NumberOfBytes=32, EncryptionContext=CONTEXT)
    kms.enable_key(KeyId=key)
    assert kms.decrypt(**blob)["Plaintext"] == made["Plaintext"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with refused("KMSInvalidStateException"):
        kms.decrypt(**blob)
    with refused("KMSInvalidStateException"):
        kms.generate_data_key(KeyId=key, NumberOfBytes=32, EncryptionContext=CONTEXT)


@pytest.mark.parametrize("logical", ["Root", "Table"])
def test_a_key_of_the_stage_is_as_the_template_says(target: Target, kms: Any, logical: str) -> None:
    said = target.templates["Store"]["Resources"][f"{logical}Key"]["Properties"]
    found = kms.describe_key(KeyId=target.key(logical))["KeyMetadata"]
    assert (found["Enabled"], found["KeySpec"], found["KeyUsage"], found["MultiRegion"]) == (
        True,
        "SYMMETRIC_DEFAULT",
        "ENCRYPT_DECRYPT",
        False,
    )
    assert kms.get_key_rotation_status(KeyId=target.key(logical))["KeyRotationEnabled"] is said["EnableKeyRotation"]
