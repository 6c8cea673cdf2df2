"""A whole store over the real DynamoDB Local, with a KMS of one's choice: what the upper rooms' tests stand on."""

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

from tests.fakes import Recorder
from twinvault.audit.activity import Activity
from twinvault.audit.entry import Origin
from twinvault.audit.ids import uuid7
from twinvault.audit.log import AuditLog
from twinvault.audit.signing import SEED_BYTES, ChainKey
from twinvault.dynamodb.marks import Marks, head_mark_key
from twinvault.dynamodb.table import Table, TableNames
from twinvault.dynamodb.transaction import Transactor
from twinvault.keys.cache import CacheLimits, KeyCache
from twinvault.keys.changing import KeyChanges
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.holds import LegalHolds
from twinvault.keys.instant import Instant
from twinvault.keys.kms import RootKms
from twinvault.keys.loading import TenantLoader
from twinvault.keys.marked import MarkedRows
from twinvault.keys.planning import Planner
from twinvault.keys.root import RootKeys
from twinvault.keys.table import Committer
from twinvault.records.committing import AuditedCommits
from twinvault.records.freezing import Freezer
from twinvault.records.reading import Reader
from twinvault.records.spec import KindSpec
from twinvault.records.store import PartitionStore
from twinvault.records.writing import Writer
from twinvault.scope import Scope
from twinvault.vault import Vault
from twinvault_testing import tables as plugin

STORE = "world"
BEGINNING = "test.keys"
"""The action of changes of keys that a test asks for by themselves."""


def make_tables(client: Any) -> TableNames:
    """New tables of names of their own."""
    mark = uuid.uuid4().hex[:8]
    return plugin.make_tables(client, TableNames(f"records-{mark}", f"keys-{mark}", f"marks-{mark}", f"audit-{mark}"))


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Watched:
    """A committer of which a test sees what it was told."""

    def __init__(self, inner: Committer) -> None:
        self._inner = inner
        self.observer = Recorder()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


@dataclass(frozen=True)
class World:
    """One environment's store, and what stands behind it."""

    vault: Vault
    keys: KeyHierarchy
    changes: KeyChanges
    cache: KeyCache
    kms: RootKms
    client: Any
    tables: TableNames
    audit: AuditLog
    transactor: Transactor

    def activity(
        self,
        tenant: str = "acme",
        *,
        action: str = "test",
        seconds: float = 20.0,
        count: Callable[[str, int], None] | None = None,
    ) -> Activity:
        return Activity(
            tenant=tenant,
            principal="subject-1",
            action=action,
            deadline=time.monotonic() + seconds,
            origin=replace(self.vault.origin, trace_id="trace", span_id="span"),
            count=count or (lambda _n, _v: None),
        )

    def partition(self, scope: Scope, kind: KindSpec, activity: Activity) -> PartitionStore:
        vault = self.vault
        activity.asked(head_mark_key(scope.pk))
        return PartitionStore(vault.records, vault.reader, vault.writer, vault.audit, scope, kind, activity)

    def commits(self, tenant: str = "acme") -> AuditedCommits:
        """Changes of keys for an activity of their own."""
        return AuditedCommits(self.audit, self.activity(tenant, action=BEGINNING))

    def begin(self, tenant: str = "acme") -> Recorder:
        """Makes a tenant's first keys, if it has none; returns what was observed."""
        watched = Watched(self.commits(tenant))
        self.changes.begin(tenant, watched)
        return watched.observer

    def rotate(self, tenant: str = "acme") -> int:
        """Makes a tenant's next epoch."""
        return self.changes.new_epoch(tenant, self.commits(tenant))

    def items(self, table: str | None = None) -> list[dict[str, Any]]:
        """Everything a table holds, as its reader sees it."""
        name = table or self.tables.records
        return [item for page in self.client.get_paginator("scan").paginate(TableName=name) for item in page["Items"]]

    def another_environment(self) -> "World":
        """The same tables and KMS seen from a second process: caches and chain of its own."""
        return make_world(self.client, self.kms, self.tables, roots=self.keys._root._root_key_ids)


def make_client(endpoint: str, aws: dict[str, Any]) -> Any:
    config = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=2, read_timeout=10)
    return boto3.client("dynamodb", endpoint_url=endpoint, config=config, **aws)


def make_world(
    client: Any,
    kms: RootKms,
    tables: TableNames | None = None,
    *,
    roots: tuple[str, ...] = ("root-1",),
    limits: CacheLimits | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> World:
    """`sleep` is what a reader does between two looks, and a writer between two tries."""
    names = tables or make_tables(client)
    transactor = Transactor(client, new_token=lambda: str(uuid.uuid4()), monotonic=time.monotonic, sleep=time.sleep)
    cache = KeyCache(limits or CacheLimits(), clock=lambda: Instant(time.monotonic(), time.time()), jitter=lambda: 0.5)
    keys_only = Table(client, names.keys, sleep=time.sleep)
    marks = Marks(Table(client, names.marks, sleep=time.sleep))
    loader = TenantLoader(keys_only, marks, monotonic=time.monotonic, sleep=time.sleep)
    root = RootKeys(kms, store=STORE, root_key_ids=roots, randomness=os.urandom)
    keys = KeyHierarchy(table=keys_only, loader=loader, root=root, cache=cache, now=now, randomness=os.urandom)
    planner = Planner(keys=names.keys, marks=names.marks, randomness=os.urandom)
    changes = KeyChanges(keys, root, planner=planner, now=now, randomness=os.urandom, sleep=sleep)
    audit = AuditLog(
        transactor,
        table=names.audit,
        key=ChainKey(os.urandom(SEED_BYTES)),
        new_chain=lambda: uuid.uuid4().hex,
        event_id=lambda: uuid7(time.time_ns() // 1_000_000, os.urandom(10)),
        now=now,
    )
    table = Table(client, names.records, sleep=time.sleep)
    reader = Reader(
        table, marks, keys=keys, lowest_format=1, randomness=os.urandom, sleep=sleep, monotonic=time.monotonic
    )
    writer = Writer(
        reader=reader,
        changes=changes,
        freezer=Freezer(keys, names, now=now, randomness=os.urandom),
        audit=audit,
        randomness=os.urandom,
        sleep=sleep,
        monotonic=time.monotonic,
    )
    rows = MarkedRows(
        table=keys_only,
        marks=marks,
        names=(names.keys, names.marks),
        hierarchy=keys,
        randomness=os.urandom,
        sleep=sleep,
    )
    holds = LegalHolds(rows=rows, now=now)
    vault = Vault(table, reader, writer, audit, keys, changes, Origin(store=STORE), keys_only, holds)
    return World(vault, keys, changes, cache, kms, client, names, audit, transactor)
