"""The stage's tables as the template made them, indexes with several key attributes, streams, deletion protection.

DynamoDB API Reference, "DescribeTable", "DescribeContinuousBackups", "GetResourcePolicy"; Developer Guide, "Using
global secondary indexes", "Change data capture for DynamoDB Streams", "Using deletion protection".
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.parity.refusals import refused
from tests.parity.rows import Rows
from tests.parity.target import TABLES, Expectations, Target
from tests.parity.templates import table_properties

pytestmark = pytest.mark.xdist_group("parity")

UNKNOWN = "tests/differences/test_dynamodb.py::test_an_operation_is_unknown"
DEADLINE_SECONDS = 60


@pytest.mark.parametrize("logical", TABLES)
def test_a_table_is_as_the_template_says(target: Target, dynamodb: Any, logical: str) -> None:
    said, found = table_properties(target, logical), dynamodb.describe_table(TableName=target.table(logical))["Table"]
    assert found["TableStatus"] == "ACTIVE"
    assert found["KeySchema"] == said["KeySchema"]
    assert _by_name(found["AttributeDefinitions"]) == _by_name(said["AttributeDefinitions"])
    assert found["BillingModeSummary"]["BillingMode"] == said["BillingMode"] == "PAY_PER_REQUEST"
    assert found["DeletionProtectionEnabled"] is said["Replica"]["DeletionProtectionEnabled"] is True
    assert found.get("StreamSpecification", {}).get("StreamViewType") == said.get("StreamSpecification", {}).get(
        "StreamViewType"
    )
    known = ("IndexName", "KeySchema", "Projection")
    made = {
        index["IndexName"]: {name: index[name] for name in known} for index in found.get("GlobalSecondaryIndexes", [])
    }
    assert made == {index["IndexName"]: index for index in said.get("GlobalSecondaryIndexes", [])}


@pytest.mark.parametrize("logical", TABLES)
def test_a_table_is_named_by_its_arn(target: Target, dynamodb: Any, expect: Expectations, logical: str) -> None:
    found = dynamodb.describe_table(TableName=target.table(logical))["Table"]["TableArn"]
    arn, line = target.table_arn(logical), "tests/differences/test_dynamodb.py::test_an_arn_names_no_region"
    assert found == expect.either(aws=arn, twin=arn.replace(f":{target.region}:", ":ddblocal:"), line=line)


@pytest.mark.parametrize("logical", TABLES)
def test_rows_expire_where_the_template_says_and_nowhere_else(target: Target, dynamodb: Any, logical: str) -> None:
    said = table_properties(target, logical).get("TimeToLiveSpecification", {"Enabled": False})
    found = dynamodb.describe_time_to_live(TableName=target.table(logical))["TimeToLiveDescription"]
    assert (found["TimeToLiveStatus"] == "ENABLED") is said["Enabled"]
    assert found.get("AttributeName") == said.get("AttributeName")


@pytest.mark.parametrize("logical", TABLES)
def test_a_table_can_be_restored_for_as_long_as_the_template_says(
    target: Target, dynamodb: Any, expect: Expectations, logical: str
) -> None:
    said = table_properties(target, logical)["Replica"]["PointInTimeRecoverySpecification"]
    if not expect.either(aws=True, twin=False, line=UNKNOWN):
        with refused("UnknownOperationException"):
            dynamodb.describe_continuous_backups(TableName=target.table(logical))
        return
    answer = dynamodb.describe_continuous_backups(TableName=target.table(logical))
    found = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert found["PointInTimeRecoveryStatus"] == "ENABLED"
    assert found["RecoveryPeriodInDays"] == said["RecoveryPeriodInDays"]


@pytest.mark.parametrize("logical", TABLES)
def test_a_table_is_encrypted_under_the_table_key(
    target: Target, dynamodb: Any, expect: Expectations, logical: str
) -> None:
    found = dynamodb.describe_table(TableName=target.table(logical))["Table"]
    line = "tests/differences/test_dynamodb.py::test_encryption_at_rest_is_accepted_and_ignored"
    expected = expect.either(aws=("ENABLED", "KMS", target.key("Table")), twin=(None, None, None), line=line)
    at_rest = found.get("SSEDescription", {})
    assert tuple(at_rest.get(name) for name in ("Status", "SSEType", "KMSMasterKeyArn")) == expected


@pytest.mark.parametrize("logical", TABLES)
def test_a_table_has_the_policy_of_its_template(
    target: Target, dynamodb: Any, expect: Expectations, logical: str
) -> None:
    said = table_properties(target, logical)["Replica"].get("ResourcePolicy", {}).get("PolicyDocument")
    arn = target.table_arn(logical)
    if not expect.either(aws=True, twin=False, line=UNKNOWN):
        with refused("UnknownOperationException"):
            dynamodb.get_resource_policy(ResourceArn=arn)
    elif said is None:
        with refused("PolicyNotFoundException"):
            dynamodb.get_resource_policy(ResourceArn=arn)
    else:
        assert json.loads(dynamodb.get_resource_policy(ResourceArn=arn)["Policy"])["Statement"] == said["Statement"]


def test_an_index_of_several_attributes_is_asked_by_all_of_its_partition_key(rows: Rows) -> None:
    for number, status in enumerate(("open", "open", "closed")):
        listed = {"tenant_id": rows.pk, "list_kind": {"S": "k"}, "list_status": {"S": status}}
        rows.put(f"{number}", **listed, list_at={"S": f"{number}"})
    rows.put("not listed", tenant_id=rows.pk)
    both = "tenant_id = :t AND list_kind = :k"
    _until(lambda: len(_listed(rows, both)) == 3)
    assert [item["sk"]["S"] for item in _listed(rows, f"{both} AND list_status = :s")] == ["0", "1"]
    assert [item["sk"]["S"] for item in _listed(rows, f"{both} AND list_status = :s AND list_at > :a")] == ["1"]
    known = {"pk", "sk", "tenant_id", "list_kind", "list_status", "list_at"}
    assert all(set(item) == known for item in _listed(rows, both)), "keys alone"


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("tenant_id = :t", id="half of the partition key"),
        pytest.param("tenant_id = :t AND list_kind > :k", id="a range of the partition key"),
        pytest.param("tenant_id = :t AND list_kind = :k AND list_at > :a", id="a part of the sort key left out"),
    ],
)
def test_an_index_of_several_attributes_is_asked_from_left_to_right(rows: Rows, condition: str) -> None:
    with refused("ValidationException"):
        _listed(rows, condition)


def test_an_index_is_not_read_consistently(rows: Rows) -> None:
    with refused("ValidationException"):
        _listed(rows, "tenant_id = :t AND list_kind = :k", ConsistentRead=True)


def test_a_table_that_is_protected_is_not_deleted(rows: Rows) -> None:
    with refused("ValidationException"):
        rows.dynamodb.delete_table(TableName=rows.table)
    assert rows.dynamodb.describe_table(TableName=rows.table)["Table"]["TableStatus"] == "ACTIVE"


def test_the_stream_tells_each_change_in_order_with_the_new_image_alone(target: Target, rows: Rows) -> None:
    described = rows.dynamodb.describe_table(TableName=rows.table)["Table"]
    if "LatestStreamArn" not in described:
        pytest.skip("no table of this stage has a stream")
    rows.commit(rows.insert("one", n={"N": "1"}))
    rows.commit(rows.add_one("one"))
    rows.commit(rows.delete("one"))
    client = target.client("dynamodbstreams")
    found: list[dict[str, Any]] = []

    def all_told() -> bool:
        found[:] = [
            one for one in _told(client, described["LatestStreamArn"]) if one["dynamodb"]["Keys"] == rows.key("one")
        ]
        return len(found) == 3

    _until(all_told)
    client.close()
    assert [one["eventName"] for one in found] == ["INSERT", "MODIFY", "REMOVE"]
    assert [one["dynamodb"].get("NewImage", {}).get("n") for one in found] == [{"N": "1"}, {"N": "2"}, None]
    assert all(one["dynamodb"]["StreamViewType"] == "NEW_IMAGE" for one in found)
    assert not any("OldImage" in one["dynamodb"] for one in found)


def _by_name(definitions: list[dict[str, str]]) -> dict[str, str]:
    return {one["AttributeName"]: one["AttributeType"] for one in definitions}


def _listed(rows: Rows, condition: str, **options: Any) -> list[dict[str, Any]]:
    values = {":t": rows.pk, ":k": {"S": "k"}, ":s": {"S": "open"}, ":a": {"S": "0"}}
    used = {name: value for name, value in values.items() if name in condition.split() or f"{name})" in condition}
    answer = rows.dynamodb.query(
        TableName=rows.table,
        IndexName="ByList",
        KeyConditionExpression=condition,
        ExpressionAttributeValues=used,
        **options,
    )
    found: list[dict[str, Any]] = answer["Items"]
    return found


def _told(client: Any, stream: str) -> Iterator[dict[str, Any]]:
    """Everything that a stream tells by now, shard by shard."""
    shards = client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    for shard in shards:
        iterator = client.get_shard_iterator(
            StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        empty = 0
        while iterator and empty < 2:  # a page may be empty before the end
            answer = client.get_records(ShardIterator=iterator)
            yield from answer["Records"]
            empty = 0 if answer["Records"] else empty + 1
            iterator = answer.get("NextShardIterator")


def _until(holds: Any) -> None:
    """Indexes and streams follow their table within moments, and nobody promises when."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not follow in time"
        time.sleep(0.2)
