"""Where DynamoDB Local differs from DynamoDB (docs/differences.md): each test fails when the engine changes."""

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

NAME = "tests-differences"
KEYS = [("pk", "HASH"), ("sk", "RANGE")]


@pytest.fixture(scope="module")
def dynamodb(dynamodb_endpoint: str, aws: dict[str, Any]) -> Iterator[Any]:
    client = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, config=Config(max_pool_connections=16), **aws)
    yield client
    client.close()


@pytest.fixture(scope="module")
def table(dynamodb: Any) -> Iterator[str]:
    name = f"{NAME}-{uuid.uuid4()}"
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": attribute, "KeyType": kind} for attribute, kind in KEYS],
        AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"} for attribute, _ in KEYS],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "alias/no-such-key"},
    )
    yield name
    dynamodb.delete_table(TableName=name)


def insert(table: str, sk: str, **more: Any) -> dict[str, Any]:
    value = {"pk": {"S": "a"}, "sk": {"S": sk}, **more}
    names = ", ".join(f"'{name}': ?" for name in value)
    return {
        "Statement": f'INSERT INTO "{table}" VALUE {{{names}}}',
        "Parameters": list(value.values()),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def cancelled(dynamodb: Any, *statements: dict[str, Any]) -> list[dict[str, Any]]:
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.execute_transaction(TransactStatements=list(statements))
    reasons: list[dict[str, Any]] = caught.value.response["CancellationReasons"]
    return reasons


def test_a_duplicate_insert_in_a_transaction_is_a_validation_error_without_the_old_item(
    dynamodb: Any, table: str
) -> None:
    dynamodb.execute_transaction(TransactStatements=[insert(table, "duplicate")])
    [reason] = cancelled(dynamodb, insert(table, "duplicate"))
    assert reason["Code"] == "ValidationError"  # DynamoDB: DuplicateItem
    assert "Item" not in reason


def test_a_duplicate_insert_alone_has_another_code(dynamodb: Any, table: str) -> None:
    dynamodb.execute_statement(**insert(table, "alone"))
    with pytest.raises(ClientError) as caught:
        dynamodb.execute_statement(**insert(table, "alone"))
    assert caught.value.response["Error"]["Code"] == "DuplicateItem"  # DynamoDB: DuplicateItemException


def test_a_transactions_token_may_be_longer_than_36_characters(dynamodb: Any, table: str) -> None:
    statement = insert(table, str(uuid.uuid4()))
    dynamodb.execute_transaction(TransactStatements=[statement], ClientRequestToken="x" * 37)


def test_an_item_over_400_kb_in_a_transaction_is_cancelled_with_a_validation_error(dynamodb: Any, table: str) -> None:
    [reason] = cancelled(dynamodb, insert(table, "large", b={"B": b"x" * 410_000}))
    assert reason["Code"] == "ValidationError"


def test_a_transaction_reports_no_consumed_capacity(dynamodb: Any, table: str) -> None:
    answer = dynamodb.execute_transaction(
        TransactStatements=[insert(table, str(uuid.uuid4()))], ReturnConsumedCapacity="TOTAL"
    )
    assert "ConsumedCapacity" not in answer


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda d, t: d.describe_continuous_backups(TableName=t), id="point-in-time recovery"),
        pytest.param(lambda d, t: d.list_tags_of_resource(ResourceArn=arn(d, t)), id="tags"),
        pytest.param(lambda d, t: d.get_resource_policy(ResourceArn=arn(d, t)), id="resource policies"),
    ],
)
def test_an_operation_is_unknown(dynamodb: Any, table: str, call: Callable[[Any, str], Any]) -> None:
    with pytest.raises(ClientError) as caught:
        call(dynamodb, table)
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


def arn(dynamodb: Any, table: str) -> str:
    return str(dynamodb.describe_table(TableName=table)["Table"]["TableArn"])


def test_encryption_at_rest_is_accepted_and_ignored(dynamodb: Any, table: str) -> None:
    assert "SSEDescription" not in dynamodb.describe_table(TableName=table)["Table"]


def test_an_arn_names_no_region(dynamodb: Any, table: str) -> None:
    assert arn(dynamodb, table) == f"arn:aws:dynamodb:ddblocal:000000000000:table/{table}"


def test_whoever_calls_may_do_everything(dynamodb_endpoint: str, table: str, aws: dict[str, Any]) -> None:
    anybody = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, **(aws | {"aws_secret_access_key": "another"}))
    anybody.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": "by anybody"}})
    anybody.close()


@pytest.mark.parametrize("other", [{"aws_access_key_id": "SOMEBODYELSE"}, {"region_name": "us-east-1"}])
def test_each_access_key_id_has_tables_of_its_own_in_each_region(
    dynamodb_endpoint: str, table: str, aws: dict[str, Any], other: dict[str, str]
) -> None:
    elsewhere = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, **(aws | other))
    assert table not in elsewhere.list_tables()["TableNames"]
    elsewhere.close()


def test_an_access_key_id_must_be_letters_and_digits(dynamodb_endpoint: str, aws: dict[str, Any]) -> None:
    odd = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, **(aws | {"aws_access_key_id": "made-up"}))
    with pytest.raises(ClientError):
        odd.list_tables()
    odd.close()


def test_transactions_on_one_item_never_conflict(dynamodb: Any, table: str) -> None:
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": "contended"}, "n": {"N": "0"}})
    statement = {
        "Statement": f"UPDATE \"{table}\" SET n = n + 1 WHERE pk = 'a' AND sk = 'contended'"  # noqa: S608  # our own table
    }
    failures: list[Exception] = []

    def write() -> None:
        for _ in range(10):
            try:
                dynamodb.execute_transaction(TransactStatements=[statement])
            except ClientError as error:
                failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    row = dynamodb.get_item(TableName=table, Key={"pk": {"S": "a"}, "sk": {"S": "contended"}}, ConsistentRead=True)
    assert row["Item"]["n"] == {"N": "80"}


def test_it_listens_on_every_interface(dynamodb_endpoint: str) -> None:
    port = int(dynamodb_endpoint.rpartition(":")[2])
    addresses = {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }
    assert addresses & {"0.0.0.0", "::"}  # noqa: S104  # what the engine does, not what we do
