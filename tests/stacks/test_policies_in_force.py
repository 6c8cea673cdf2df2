"""The synthesized key policies in force: the local KMS evaluates them as AWS does, for the very roles they name."""

import json
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"
CONTEXT = {
    "twinvault:purpose": "kek",
    "twinvault:format": "1",
    "twinvault:store": "twinvault-dev",
    "twinvault:tenant": "acme",
    "twinvault:epoch": "1",
    "twinvault:key": "0f" * 16,
}
REGISTER = {**CONTEXT, "twinvault:purpose": "register", "twinvault:epoch": "0"}


@dataclass(frozen=True, slots=True)
class Kms:
    """The keys of stage dev in the local KMS, and a client for each caller."""

    keys: dict[str, str]
    operator: Any
    writer: Any
    reader: Any

    def wrapped(self) -> bytes:
        return self.writer.generate_data_key(KeyId=self.keys["RootKey"], NumberOfBytes=32, EncryptionContext=CONTEXT)[
            "CiphertextBlob"
        ]


@pytest.fixture(scope="module")
def kms(dev, kms_endpoint, aws, aws_import, aws_read):
    operator, writer, reader = (
        boto3.client("kms", endpoint_url=kms_endpoint, **caller) for caller in (aws, aws_import, aws_read)
    )
    keys = {}
    for name, body in dev.resources("Store", "AWS::KMS::Key").items():
        properties = body["Properties"]
        policy = json.dumps(properties["KeyPolicy"])
        for pseudo, value in {"Partition": "aws", "AccountId": ACCOUNT, "Region": "eu-central-1"}.items():
            policy = policy.replace(f"${{AWS::{pseudo}}}", value)
        kind = {name: properties[name] for name in ("KeySpec", "KeyUsage") if name in properties}
        keys[name] = operator.create_key(Policy=policy, **kind)["KeyMetadata"]["KeyId"]
    return Kms(keys=keys, operator=operator, writer=writer, reader=reader)


def refused(caught):
    return caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_the_writer_makes_a_kek_that_writer_and_reader_open(kms):
    wrapped = kms.wrapped()
    opened = {
        client.decrypt(KeyId=kms.keys["RootKey"], CiphertextBlob=wrapped, EncryptionContext=CONTEXT)["Plaintext"]
        for client in (kms.writer, kms.reader)
    }
    assert len(opened) == 1


def test_a_register_key_is_opened_by_all_and_made_by_who_begins_tenants(kms):
    root = kms.keys["RootKey"]
    made = kms.writer.generate_data_key(KeyId=root, NumberOfBytes=32, EncryptionContext=REGISTER)
    blob = made["CiphertextBlob"]
    opened = kms.reader.decrypt(KeyId=root, CiphertextBlob=blob, EncryptionContext=REGISTER)
    assert opened["Plaintext"] == made["Plaintext"]
    with pytest.raises(ClientError) as caught:
        kms.reader.generate_data_key(KeyId=root, NumberOfBytes=32, EncryptionContext=REGISTER)
    assert refused(caught)


def test_a_register_key_is_not_opened_as_a_kek(kms):
    root = kms.keys["RootKey"]
    made = kms.writer.generate_data_key(KeyId=root, NumberOfBytes=32, EncryptionContext=REGISTER)
    with pytest.raises(ClientError) as caught:
        kms.reader.decrypt(KeyId=root, CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert caught.value.response["Error"]["Code"] == "InvalidCiphertextException"


def test_the_reader_makes_no_kek(kms):
    with pytest.raises(ClientError) as caught:
        kms.reader.generate_data_key(KeyId=kms.keys["RootKey"], NumberOfBytes=32, EncryptionContext=CONTEXT)
    assert refused(caught)


def test_the_accounts_root_opens_nothing(kms):
    wrapped = kms.wrapped()
    with pytest.raises(ClientError) as caught:
        kms.operator.decrypt(KeyId=kms.keys["RootKey"], CiphertextBlob=wrapped, EncryptionContext=CONTEXT)
    assert refused(caught)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda c, k: c.generate_data_key(KeyId=k, NumberOfBytes=32, EncryptionContext=CONTEXT), id="make"),
        pytest.param(lambda c, k: c.encrypt(KeyId=k, Plaintext=b"x", EncryptionContext=CONTEXT), id="encrypt"),
    ],
)
def test_the_accounts_root_does_not_use_the_root_key(kms, call):
    with pytest.raises(ClientError) as caught:
        call(kms.operator, kms.keys["RootKey"])
    assert refused(caught)


def test_the_accounts_root_administers(kms):
    described = kms.operator.describe_key(KeyId=kms.keys["RootKey"])
    assert described["KeyMetadata"]["KeyState"] == "Enabled"


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({}, id="none at all"),
        pytest.param({**CONTEXT, "twinvault:purpose": "dek"}, id="another purpose"),
        pytest.param({**CONTEXT, "twinvault:format": "2"}, id="another format"),
        pytest.param({**CONTEXT, "twinvault:store": "twinvault-prod"}, id="another store"),
        pytest.param({**CONTEXT, "extra": "1"}, id="one key more"),
        *(
            pytest.param({key: value for key, value in CONTEXT.items() if key != name}, id=f"without {name}")
            for name in CONTEXT
        ),
    ],
)
def test_no_kek_is_made_under_another_encryption_context(kms, context):
    with pytest.raises(ClientError) as caught:
        kms.writer.generate_data_key(KeyId=kms.keys["RootKey"], NumberOfBytes=32, EncryptionContext=context)
    assert refused(caught)


def test_functions_do_not_reach_the_table_key_but_through_dynamodb(kms):
    with pytest.raises(ClientError) as caught:
        kms.writer.decrypt(KeyId=kms.keys["TableKey"], CiphertextBlob=kms.wrapped(), EncryptionContext=CONTEXT)
    assert refused(caught)


def test_the_public_half_of_the_audit_key_is_for_administrators_and_neither_reader_nor_writer_signs(kms):
    audit = kms.keys["AuditKey"]
    assert kms.operator.get_public_key(KeyId=audit)["KeySpec"] == "ECC_NIST_EDWARDS25519"
    for client in (kms.operator, kms.writer, kms.reader):
        with pytest.raises(ClientError) as caught:
            client.sign(KeyId=audit, Message=b"x" * 63, MessageType="RAW", SigningAlgorithm="ED25519_SHA_512")
        assert refused(caught)
