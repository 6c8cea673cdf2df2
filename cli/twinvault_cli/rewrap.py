"""keys rewrap: keys under a newer key."""

import json
from typing import Annotated, Any

import typer
from rich.markup import escape

from twinvault_cli.client import Client
from twinvault_cli.connection import JsonOption, TokenOption, UrlOption, connect
from twinvault_cli.epochs import RequiredTenant
from twinvault_cli.errors import UsageError
from twinvault_cli.output import console, counted, print_json
from twinvault_cli.rewrap_deks import rewrap_deks
from twinvault_cli.state import StateOption


def rewrap(
    tenant: RequiredTenant,
    *,
    root: Annotated[bool, typer.Option("--root", help="What KMS wrapped, under the first root key.")] = False,
    again: Annotated[bool, typer.Option("--again", help="With --root, also what is under that key already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Wrap a tenant's DEKs and index key under its newest KEK, or with --root its KEKs under the first root key."""
    if again and not root:
        raise UsageError("--again is for root keys.", next_step="Give --root with it.")
    client = connect(url, token, tenant, state)
    if not root:
        rewrap_deks(client, dry_run=dry_run, as_json=as_json)
        return
    found = _planned_root(client, again=again) if dry_run else _rewrapped_root(client, again=again)
    if as_json:
        print_json(found)
        return
    would, then = (" would be", " then") if dry_run else ("", "")
    console.print(f"{counted(found['rewrapped'], 'key')}{would} wrapped under {escape(found['root_key_id'])}.")
    for one in found["unused"]:
        console.print(f"{escape(one)} wraps nothing of this tenant's any more{then}. Others may use it.")


def _rewrapped_root(client: Client, *, again: bool) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.post("/keys/rewrap-root", json.dumps({"again": again}).encode()))
    return found


def _planned_root(client: Client, *, again: bool) -> dict[str, Any]:
    """What it would come to, as the status says."""
    roots = json.loads(client.get("/keys/status"))["root_keys"]
    moved = [one for one in roots if again or not one["current"]]
    unused = [one["root_key_id"] for one in roots if not one["current"]]
    first = next((one["root_key_id"] for one in roots if one["current"]), "the first root key")
    count = sum(one["keks"] + one["register_key"] for one in moved)
    return {"root_key_id": first, "rewrapped": count, "unused": unused}
