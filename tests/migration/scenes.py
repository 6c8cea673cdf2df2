"""A source and a store in the real DynamoDB Local, under the strict KMS."""

import uuid
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from twinvault import TableNames
from twinvault_migration import Migration, load_mapping
from twinvault_migration.progress import Reached
from twinvault_migration.running import migration

RULES = """
kinds = ["tests.migration.kinds_of_migration:CLINIC", "tests.migration.kinds_of_migration:LEDGER"]

[[skip]]
when = { pk = "SCHEMA" }

[[record]]
kind = "clinic"
entity = "head"
when = { pk = "PATIENT#(?P<patient>.+)", sk = "PROFILE" }
tenant = "{org}"
hidden = "{patient}"
ignore = ["ttl"]
[record.fields]
state = { value = "active" }
name = "name"

[[record]]
kind = "clinic"
entity = "visit"
when = { pk = "PATIENT#(?P<patient>.+)", sk = "VISIT#(?P<number>[0-9]+)" }
tenant = "{org}"
hidden = "{patient}"
[record.fields]
number = { from = "number", as = "int" }
seen_at = { from = "seen", as = "time" }
note = { from = "memo", default = "" }
tags = { from = "tags", as = "list" }

[[record]]
kind = "ledger"
entity = "line"
when = { pk = "LEDGER#(?P<ledger>[a-z0-9]+)" }
tenant = "{org}"
partition = "{ledger}"
sk = "line#{sk}"
[record.fields]
at = "at"
text = "text"
"""


class Scene:
    """Where a source is, and the store that it goes into."""

    def __init__(self, client: Any, tables: TableNames, root_key: str, folder: Path) -> None:
        self.client, self.tables, self.folder = client, tables, folder
        self.table = f"source-{uuid.uuid4().hex[:8]}"
        self.store = (
            f'[store]\nname = "migrated"\nroot_keys = ["{root_key}"]\n'
            f'records = "{tables.records}"\nkeys = "{tables.keys}"\n'
            f'marks = "{tables.marks}"\naudit = "{tables.audit}"\n'
        )

    def fill(self, items: list[dict[str, Any]]) -> None:
        keys = [("pk", "HASH"), ("sk", "RANGE")]
        self.client.create_table(
            TableName=self.table,
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            BillingMode="PAY_PER_REQUEST",
        )
        self.add(items)

    def add(self, items: list[dict[str, Any]]) -> None:
        for at in range(0, len(items), 25):
            puts = [{"PutRequest": {"Item": item}} for item in items[at : at + 25]]
            assert not self.client.batch_write_item(RequestItems={self.table: puts})["UnprocessedItems"]

    def mapping(self, rules: str = RULES, source: str = "") -> Path:
        path = self.folder / "mapping.toml"
        path.write_text(
            f"{rules.split('[[', maxsplit=1)[0]}{self.store}\n[source]\n{source or self.of_table}\n{after(rules)}"
        )
        return path

    @property
    def of_table(self) -> str:
        return f'table = "{self.table}"'

    def migration(self, path: Path, *, units: float = 100_000) -> Migration:
        return migration(load_mapping(path), "op-7", units=units, show=lambda _stage, _report: None)

    def progress(self, migrated: Migration) -> Reached:
        name = migrated.source.name
        return Reached.at(self.folder / "progress", mapping=migrated.mapping.digest, source=name)

    def rows(self, table: str | None = None) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("scan").paginate(TableName=table or self.tables.records, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]


def after(rules: str) -> str:
    """The rules from the first table on."""
    _, brackets, rest = rules.partition("[[")
    return brackets + rest


def typed(item: dict[str, Any]) -> dict[str, Any]:
    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in item.items()}


def items_of(patients: int, visits: int, lines: int = 0) -> list[dict[str, Any]]:
    found = [{"pk": "SCHEMA", "sk": "1", "version": 3}]
    for one in range(patients):
        pk, org = f"PATIENT#p-{one}", f"org-{one % 2}"
        found.append({"pk": pk, "sk": "PROFILE", "org": org, "name": f"Ada {one}", "ttl": 9})
        for at in range(visits):
            visit = {"pk": pk, "sk": f"VISIT#{at}", "org": org, "seen": 1_700_000_000 + at, "tags": {"b", "a"}}
            found.append(visit | ({"memo": f"note {at}"} if at % 2 else {}))
    found += [
        {"pk": "LEDGER#main", "sk": f"{at:04d}", "org": "org-0", "at": at, "text": {"of": [at, None, "x" * 20]}}
        for at in range(lines)
    ]
    return [typed(one) for one in found]
