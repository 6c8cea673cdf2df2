"""The only composition root: built once, at the first invocation."""

import functools
import os
import random
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import boto3
import urllib3
from botocore.config import Config

from service.access import Jwks, TokenVerifier
from service.settings import Settings, load
from service.telemetry import Telemetry
from twinvault.audit.ids import uuid7
from twinvault.audit.log import AuditLog
from twinvault.errors import DependencyError
from twinvault.keys.cache import CacheLimits, Instant, KeyCache
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.kms import AwsKms
from twinvault.keys.rotation import KeyRotation
from twinvault.records.dynamodb import DynamoAuditTable, DynamoKeyTable, Table
from twinvault.records.reading import Reader
from twinvault.records.reading import Settings as ReadSettings
from twinvault.records.store import RecordStore
from twinvault.records.transaction import Transactor
from twinvault.records.writing import TableNames, Writer

_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
_JWKS_TIMEOUT = urllib3.Timeout(connect=2, read=3)
_MAX_JWKS_BYTES = 256 * 1024
_OK = 200


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that a request needs."""

    store: RecordStore
    keys: KeyHierarchy
    rotation: KeyRotation
    tokens: TokenVerifier
    telemetry: Telemetry


@functools.cache
def service() -> Service:
    """The service of this process."""
    return build(load())


def build(settings: Settings) -> Service:
    """Wires a service. Clients take region, endpoints and credentials from what the AWS SDK itself understands."""
    session = boto3.Session()
    dynamodb = session.client("dynamodb", config=_CONFIG)
    transactor = Transactor(dynamodb, new_token=_uuid, monotonic=time.monotonic, sleep=time.sleep)
    tables = TableNames(settings.records_table, settings.keys_table, settings.audit_table)
    key_table = Table(dynamodb, tables.keys, sleep=time.sleep)
    key_rows = DynamoKeyTable(key_table, transactor, monotonic=time.monotonic, sleep=time.sleep)
    kms = AwsKms(session.client("kms", config=_CONFIG))
    keys = KeyHierarchy(
        table=key_rows,
        kms=kms,
        root_key_ids=settings.root_keys,
        cache=KeyCache(CacheLimits(ttl=settings.key_ttl_seconds), clock=_instant, jitter=random.random),
        now=now,
        randomness=os.urandom,
    )
    audit = AuditLog(DynamoAuditTable(tables.audit, transactor), new_chain=_chain, event_id=_event_id, now=now)
    records = Table(dynamodb, tables.records, sleep=time.sleep)
    reader = Reader(records, keys, settings=ReadSettings(settings.lowest_format), sleep=time.sleep)
    writer = Writer(
        reader,
        keys,
        audit,
        transactor,
        tables=tables,
        now=now,
        randomness=os.urandom,
        sleep=time.sleep,
        monotonic=time.monotonic,
    )
    tokens = TokenVerifier(
        Jwks(lambda: _fetch(settings.jwks_url), monotonic=time.monotonic),
        issuer=settings.issuer,
        audience=settings.audience,
        tenant_claim=settings.tenant_claim,
        permissions_claim=settings.permissions_claim,
    )
    rotation = KeyRotation(keys, key_rows, kms, root_key_ids=settings.root_keys, now=now, randomness=os.urandom)
    telemetry = Telemetry(log_level=settings.log_level)
    return Service(RecordStore(records, reader, writer, audit), keys, rotation, tokens, telemetry)


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


def _fetch(url: str) -> bytes:
    """Fetches the issuer's keys. Redirects are not followed: the setting says where the keys are."""
    try:
        answer = urllib3.request("GET", url, timeout=_JWKS_TIMEOUT, retries=False, redirect=False)
    except urllib3.exceptions.HTTPError:
        raise DependencyError("the identity provider cannot be reached") from None
    if answer.status != _OK or len(answer.data) > _MAX_JWKS_BYTES:
        raise DependencyError("the identity provider does not give its keys")
    return answer.data
