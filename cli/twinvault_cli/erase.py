"""erase: what ends for good, in two steps that two people may have to take; and what somebody wants kept."""

import json
import time
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from twinvault_cli import finalizing, holds
from twinvault_cli.client import Client
from twinvault_cli.connection import TENANT, JsonOption, TenantOption, TokenOption, UrlOption, connect
from twinvault_cli.epochs import RequiredTenant
from twinvault_cli.given import carried
from twinvault_cli.maintain import drive_to_end
from twinvault_cli.output import console, counted, print_json, print_table
from twinvault_cli.state import StateOption

type ErasureJson = dict[str, Any]

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The erasure's id, as it was given out.")]

app = typer.Typer(name="erase", help="What ends for good: asked for, called off, made final; and what is kept.")
for command in (holds.hold, holds.lift, holds.holds, finalizing.finalize):
    app.command()(command)


@app.command()
def dialogue(
    dialogue_id: Annotated[str, typer.Argument(metavar="DIALOGUE", help="The dialogue's id.")],
    tenant: RequiredTenant,
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Ask that a dialogue be erased. Nothing is erased until somebody makes that final."""
    client = connect(url, token, tenant, state)
    _show(json.loads(client.post("/erasures", json.dumps({"dialogue": dialogue_id}).encode())), as_json=as_json)


@app.command(name="tenant")
def whole_tenant(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The tenant's name, spelled out once more.")],
    tenant: RequiredTenant,
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Ask that everything of a tenant be erased. Nothing is erased until somebody makes that final."""
    client = connect(url, token, tenant, state)
    _show(json.loads(client.post("/erasures", json.dumps({"tenant": name}).encode())), as_json=as_json)


@app.command(name="list")
def list_erasures(
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Show what was asked to be erased, the newest first."""
    found: dict[str, Any] = json.loads(connect(url, token, tenant, state).get("/erasures"))
    if as_json:
        print_json(found)
        return
    rows = []
    for one in found["erasures"]:
        erased = (one["erased"] or {}).get("erased_at", "")
        what, asked = _what(one), one["requested"]["principal"]
        rows.append(
            [escape(cell) for cell in (one["id"], one["state"], what, asked, one["not_before"][:19], erased[:19])]
        )
    print_table(("id", "state", "what", "asked by", "not before", "erased"), rows)
    for row in found["refused"]:
        console.print(f"[red]{escape(row)}: this row does not open. The audit log says why.[/]")


@app.command()
def show(
    erasure_id: IdArgument,
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Show how one erasure stands."""
    _show(json.loads(connect(url, token, tenant, state).get(f"/erasures/{erasure_id}")), as_json=as_json)


@app.command()
def cancel(
    erasure_id: IdArgument,
    tenant: RequiredTenant,
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Call an erasure off, which nobody has made final."""
    client = connect(url, token, tenant, state)
    _show(json.loads(client.post(f"/erasures/{erasure_id}/cancel", b"")), as_json=as_json)


@app.command(name="final")
def make_final(
    erasure_id: IdArgument,
    tenant: RequiredTenant,
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Erase what was asked for, for good, and sweep away what is left of its rows."""
    client = connect(url, token, tenant, state)
    found: ErasureJson = json.loads(client.post(f"/erasures/{erasure_id}/final", b""))
    # That of a whole tenant waits until no function has its keys in memory: a schedule carries it on.
    if found["sweep"]["state"] == "running" and found["kind"] is not None:
        found = {**found, "sweep": _swept(client, erasure_id)}
    _show(found, as_json=as_json)


def _swept(client: Client, erasure_id: str) -> dict[str, Any]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("erased; sweeping")

        def tell(sweep: dict[str, Any]) -> None:
            progress.update(task, description=f"erased; {counted(sweep['counts']['rows'], 'row')} swept")

        return drive_to_end(
            lambda: json.loads(client.post(f"/erasures/{erasure_id}", b""))["sweep"], show=tell, sleep=time.sleep
        )


def _what(found: ErasureJson) -> str:
    return str(found["dialogue"] or found["partition"] or "the whole tenant")


def _next(command: str, found: ErasureJson) -> str:
    """What to type next about this erasure, as markup."""
    return escape(carried(f"twinvault erase {command} {found['id']}"))


def _show(found: ErasureJson, *, as_json: bool) -> None:
    """Say how an erasure stands, and what can be done next."""
    if as_json:
        print_json(found)
        return
    what = escape(_what(found))
    asked = found["requested"]
    console.print(f"{found['id']}: {found['state']}. What: {what}, asked for by {escape(asked['principal'])}.")
    if found["state"] == "requested":
        from_when = f"It can be made final from {found['not_before'][:19]}Z on"
        console.print(f"{from_when}: {_next('final', found)}")
        console.print(f"Until it is, it can be called off: {_next('cancel', found)}")
    elif found["state"] == "cancelled":
        console.print(f"Called off by {escape(found['cancelled']['principal'])}. Nothing was erased.")
    elif found["erased"] is None:
        console.print(f"Nobody can call it off, and it is not erased yet: {_next('final', found)}")
    else:
        console.print(
            f"Erased at {found['erased']['erased_at'][:19]}Z, made final by {escape(found['final']['principal'])}."
        )
        # With a tenant all its epochs ended: there is nothing to finalize.
        if found["finalized_at"] is None and found["erased"]["kind"] is not None:
            console.print(
                escape(carried("So that copies of its key are worth nothing any more: twinvault erase finalize"))
            )
        console.print(f"Its receipt: {escape(carried(f'twinvault receipt get {found["id"]}'))}")
    if sweep := found.get("sweep"):
        console.print(f"Sweep: {sweep['state']}, {counted(sweep['counts']['rows'], 'row')}.")
