"""Every operation that is let through at all, and the IAM calls that a request of it means. Pure.

What stands in none of these tables is refused: an operation that nobody has thought about is not allowed.
"""

import re
from collections.abc import Callable

from twinvault_gate import items, statements
from twinvault_gate.calls import Home, IamCall, iam_call
from twinvault_gate.document import JsonObject, text
from twinvault_gate.errors import DynamoDbError, validation
from twinvault_gate.items import KnownTables

type _Meaning = Callable[..., list[IamCall]]

TABLES_API, STREAMS_API = "DynamoDB_20120810", "DynamoDBStreams_20120810"
_ITEMS: dict[str, _Meaning] = {
    **dict.fromkeys(("GetItem", "PutItem", "UpdateItem", "DeleteItem"), items.item_calls),
    **dict.fromkeys(("Query", "Scan"), items.query_calls),
    **dict.fromkeys(("BatchGetItem", "BatchWriteItem"), items.batch_calls),
    **dict.fromkeys(("TransactGetItems", "TransactWriteItems"), items.transaction_calls),
}
STATEMENTS = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
# Whatever makes, changes or removes tables.
PROVISIONING = frozenset(
    {
        *("CreateTable", "UpdateTable", "DeleteTable", "UpdateTimeToLive", "UpdateContinuousBackups"),
        *("TagResource", "UntagResource", "PutResourcePolicy", "DeleteResourcePolicy"),
    }
)
_OF_A_TABLE = {"DescribeTable", "DescribeTimeToLive", "DescribeContinuousBackups", *PROVISIONING}
_OF_AN_ARN = {"TagResource", "UntagResource", "ListTagsOfResource"}
_OF_AN_ARN |= {"PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"}
_OF_THE_ACCOUNT = {"ListTables", "DescribeLimits", "DescribeEndpoints"}
_OF_A_STREAM = {"DescribeStream": "StreamArn", "GetShardIterator": "StreamArn", "GetRecords": "ShardIterator"}
# An iterator holds the stream's ARN. The engine's own has another region than the caller's.
_STREAM = re.compile(
    r"arn:aws:dynamodb:[a-z0-9-]*:\d{12}:table/(?P<table>[A-Za-z0-9_.-]+)/stream/(?P<label>[0-9T:.-]+)"
)


def iam_calls(target: str, document: JsonObject, *, home: Home, tables: KnownTables) -> list[IamCall]:
    """All that must be allowed before a request may go on; of PartiQL one for each statement, in order.

    `target` is the request's X-Amz-Target; `tables` holds the keys of those of `tables_of` that there are.

    Raises:
        DynamoDbError: UnknownOperationException; or the request is malformed.
    """
    api, _, operation = target.rpartition(".")
    if api == TABLES_API and operation in _ITEMS:
        return _ITEMS[operation](operation, document, home=home, tables=tables)
    if api == TABLES_API and operation in STATEMENTS:
        given = statements.given_statements(operation, document)
        return [statements.statement_call(operation, one, home=home, tables=tables) for one in given]
    return [iam_call(operation, _resource(api, operation, document, home=home))]


def tables_of(target: str, document: JsonObject) -> frozenset[str]:
    """The tables whose keys must be known to say what a request means.

    Raises:
        DynamoDbError: the request is malformed.
    """
    api, _, operation = target.rpartition(".")
    if api == TABLES_API and operation in _ITEMS:
        return frozenset(items.named_tables(operation, document))
    if api == TABLES_API and operation in STATEMENTS:
        return frozenset(statements.stated_tables(operation, document))
    return frozenset()


def _resource(api: str, operation: str, document: JsonObject, *, home: Home) -> str:
    if api == TABLES_API and operation in _OF_AN_ARN:
        return home.table(text(document, "ResourceArn"))
    if api == TABLES_API and operation in _OF_A_TABLE:
        return home.table(text(document, "TableName"))
    if api == STREAMS_API and operation in _OF_A_STREAM:
        match = _STREAM.search(text(document, _OF_A_STREAM[operation]))
        if match is None:
            raise validation("Invalid StreamArn or ShardIterator")
        return f"{home.table(match['table'])}/stream/{match['label']}"
    if (api == TABLES_API and operation in _OF_THE_ACCOUNT) or (api == STREAMS_API and operation == "ListStreams"):
        return "*"  # they have no resource of their own, and are allowed for all or not at all
    raise DynamoDbError("UnknownOperationException", "The operation is not known here, and therefore not allowed.")
