"""The stage: where a deployment stands and which identity provider it trusts.

The values stand in ``cdk.json`` and nowhere else; what one deployment says of itself is in ``rollout.py``. A stage that
is not there, a value that is missing, unknown or wrong is an error that names itself. What may be missing, or null, is
what a stage may do without (``OPTIONAL``); nothing else has a default.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from twinvault_cdk import checks
from twinvault_cdk.domain import Domain, domain

# CloudWatch Logs takes these and no others (CloudWatch Logs API Reference, "PutRetentionPolicy").
RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
PRODUCTION = "prod"
ENDPOINTS = ("standard", "fips", "dualstack")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
RUNTIMES = ("python3.13",)
ARCHITECTURES = ("x86_64", "arm64")  # as Lambda calls them
TABLES = ("records", "keys", "marks", "audit")
# Null is the same as missing: the CDK drops it from its context.
OPTIONAL = frozenset({"domain", *(f"{table}_table" for table in TABLES)})

_EXAMPLE = re.compile(r"(^|\.)example\.(com|net|org)$")


class StageError(ValueError):
    """What ``cdk.json`` or ``-c`` says is missing, unknown or wrong; the message names it and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The values of one stage, each checked."""

    name: str
    store: str  # the store's logical name, in KMS's contexts and audit entries: never changed, no two stages share one
    region: str
    architecture: str  # what the functions run on; the artifact's machine code is for it
    endpoints: str  # which of AWS's: standard, FIPS or dual-stack
    issuer: str  # compared with a token's `iss`
    audience: str  # compared with a token's `aud`
    jwks_url: str  # fetched
    tenant_claim: str
    permissions_claim: str
    domain: Domain | None  # the name under which the API is called; None: under the one that API Gateway gives it
    cors_origins: tuple[str, ...]
    records_table: str | None  # a table that stands in place of the stack's own: one that was restored; likewise below
    keys_table: str | None
    marks_table: str | None
    audit_table: str | None
    throttle_rate: int  # requests a second
    throttle_burst: int  # requests at once
    log_retention_days: int
    keys_recovery_days: int  # point-in-time window of the keys table: erasure is final only after it
    backup_days: int  # how long the longest-lived backup or export of the keys table is kept; 0: none is made
    erasure_hold_hours: int  # how long an erasure that was asked for can be called off; 0: it can be final at once
    erasure_four_eyes: bool  # whether another principal than the one who asked must make an erasure final
    key_ttl_seconds: int  # how long a plaintext key may stay in a function's memory: the revocation lag
    lowest_format: int  # the oldest record format that is opened
    written_format: int  # the record format that this release writes; a verdict compares it with the last release's
    log_level: str
    alarm_emails: tuple[str, ...]  # who hears the alarms; whoever else is subscribed to the topic does too
    disposable: bool  # whether the account may assume the functions' roles, to try what they are refused: never prod
    parity_on_aws_required: bool  # whether a verdict is GO only after the parity suite passed on AWS

    @classmethod
    def read(cls, context: Callable[[str], Any]) -> Self:
        """Reads the stage that ``-c stage=NAME`` (or ``cdk.json``) chooses.

        Raises:
            StageError: the stage is unknown, or one of its values is missing, unknown or wrong.
        """
        stages = context("stages")
        if not isinstance(stages, Mapping) or not stages:
            raise StageError("cdk.json: context.stages must map each stage's name to its values.")
        name = context("stage")
        if not isinstance(name, str) or name not in stages:
            raise StageError(f"Unknown stage {name!r}: cdk.json has {', '.join(sorted(stages))}.")
        if not re.fullmatch(r"[a-z][a-z0-9]{0,15}", name):
            raise StageError(f"Stage {name!r}: the name must be a-z and 0-9, from a letter on, at most 16 characters.")
        stage = cls(name=name, **_values(name, stages[name]))
        if stage.disposable and stage.name == PRODUCTION:
            raise StageError(f"cdk.json, stage {name}: disposable is true: the functions alone may have their roles.")
        if stage.domain and stage.domain.certificate_region != stage.region:
            raise StageError(
                f"cdk.json, stage {name}: domain: the certificate must be of {stage.region}, as the API is."
            )
        for other, values in stages.items():
            if other != name and isinstance(values, Mapping) and values.get("store") == stage.store:
                raise StageError(f"cdk.json, stage {name}: store {stage.store} is stage {other}'s too.")
        return stage

    @property
    def adopted_tables(self) -> dict[str, str]:
        """The names of the tables that stand in place of the stack's own, by what they hold."""
        named = {table: getattr(self, f"{table}_table") for table in TABLES}
        return {table: name for table, name in named.items() if name is not None}

    def example_values(self) -> tuple[str, ...]:
        """Names the values that still are documentation's examples (RFC 2606), with which nobody can log in."""
        urls = {"issuer": self.issuer, "jwks_url": self.jwks_url}
        found = [name for name, url in urls.items() if _EXAMPLE.search(urlsplit(url).hostname or "")]
        if any(_EXAMPLE.search(urlsplit(origin).hostname or "") for origin in self.cors_origins):
            found.append("cors_origins")
        if self.domain and _EXAMPLE.search(self.domain.name):
            found.append("domain")
        return tuple(found)

    def trusts_this_machine(self) -> bool:
        """Says whether tokens come from an issuer on the loopback: right for the twin, useless in a deployment."""
        return urlsplit(self.jwks_url).hostname in checks.LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What the functions run: the artifact, and the runtime that is pinned for it."""

    artifact: Path
    runtime: str

    @classmethod
    def read(cls, context: Callable[[str], Any], *, root: Path) -> Self:
        """Reads the artifact's path, below the project's folder `root`, and the pinned runtime.

        Raises:
            StageError: one of them is missing or wrong.
        """
        known = {"artifact": checks.text, "runtime": checks.one_of(*RUNTIMES)}
        read = {key: _checked(f"cdk.json, context.{key}", context(key), check) for key, check in known.items()}
        return cls(**{**read, "artifact": root / read["artifact"]})


def _values(stage: str, given: object) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise StageError(f"cdk.json, stage {stage}: must be an object of values.")
    known = [field.name for field in fields(Stage) if field.name != "name"]
    for key in given:
        if key not in known:
            raise StageError(f"cdk.json, stage {stage}: {key} is unknown; the values are {', '.join(known)}.")
    for key in known:
        if key not in given and key not in OPTIONAL:
            raise StageError(f"cdk.json, stage {stage}: {key} is missing.")
    return {key: _checked(f"cdk.json, stage {stage}: {key}", given.get(key), _CHECKS[key]) for key in known}


def _checked(where: str, value: object, check: checks.Check) -> Any:  # noqa: ANN401  # each check has a type of its own
    try:
        return check(value)
    except ValueError as rule:
        raise StageError(f"{where} is {value!r}: it must be {rule}.") from None


_CHECKS: Mapping[str, checks.Check] = {
    "store": checks.matching(r"[a-z0-9][a-z0-9._-]{0,62}", "1 to 63 characters of a-z, 0-9, '.', '_' and '-'"),
    "region": checks.matching(r"[a-z]{2,4}(-[a-z]+)+-[0-9]", "a region such as eu-central-1"),
    "architecture": checks.one_of(*ARCHITECTURES),
    "endpoints": checks.one_of(*ENDPOINTS),
    "issuer": checks.url,
    "audience": checks.text,
    "jwks_url": checks.url,
    "tenant_claim": checks.text,
    "permissions_claim": checks.text,
    "domain": checks.optional(domain),
    "cors_origins": checks.origins,
    **dict.fromkeys(
        (f"{table}_table" for table in TABLES),
        checks.optional(
            checks.matching(r"[A-Za-z0-9_.-]{3,255}", "null, or the name of a table of this account and region")
        ),
    ),
    "throttle_rate": checks.whole(1, 10_000),
    "throttle_burst": checks.whole(1, 5_000),
    "log_retention_days": checks.one_of(*sorted(RETENTION_DAYS)),
    "keys_recovery_days": checks.whole(1, 35),
    "backup_days": checks.whole(0, 36_500),
    "erasure_hold_hours": checks.whole(0, 24 * 365),
    "erasure_four_eyes": checks.truth,
    "key_ttl_seconds": checks.whole(1, 3600),
    "lowest_format": checks.whole(1, 1),
    "written_format": checks.whole(1, 1),
    "log_level": checks.one_of(*LOG_LEVELS),
    "alarm_emails": checks.emails,
    "disposable": checks.truth,
    "parity_on_aws_required": checks.truth,
}
