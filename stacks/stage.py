"""The stage: where a deployment stands and which identity provider it trusts.

The values stand in ``cdk.json`` and nowhere else; what one deployment says of itself is in ``rollout.py``. A stage that
is not there, a value that is missing, unknown or wrong is an error that names itself; nothing has a silent default.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

# CloudWatch Logs takes these and no others (CloudWatch Logs API Reference, "PutRetentionPolicy").
RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
PRODUCTION = "prod"
ENDPOINTS = ("standard", "fips", "dualstack")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
RUNTIMES = ("python3.13",)
ARCHITECTURES = ("x86_64",)

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EXAMPLE = re.compile(r"(^|\.)example\.(com|net|org)$")


class StageError(ValueError):
    """What ``cdk.json`` or ``-c`` says is missing, unknown or wrong; the message names it and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The values of one stage, each checked."""

    name: str
    store: str  # the store's logical name, in KMS's contexts and audit entries: never changed, no two stages share one
    region: str
    endpoints: str  # which of AWS's: standard, FIPS or dual-stack
    issuer: str  # compared with a token's `iss`
    audience: str  # compared with a token's `aud`
    jwks_url: str  # fetched
    tenant_claim: str
    permissions_claim: str
    cors_origins: tuple[str, ...]
    throttle_rate: int  # requests a second
    throttle_burst: int  # requests at once
    log_retention_days: int
    keys_recovery_days: int  # point-in-time window of the keys table: erasure is final only after it
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
        for other, values in stages.items():
            if other != name and isinstance(values, Mapping) and values.get("store") == stage.store:
                raise StageError(f"cdk.json, stage {name}: store {stage.store} is stage {other}'s too.")
        return stage

    def example_values(self) -> tuple[str, ...]:
        """Names the values that still are documentation's examples (RFC 2606), with which nobody can log in."""
        urls = {"issuer": self.issuer, "jwks_url": self.jwks_url}
        found = [name for name, url in urls.items() if _EXAMPLE.search(urlsplit(url).hostname or "")]
        if any(_EXAMPLE.search(urlsplit(origin).hostname or "") for origin in self.cors_origins):
            found.append("cors_origins")
        return tuple(found)

    def trusts_this_machine(self) -> bool:
        """Says whether tokens come from an issuer on the loopback: right for the twin, useless in a deployment."""
        return urlsplit(self.jwks_url).hostname in _LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What the functions run: the artifact, and the runtime that is pinned for it."""

    artifact: Path
    runtime: str
    architecture: str

    @classmethod
    def read(cls, context: Callable[[str], Any]) -> Self:
        """Reads the artifact's path and the pinned runtime.

        Raises:
            StageError: one of them is missing or wrong.
        """
        checks = {"artifact": _path, "runtime": _one_of(*RUNTIMES), "architecture": _one_of(*ARCHITECTURES)}
        return cls(**{key: _checked(f"cdk.json, context.{key}", context(key), check) for key, check in checks.items()})


type _Check = Callable[[Any], Any]


def _values(stage: str, given: object) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise StageError(f"cdk.json, stage {stage}: must be an object of values.")
    known = [field.name for field in fields(Stage) if field.name != "name"]
    for key in given:
        if key not in known:
            raise StageError(f"cdk.json, stage {stage}: {key} is unknown; the values are {', '.join(known)}.")
    for key in known:
        if key not in given:
            raise StageError(f"cdk.json, stage {stage}: {key} is missing.")
    return {key: _checked(f"cdk.json, stage {stage}: {key}", given[key], _CHECKS[key]) for key in known}


def _checked(where: str, value: object, check: _Check) -> Any:  # noqa: ANN401  # each check has a type of its own
    try:
        return check(value)
    except ValueError as rule:
        raise StageError(f"{where} is {value!r}: it must be {rule}.") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or value != value.strip():
        raise ValueError("a text without spaces around it")
    return value


def _path(value: object) -> Path:
    return Path(__file__).resolve().parents[1] / _text(value)


def _matching(pattern: str, rule: str) -> _Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(rule)
        return value

    return check


def _url(value: object) -> str:
    rule = "an https address, or http on this machine's loopback"
    try:
        parts = urlsplit(_text(value))
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(rule) from None
    if not host or parts.username or not (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)):
        raise ValueError(rule)
    return parts.geturl()


def _origins(value: object) -> tuple[str, ...]:
    rule = "a list of origins such as https://dashboard.example.com, without path and without *"
    if not isinstance(value, list | tuple):
        raise ValueError(rule)  # noqa: TRY004  # each check raises the same error: its rule
    try:
        origins = tuple(_url(origin) for origin in value)
    except ValueError:
        raise ValueError(rule) from None
    if any(urlsplit(origin).path or urlsplit(origin).query for origin in origins):
        raise ValueError(rule)
    return origins


def _emails(value: object) -> tuple[str, ...]:
    rule = "a list of e-mail addresses, which may be empty"
    if not isinstance(value, list | tuple):
        raise ValueError(rule)  # noqa: TRY004  # each check raises the same error: its rule
    return tuple(_matching(r"[^@\s]+@[^@\s]+\.[^@\s]+", rule)(address) for address in value)


def _whole(low: int, high: int) -> _Check:
    def check(value: object) -> int:
        # JSON numbers may arrive as floats; booleans are ints in Python and never meant here.
        if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
            raise ValueError(f"a whole number from {low} to {high}")
        if not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(value)

    return check


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004  # each check raises the same error: its rule
    return value


def _one_of(*choices: str | int) -> _Check:
    def check(value: object) -> str | int:
        for choice in choices:
            if value == choice and not isinstance(value, bool):
                return choice
        raise ValueError(f"one of {', '.join(map(str, choices))}")

    return check


_CHECKS: Mapping[str, _Check] = {
    "store": _matching(r"[a-z0-9][a-z0-9._-]{0,62}", "1 to 63 characters of a-z, 0-9, '.', '_' and '-'"),
    "region": _matching(r"[a-z]{2,4}(-[a-z]+)+-[0-9]", "a region such as eu-central-1"),
    "endpoints": _one_of(*ENDPOINTS),
    "issuer": _url,
    "audience": _text,
    "jwks_url": _url,
    "tenant_claim": _text,
    "permissions_claim": _text,
    "cors_origins": _origins,
    "throttle_rate": _whole(1, 10_000),
    "throttle_burst": _whole(1, 5_000),
    "log_retention_days": _one_of(*sorted(RETENTION_DAYS)),
    "keys_recovery_days": _whole(1, 35),
    "key_ttl_seconds": _whole(1, 3600),
    "lowest_format": _whole(1, 1),
    "written_format": _whole(1, 1),
    "log_level": _one_of(*LOG_LEVELS),
    "alarm_emails": _emails,
    "disposable": _truth,
    "parity_on_aws_required": _truth,
}
