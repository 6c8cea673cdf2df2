"""The four tables of a store, as `create_table` makes them: the key schemas and indexes of the stacks' own template.

A test compares them with those of a twin (tests/end_to_end/test_plugin.py); what only AWS does (backups, encryption at
rest, deletion protection) is left out.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from twinvault import TableNames

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEYS = (("pk", "HASH"), ("sk", "RANGE"))
_INDEXES = {
    "ByList": (("tenant_id", "HASH"), ("list_kind", "HASH"), ("list_status", "RANGE"), ("list_at", "RANGE")),
    **{f"ByBlind{slot}": (("tenant_id", "HASH"), (f"bi_{slot}", "HASH")) for slot in (1, 2, 3)},
}


def definitions(names: TableNames) -> Iterator[dict[str, Any]]:
    """The arguments of `create_table` for each of the four."""
    yield _definition(names.records, _INDEXES)
    for name in (names.keys, names.marks):
        yield _definition(name, {})
    yield _definition(names.audit, {}) | {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}


def make_tables(client: "DynamoDBClient", names: TableNames) -> TableNames:
    """Make a store's four tables; their names once more."""
    for definition in definitions(names):
        client.create_table(**definition)
    return names


def _definition(name: str, indexes: Mapping[str, tuple[tuple[str, str], ...]]) -> dict[str, Any]:
    attributes = sorted({attribute for keys in (_KEYS, *indexes.values()) for attribute, _ in keys})
    made: dict[str, Any] = {
        "TableName": name,
        "KeySchema": _schema(_KEYS),
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in attributes],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if indexes:
        made["GlobalSecondaryIndexes"] = [
            {"IndexName": index, "KeySchema": _schema(keys), "Projection": {"ProjectionType": "KEYS_ONLY"}}
            for index, keys in indexes.items()
        ]
    return made


def _schema(keys: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"AttributeName": attribute, "KeyType": kind} for attribute, kind in keys]
