"""Key policies as every caller meets them: what is refused when it is put, and how Deny and conditions decide.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import json
from typing import Any

import pytest

from tests.kms_conformance.service import Service, refused

CONTEXT = {"purpose": "kek", "Tenant": "acme"}


def _policy(key: str, *more: dict[str, Any]) -> str:
    account = {"AWS": f"arn:aws:iam::{key.split(':')[4]}:root"}
    allow = {"Effect": "Allow", "Principal": account, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow, *more]})


def _deny(**condition: Any) -> dict[str, Any]:
    return {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "kms:GenerateDataKey",
        "Resource": "*",
        "Condition": {name.replace("__", ":"): value for name, value in condition.items()},
    }


def _use(service: Service, key: str) -> None:
    service.client.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=CONTEXT)


def test_a_key_without_a_policy_gets_the_default(service: Service, key: str):
    policy = json.loads(service.client.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    assert policy["Version"] == "2012-10-17"
    (statement,) = policy["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Allow", "kms:*", "*")
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{key.split(':')[4]}:root"}


def test_a_policy_is_kept(service: Service, key: str):
    policy = _policy(key, _deny(StringEquals={"kms:EncryptionContext:purpose": "other"}))
    service.client.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)
    assert json.loads(service.client.get_key_policy(KeyId=key, PolicyName="default")["Policy"]) == json.loads(policy)
    assert service.client.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]


def test_a_key_has_one_policy_name(service: Service, key: str):
    with refused("NotFoundException"):
        service.client.get_key_policy(KeyId=key, PolicyName="other")


def test_a_deny_wins_over_an_allow(service: Service, key: str):
    service.client.put_key_policy(KeyId=key, PolicyName="default", Policy=_policy(key, _deny()))
    with refused("AccessDeniedException"):
        _use(service, key)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"StringEquals": {"kms:EncryptionContext:purpose": "kek"}}, id="StringEquals"),
        pytest.param({"StringEquals": {"kms:encryptioncontext:PURPOSE": "kek"}}, id="key of another case"),
        pytest.param({"StringEquals": {"kms:EncryptionContext:purpose": ["x", "kek"]}}, id="one of several values"),
        pytest.param({"StringNotEquals": {"kms:EncryptionContext:purpose": "dek"}}, id="StringNotEquals"),
        pytest.param({"StringNotEquals": {"kms:EncryptionContext:absent": "x"}}, id="StringNotEquals, absent"),
        pytest.param({"StringEqualsIgnoreCase": {"kms:EncryptionContext:purpose": "KEK"}}, id="IgnoreCase"),
        pytest.param({"StringLike": {"kms:EncryptionContext:Tenant": "ac*"}}, id="StringLike *"),
        pytest.param({"StringLike": {"kms:EncryptionContext:Tenant": "a?me"}}, id="StringLike ?"),
        pytest.param({"StringNotLike": {"kms:EncryptionContext:Tenant": "b*"}}, id="StringNotLike"),
        pytest.param({"StringEqualsIfExists": {"kms:EncryptionContext:absent": "x"}}, id="IfExists, absent"),
        pytest.param({"Null": {"kms:EncryptionContext:absent": "true"}}, id="Null true"),
        pytest.param({"Null": {"kms:EncryptionContext:purpose": "false"}}, id="Null false"),
        pytest.param({"ForAnyValue__StringEquals": {"kms:EncryptionContextKeys": ["Tenant", "z"]}}, id="ForAnyValue"),
        pytest.param(
            {"ForAllValues__StringEquals": {"kms:EncryptionContextKeys": ["Tenant", "purpose", "z"]}}, id="ForAllValues"
        ),
        pytest.param({"ForAnyValue__StringNotEquals": {"kms:EncryptionContextKeys": ["Tenant"]}}, id="ForAny not"),
        pytest.param({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:*"}}, id="ArnLike"),
        pytest.param({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/x"}}, id="ArnNotLike"),
        pytest.param({"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}, id="kms:KeySpec"),
        pytest.param({"Null": {"kms:ViaService": "true"}}, id="no ViaService"),
    ],
)
def test_a_condition_that_holds_denies(service: Service, key: str, condition: dict[str, Any]):
    service.client.put_key_policy(KeyId=key, PolicyName="default", Policy=_policy(key, _deny(**condition)))
    with refused("AccessDeniedException"):
        _use(service, key)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"StringEquals": {"kms:EncryptionContext:purpose": "KEK"}}, id="StringEquals, other case"),
        pytest.param({"StringEquals": {"kms:EncryptionContext:absent": "x"}}, id="StringEquals, absent"),
        pytest.param({"StringEquals": {"kms:EncryptionContext:purpose": "k*"}}, id="StringEquals knows no *"),
        pytest.param({"StringNotEquals": {"kms:EncryptionContext:purpose": ["kek", "dek"]}}, id="StringNotEquals"),
        pytest.param({"StringLike": {"kms:EncryptionContext:Tenant": "AC*"}}, id="StringLike, other case"),
        pytest.param({"StringEqualsIfExists": {"kms:EncryptionContext:purpose": "x"}}, id="IfExists, present"),
        pytest.param({"Null": {"kms:EncryptionContext:purpose": "true"}}, id="Null true"),
        pytest.param({"ForAnyValue__StringEquals": {"kms:EncryptionContextKeys": ["tenant"]}}, id="ForAny, other case"),
        pytest.param({"ForAllValues__StringEquals": {"kms:EncryptionContextKeys": ["Tenant"]}}, id="ForAllValues"),
        pytest.param({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/x"}}, id="ArnEquals"),
        pytest.param({"StringEquals": {"kms:ViaService": "dynamodb.eu-central-1.amazonaws.com"}}, id="ViaService"),
        pytest.param(
            {
                "StringEquals": {"kms:EncryptionContext:purpose": "kek"},
                "Null": {"kms:EncryptionContext:Tenant": "true"},
            },
            id="one of two blocks",
        ),
    ],
)
def test_a_condition_that_does_not_hold_leaves_the_allow(service: Service, key: str, condition: dict[str, Any]):
    service.client.put_key_policy(KeyId=key, PolicyName="default", Policy=_policy(key, _deny(**condition)))
    _use(service, key)


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param("no json", id="not JSON"),
        pytest.param("[]", id="not an object"),
        pytest.param('{"Version":"2012-10-17"}', id="no statement"),
        pytest.param('{"Version":"2020-01-01","Statement":[]}', id="no such version"),
        pytest.param(
            '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}',
            id="no principal",
        ),
        pytest.param(
            '{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Principal":"*","Action":"kms:*","Resource":"*"}]}',
            id="no such effect",
        ),
    ],
)
def test_a_malformed_policy_is_refused(service: Service, key: str, policy: str):
    with refused("MalformedPolicyDocumentException"):
        service.client.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"StringAlmostEquals": {"kms:EncryptionContext:purpose": "kek"}}, id="no such operator"),
        pytest.param({"ForAllValues__StringEquals": {"kms:EncryptionContext:purpose": "kek"}}, id="overly permissive"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(service: Service, key: str, condition: dict[str, Any]):
    with refused("MalformedPolicyDocumentException"):
        service.client.put_key_policy(KeyId=key, PolicyName="default", Policy=_policy(key, _deny(**condition)))


def test_a_policy_that_locks_its_author_out_is_refused(service: Service, key: str):
    policy = json.loads(_policy(key))
    policy["Statement"][0]["Action"] = "kms:Describe*"
    with refused("MalformedPolicyDocumentException"):
        service.client.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    with refused("MalformedPolicyDocumentException"):
        service.client.create_key(Policy=json.dumps(policy))


def test_a_policy_has_at_most_32_kilobytes(service: Service, key: str):
    policy = json.loads(_policy(key))
    policy["Id"] = "x" * 33_000
    with refused("LimitExceededException", "ValidationException", "MalformedPolicyDocumentException"):
        service.client.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
