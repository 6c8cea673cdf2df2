"""Conditions about what is asked, whence, when, and of which key: a Deny by each that holds, and by one that does not.

https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from mypy_boto3_kms.client import KMSClient

from tests.kms_conformance.service import Service, bare, refused

type Ask = Callable[[KMSClient, str], object]

TAG: Any = [{"TagKey": "team", "TagValue": "red"}]


def _policy(key: str, *more: dict[str, Any]) -> str:
    account = {"AWS": f"arn:aws:iam::{key.split(':')[4]}:root"}
    allow = {"Effect": "Allow", "Principal": account, "Action": "kms:*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow, *more]})


def _denied(service: Service, ask: Ask, action: str, condition: dict[str, Any], **asked: Any) -> None:
    """Put a policy that denies the action under this condition on a new key, and ask."""
    key = service.key(**asked)
    deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": action, "Resource": "*", "Condition": condition}
    service.client.put_key_policy(KeyId=bare(key), PolicyName="default", Policy=_policy(key, deny))
    ask(service.client, bare(key))


def _encrypt(client: KMSClient, key: str) -> object:
    return client.encrypt(KeyId=key, Plaintext=b"x")


def _rotate(client: KMSClient, key: str) -> object:
    return client.enable_key_rotation(KeyId=key, RotationPeriodInDays=200)


def _schedule(client: KMSClient, key: str) -> object:
    return client.schedule_key_deletion(KeyId=key, PendingWindowInDays=10)


def _tag(client: KMSClient, key: str) -> object:
    return client.tag_resource(KeyId=key, Tags=TAG)


def _untag(client: KMSClient, key: str) -> object:
    return client.untag_resource(KeyId=key, TagKeys=["team"])


def _wrap(client: KMSClient, key: str) -> object:
    return client.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )


# Action, request, what the key is made with, a condition that holds, and one that does not.
CASES: list[Any] = [
    pytest.param(
        ("kms:EnableKeyRotation", _rotate, {}),
        {"NumericGreaterThan": {"kms:RotationPeriodInDays": "199"}},
        {"NumericGreaterThan": {"kms:RotationPeriodInDays": "200"}},
        id="kms:RotationPeriodInDays",
    ),
    pytest.param(
        ("kms:EnableKeyRotation", lambda client, key: client.enable_key_rotation(KeyId=key), {}),
        {"NumericEquals": {"kms:RotationPeriodInDays": "365"}},
        {"NumericLessThan": {"kms:RotationPeriodInDays": "365"}},
        id="kms:RotationPeriodInDays by default",
    ),
    pytest.param(
        ("kms:ScheduleKeyDeletion", _schedule, {}),
        {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "21"}},
        {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "10"}},
        id="kms:ScheduleKeyDeletionPendingWindowInDays",
    ),
    pytest.param(
        ("kms:GetParametersForImport", _wrap, {"Origin": "EXTERNAL"}),
        {"StringEquals": {"kms:WrappingAlgorithm": "RSAES_OAEP_SHA_256"}},
        {"StringEquals": {"kms:WrappingAlgorithm": "RSAES_OAEP_SHA_1"}},
        id="kms:WrappingAlgorithm",
    ),
    pytest.param(
        ("kms:GetParametersForImport", _wrap, {"Origin": "EXTERNAL"}),
        {"StringEquals": {"kms:WrappingKeySpec": "RSA_2048"}},
        {"StringEquals": {"kms:WrappingKeySpec": "RSA_4096"}},
        id="kms:WrappingKeySpec",
    ),
    pytest.param(
        ("kms:Encrypt", _encrypt, {"MultiRegion": True}),
        {"Bool": {"kms:MultiRegion": "true"}},
        {"StringEquals": {"kms:MultiRegionKeyType": "REPLICA"}},
        id="kms:MultiRegion",
    ),
    pytest.param(
        ("kms:Encrypt", _encrypt, {"Tags": TAG}),
        {"StringEquals": {"aws:ResourceTag/team": "red"}},
        {"StringEquals": {"aws:ResourceTag/team": "blue"}},
        id="aws:ResourceTag",
    ),
    pytest.param(
        ("kms:TagResource", _tag, {}),
        {"StringLike": {"aws:RequestTag/team": "r*"}},
        {"StringLike": {"aws:RequestTag/team": "b*"}},
        id="aws:RequestTag",
    ),
    pytest.param(
        ("kms:UntagResource", _untag, {"Tags": TAG}),
        {"ForAnyValue:StringEquals": {"aws:TagKeys": ["team"]}},
        {"ForAnyValue:StringEquals": {"aws:TagKeys": ["cost"]}},
        id="aws:TagKeys",
    ),
    pytest.param(
        ("kms:Encrypt", _encrypt, {}),
        {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        id="aws:SourceIp",
    ),
    pytest.param(
        ("kms:Encrypt", _encrypt, {}),
        {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
        id="aws:CurrentTime",
    ),
    pytest.param(
        ("kms:Encrypt", _encrypt, {}),
        {"NumericGreaterThan": {"aws:EpochTime": "1577836800"}},
        {"NumericLessThan": {"aws:EpochTime": "1577836800"}},
        id="aws:EpochTime",
    ),
    pytest.param(
        ("kms:Encrypt", _encrypt, {}),
        {"StringNotEquals": {"aws:RequestedRegion": "mars-north-1"}},
        {"StringEquals": {"aws:RequestedRegion": "mars-north-1"}},
        id="aws:RequestedRegion",
    ),
    pytest.param(
        ("kms:Encrypt", _encrypt, {}),
        {"Bool": {"aws:SecureTransport": "true"}},
        {"Bool": {"aws:SecureTransport": "false"}},
        id="aws:SecureTransport",
    ),
    pytest.param(
        ("kms:Encrypt", _encrypt, {}),
        {"StringNotEquals": {"aws:SourceVpce": "vpce-0"}},
        {"StringEquals": {"aws:SourceVpce": "vpce-0"}},
        id="aws:SourceVpce",
    ),
    pytest.param(
        ("kms:Encrypt", _encrypt, {}),
        {"Bool": {"aws:ViaAWSService": "false"}},
        {"Bool": {"aws:ViaAWSService": "true"}},
        id="aws:ViaAWSService",
    ),
]


@pytest.mark.parametrize(("asked", "holds", "does_not"), CASES)
def test_a_deny_whose_condition_holds_denies(
    service: Service, asked: tuple[str, Ask, dict[str, Any]], holds: dict[str, Any], does_not: dict[str, Any]
):
    action, ask, key = asked
    with refused("AccessDeniedException"):
        _denied(service, ask, action, holds, **key)


@pytest.mark.parametrize(("asked", "holds", "does_not"), CASES)
def test_a_deny_whose_condition_does_not_hold_denies_nothing(
    service: Service, asked: tuple[str, Ask, dict[str, Any]], holds: dict[str, Any], does_not: dict[str, Any]
):
    action, ask, key = asked
    _denied(service, ask, action, does_not, **key)


@pytest.mark.parametrize("element", ["Action", "Resource"])
def test_a_statement_without_one_of_its_elements_is_taken_and_has_no_effect(service: Service, key: str, element: str):
    deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "kms:Encrypt", "Resource": "*"}
    del deny[element]
    service.client.put_key_policy(KeyId=bare(key), PolicyName="default", Policy=_policy(key, deny))
    service.client.encrypt(KeyId=key, Plaintext=b"x")


def test_a_tag_of_the_key_may_be_a_variable(service: Service):
    condition = {"StringEquals": {"aws:RequestTag/team": "${aws:ResourceTag/team}"}}
    with refused("AccessDeniedException"):
        _denied(service, _tag, "kms:TagResource", condition, Tags=TAG)


@pytest.mark.parametrize("name", ["alias/aws/s3", "alias/aws/ebs", "alias/aws/secretsmanager"])
def test_describing_an_alias_of_aws_makes_its_key(service: Service, name: str):
    described = service.describe(name)
    assert (described["KeyManager"], described["KeySpec"]) == ("AWS", "SYMMETRIC_DEFAULT")
    assert service.describe(name)["KeyId"] == described["KeyId"]
    with refused("AccessDeniedException"):
        service.client.schedule_key_deletion(KeyId=described["KeyId"])
