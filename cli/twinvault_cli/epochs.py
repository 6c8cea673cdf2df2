"""keys retire, revoke, reinstate: what becomes of a KEK's epochs."""

import json
from typing import Annotated, Any

import typer
from rich.markup import escape

from twinvault_cli.completing import complete_epoch
from twinvault_cli.connection import JsonOption, TokenOption, UrlOption, connect
from twinvault_cli.given import carried, remember
from twinvault_cli.output import console, print_json
from twinvault_cli.state import StateOption

RequiredTenant = Annotated[
    str, typer.Option(callback=remember, help="Whose keys; the tenant of --token, where one is given.")
]
EpochOption = Annotated[int, typer.Option(autocompletion=complete_epoch, help="Which epoch of the KEK.")]


def retire(
    tenant: RequiredTenant,
    epoch: EpochOption,
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Let an epoch seal nothing new. What it sealed still opens."""
    answer = connect(url, token, tenant, state).post("/keys/retire", _body(epoch))
    show_epochs(answer, "seals nothing new; what it sealed still opens.", epoch=epoch, as_json=as_json)


def revoke(
    tenant: RequiredTenant,
    *,
    epoch: Annotated[
        int | None,
        typer.Option(autocompletion=complete_epoch, help="Which epoch; else all that are alive.", show_default="all"),
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Let an epoch, or all of them, neither seal nor open. Whoever has the key in memory has it until the key TTL."""
    answer = connect(url, token, tenant, state).post("/keys/revoke", _body("all" if epoch is None else epoch))
    stops = "opens nothing any more, at the latest when the key TTL is over. Who holds the key itself is not stopped."
    show_epochs(answer, stops, epoch=epoch, as_json=as_json)


def reinstate(
    tenant: RequiredTenant,
    epoch: EpochOption,
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Let a revoked epoch open again. It seals nothing new: rotate for that."""
    answer = connect(url, token, tenant, state).post("/keys/reinstate", _body(epoch))
    show_epochs(answer, "opens again what it sealed.", epoch=epoch, as_json=as_json)


def _body(epoch: int | str) -> bytes:
    return json.dumps({"epoch": epoch}).encode()


def show_epochs(answer: bytes, done: str, *, epoch: int | None, as_json: bool) -> None:
    """Say what was done, and what may still be used for what."""
    found: dict[str, Any] = json.loads(answer)
    if as_json:
        print_json(found)
        return
    console.print(f"{'Every epoch' if epoch is None else f'Epoch {epoch}'} {done}")
    for one in found["epochs"]:
        console.print(escape(f"  {one['epoch']:>6}  {one['state']:<8}  since {one['since'][:19]}Z"))
    if not any(one["state"] == "active" for one in found["epochs"]):
        said = (
            "No epoch seals: this tenant's new dialogues are refused until `twinvault keys rotate`, at the latest when"
            " the key TTL is over. What is written until then is refused once it is."
        )
        console.print(escape(carried(said)))
