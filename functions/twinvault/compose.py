"""Composition: the whole library put together over two clients. What a service wires, and all that a script needs.

    vault = open_vault(dynamodb=..., kms=..., tables=..., root_keys=[...])

The clients bring region, endpoints, credentials, timeouts and retries; nothing here reads the environment.
"""

import os
import random
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from twinvault.audit.ids import uuid7
from twinvault.audit.log import AuditLog
from twinvault.dynamodb.entries import DynamoAuditTable
from twinvault.dynamodb.key_rows import DynamoKeyTable
from twinvault.dynamodb.table import Table
from twinvault.dynamodb.transaction import Transactor
from twinvault.envelope import FORMAT
from twinvault.keys.cache import CacheLimits, Instant, KeyCache
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.kms import AwsKms
from twinvault.keys.rotation import KeyRotation
from twinvault.records.reading import Reader
from twinvault.records.writing import TableNames, Writer
from twinvault.vault import Vault

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

DEFAULT_TTL_SECONDS = 300.0


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
    reader = Reader(records, keys, lowest_format=lowest_format, sleep=time.sleep)
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
    return Vault(records, reader, writer, audit, keys, KeyRotation(keys, key_rows))


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
