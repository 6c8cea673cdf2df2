"""The item operations, one by one, in batches and in transactions: which IAM calls each means.

Each of a transaction's parts needs what the same operation outside of it needs (developer guide, "Using IAM with
DynamoDB transactions"); a batch needs its own action once for each table. Parameters from before expressions count as
well.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from twinvault_gate.calls import Home, IamCall, iam_call
from twinvault_gate.document import JsonObject, as_mapping, mapping, mappings, optional_text, text, texts
from twinvault_gate.errors import serialization, validation
from twinvault_gate.expressions import fixed_in_key_condition, named_attributes
from twinvault_gate.keys import TableKeys
from twinvault_gate.partiql.meaning import AttributeValue

type KnownTables = Mapping[str, TableKeys]
"""The keys of the tables that a request names, by the name that it uses."""

_EXPRESSIONS = (
    *("ConditionExpression", "FilterExpression", "KeyConditionExpression", "ProjectionExpression", "UpdateExpression"),
)
_LEGACY_MAPS = ("AttributeUpdates", "Expected", "KeyConditions", "QueryFilter", "ScanFilter")
_TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


def item_calls(operation: str, document: JsonObject, *, home: Home, tables: KnownTables) -> list[IamCall]:
    """The calls of GetItem, PutItem, UpdateItem or DeleteItem.

    Raises:
        DynamoDbError: the request is malformed.
    """
    call = _one_item(
        operation,
        document,
        home=home,
        tables=tables,
        capacity=_capacity(document),
        enclosing=None,
    )
    return [call]


def query_calls(operation: str, document: JsonObject, *, home: Home, tables: KnownTables) -> list[IamCall]:
    """The calls of Query or Scan: on the table, or on the index alone.

    Raises:
        DynamoDbError: the request is malformed.
    """
    table, index = text(document, "TableName"), optional_text(document, "IndexName")
    resource = home.table(table) + (f"/index/{index}" if index else "")
    keys = tables[table].of(index) if table in tables else ()
    leading = [_queried(document, attribute) for attribute in keys] if operation == "Query" else []
    if keys and operation == "Query" and not all(leading):
        raise validation("Query condition missed key schema element")
    everything = "ALL_PROJECTED_ATTRIBUTES" if index else "ALL_ATTRIBUTES"
    call = iam_call(
        operation,
        resource,
        attributes=_attributes(document),
        leading=leading,
        select=optional_text(document, "Select") or _selected(document, everything),
        returnconsumedcapacity=_capacity(document),
    )
    return [call]


def batch_calls(operation: str, document: JsonObject, *, home: Home, tables: KnownTables) -> list[IamCall]:
    """The calls of BatchGetItem or BatchWriteItem: one for each table.

    Raises:
        DynamoDbError: the request is malformed.
    """
    found = []
    for table in mapping(document, "RequestItems"):
        keys = tables[table].partition if table in tables else ()
        if operation == "BatchGetItem":
            wanted = mapping(mapping(document, "RequestItems"), table)
            items, attributes = mappings(wanted, "Keys"), _attributes(wanted)
            select = _selected(wanted, "ALL_ATTRIBUTES")
        else:
            requests = mappings(mapping(document, "RequestItems"), table)
            items, attributes, select = [_written(request) for request in requests], set(), None
        call = iam_call(
            operation,
            home.table(table),
            attributes=attributes | set(chain.from_iterable(items)),
            leading=_leading(items, keys),
            select=select,
            returnconsumedcapacity=_capacity(document),
        )
        found.append(call)
    return found


def transaction_calls(operation: str, document: JsonObject, *, home: Home, tables: KnownTables) -> list[IamCall]:
    """The calls of TransactGetItems or TransactWriteItems: one for each part.

    Raises:
        DynamoDbError: the request is malformed.
    """
    kinds = {"Get": "GetItem"} if operation == "TransactGetItems" else _TRANSACTED
    found = []
    for part in mappings(document, "TransactItems"):
        if len(part) != 1 or not set(part) <= set(kinds):
            raise validation("TransactItems can only contain one of " + ", ".join(kinds))
        ((kind, inner),) = part.items()
        call = _one_item(
            kinds[kind],
            as_mapping(inner),
            home=home,
            tables=tables,
            capacity=_capacity(document),
            enclosing=operation,
        )
        found.append(call)
    return found


def named_tables(operation: str, document: JsonObject) -> Iterator[str]:
    """The tables that an item operation names.

    Raises:
        DynamoDbError: the request is malformed.
    """
    if operation.startswith("Batch"):
        yield from mapping(document, "RequestItems")
    elif operation.startswith("Transact"):
        for part in mappings(document, "TransactItems"):
            for inner in part.values():
                yield text(as_mapping(inner), "TableName")
    else:
        yield text(document, "TableName")


def _one_item(
    action: str, document: JsonObject, *, home: Home, tables: KnownTables, capacity: str, enclosing: str | None
) -> IamCall:
    table = text(document, "TableName")
    item = mapping(document, "Item" if action == "PutItem" else "Key")
    returned = None if action == "ConditionCheckItem" else optional_text(document, "ReturnValues") or "NONE"
    return iam_call(
        action,
        home.table(table),
        attributes=_attributes(document) | set(item),
        leading=_leading([item], tables[table].partition if table in tables else ()),
        select=_selected(document, "ALL_ATTRIBUTES"),
        returnvalues=returned,
        returnconsumedcapacity=capacity,
        enclosingoperation=enclosing,
    )


def _written(request: JsonObject) -> JsonObject:
    match dict(request):
        case {"PutRequest": {"Item": dict(item)}, **others} if not others:
            return item
        case {"DeleteRequest": {"Key": dict(key)}, **others} if not others:
            return key
    raise serialization()


def _leading(items: Sequence[JsonObject], keys: Sequence[str]) -> list[list[AttributeValue]]:
    """The values of each attribute of the partition key, over all items.

    Raises:
        DynamoDbError: ValidationException; an item has not all of its key.
    """
    found = [[as_mapping(item[attribute]) for item in items if attribute in item] for attribute in keys]
    if any(len(values) != len(items) for values in found):
        raise validation("The provided key element does not match the schema")
    return found


def _queried(document: JsonObject, attribute: str) -> Sequence[AttributeValue]:
    expression = optional_text(document, "KeyConditionExpression")
    if expression is not None:
        names, values = mapping(document, "ExpressionAttributeNames"), mapping(document, "ExpressionAttributeValues")
        return fixed_in_key_condition(expression, attribute, names=names, values=values)
    condition = mapping(mapping(document, "KeyConditions"), attribute)
    return mappings(condition, "AttributeValueList") if condition.get("ComparisonOperator") == "EQ" else []


def _attributes(document: JsonObject) -> set[str]:
    names = mapping(document, "ExpressionAttributeNames")
    found = set(texts(document, "AttributesToGet"))
    for name in _EXPRESSIONS:
        if (expression := optional_text(document, name)) is not None:
            found.update(named_attributes(expression, names))
    return found.union(*(mapping(document, name) for name in _LEGACY_MAPS))


def _selected(document: JsonObject, everything: str) -> str:
    """What is read, by the API's own defaults (API reference, Query, Select)."""
    some = optional_text(document, "ProjectionExpression") or document.get("AttributesToGet")
    return "SPECIFIC_ATTRIBUTES" if some else everything


def _capacity(document: JsonObject) -> str:
    return optional_text(document, "ReturnConsumedCapacity") or "NONE"
