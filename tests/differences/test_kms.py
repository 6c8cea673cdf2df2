"""Where the local KMS differs from AWS KMS (docs/differences.md): each test fails when that changes."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

ROOT_ONLY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "kms:*", "Resource": "*"}
    ],
}


@pytest.fixture(scope="module")
def key(kms_endpoint: str, aws: dict[str, Any]) -> Iterator[str]:
    """A key whose policy leaves everything to the account: on AWS, to IAM."""
    kms = boto3.client("kms", endpoint_url=kms_endpoint, **aws)
    yield kms.create_key(Policy=json.dumps(ROOT_ONLY))["KeyMetadata"]["KeyId"]
    kms.close()


def test_a_session_token_is_neither_needed_nor_verified(kms_endpoint: str, key: str, aws: dict[str, Any]) -> None:
    for token in (None, "any"):
        kms = boto3.client("kms", endpoint_url=kms_endpoint, aws_session_token=token, **aws)
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["AWSAccountId"] == "000000000000"
        kms.close()
