"""keys status: how many keys are under which, the oldest first."""

import json
from typing import Annotated, Any

import typer
from rich.markup import escape

from twinvault_cli.connection import JsonOption, TokenOption, UrlOption, connect
from twinvault_cli.epochs import RequiredTenant
from twinvault_cli.output import counted, print_json, print_table
from twinvault_cli.state import StateOption

type StatusJson = dict[str, Any]


def status(
    tenant: RequiredTenant,
    *,
    dialogue: Annotated[str | None, typer.Option(help="What the DEKs of this dialogue are used for.")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Show which root key wraps how many keys, which epoch how many DEKs, of which versions: the oldest first."""
    query = None if dialogue is None else {"dialogue": dialogue}
    found: StatusJson = json.loads(connect(url, token, tenant, state).get("/keys/status", query))
    if as_json:
        print_json(found)
        return
    if dialogue is not None:
        _show_deks(found)
        return
    roots = []
    for one in found["root_keys"]:
        register = "yes" if one["register_key"] else ""
        roots.append((escape(one["root_key_id"]), str(one["keks"]), register, one["oldest"][:10], _current(one)))
    print_table(("root key", "KEKs", "register key", "oldest", ""), roots)
    epochs = []
    for one in found["epochs"]:
        index = "yes" if one["index"] else ""
        epochs.append((str(one["epoch"]), one["state"], one["since"][:10], str(one["deks"]), index, _current(one)))
    print_table(("epoch", "state", "since", "DEKs", "index key", ""), epochs)
    deks = []
    for one in found["deks"]:
        beside = one["partitions"] - one["newest"]
        older = f"{counted(beside, 'has', 'have')} a newer one beside it" if beside else ""
        deks.append((str(one["version"]), str(one["partitions"]), str(one["newest"]), one["oldest"][:10], older))
    print_table(("DEK version", "partitions", "newest of", "oldest", ""), deks)
    if found["unlisted"]:
        rows = counted(found["unlisted"], "DEK row names", "DEK rows name")
        said = f"{rows} an epoch that there is not: put back, or planted."
        typer.secho(said, fg="red", err=True)


def _show_deks(found: StatusJson) -> None:
    deks = [
        (str(one["version"]), one["state"], one["created_at"][:10], escape(one["wrapped_under"]), str(one["records"]))
        for one in found["deks"]
    ]
    print_table(("DEK version", "state", "made", "under", "records"), deks)


def _current(one: dict[str, Any]) -> str:
    return "new keys" if one["current"] else ""
