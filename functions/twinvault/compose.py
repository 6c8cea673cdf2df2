"""Composition: the whole library put together over two clients. What a service wires, and all that a script needs.

    vault = open_vault(store="contracts", dynamodb=..., kms=..., tables=..., root_keys=[...])

The clients bring region, endpoints, credentials, timeouts and retries; nothing here reads the environment.
"""

import os
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from twinvault.audit.entry import Origin
from twinvault.audit.ids import uuid7
from twinvault.audit.log import AuditLog
from twinvault.audit.signing import SEED_BYTES, ChainKey
from twinvault.dynamodb.answers import decode_items_at_once
from twinvault.dynamodb.marks import Marks
from twinvault.dynamodb.table import Table, TableNames
from twinvault.dynamodb.transaction import Transactor
from twinvault.envelope import FORMAT, require_id
from twinvault.errors import ConfigurationError
from twinvault.keys.cache import CacheLimits, KeyCache
from twinvault.keys.changing import DEFAULT_TTL_SECONDS, KeyChanges
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.holds import LegalHolds
from twinvault.keys.instant import Instant
from twinvault.keys.kms import AwsKms
from twinvault.keys.loading import TenantLoader
from twinvault.keys.marked import MarkedRows
from twinvault.keys.planning import Planner
from twinvault.keys.root import RootKeys
from twinvault.keys.signer import AwsSigner
from twinvault.keys.times import text_of_time
from twinvault.records.freezing import Freezer
from twinvault.records.reading import Reader
from twinvault.records.writing import Writer
from twinvault.vault import Vault

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient


