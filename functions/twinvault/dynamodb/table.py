"""Strongly consistent reads of one table, and pages of its indexes."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any, cast

from twinvault.causes import Cause, Trouble
from twinvault.deadlines import Pauses, keep_deadlines
from twinvault.dynamodb.calls import read
from twinvault.errors import DependencyError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from twinvault.envelope.item import Item

BATCH_LIMIT = 100  # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
MAX_TOGETHER = 100  # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html


@dataclass(frozen=True, slots=True)
class TableNames:
    """The physical names of the tables of one store."""

    records: str
    keys: str
    marks: str
    audit: str


@dataclass(frozen=True, slots=True)
class ItemPage:
    """Items, or keys of an index, of one page, and where the next one begins (None at the end)."""

    items: "list[Item]"
    next_key: "Item | None"


class Table:
    """Strongly consistent reads of one table, by key."""

    def __init__(self, client: "DynamoDBClient", name: str, *, sleep: Callable[[float], None]) -> None:
        keep_deadlines(client)
        self._client = client
        self.name = name
        self._sleep = sleep

    def get(self, pk: str, sk: str) -> "Item | None":
        """The item, or None.

        Raises:
            DependencyError: the table cannot be read now.
        """
        answer = self._call(
            self._client.get_item, TableName=self.name, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ConsistentRead=True
        )
        return cast("Item | None", answer.get("Item"))

    def get_isolated(self, pk: str, sk: str) -> "Item | None":
        """The item, or None, as no transaction in flight is half done: what a Query may see half of, this does not.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html

        Raises:
            Contention: a transaction that changes it is under way.
            DependencyError: the table cannot be read now.
        """
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        answer = self._call(
            self._client.transact_get_items, TransactItems=[{"Get": {"TableName": self.name, "Key": key}}]
        )
        return cast("Item | None", answer["Responses"][0].get("Item"))

    def get_together(self, keys: Sequence[tuple[str, str]]) -> "list[Item]":
        """The items of these (pk, sk) (at most `MAX_TOGETHER`) that are there, all of one moment.

        Raises:
            TooLarge: together they are over 4 MB.
            Contention, DependencyError: as for `get_isolated`.
        """
        gets = [{"Get": {"TableName": self.name, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}} for pk, sk in keys]
        answer = self._call(self._client.transact_get_items, TransactItems=gets)
        return [found["Item"] for found in answer["Responses"] if "Item" in found]

    def last(self, pk: str) -> "Item | None":
        """The item with the greatest sort key of a partition, or None."""
        answer = self._call(
            self._client.query,
            TableName=self.name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        return cast("Item | None", next(iter(answer["Items"]), None))

    def query(self, pk: str, prefix: str = "", *, limit: int | None = None) -> "list[Item]":
        """All items of a partition whose sort key begins with `prefix`, in order, all pages; or the first `limit`."""
        return self._all(pk, "begins_with(sk, :prefix)" if prefix else "", values={":prefix": prefix}, limit=limit)

    def page(self, pk: str, prefix: str, *, limit: int, after: str | None) -> ItemPage:
        """The next items, at most `limit`, whose sort keys begin with `prefix` and come after `after`, in order."""
        request = self._in_partition(pk, "begins_with(sk, :prefix)" if prefix else "", values={":prefix": prefix})
        if after is not None:
            request["ExclusiveStartKey"] = {"pk": {"S": pk}, "sk": {"S": after}}
        answer = self._call(self._client.query, **request, Limit=limit)
        return ItemPage(answer["Items"], answer.get("LastEvaluatedKey"))

    def pages(self, pk: str, *, size: int, beside: Executor) -> "Generator[Sequence[Item]]":
        """All items of a partition, in order, at most `size` at once; while one page is used the next is asked for.

        To be closed by whoever does not take all: nothing may go on after its request has ended.
        """
        page = self.page(pk, "", limit=size, after=None)
        while page.next_key is not None:
            following = beside.submit(copy_context().run, self.page, pk, "", limit=size, after=page.next_key["sk"]["S"])
            try:
                yield page.items
            finally:
                following.exception()  # waits for it, however it ends
            page = following.result()
        yield page.items

    def query_range(self, pk: str, first: str, *, last: str, limit: int) -> "list[Item]":
        """The items of a partition whose sort keys lie from `first` to `last`, in order, at most `limit`."""
        return self._all(pk, "sk BETWEEN :first AND :last", values={":first": first, ":last": last}, limit=limit)

    def batch_get(self, keys: Sequence[tuple[str, str]]) -> "dict[tuple[str, str], Item]":
        """The items of these (pk, sk), any number of them, that exist.

        Raises:
            DependencyError: the table cannot be read now, or kept leaving keys unprocessed until the deadline.
        """
        found: dict[tuple[str, str], Item] = {}
        # DynamoDB refuses a request that names a key twice.
        for chunk in batched(dict.fromkeys(keys), BATCH_LIMIT):
            found |= self._batch_get(chunk)
        return found

    def _batch_get(self, keys: Sequence[tuple[str, str]]) -> "dict[tuple[str, str], Item]":
        unread: list[Mapping[str, Any]] = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys]
        found: dict[tuple[str, str], Item] = {}
        pauses = Pauses(self._sleep)
        while True:
            answer = self._call(
                self._client.batch_get_item, RequestItems={self.name: {"Keys": unread, "ConsistentRead": True}}
            )
            for item in answer["Responses"].get(self.name, []):
                found[item["pk"]["S"], item["sk"]["S"]] = item
            left = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            if not left:
                return found
            if not pauses.wait() and len(left) == len(unread):
                raise DependencyError(
                    "the store is busy", cause=Cause(Trouble.THROTTLED, "BatchGetItem", "unprocessed")
                )
            unread = left

    def scan(self, names: Sequence[str]) -> "Iterator[Item]":
        """These attributes of every item of the table, in no order, page by page.

        Raises:
            DependencyError: the table cannot be read now.
        """
        projection = {f"#{number}": name for number, name in enumerate(names)}
        request: dict[str, Any] = {
            "TableName": self.name,
            "ConsistentRead": True,
            "ProjectionExpression": ", ".join(projection),
            "ExpressionAttributeNames": projection,
        }
        while True:
            answer = self._call(self._client.scan, **request)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def query_index(
        self, index: str, equals: Mapping[str, str], *, limit: int, after: "Item | None", descending: bool
    ) -> ItemPage:
        """One page of an index's keys. Hints only: an index is eventually consistent, and nothing in it is opened."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "IndexName": index,
            "KeyConditionExpression": " AND ".join(f"#{n} = :{n}" for n in equals),
            "ExpressionAttributeNames": {f"#{n}": n for n in equals},
            "ExpressionAttributeValues": {f":{n}": {"S": value} for n, value in equals.items()},
            "Limit": limit,
            "ScanIndexForward": not descending,
        }
        if after is not None:
            request["ExclusiveStartKey"] = after
        answer = self._call(self._client.query, **request)
        return ItemPage(answer["Items"], answer.get("LastEvaluatedKey"))

    def _all(self, pk: str, condition: str, *, values: Mapping[str, str], limit: int | None) -> "list[Item]":
        """All pages of a partition, or of the sort keys that meet a condition; or the first `limit` items."""
        request = self._in_partition(pk, condition, values=values)
        if limit is not None:
            request["Limit"] = limit
        found: list[Item] = []
        while True:
            answer = self._call(self._client.query, **request)
            found.extend(answer["Items"])
            if "LastEvaluatedKey" not in answer or (limit is not None and len(found) >= limit):
                return found[:limit]
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _call(self, method: Callable[..., Any], **request: Any) -> Any:  # noqa: ANN401  # boto3's own request and answer shapes
        return read(method, request, sleep=self._sleep)

    def _in_partition(self, pk: str, condition: str, *, values: Mapping[str, str]) -> dict[str, Any]:
        used = {":pk": pk, **(values if condition else {})}
        return {
            "TableName": self.name,
            "KeyConditionExpression": " AND ".join(filter(None, ("pk = :pk", condition))),
            "ExpressionAttributeValues": {name: {"S": value} for name, value in used.items()},
            "ConsistentRead": True,
        }
