"""keys status: how many keys are under which, the oldest first."""

import json
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from twinvault_cli.connection import JsonOption, TokenOption, UrlOption, connect
from twinvault_cli.epochs import RequiredTenant
from twinvault_cli.output import print_json, results
from twinvault_cli.state import StateOption

type StatusJson = dict[str, Any]


def status(
    tenant: RequiredTenant,
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Show which root key wraps how many keys, and which epoch how many DEKs: the oldest first."""
    found: StatusJson = json.loads(connect(url, token, tenant, state).get("/keys/status"))
    if as_json:
        print_json(found)
        return
    roots = Table("root key", "KEKs", "register key", "oldest", "", box=None)
    for one in found["root_keys"]:
        register = "yes" if one["register_key"] else ""
        roots.add_row(escape(one["root_key_id"]), str(one["keks"]), register, one["oldest"][:10], _current(one))
    results.print(roots)
    epochs = Table("epoch", "state", "since", "DEKs", "index key", "", box=None)
    for one in found["epochs"]:
        index = "yes" if one["index"] else ""
        epochs.add_row(str(one["epoch"]), one["state"], one["since"][:10], str(one["deks"]), index, _current(one))
    results.print(epochs)
    if found["unlisted"]:
        said = f"{found['unlisted']} DEK rows name an epoch that there is not: they were put back or planted."
        typer.secho(said, fg="red", err=True)


def _current(one: dict[str, Any]) -> str:
    return "new keys" if one["current"] else ""
