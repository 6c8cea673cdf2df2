"""keys roots: which root keys wrap something of any tenant's, as the whole keys table says."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from twinvault_cli.connection import JsonOption
from twinvault_cli.errors import UsageError
from twinvault_cli.inspecting import asked
from twinvault_cli.output import console, counted, print_json, print_table
from twinvault_cli.state import StateOption


def roots(
    *,
    unused: Annotated[
        str | None, typer.Option(help="The id of a root key: is it said to wrap nothing? If it does, this fails.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="The table's region.", show_default="the AWS settings'")] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
) -> None:
    """Show which root keys wrap how many keys of all tenants: with the caller's own AWS credentials, and no key."""
    if unused is not None and unused.startswith(("arn:", "alias/")):
        # No row names a key so, and "unused" would be said of one that is in use.
        raise UsageError("--unused wants the id of a key, no ARN and no alias.", next_step="`twinvault keys roots`")
    found = _found(region, state)
    if as_json:
        print_json(found)
    else:
        _show(found)
    if unused is None:
        return
    if found["unreadable"]:
        raise UsageError(
            f"{counted(found['unreadable'], 'row does', 'rows do')} not say which root key wrapped the key in it: "
            "nobody can say that one is unused.",
            next_step="`twinvault fsck --no-keys --all` names them.",
        )
    for one in found["root_keys"]:
        if one["root_key_id"] == unused:
            some = ", ".join(one["first_tenants"][:5])
            raise UsageError(
                f"It wraps {counted(one['keks'], 'KEK')} and {counted(one['register_keys'], 'register key')} "
                f"of {counted(one['tenants'], 'tenant')}.",
                next_step=f"Run `twinvault keys rewrap --root --tenant` for each, such as {some}.",
            )
    console.print(f"{escape(unused)} wraps nothing of any tenant's ({counted(found['tenants'], 'tenant')}).")


def _found(region: str | None, state: Path | None) -> dict[str, Any]:
    needs = "dynamodb:Scan on keys"
    found, _ = asked("twinvault.roots", (), tables=("keys",), region=region, state=state, needs=needs)
    return found


def _show(found: dict[str, Any]) -> None:
    rows = []
    for one in found["root_keys"]:
        counts = (str(one[name]) for name in ("keks", "register_keys", "tenants"))
        rows.append((escape(one["root_key_id"]), *counts, escape(one["oldest"][:10])))
    print_table(("root key", "KEKs", "register keys", "tenants", "oldest"), rows)