def open_vault(
    *,
    store: str,
    dynamodb: "DynamoDBClient",
    kms: "KMSClient",
    tables: TableNames,
    root_keys: Sequence[str],
    key_ttl_seconds: float = DEFAULT_TTL_SECONDS,
    lowest_format: int = FORMAT,
    function: str = "",
    artifact: str = "",
    backup_table: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Vault:
    """Puts the library together; calls nothing yet.

    Args:
        store: the store's logical name, an id that never changes: KMS binds every key to it, the audit log names it.
        dynamodb: a client of the four tables, whose keys are `pk` and `sk`, both text.
        kms: a client of the root keys.
        tables: the tables' physical names.
        root_keys: KMS key ids, never aliases: the first wraps new keys, all may open.
        key_ttl_seconds: how long a plaintext key may live in memory, and so the revocation lag.
        lowest_format: the lowest record format that is still opened.
        function: for the audit log, the name of the function that this is; empty for a script.
        artifact: likewise, the SHA-256 of its zip file, hex.
        backup_table: the name of a records table restored from a backup, to put partitions back from.
        clock: the time of day, in seconds since 1970. Deadlines and pauses go by the monotonic clock, whatever it says.

    Raises:
        InvalidInput, ConfigurationError: the store's name is no id; there is no root key; a table has no name.
    """
    (records, key_table, marks), at = _rows(dynamodb, _usable(tables, root_keys)), _Times(clock)
    root = RootKeys(AwsKms(kms), store=require_id(store, field="store"), root_key_ids=root_keys, randomness=os.urandom)
    keys, changes = _keys(key_table, marks, root=root, tables=tables, ttl=key_ttl_seconds, at=at)
    audit, reader = _audit_log(dynamodb, tables.audit, at=at), _reader(records, marks, keys=keys, lowest=lowest_format)
    writer = _writer(reader, changes=changes, tables=tables, audit=audit)
    holds, backup = _holds(key_table, marks, changes=changes, tables=tables), _backup(dynamodb, backup_table)
    origin = Origin(store=store, function=function, artifact=artifact)
    return Vault(records, reader, writer, audit, keys, changes, origin, key_table, holds, backup)


def signing_receipts(vault: Vault, kms: "KMSClient", *, audit_key: str) -> Vault:
    """The same vault, which also makes receipts of erasures: signed with this key of KMS's, an id and no alias."""
    return replace(vault, signer=AwsSigner(kms, audit_key))


def _usable(tables: TableNames, root_keys: Sequence[str]) -> tuple[str, str, str]:
    """The tables that are read; settings with which nothing could ever be read or written are refused."""
    ids: Sequence[object] = root_keys
    if isinstance(ids, str) or not all(isinstance(one, str) and one for one in ids):
        raise ConfigurationError("root_keys: must be a list of KMS key ids")
    if not root_keys:
        raise ConfigurationError("root_keys: is empty; the first key wraps new keys, so there must be one")
    if any(one.startswith("alias/") or ":alias/" in one for one in root_keys):
        raise ConfigurationError("root_keys: holds an alias, which may be pointed elsewhere; give the key's id")
    for name in TableNames.__slots__:
        if not isinstance(getattr(tables, name), str) or not getattr(tables, name):
            raise ConfigurationError(f"tables.{name}: must be the name of a table")
    return tables.records, tables.keys, tables.marks


def _tables(client: "DynamoDBClient", *names: str) -> list[Table]:
    decode_items_at_once(client)
    return [Table(client, name, sleep=time.sleep) for name in names]


def _rows(client: "DynamoDBClient", names: tuple[str, str, str]) -> tuple[Table, Table, Marks]:
    records, keys, marks = _tables(client, *names)
    return records, keys, Marks(marks)


def _backup(client: "DynamoDBClient", name: str | None) -> Table | None:
    return _tables(client, name)[0] if name else None


def _keys(
    table: Table, marks: Marks, *, root: RootKeys, tables: TableNames, ttl: float, at: "_Times"
) -> tuple[KeyHierarchy, KeyChanges]:
    loader = TenantLoader(table, marks, monotonic=time.monotonic, sleep=time.sleep)
    cache = KeyCache(CacheLimits(ttl=ttl), clock=at.instant, jitter=random.random)
    keys = KeyHierarchy(table=table, loader=loader, root=root, cache=cache, now=at.now, randomness=os.urandom)
    planner = Planner(keys=tables.keys, marks=tables.marks, randomness=os.urandom)
    return keys, KeyChanges(
        keys, root, planner=planner, now=at.now, randomness=os.urandom, sleep=time.sleep, key_ttl_seconds=ttl
    )


def _holds(table: Table, marks: Marks, *, changes: KeyChanges, tables: TableNames) -> LegalHolds:
    names, keys = (tables.keys, tables.marks), changes.hierarchy
    rows = MarkedRows(table=table, marks=marks, names=names, hierarchy=keys, randomness=os.urandom, sleep=time.sleep)
    return LegalHolds(rows=rows, now=changes.now)


def _audit_log(client: "DynamoDBClient", table: str, *, at: "_Times") -> AuditLog:
    transactor = Transactor(client, new_token=_uuid, monotonic=time.monotonic, sleep=time.sleep)
    key = ChainKey(os.urandom(SEED_BYTES))
    return AuditLog(transactor, table=table, key=key, new_chain=_chain, event_id=at.event_id, now=at.now)


def _reader(records: Table, marks: Marks, *, keys: KeyHierarchy, lowest: int) -> Reader:
    return Reader(
        records,
        marks,
        keys=keys,
        lowest_format=lowest,
        randomness=os.urandom,
        sleep=time.sleep,
        monotonic=time.monotonic,
    )


def _writer(reader: Reader, *, changes: KeyChanges, tables: TableNames, audit: AuditLog) -> Writer:
    return Writer(
        reader=reader,
        freezer=Freezer(changes.hierarchy, tables, now=changes.now, randomness=os.urandom),
        changes=changes,
        audit=audit,
        randomness=os.urandom,
        sleep=time.sleep,
        monotonic=time.monotonic,
    )


def now() -> str:
    """The time as RFC 3339 in UTC, to the microsecond."""
    return text_of_time(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class _Times:
    """One clock, as each room wants to be told the time."""

    clock: Callable[[], float]

    def now(self) -> str:
        return text_of_time(datetime.fromtimestamp(self.clock(), UTC))

    def instant(self) -> Instant:
        return Instant(time.monotonic(), self.clock())

    def event_id(self) -> str:
        return uuid7(int(self.clock() * 1000), os.urandom(10))


def _uuid() -> str:
    return str(uuid.uuid4())


def _chain() -> str:
    return os.urandom(16).hex()
