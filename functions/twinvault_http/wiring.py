"""The composition root of the service: built once, at the first invocation."""

import functools
import time
from dataclasses import dataclass

import boto3
import urllib3
from botocore.config import Config

from twinvault import DependencyError, TableNames, Vault, open_vault, signing_receipts
from twinvault_http.access import Jwks, TokenVerifier
from twinvault_http.settings import Settings, load
from twinvault_http.telemetry import Telemetry

_CONFIG = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
_JWKS_TIMEOUT = urllib3.Timeout(connect=2, read=3)
_MAX_JWKS_BYTES = 256 * 1024
_OK = 200


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that a request needs."""

    vault: Vault
    tokens: TokenVerifier
    telemetry: Telemetry
    settings: Settings


@functools.cache
def service() -> Service:
    """The service of this process."""
    return build(load())


def build(settings: Settings) -> Service:
    """Wires a service. Clients take region, endpoints and credentials from what the AWS SDK itself understands."""
    session = boto3.Session()
    kms = session.client("kms", config=_CONFIG)
    vault = open_vault(
        dynamodb=session.client("dynamodb", config=_CONFIG),
        kms=kms,
        store=settings.store,
        artifact=settings.artifact,
        tables=TableNames(
            records=settings.records_table,
            keys=settings.keys_table,
            marks=settings.marks_table,
            audit=settings.audit_table,
        ),
        root_keys=settings.root_keys,
        key_ttl_seconds=settings.key_ttl_seconds,
        lowest_format=settings.lowest_format,
        backup_table=settings.backup_table,
    )
    tokens = TokenVerifier(
        Jwks(lambda: _fetch(settings.jwks_url), monotonic=time.monotonic),
        issuer=settings.issuer,
        audience=settings.audience,
        tenant_claim=settings.tenant_claim,
        permissions_claim=settings.permissions_claim,
    )
    # Whether KMS lets this function sign is said by the audit key's policy, which names one role.
    vault = signing_receipts(vault, kms, audit_key=settings.audit_key)
    return Service(vault, tokens, Telemetry(log_level=settings.log_level), settings)


def _fetch(url: str) -> bytes:
    """Fetches the issuer's keys. Redirects are not followed: the setting says where the keys are."""
    try:
        answer = urllib3.request("GET", url, timeout=_JWKS_TIMEOUT, retries=False, redirect=False)
    except urllib3.exceptions.HTTPError:
        raise DependencyError("the identity provider cannot be reached") from None
    if answer.status != _OK or len(answer.data) > _MAX_JWKS_BYTES:
        raise DependencyError("the identity provider does not give its keys")
    return answer.data
