"""Everything that a function reads from its environment; the only place that does.

The template declares each variable (`stacks/functions.py`); a test feeds the synthesized ones to `Settings.from_env`.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from twinvault import FORMAT, ID, ConfigurationError

_LEVELS = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})
_MAX_TTL_SECONDS = 3600
_MOST_HOURS = 24 * 365
_TRACE = "_X_AMZN_TRACE_ID"
_KEY_ID = re.compile(r"[A-Za-z0-9-]{1,256}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TRACE_ID, _SPAN_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}"), re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Settings:
    """A function's settings.

    Attributes:
        store: the store's logical name, which never changes.
        artifact: SHA-256 of this function's zip file, hex.
        backup_table: the name that a records table has which was restored from a backup; there need not be one.
        root_keys: KMS key ids; the first wraps new KEKs, all may open.
        audit_key: the id of the KMS key that signs receipts.
        issuer, audience: what a token's `iss` and `aud` must be.
        jwks_url: where the issuer's keys are fetched.
        tenant_claim, permissions_claim: the names of these claims.
        key_ttl_seconds: how long a plaintext key may live in memory, and so the revocation lag.
        keys_recovery_days: how far back the keys table can be restored.
        backup_days: for how long the longest-lived backup or export of the keys table is kept; 0: none is made.
        erasure_hold_hours: for how long an erasure that was asked for can be called off; 0: it can be final at once.
        erasure_four_eyes: whether another principal than the one who asked must make an erasure final.
        lowest_format: the lowest record format that is opened.
    """

    store: str
    artifact: str
    records_table: str
    keys_table: str
    marks_table: str
    audit_table: str
    backup_table: str
    root_keys: tuple[str, ...]
    audit_key: str
    issuer: str
    audience: str
    jwks_url: str
    tenant_claim: str
    permissions_claim: str
    key_ttl_seconds: int
    keys_recovery_days: int
    backup_days: int
    erasure_hold_hours: int
    erasure_four_eyes: bool
    lowest_format: int
    log_level: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Reads the settings.

        Raises:
            ConfigurationError: names the variable that is missing or unusable.
        """
        roots = tuple(name.strip() for name in _text(environ, "TWINVAULT_ROOT_KEYS").split(","))
        if any(not _KEY_ID.fullmatch(root) for root in roots):
            raise ConfigurationError("TWINVAULT_ROOT_KEYS: must be KMS key ids, separated by commas")
        level = _text(environ, "TWINVAULT_LOG_LEVEL")
        if level not in _LEVELS:
            raise ConfigurationError(f"TWINVAULT_LOG_LEVEL: must be one of {', '.join(sorted(_LEVELS))}")
        artifact = _text(environ, "TWINVAULT_ARTIFACT")
        if not _SHA256.fullmatch(artifact):
            raise ConfigurationError("TWINVAULT_ARTIFACT: must be a SHA-256 in hex")
        return cls(
            store=_store(environ),
            artifact=artifact,
            records_table=_text(environ, "TWINVAULT_RECORDS_TABLE"),
            keys_table=_text(environ, "TWINVAULT_KEYS_TABLE"),
            marks_table=_text(environ, "TWINVAULT_MARKS_TABLE"),
            audit_table=_text(environ, "TWINVAULT_AUDIT_TABLE"),
            backup_table=_text(environ, "TWINVAULT_BACKUP_TABLE"),
            root_keys=roots,
            audit_key=_key_id(environ, "TWINVAULT_AUDIT_KEY"),
            issuer=_text(environ, "TWINVAULT_ISSUER"),
            audience=_text(environ, "TWINVAULT_AUDIENCE"),
            jwks_url=_text(environ, "TWINVAULT_JWKS_URL"),
            tenant_claim=_text(environ, "TWINVAULT_TENANT_CLAIM"),
            permissions_claim=_text(environ, "TWINVAULT_PERMISSIONS_CLAIM"),
            key_ttl_seconds=_number(environ, "TWINVAULT_KEY_TTL_SECONDS", least=1, most=_MAX_TTL_SECONDS),
            keys_recovery_days=_number(environ, "TWINVAULT_KEYS_RECOVERY_DAYS", least=1, most=35),
            backup_days=_number(environ, "TWINVAULT_BACKUP_DAYS", least=0, most=36_500),
            erasure_hold_hours=_number(environ, "TWINVAULT_ERASURE_HOLD_HOURS", least=0, most=_MOST_HOURS),
            erasure_four_eyes=_truth(environ, "TWINVAULT_ERASURE_FOUR_EYES"),
            lowest_format=_number(environ, "TWINVAULT_LOWEST_FORMAT", least=1, most=FORMAT),
            log_level=level,
        )


def load() -> Settings:
    """The settings of this process."""
    return Settings.from_env(os.environ)


def trace_ids() -> tuple[str, str]:
    """The trace and span id of the current invocation, as Lambda's runtime client announces them; empty if untraced.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, `_X_AMZN_TRACE_ID`.
    """
    parts = dict(part.split("=", 1) for part in os.environ.get(_TRACE, "").split(";") if "=" in part)
    # It goes into logs, audit entries and answers, and who chose it is not ours to know: only its documented form does.
    root, parent = parts.get("Root", ""), parts.get("Parent", "")
    return root if _TRACE_ID.fullmatch(root) else "", parent if _SPAN_ID.fullmatch(parent) else ""


def _text(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise ConfigurationError(f"{name}: is missing from the environment")
    return value


def _store(environ: Mapping[str, str]) -> str:
    value = _text(environ, "TWINVAULT_STORE")
    if not ID.fullmatch(value):
        raise ConfigurationError("TWINVAULT_STORE: must be 1 to 63 characters of a-z, 0-9, '.', '_' and '-'")
    return value


def _key_id(environ: Mapping[str, str], name: str) -> str:
    value = _text(environ, name)
    if not _KEY_ID.fullmatch(value):
        raise ConfigurationError(f"{name}: must be a KMS key id")
    return value


def _truth(environ: Mapping[str, str], name: str) -> bool:
    value = _text(environ, name)
    if value not in {"true", "false"}:
        raise ConfigurationError(f"{name}: must be true or false")
    return value == "true"


def _number(environ: Mapping[str, str], name: str, *, least: int, most: int) -> int:
    value = _text(environ, name)
    if not re.fullmatch(r"[0-9]{1,6}", value, re.ASCII) or not least <= int(value) <= most:
        raise ConfigurationError(f"{name}: must be a whole number from {least} to {most}")
    return int(value)
