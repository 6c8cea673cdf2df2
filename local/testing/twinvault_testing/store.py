"""A store of a test's own: four tables behind the gate, the strict local KMS, and a vault over both. No workers.

Nobody's policies are asked: the vault acts as the account's root, for whom the keys' own policies are enough. What IAM
lets a function do, a twin shows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinvault import TableNames, Vault, open_vault
from twinvault_testing.clock import MovableClock
from twinvault_testing.database import copy_database, settle
from twinvault_testing.faults import FaultsByName
from twinvault_testing.kms import OwnKms
from twinvault_testing.serving import ServingThread

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

type Fill = Callable[[OwnStore], object]
"""Puts into an empty store what tests begin with."""

TABLES = TableNames("records", "keys", "marks", "audit")
DEAD_ENDPOINT = "http://127.0.0.1:9"  # the discard port: nobody listens


@dataclass(frozen=True, slots=True)
class SavedStore:
    """A store as it once was: its tables, its keys, and how far its clock was moved. Good for the session."""

    database: Path
    keys: bytes
    moved_seconds: float


@dataclass(frozen=True, slots=True)
class StoreParts:
    """What a store stands on; clients and ports last for the session."""

    name: str
    region: str
    access_key: tuple[str, str]
    database: Path
    dynamodb: "DynamoDBClient"
    kms: "KMSClient"
    own_kms: OwnKms
    thread: ServingThread
    clock: MovableClock
    saved_in: Path
    filled: dict[Fill, SavedStore]


class OwnStore:
    """One store, for one test at a time.

    Attributes:
        dynamodb, kms: clients of the gate and of the KMS, as the account's root.
        tables: the tables' names.
        root_key, audit_key: key ids: what wraps tenants' keys, and what signs receipts.
        vault: the vault over them; after `restore` and `filled` another one.
        faults: what goes wrong with them, by name.
        clock: their time.
    """

    tables = TABLES

    def __init__(self, parts: StoreParts, *, root_key: str, audit_key: str, admin: tuple[str, str]) -> None:
        """`admin`: the admin ports of gate and KMS."""
        self._parts = parts
        self.dynamodb, self.kms, self.clock = parts.dynamodb, parts.kms, parts.clock
        self.root_key, self.audit_key = root_key, audit_key
        self.faults = FaultsByName(
            gate=admin[0],
            kms_admin=admin[1],
            dynamodb=parts.dynamodb,
            kms=parts.kms,
            records=TABLES.records,
            root_key=root_key,
        )
        self.vault = self.open()

    def open(self, **settings: Any) -> Vault:  # noqa: ANN401  # as `open_vault` types them
        """Another vault over the same tables and keys, as another process has it: with no key in memory.

        `settings` are those of `twinvault.open_vault`.
        """
        given: dict[str, Any] = {
            "store": self._parts.name,
            "dynamodb": self.dynamodb,
            "kms": self.kms,
            "tables": self.tables,
            "root_keys": [self.root_key],
            "clock": self.clock,
        }
        return open_vault(**given | settings)

    def save(self) -> SavedStore:
        """The store as it is now, to begin with once more."""
        number = len(list(self._parts.saved_in.iterdir()))
        database = self._parts.saved_in / f"{number}.db"
        self._settle()
        copy_database(self._parts.database, database)
        keys = self._parts.thread.call(self._parts.own_kms.saved)
        return SavedStore(database, keys, self.clock.moved.total_seconds())

    def restore(self, saved: SavedStore) -> Vault:
        """Be the store that was saved, at the time that it had, without faults; a new vault over it."""
        self.faults.clear()
        self._settle()
        copy_database(saved.database, self._parts.database)
        self._parts.thread.call(lambda: self._parts.own_kms.replace(saved.keys))
        self.clock.reset()
        self.clock.move(seconds=saved.moved_seconds)
        self.vault = self.open()
        return self.vault

    def filled(self, fill: Fill) -> Vault:
        """Be the store that `fill` makes of an empty one; a new vault over it.

        It is filled once in a session (with xdist, once in each worker), and copied from then on. `fill` is known by
        its identity: a function of a module, no lambda within a test.
        """
        known = self._parts.filled
        if fill not in known:
            self.restore(known[_nothing])
            fill(self)
            known[fill] = self.save()
        return self.restore(known[fill])

    def empty(self) -> Vault:
        """Be a store in which nothing was ever stored; a new vault over it."""
        return self.filled(_nothing)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a handler reads from its environment, to run it in the tests' process with `monkeypatch.setenv`."""
        key_id, secret = self._parts.access_key
        return {
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": self._parts.region,
            "AWS_DEFAULT_REGION": self._parts.region,
            "AWS_ENDPOINT_URL": DEAD_ENDPOINT,
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb.meta.endpoint_url,
            "AWS_ENDPOINT_URL_KMS": self.kms.meta.endpoint_url,
            "TWINVAULT_STORE": self._parts.name,
            "TWINVAULT_ROOT_KEYS": self.root_key,
            **{f"TWINVAULT_{name.upper()}_TABLE": getattr(self.tables, name) for name in TableNames.__slots__},
        }

    def items(self, table: str = "records") -> list[dict[str, Any]]:
        """Everything that a table holds, as whoever reads it sees it; `table` is records, keys, marks or audit."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=getattr(self.tables, table), ConsistentRead=True)
        return [dict(item) for page in pages for item in page["Items"]]

    def _settle(self) -> None:
        """Let the engine write down what it has acknowledged."""
        key = {"pk": {"S": "nobody's"}, "sk": {"S": "nothing"}}
        settle(self._parts.database, write=lambda: self.dynamodb.delete_item(TableName=self.tables.keys, Key=key))

    def close(self) -> None:
        """End its connections."""
        self.faults.close()
        self.dynamodb.close()
        self.kms.close()


def _nothing(_store: OwnStore) -> None:
    """Fill a store with nothing."""


def begin_with(store: OwnStore, parts: StoreParts) -> None:
    """What `store` holds now is what is called empty."""
    parts.filled[_nothing] = store.save()
