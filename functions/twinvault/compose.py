"""Composition: the whole library put together over two clients. What a service wires, and all that a script needs.

    vault = open_vault(dynamodb=..., kms=..., tables=..., root_keys=[...])
    with vault.acting(tenant="acme", principal="u-17", action="contract.read") as acting:
        record = acting.partition(CONTRACT, "c-2026-001").get("terms")

The clients bring region, endpoints, credentials, timeouts and retries; nothing here reads the environment.
"""

import os
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from twinvault.audit.activity import Activity, Actor
from twinvault.audit.ids import uuid7
from twinvault.audit.log import AuditLog
from twinvault.dynamodb.entries import DynamoAuditTable
from twinvault.dynamodb.key_rows import DynamoKeyTable
from twinvault.dynamodb.table import Table
from twinvault.dynamodb.transaction import Transactor
from twinvault.envelope import FORMAT
from twinvault.errors import IntegrityError, InvalidInput, Step
from twinvault.keys.cache import CacheLimits, Instant, KeyCache
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.kms import AwsKms
from twinvault.keys.rotation import KeyRotation
from twinvault.keys.rows import NamedKey
from twinvault.records.listing import Listing
from twinvault.records.opaque import opaque_id
from twinvault.records.reading import Reader, Settings
from twinvault.records.spec import KindSpec
from twinvault.records.store import PartitionStore, RecordStore
from twinvault.records.writing import TableNames, Writer
from twinvault.scope import Scope

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

DEFAULT_SECONDS = 20.0
DEFAULT_TTL_SECONDS = 300.0
_LISTED = "list_kind"


@dataclass(frozen=True, slots=True)
class Vault:
    """An open store with its keys and their rotation. One per process; thread-safe."""

    store: RecordStore
    keys: KeyHierarchy
    rotation: KeyRotation

    @contextmanager
    def acting(
        self,
        *,
        tenant: str,
        principal: str,
        action: str,
        seconds: float = DEFAULT_SECONDS,
        count: Callable[[str, int], None] | None = None,
    ) -> Iterator["Acting"]:
        """One request of one caller, recorded: whatever fails within is in the audit log before the error leaves.

        Args:
            tenant: whose data; everything within is this tenant's.
            principal: who acts, as the audit log will say for ever: an opaque subject, no name and no address.
            action: what is asked, for example `contract.read`.
            seconds: after these no new attempt is started.
            count: receives every metric, as (name, value).
        """
        ignore = count or (lambda _name, _value: None)
        activity = Activity(Actor(tenant, principal), action, time.monotonic() + seconds, ignore)
        with self.store.audit.recording(activity):
            yield Acting(self, activity)


@dataclass(frozen=True, slots=True)
class Acting:
    """What one request may do, in its tenant's name."""

    vault: Vault
    activity: Activity

    @property
    def tenant(self) -> str:
        """Whose data this is about."""
        return self.activity.actor.tenant

    def partition(self, kind: KindSpec, partition: str) -> PartitionStore:
        """The partition of this id, which everyone who reads the table sees.

        Raises:
            InvalidInput: the id cannot stand in a key (1 to 63 of a-z, 0-9, '.', '_' and '-').
        """
        return self.vault.store.partition(Scope(self.tenant, kind.kind, partition), kind, activity=self.activity)

    def hidden_partition(self, kind: KindSpec, caller_id: str, *, create: bool) -> PartitionStore | None:
        """The partition of a caller's id, any text up to 256 characters, under a key that does not show the id.

        Returns None where the tenant has no such partition because it has nothing hidden at all. With `create` the
        tenant's index key is made if need be, so that this is never None; whoever only reads may not do that.

        Raises:
            InvalidInput: the id is empty, too long or not Unicode text.
        """
        key = self._index_key(kind, create=create)
        return self.partition(kind, opaque_id(caller_id, key.key)) if key else None

    def listing(self, kind: KindSpec) -> Listing | None:
        """Questions across the kind's partitions; None where the tenant has none.

        Raises:
            InvalidInput: the kind's head declares no `list_kind`, `list_status` and `list_at`.
        """
        if _LISTED not in kind.head.clear:
            raise InvalidInput(f"kind {kind.kind}: its head declares no list_kind, list_status and list_at")
        key = self._index_key(kind, create=False)
        if key is None:
            return None
        return Listing(self.vault.store, tenant=self.tenant, kind=kind, key=key, randomness=os.urandom)

    def release(self) -> None:
        """Appends this request's success: call it before what `peek` or a listing read leaves."""
        self.vault.store.release(self.activity)

    def _index_key(self, kind: KindSpec, *, create: bool) -> NamedKey | None:
        key = self.vault.keys.index_key(self.tenant, kind.kind, observer=self.activity, create=create)
        if key is None and create:
            raise IntegrityError(Step.MISSING_KEY, where=self.tenant, detail="index key")
        return key


def open_vault(
    *,
    dynamodb: "DynamoDBClient",
    kms: "KMSClient",
    tables: TableNames,
    root_keys: Sequence[str],
    key_ttl_seconds: float = DEFAULT_TTL_SECONDS,
    lowest_format: int = FORMAT,
) -> Vault:
    """Puts the library together; calls nothing yet.

    Args:
        dynamodb: a client of the three tables, whose keys are `pk` and `sk`, both text.
        kms: a client of the root keys.
        tables: the tables' physical names.
        root_keys: KMS key ids, never aliases: the first wraps new keys, all may open.
        key_ttl_seconds: how long a plaintext key may live in memory, and so the revocation lag.
        lowest_format: the lowest record format that is still opened.
    """
    transactor = Transactor(dynamodb, new_token=_uuid, monotonic=time.monotonic, sleep=time.sleep)
    key_table = Table(dynamodb, tables.keys, sleep=time.sleep)
    key_rows = DynamoKeyTable(key_table, transactor, monotonic=time.monotonic, sleep=time.sleep)
    root = AwsKms(kms)
    cache = KeyCache(CacheLimits(ttl=key_ttl_seconds), clock=_instant, jitter=random.random)
    keys = KeyHierarchy(table=key_rows, kms=root, root_key_ids=root_keys, cache=cache, now=now, randomness=os.urandom)
    audit = AuditLog(DynamoAuditTable(tables.audit, transactor), new_chain=_chain, event_id=_event_id, now=now)
    records = Table(dynamodb, tables.records, sleep=time.sleep)
    reader = Reader(records, keys, settings=Settings(lowest_format), sleep=time.sleep)
    writer = Writer(
        reader=reader,
        keys=keys,
        audit=audit,
        transactor=transactor,
        tables=tables,
        now=now,
        randomness=os.urandom,
        sleep=time.sleep,
        monotonic=time.monotonic,
    )
    return Vault(RecordStore(records, reader, writer, audit), keys, KeyRotation(keys, key_rows))


def now() -> str:
    """The time as RFC 3339 in UTC, to the microsecond."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _instant() -> Instant:
    return Instant(time.monotonic(), time.time())


def _uuid() -> str:
    return str(uuid.uuid4())


def _chain() -> str:
    return os.urandom(16).hex()


def _event_id() -> str:
    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
