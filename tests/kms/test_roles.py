"""The key policies that the stacks synthesize hold locally: each role may do what its statement says, and no more.

https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html (kms:EncryptionContext, EncryptionContextKeys)
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.kms.conftest import CALLERS
from tests.kms.running import ACCOUNT, ROOT, RunningKms

CONTEXT = {
    "twinvault:purpose": "kek",
    "twinvault:format": "1",
    "twinvault:store": "dev",
    "twinvault:tenant": "acme",
    "twinvault:epoch": "1",
    "twinvault:key": "0f" * 16,
}


def _statement(actions: list[str], roles: list[str]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": actions,
        "Resource": "*",
        "Condition": {
            "StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:EncryptionContext:twinvault:purpose": "kek"},
            "ArnEquals": {"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:role/{role}" for role in roles]},
            "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": sorted(CONTEXT)},
            "Null": {f"kms:EncryptionContext:{name}": "false" for name in CONTEXT},
        },
    }


@pytest.fixture(scope="module")
def root_key(kms: RunningKms) -> str:
    administer = {
        "Effect": "Allow",
        "Principal": {"AWS": ROOT},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:Put*", "kms:ScheduleKeyDeletion"],
        "Resource": "*",
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            administer,
            _statement(["kms:GenerateDataKey", "kms:Decrypt"], ["twinvault-dev-import"]),
            _statement(["kms:Decrypt"], ["twinvault-dev-read"]),
        ],
    }
    return kms.client().create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]


def _code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return caught.value.response["Error"]["Code"]


def test_a_writer_makes_a_data_key_and_a_reader_opens_it(kms: RunningKms, root_key: str):
    made = kms.client("WRITER").generate_data_key(KeyId=root_key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    opened = kms.client("READER").decrypt(
        CiphertextBlob=made["CiphertextBlob"], KeyId=root_key, EncryptionContext=CONTEXT
    )
    assert opened["Plaintext"] == made["Plaintext"]
    assert opened["KeyId"] == root_key


def test_a_reader_cannot_make_a_data_key(kms: RunningKms, root_key: str):
    with pytest.raises(ClientError) as caught:
        kms.client("READER").generate_data_key(KeyId=root_key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    assert _code(caught) == "AccessDeniedException"


@pytest.mark.parametrize(
    "context",
    [
        pytest.param({}, id="no context"),
        pytest.param(CONTEXT | {"twinvault:purpose": "dek"}, id="another purpose"),
        pytest.param(CONTEXT | {"more": "1"}, id="one name more"),
        pytest.param({name: value for name, value in CONTEXT.items() if name != "twinvault:epoch"}, id="one name less"),
        pytest.param({name.upper(): value for name, value in CONTEXT.items()}, id="other case"),
    ],
)
def test_a_writer_is_refused_with_any_other_context(kms: RunningKms, root_key: str, context: dict[str, str]):
    with pytest.raises(ClientError) as caught:
        kms.client("WRITER").generate_data_key(KeyId=root_key, KeySpec="AES_256", EncryptionContext=context)
    assert _code(caught) == "AccessDeniedException"


def test_the_account_administers_and_cannot_use_the_key(kms: RunningKms, root_key: str):
    kms.client().describe_key(KeyId=root_key)
    with pytest.raises(ClientError) as caught:
        kms.client().generate_data_key(KeyId=root_key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    assert _code(caught) == "AccessDeniedException"


def test_an_unmapped_caller_is_refused(kms: RunningKms, root_key: str):
    with pytest.raises(ClientError) as caught:
        kms.client("NOBODY").describe_key(KeyId=root_key)
    assert _code(caught) == "UnrecognizedClientException"


def test_a_key_policy_may_use_variables_and_name_whom_it_spares(kms: RunningKms):
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    everyone["Condition"] = {"StringEquals": {"kms:CallerAccount": "${aws:PrincipalAccount}"}}
    spared = {"AWS": [ROOT, CALLERS["WRITER"]]}
    others = {"Effect": "Deny", "NotPrincipal": spared, "Action": "kms:Encrypt", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everyone, others]})
    key = kms.client().create_key(Policy=policy)["KeyMetadata"]["Arn"]
    kms.client("WRITER").encrypt(KeyId=key, Plaintext=b"x")
    with pytest.raises(ClientError) as caught:
        kms.client("READER").encrypt(KeyId=key, Plaintext=b"x")
    assert _code(caught) == "AccessDeniedException"
    assert "with an explicit deny in a resource-based policy" in str(caught.value)


def test_no_log_line_holds_a_context_value_or_a_key(kms: RunningKms, root_key: str):
    made = kms.client("WRITER").generate_data_key(KeyId=root_key, KeySpec="AES_256", EncryptionContext=CONTEXT)
    assert "acme" not in kms.log
    assert made["Plaintext"].hex() not in kms.log
