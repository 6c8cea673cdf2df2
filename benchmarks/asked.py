"""What a full read must ask DynamoDB for anyhow, through boto3 alone: the rows, the newest mark, and one append."""

import uuid
from collections.abc import Mapping
from typing import Any

from benchmarks.place import TENANT, Bench
from benchmarks.record import LEDGER
from twinvault.dynamodb.marks import head_mark_key
from twinvault.dynamodb.transaction import insert
from twinvault.scope import Scope


def partition_key(name: str, *, tenant: str = TENANT) -> str:
    """The key of a partition's rows."""
    return Scope(tenant, LEDGER.kind, name).pk


def rows(bench: Bench, pk: str) -> list[Mapping[str, Any]]:
    """All rows of a partition, by consistent Queries."""
    request: dict[str, Any] = {
        "TableName": bench.tables.records,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": pk}},
        "ConsistentRead": True,
    }
    found: list[Mapping[str, Any]] = []
    while True:
        answer = bench.plain.query(**request)
        found += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return found
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def newest_mark(bench: Bench, pk: str) -> None:
    """The newest mark of a partition."""
    bench.plain.query(
        TableName=bench.tables.marks,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": head_mark_key(pk)}},
        ConsistentRead=True,
        ScanIndexForward=False,
        Limit=1,
    )


class Append:
    """Appends what has the size of an audit entry of a read, as the library does: one INSERT in a transaction."""

    def __init__(self, bench: Bench, name: str) -> None:
        """`name` is a partition that is there: it is read once, for an entry to go by."""
        with bench.partition(name) as partition:
            partition.read()
        (chain,) = [one for one in _entries(bench) if '"action":"bench"' in one["entry"]["S"]][-1:]
        self._bench = bench
        self._entry = chain

    def __call__(self) -> None:
        """Append one."""
        item = {**self._entry, "pk": {"S": f"chain#{uuid.uuid4().hex}"}}
        statement = insert(self._bench.tables.audit, item)
        self._bench.plain.execute_transaction(
            TransactStatements=[{"Statement": statement.text, "Parameters": list(statement.parameters)}],
            ClientRequestToken=str(uuid.uuid4()),
        )


def _entries(bench: Bench) -> list[Mapping[str, Any]]:
    pages = bench.plain.get_paginator("scan").paginate(TableName=bench.tables.audit, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]
