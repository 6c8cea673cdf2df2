"""Where the local KMS differs from AWS KMS by design: each test fails when that changes."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.kms.conftest import CALLERS
from tests.kms.running import ROOT, RunningKms


def _code(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    "operation",
    ["describe_custom_key_stores", "get_key_last_usage"],
)
def test_an_operation_is_unknown(kms: RunningKms, operation: str):
    assert _code(getattr(kms.client(), operation)) == "UnknownOperationException"


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}, id="SM2"),
        pytest.param({"KeySpec": "ML_KEM_768", "KeyUsage": "ENCAPSULATE_DECAPSULATE"}, id="ML-KEM"),
        pytest.param({"Origin": "AWS_CLOUDHSM"}, id="custom key store"),
    ],
)
def test_a_kind_of_key_is_not_offered(kms: RunningKms, asked: dict[str, Any]):
    assert _code(kms.client().create_key, **asked) == "UnsupportedOperationException"


def test_ed25519_signs_messages_and_no_prehashes(kms: RunningKms):
    key = kms.client().create_key(KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    assert key["SigningAlgorithms"] == ["ED25519_SHA_512"]
    code = _code(
        kms.client().sign,
        KeyId=key["KeyId"],
        Message=b"x" * 64,
        MessageType="DIGEST",
        SigningAlgorithm="ED25519_PH_SHA_512",
    )
    assert code == "InvalidKeyUsageException"


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param(
            {"Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}}, id="age of a second factor"
        ),
        pytest.param({"Condition": {"StringEquals": {"aws:ResourceOrgID": "o-x"}}}, id="aws:ResourceOrgID"),
        pytest.param({"Condition": {"StringLike": {"aws:PrincipalArn": "${aws:TokenIssueTime}"}}}, id="variable"),
        pytest.param({"Condition": {"StringEquals": {"aws:TagKeys": "a"}}}, id="no set operator"),
    ],
)
def test_policies_that_are_not_evaluated_are_refused_as_not_supported(kms: RunningKms, elements: dict[str, Any]):
    allow = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, allow | elements]})
    assert _code(kms.client().create_key, Policy=policy) == "UnsupportedOperationException"
    key = kms.client().create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="statement 2, Condition") as caught:
        kms.client().put_key_policy(KeyId=key, Policy=policy)
    assert caught.value.response["Error"]["Code"] == "UnsupportedOperationException"


def test_a_principal_need_not_exist(kms: RunningKms):
    allow = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    nobody = allow | {"Principal": {"AWS": ROOT.replace("root", "role/nobody-has-this")}}
    kms.client().create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow, nobody]}))


def test_a_grant_works_at_once_and_without_its_token(kms: RunningKms):
    key = kms.client().create_key()["KeyMetadata"]["Arn"]
    kms.client().create_grant(KeyId=key, GranteePrincipal=CALLERS["READER"], Operations=["Encrypt"])
    kms.client("READER").encrypt(KeyId=key, Plaintext=b"x")


def test_nobody_is_throttled(kms: RunningKms):
    client = kms.client()
    assert len({client.generate_random(NumberOfBytes=16)["Plaintext"] for _ in range(300)}) == 300
