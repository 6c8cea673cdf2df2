"""A whole store for benchmarks, by the library's own way in: real clients, DynamoDB Local and the local KMS.

Its tables and root key are an `Address` that a child process can be given.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import batched
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config

from benchmarks.record import LEDGER, SK_FORM, record
from benchmarks.running import dynamodb_local, kms_local
from tests.stores import make_tables
from twinvault import Acting, Draft, PartitionStore, TableNames, Vault, open_vault
from twinvault.records.batches import MAX_DRAFTS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

TENANT = "acme"
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=60)
_SECONDS = 3600.0
SIZE = 1_000
"""Of a record, in bytes of its JSON."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store is, and as whom it is called.

    Attributes:
        caller: an access key id: whoever that is to the engines.
    """

    dynamodb: str
    kms: str
    caller: str
    root_key: str
    tables: dict[str, str]

    def to_json(self) -> str:
        """For a child's command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` gave."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Bench:
    """One process's clients of a store, and one vault with the keys that it has in memory.

    Attributes:
        plain: a client of the contenders beside the vault, which the vault changes nothing about.
    """

    address: Address
    dynamodb: "DynamoDBClient"
    kms: "KMSClient"
    vault: Vault
    plain: "DynamoDBClient"

    @property
    def tables(self) -> TableNames:
        """The tables' names."""
        return TableNames(**self.address.tables)

    def cold(self) -> "Bench":
        """The same clients and tables, and no key in memory."""
        return replace(self, vault=_vault(self.address, self.dynamodb, self.kms))

    @contextmanager
    def acting(self, tenant: str = TENANT) -> Iterator[Acting]:
        """One activity."""
        with self.vault.acting(tenant=tenant, principal="bench", action="bench", seconds=_SECONDS) as acting:
            yield acting

    @contextmanager
    def partition(self, name: str, *, tenant: str = TENANT) -> Iterator[PartitionStore]:
        """One activity's view of a partition."""
        with self.acting(tenant) as acting:
            yield acting.partition(LEDGER, name)

    def fill(self, name: str, records: int, *, tenant: str = TENANT) -> None:
        """Add so many records of 1 KB, as many at once as a write takes."""
        for numbers in batched(range(1, records + 1), MAX_DRAFTS, strict=False):
            with self.partition(name, tenant=tenant) as partition:
                partition.add(*map(line, numbers))


def line(number: int) -> Draft:
    """A record of 1 KB."""
    return Draft("item", SK_FORM.format(number), record(SIZE))


@contextmanager
def fresh() -> Iterator[Bench]:
    """A store on engines of its own."""
    with dynamodb_local() as dynamodb, kms_local() as kms:
        yield new_store(dynamodb, kms)


def new_store(dynamodb: str, kms: str, *, caller: str = "BENCH") -> Bench:
    """A store with new tables and a new root key on these engines."""
    clients = _clients(dynamodb, kms, caller=caller)
    tables = make_tables(clients[0])
    root = clients[1].create_key()["KeyMetadata"]["KeyId"]
    return _bench(Address(dynamodb, kms, caller, root, asdict(tables)), *clients)


def opened(address: Address) -> Bench:
    """A store that another process made."""
    return _bench(address, *_clients(address.dynamodb, address.kms, caller=address.caller))


def _bench(address: Address, dynamodb: "DynamoDBClient", kms: "KMSClient") -> Bench:
    plain, _ = _clients(address.dynamodb, address.kms, caller=address.caller)
    return Bench(address, dynamodb, kms, _vault(address, dynamodb, kms), plain)


def _clients(dynamodb: str, kms: str, *, caller: str) -> "tuple[DynamoDBClient, KMSClient]":
    session = boto3.Session(caller, "made-up", region_name="eu-central-1")
    return (
        session.client("dynamodb", endpoint_url=dynamodb, config=_CONFIG),
        session.client("kms", endpoint_url=kms, config=_CONFIG),
    )


def _vault(address: Address, dynamodb: "DynamoDBClient", kms: "KMSClient") -> Vault:
    tables = TableNames(**address.tables)
    return open_vault(store="bench", dynamodb=dynamodb, kms=kms, tables=tables, root_keys=[address.root_key])
