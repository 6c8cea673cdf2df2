"""What a shell completes values to; what the service alone knows is asked of it, for a moment only."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import typer

from twinvault_cli.errors import CliError
from twinvault_cli.state import project_folder
from twinvault_local.errors import TwinError
from twinvault_local.tokens import ALL_PERMISSIONS

STATUSES = ("open", "converging", "converged", "abandoned", "importing")  # as the service lists them (docs/api.md)
WORKS = ("rewrite", "reindex", "reencrypt")
KINDS = ("dialogue",)
_PATIENCE_SECONDS = 2.0
_TENANT = "demo"

type Completer = Callable[[typer.Context, str], list[str]]


def complete_status(incomplete: str) -> list[str]:
    """The statuses that begin so."""
    return _beginning(STATUSES, incomplete)


def complete_work(incomplete: str) -> list[str]:
    """The kinds of work that begin so."""
    return _beginning(WORKS, incomplete)


def complete_kind(incomplete: str) -> list[str]:
    """The kinds of partitions that begin so."""
    return _beginning(KINDS, incomplete)


def complete_permissions(incomplete: str) -> list[str]:
    """The permissions that the last of a list, separated by commas, may become."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{one}" for one in _beginning(ALL_PERMISSIONS, last)]


def complete_stage(incomplete: str) -> list[str]:
    """The stages of cdk.json that begin so."""
    try:
        stages = json.loads((project_folder() / "cdk.json").read_text(encoding="utf-8"))["context"]["stages"]
    except (OSError, ValueError, KeyError):
        return []
    return _beginning(stages, incomplete)


def complete_dialogue(context: typer.Context, incomplete: str) -> list[str]:
    """The ids of the tenant's newest dialogues that begin so."""
    return _beginning((one.get("id", "") for one in _asked(context, "/dialogues", "dialogues")), incomplete)


def complete_work_id(context: typer.Context, incomplete: str) -> list[str]:
    """The ids of the tenant's newest works that begin so."""
    return _beginning((one["id"] for one in _asked(context, "/maintenance", "works")), incomplete)


def complete_epoch(context: typer.Context, incomplete: str) -> list[str]:
    """The epochs of the tenant's KEK that begin so."""
    return _beginning((str(one["epoch"]) for one in _asked(context, "/keys/status", "epochs")), incomplete)


def _asked(context: typer.Context, path: str, listed: str) -> list[dict[str, Any]]:
    """What the service lists; nothing where it cannot be asked, for a shell has no place for an error."""
    from twinvault_cli.connection import connect  # noqa: PLC0415  # which `env` and `logs` need not load to complete

    given = context.params
    try:
        client = connect(given.get("url"), given.get("token"), given.get("tenant") or _TENANT, given.get("state"))
        found: list[dict[str, Any]] = json.loads(replace(client, timeout=_PATIENCE_SECONDS).get(path))[listed]
    except (CliError, TwinError, OSError, ValueError, KeyError):
        return []
    return found


def _beginning(values: Iterable[str], incomplete: str) -> list[str]:
    return [one for one in values if one and one.startswith(incomplete)]
