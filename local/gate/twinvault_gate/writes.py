"""Which items a request writes: their tables and keys, for faults that need to know."""

from collections.abc import Collection, Iterator, Mapping

from twinvault_gate.document import JsonObject, as_mapping, mapping, mappings, text
from twinvault_gate.operations import STATEMENTS
from twinvault_gate.statements import given_statements, written_item

type KeyNames = Mapping[str, Collection[str]]
"""The attributes of the primary key of each table that is looked at."""

_PARTS = {"Put": "Item", "Update": "Key", "Delete": "Key"}
_SINGLE = {"PutItem": "Item", "UpdateItem": "Key", "DeleteItem": "Key"}


def written_keys(operation: str, document: JsonObject, names: KeyNames) -> Iterator[tuple[str, JsonObject]]:
    """The table and the key of every item that a request may write, in the tables that are looked at.

    Raises:
        DynamoDbError: the request is malformed.
    """
    for table, item in _written(operation, document, names):
        key = {name: item[name] for name in sorted(names.get(table, ())) if name in item}
        if key and len(key) == len(names[table]):
            yield table, key


def _written(operation: str, document: JsonObject, names: KeyNames) -> Iterator[tuple[str, JsonObject]]:
    if operation in _SINGLE:
        yield text(document, "TableName"), mapping(document, _SINGLE[operation])
    elif operation == "TransactWriteItems":
        yield from _transacted(document)
    elif operation == "BatchWriteItem":
        yield from _batched(mapping(document, "RequestItems"))
    elif operation in STATEMENTS:
        for given in given_statements(operation, document):
            yield from written_item(given, names)


def _transacted(document: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for part in mappings(document, "TransactItems"):
        for kind, inner in part.items():
            if kind in _PARTS:
                yield text(as_mapping(inner), "TableName"), mapping(as_mapping(inner), _PARTS[kind])


def _batched(requests: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for table in requests:
        for request in mappings(requests, table):
            yield table, mapping(mapping(request, "PutRequest"), "Item")
            yield table, mapping(mapping(request, "DeleteRequest"), "Key")
