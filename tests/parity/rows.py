"""A partition of one check's own, in the suite's table: its statements, and what stands in it."""

import uuid
from typing import Any

from tests.parity.refusals import refused


class Rows:
    """One partition."""

    def __init__(self, table: str, dynamodb: Any) -> None:
        self.table, self.dynamodb, self.pk = table, dynamodb, {"S": f"parity#{uuid.uuid4()}"}

    def key(self, sk: str) -> dict[str, Any]:
        return {"pk": self.pk, "sk": {"S": sk}}

    def item(self, sk: str, **more: Any) -> dict[str, Any]:
        return {**self.key(sk), **more}

    def put(self, sk: str, **more: Any) -> None:
        self.dynamodb.put_item(TableName=self.table, Item=self.item(sk, **more))

    def get(self, sk: str) -> dict[str, Any] | None:
        answer = self.dynamodb.get_item(TableName=self.table, Key=self.key(sk), ConsistentRead=True)
        found: dict[str, Any] | None = answer.get("Item")
        return found

    def all(self) -> list[dict[str, Any]]:
        """Every row, in the order of sort keys."""
        return [item for page in self.pages() for item in page["Items"]]

    def pages(self) -> list[dict[str, Any]]:
        """The answers of a query of the whole partition."""
        return list(
            self.dynamodb.get_paginator("query").paginate(
                TableName=self.table,
                ConsistentRead=True,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": self.pk},
            )
        )

    def insert(self, sk: str, **more: Any) -> dict[str, Any]:
        item = self.item(sk, **more)
        names = ", ".join(f"'{name}': ?" for name in item)
        return self._statement(f'INSERT INTO "{self.table}" VALUE {{{names}}}', *item.values())

    def add_one(self, sk: str, *, where: str = "", values: tuple[Any, ...] = ()) -> dict[str, Any]:
        """UPDATE, which needs the row to be there."""
        text = f'UPDATE "{self.table}" SET n = n + 1 WHERE pk = ? AND sk = ?{where}'  # noqa: S608  # our own table
        return self._statement(text, self.pk, {"S": sk}, *values)

    def delete(self, sk: str) -> dict[str, Any]:
        text = f'DELETE FROM "{self.table}" WHERE pk = ? AND sk = ?'  # noqa: S608  # our own table
        return self._statement(text, self.pk, {"S": sk})

    def commit(self, *statements: dict[str, Any], token: str | None = None) -> None:
        more = {"ClientRequestToken": token} if token else {}
        self.dynamodb.execute_transaction(TransactStatements=list(statements), **more)

    def cancelled(self, *statements: dict[str, Any]) -> list[dict[str, Any]]:
        """The reasons with which a transaction of these is cancelled, by position; nothing of it may be there."""
        with refused("TransactionCanceledException") as caught:
            self.commit(*statements)
        reasons: list[dict[str, Any]] = caught.value.response["CancellationReasons"]
        return reasons

    def _statement(self, text: str, *parameters: Any) -> dict[str, Any]:
        return {
            "Statement": text,
            "Parameters": list(parameters),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
