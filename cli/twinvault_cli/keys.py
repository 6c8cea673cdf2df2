"""keys: a tenant's KEKs and DEKs, new ones of them, and what becomes of the old ones."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.markup import escape

from twinvault_cli import destroy, epochs, key_status, reencrypt, rewrap, roots
from twinvault_cli.completing import complete_dialogue
from twinvault_cli.connection import TENANT, JsonOption, TenantOption, TokenOption, UrlOption, connect
from twinvault_cli.output import console, counted, print_json, print_table
from twinvault_cli.state import StateOption

_SINGLE = {"idx": "hides ids", "register": "says which keys there are", "register-key": "seals the register"}

app = typer.Typer(name="keys", help="The keys of a tenant: what there is, new ones, and their end.")
for command in (
    key_status.status,
    epochs.retire,
    epochs.revoke,
    epochs.reinstate,
    rewrap.rewrap,
    roots.roots,
    reencrypt.reencrypt,
    destroy.destroy,
):
    app.command()(command)


@app.command(name="list")
def list_keys(
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Show the epochs of the KEK with their states, and the tenant's other keys: age, and what they are used for."""
    keys: list[dict[str, Any]] = json.loads(connect(url, token, tenant, state).get("/keys"))["keys"]
    if as_json:
        print_json(keys)
        return
    now = datetime.now(UTC)
    rows = []
    for key in keys:
        wraps = f", wraps {counted(key['uses'], 'key')}" if key["uses"] is not None else ""
        age = _age(key["created_at"], now)
        under = escape(key["wrapped_under"])
        rows.append((escape(key["name"]), escape(key["state"] or ""), age, under, _use(key) + wraps))
    print_table(("key", "state", "age", "wrapped under", "use"), rows)


@app.command()
def rotate(
    tenant: epochs.RequiredTenant,
    *,
    dialogue: Annotated[
        str | None, typer.Option(autocompletion=complete_dialogue, help="Only the DEK of this dialogue.")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Make a new epoch of the tenant's KEK, or a new version of one dialogue's DEK. What is old still opens."""
    asked = {} if dialogue is None else {"dialogue": dialogue}
    made = json.loads(connect(url, token, tenant, state).post("/keys/rotate", json.dumps(asked).encode()))
    if as_json:
        print_json(made)
    elif dialogue is None:
        console.print(f"KEK of epoch {made['epoch']}: new keys are wrapped under it.")
    else:
        console.print(f"DEK version {made['version']}: new records of this dialogue are sealed under it.")


def _use(key: dict[str, Any]) -> str:
    """What a key is for, in a few words."""
    if key["name"] in _SINGLE:
        return _SINGLE[key["name"]]
    if key["state"] == "revoked":
        return "opens nothing"
    return "new keys and records" if key["current"] else "opens what is old"


def _age(created_at: str, now: datetime) -> str:
    try:
        since = now - datetime.fromisoformat(created_at)
    except (ValueError, TypeError):
        return "?"
    return f"{since.days} d" if since.days else f"{since.seconds // 60} min"
