"""erase hold, lift, holds: what must be neither erased nor sealed anew."""

import json
from typing import Annotated, Any

import typer
from rich.markup import escape

from twinvault_cli.connection import TENANT, JsonOption, TenantOption, TokenOption, UrlOption, connect
from twinvault_cli.epochs import RequiredTenant
from twinvault_cli.errors import UsageError
from twinvault_cli.output import console, print_json, print_table
from twinvault_cli.state import StateOption

DialogueOption = Annotated[str | None, typer.Option("--dialogue", help="Only this dialogue.")]
WholeOption = Annotated[str | None, typer.Option("--whole-tenant", help="All of the tenant: its name, spelled out.")]


def hold(
    tenant: RequiredTenant,
    *,
    dialogue: DialogueOption = None,
    whole_tenant: WholeOption = None,
    reason: Annotated[str, typer.Option(help="What it is for, such as a case's number.")] = "",
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Put a legal hold on a dialogue or a tenant: until it is lifted, nothing of it is erased or sealed anew."""
    asked = {**_place(dialogue, whole_tenant), **({"reason": reason} if reason else {})}
    found = json.loads(connect(url, token, tenant, state).post("/holds", json.dumps(asked).encode()))
    _show(found, "is under hold", as_json=as_json)


def lift(
    tenant: RequiredTenant,
    *,
    dialogue: DialogueOption = None,
    whole_tenant: WholeOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Lift the legal hold of a dialogue, or of a tenant."""
    body = json.dumps(_place(dialogue, whole_tenant)).encode()
    found = json.loads(connect(url, token, tenant, state).post("/holds/lift", body))
    _show(found, "is free again: it was under hold", as_json=as_json)


def holds(
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Show what is under a legal hold."""
    found: dict[str, Any] = json.loads(connect(url, token, tenant, state).get("/holds"))
    if as_json:
        print_json(found)
        return
    rows = [
        [escape(cell) for cell in (_what(one), one["since"][:19], one["principal"], one["reason"])]
        for one in found["holds"]
    ]
    print_table(("what", "since", "put by", "reason"), rows, narrow="reason")


def _place(dialogue: str | None, whole_tenant: str | None) -> dict[str, str]:
    if (dialogue is None) == (whole_tenant is None):
        raise UsageError(
            "A hold is of one dialogue, or of the whole tenant.",
            next_step="Give --dialogue ID, or --whole-tenant and the tenant's name.",
        )
    return {"dialogue": dialogue} if dialogue is not None else {"tenant": whole_tenant or ""}


def _show(found: dict[str, Any], how: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    console.print(f"{escape(_what(found))} {how} since {found['since'][:19]}Z, by {escape(found['principal'])}.")


def _what(found: dict[str, Any]) -> str:
    return str(found["dialogue"] or found["partition"] or "the whole tenant")
