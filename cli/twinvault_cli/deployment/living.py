"""What AWS tells of tables and keys, in the form in which the templates are told.

Source: DynamoDB API Reference (DescribeTable, DescribeContinuousBackups, DescribeTimeToLive, GetResourcePolicy,
ListTagsOfResource); AWS KMS API Reference (DescribeKey, GetKeyPolicy, GetKeyRotationStatus).
"""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from twinvault_cli.deployment import settings
from twinvault_cli.deployment.settings import Configured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

PERMISSIONS = (
    "cloudformation:ListStackResources",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:GetResourcePolicy",
    "dynamodb:ListTagsOfResource",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "lambda:GetAlias",
    "lambda:GetFunctionConfiguration",
)
_SYMMETRIC = "SYMMETRIC_DEFAULT"  # only these rotate
_ABSENT = frozenset({"ResourceNotFoundException", "NotFoundException", "ValidationException"})


def physical(cloudformation: "CloudFormationClient", stack: str) -> dict[str, str]:
    """What a stack made, by stack and logical id."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    listed = [one for page in pages for one in page["StackResourceSummaries"]]
    return {f"{stack}/{one['LogicalResourceId']}": one.get("PhysicalResourceId", "") for one in listed}


def table(dynamodb: "DynamoDBClient", name: str, arn: str) -> Configured | None:
    """A table's settings; None where there is none of this name."""
    try:
        described = dict(dynamodb.describe_table(TableName=name)["Table"])
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise
    return Configured(
        {
            **described_features(described),
            "expiry": expiry(dynamodb, name),
            "point-in-time recovery": _recovery(dynamodb, name),
            **_tags(dynamodb, arn),
        },
        settings.statements(_resource_policy(dynamodb, arn)),
    )


def described_features(table: "Mapping[str, Any]") -> dict[str, str]:
    """What DescribeTable alone tells."""
    indexes = {
        f"index {one['IndexName']}": settings.index(one) + _unless(one.get("IndexStatus", "ACTIVE"), "ACTIVE")
        for one in table.get("GlobalSecondaryIndexes", [])
    }
    encryption = table.get("SSEDescription", {})
    return {
        "key": settings.key_schema(table["KeySchema"]),
        **{f"attribute {one['AttributeName']}": one["AttributeType"] for one in table["AttributeDefinitions"]},
        **indexes,
        "billing": table.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "stream": table.get("StreamSpecification", {}).get("StreamViewType", settings.NONE),
        "encryption": encryption.get("KMSMasterKeyArn", settings.NONE)
        + _unless(encryption.get("Status", "ENABLED"), "ENABLED"),
        "deletion protection": settings.switch(on=bool(table.get("DeletionProtectionEnabled"))),
    }


def expiry(dynamodb: "DynamoDBClient", name: str) -> str:
    """The attribute by which rows expire."""
    told = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    enabled = told.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
    return told.get("AttributeName", settings.NONE) if enabled else settings.NONE


def key(kms: "KMSClient", key_id: str) -> Configured | None:
    """A key's settings; None where there is none of this id."""
    try:
        metadata = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise
    spec = metadata.get("KeySpec", _SYMMETRIC)
    rotates = "off"
    if spec == _SYMMETRIC:
        told = kms.get_key_rotation_status(KeyId=key_id)
        rotates = settings.rotation(on=told["KeyRotationEnabled"], days=told.get("RotationPeriodInDays"))
    policy = json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"])
    return Configured(
        {
            "state": metadata.get("KeyState", settings.NONE),
            "spec": spec,
            "usage": metadata.get("KeyUsage", settings.NONE),
            "rotation": rotates,
        },
        settings.statements(policy),
    )


def _recovery(dynamodb: "DynamoDBClient", name: str) -> str:
    told = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = told.get("PointInTimeRecoveryDescription", {})
    on = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
    return settings.recovery(on=on, days=recovery.get("RecoveryPeriodInDays"))


def _resource_policy(dynamodb: "DynamoDBClient", arn: str) -> dict[str, Any] | None:
    try:
        policy: dict[str, Any] = json.loads(dynamodb.get_resource_policy(ResourceArn=arn)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "PolicyNotFoundException":
            return None
        raise
    return policy


def _tags(dynamodb: "DynamoDBClient", arn: str) -> dict[str, str]:
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return {f"tag {one['Key']}": one["Value"] for page in pages for one in page["Tags"]}


def _unless(state: str, usual: str) -> str:
    return "" if state == usual else f" ({state})"
