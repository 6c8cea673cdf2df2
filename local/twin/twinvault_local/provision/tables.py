"""Tables made from the template: the same keys, indexes, streams and protection, in DynamoDB Local.

What DynamoDB Local has no operation for, or accepts and ignores, stands in LEFT_OUT by name (docs/differences.md);
resource policies and keys among it are the gate's to enforce. A property in neither list is refused: nothing of the
template is dropped unnoticed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twinvault_local.errors import TemplateError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

TABLE, GLOBAL_TABLE = "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"
LEFT_OUT = frozenset(
    {
        "ContributorInsightsSpecification",
        "PointInTimeRecoverySpecification",
        "ReplicaStreamSpecification",
        "ResourcePolicy",
        "SSESpecification",
        "TableClass",
        "Tags",
        "WarmThroughput",
    }
)
_INDEXES = "GlobalSecondaryIndexes"
_MADE = frozenset(
    {
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        _INDEXES,
        "KeySchema",
        "StreamSpecification",
        "TableName",
        "TimeToLiveSpecification",
    }
)
_INDEX_MADE = frozenset({"IndexName", "KeySchema", "Projection"})


def supported_properties(properties: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The properties of a Table or a GlobalTable as one flat set, a GlobalTable's only replica folded in.

    Raises:
        TemplateError: a property that the twin does not know, more than one replica, or provisioned capacity.
    """
    replicas = properties.get("Replicas", [{}])
    if len(replicas) != 1:
        raise TemplateError(f"{where}: the twin makes tables of one region, not {len(replicas)} replicas.")
    table = {name: value for name, value in properties.items() if name != "Replicas"}
    # A replica names the indexes once more, to say of each what LEFT_OUT holds.
    replica = {name: value for name, value in replicas[0].items() if name not in {"Region", _INDEXES}}
    indexes = [*table.get(_INDEXES, []), *replicas[0].get(_INDEXES, [])]
    flat = table | replica
    strange = sorted(flat.keys() - _MADE - LEFT_OUT)
    strange += sorted({name for index in indexes for name in index} - _INDEX_MADE - LEFT_OUT)
    if strange:
        raise TemplateError(f"{where}: the twin does not know {', '.join(strange)}.")
    if flat.get("BillingMode") != "PAY_PER_REQUEST":
        raise TemplateError(f"{where}: BillingMode must be PAY_PER_REQUEST.")
    return {name: value for name, value in flat.items() if name in _MADE}


def policy_and_key(properties: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The resource policy of a Table or of a GlobalTable's only replica, and the key that it is encrypted under.

    Raises:
        TemplateError: its stream has a policy of its own, which the twin does not enforce.
    """
    replica = properties.get("Replicas", [{}])[0]
    flat = {**properties, **replica}
    for stream in ("StreamSpecification", "ReplicaStreamSpecification"):
        if "ResourcePolicy" in flat.get(stream, {}):
            raise TemplateError(f"{where}: the twin enforces no policies of streams.")
    found = {"ResourcePolicy": flat["ResourcePolicy"]} if "ResourcePolicy" in flat else {}
    key = flat.get("SSESpecification", {}).get("KMSMasterKeyId")
    return found if key is None else {**found, "KMSMasterKeyId": key}


def physical_name(stack: str, logical_id: str) -> str:
    """A name such as CloudFormation generates, and the same each time: a crash leaves no orphan."""
    suffix = hashlib.sha256(f"{stack}/{logical_id}".encode()).hexdigest()[:12].upper()
    return f"{stack}-{logical_id}-{suffix}"


def existing(dynamodb: "DynamoDBClient") -> set[str]:
    """The names of all tables."""
    return {name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]}


def make(dynamodb: "DynamoDBClient", name: str, table: Mapping[str, Any]) -> None:
    """Create the table; it is active when this returns."""
    arguments: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": table["KeySchema"],
        "AttributeDefinitions": table["AttributeDefinitions"],
        "DeletionProtectionEnabled": bool(table.get("DeletionProtectionEnabled", False)),
    }
    if indexes := table.get(_INDEXES):
        arguments[_INDEXES] = [
            {part: value for part, value in index.items() if part in _INDEX_MADE} for index in indexes
        ]
    if stream := table.get("StreamSpecification"):
        arguments["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["StreamViewType"]}
    dynamodb.create_table(**arguments)
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def adjust(dynamodb: "DynamoDBClient", name: str, table: Mapping[str, Any]) -> None:
    """Bring to the template's state what CloudFormation too changes in place and without touching data."""
    protected = bool(table.get("DeletionProtectionEnabled", False))
    if bool(dynamodb.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled")) != protected:
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=protected)
    expiry = table.get("TimeToLiveSpecification")
    if expiry is not None:
        now = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        enabled = now.get("TimeToLiveStatus") in {"ENABLED", "ENABLING"}
        if enabled != expiry["Enabled"] or (enabled and now.get("AttributeName") != expiry["AttributeName"]):
            dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)


def differences(dynamodb: "DynamoDBClient", name: str, table: Mapping[str, Any]) -> list[str]:
    """Where the table as it is differs from the template in what cannot be changed in place, each as a phrase."""
    is_, should = _features(dict(dynamodb.describe_table(TableName=name)["Table"])), _features(table)
    return [
        f"{feature}: the table has {is_.get(feature, 'none')}, the template {should.get(feature, 'none')}"
        for feature in sorted(is_.keys() | should.keys())
        if is_.get(feature) != should.get(feature)
    ]


def _features(table: Mapping[str, Any]) -> dict[str, str]:
    features = {"key": _keys(table["KeySchema"])}
    for attribute in table["AttributeDefinitions"]:
        features[f"attribute {attribute['AttributeName']}"] = attribute["AttributeType"]
    for index in table.get(_INDEXES, []):
        projection = index.get("Projection", {})
        others = sorted(projection.get("NonKeyAttributes", []))
        shown = " ".join([_keys(index["KeySchema"]), projection.get("ProjectionType", "ALL"), *others])
        features[f"index {index['IndexName']}"] = shown
    if stream := table.get("StreamSpecification"):
        features["stream"] = stream["StreamViewType"]
    return features


def _keys(schema: Sequence[Mapping[str, str]]) -> str:
    return "(" + ", ".join(f"{part['AttributeName']} {part['KeyType']}" for part in schema) + ")"
