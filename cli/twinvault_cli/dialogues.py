"""import, export, show, list: dialogues over HTTP, against the twin or production alike."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.markup import escape
from rich.panel import Panel

from twinvault_cli import hidden
from twinvault_cli.client import Client, dialogue_path
from twinvault_cli.completing import STATUSES, complete_dialogue, complete_status
from twinvault_cli.connection import (
    TENANT,
    AlreadyJsonOption,
    JsonOption,
    TenantOption,
    TokenOption,
    UrlOption,
    connect,
)
from twinvault_cli.errors import OK, CliError, TamperingError, UsageError
from twinvault_cli.given import carried, remember
from twinvault_cli.output import console, print_json, print_table, results
from twinvault_cli.state import StateOption

app = typer.Typer()

_UNFINISHED = "importing"

_LISTS = ("experts", "rounds", "perspectives", "tensions", "recommendations", "evidence", "claims", "moves", "refs")


@app.command(name="import")
def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Dialogue files; - is standard input.")],
    *,
    after_erasure: Annotated[
        bool, typer.Option("--after-erasure", help="Also where a dialogue of that id was erased: it is another one.")
    ] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Store whole dialogues, encrypted. Importing the same file again changes nothing."""
    client = connect(url, token, tenant, state)
    worst, done = OK, list[dict[str, Any]]()
    for name in map(str, files):
        try:
            outcome = _import_one(client, name, after_erasure=after_erasure)
        except CliError as error:
            worst = max(worst, error.exit_code)
            outcome = {"error": error.message}
            console.print(f"[bold red]{escape(name)}: {escape(error.message)}[/]")
            if error.next_step:
                console.print(escape(carried(error.next_step)))
        else:
            console.print(
                f"{escape(name)}: [green]{outcome['result']}[/], {outcome['records']} records, "
                f"transactions: {outcome['transactions']}, {outcome['seconds']} s"
            )
        done.append({"file": name, **outcome})
    if as_json:
        print_json(done)
    if worst != OK:
        raise typer.Exit(worst)


@app.command()
def export(
    dialogue_id: Annotated[str, typer.Argument(metavar="ID", autocompletion=complete_dialogue)],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; standard output if none.")
    ] = None,
    _: AlreadyJsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Print a dialogue in the layout that it was imported in: the same content, letter for letter."""
    document = connect(url, token, tenant, state).get(f"{dialogue_path(dialogue_id)}/export")
    if output is None:
        # In a terminal hidden characters stand as JSON's escapes: the same document, letter for letter.
        shown = hidden.in_json(document.decode()).encode() if sys.stdout.isatty() else document
        sys.stdout.buffer.write(shown + b"\n")
        return
    try:
        output.write_bytes(document + b"\n")
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}.") from None


@app.command()
def show(
    dialogue_id: Annotated[str, typer.Argument(metavar="ID", autocompletion=complete_dialogue)],
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Show a dialogue, opened: what was asked, who spoke, how it stands, what it came to."""
    opened = json.loads(connect(url, token, tenant, state).get(dialogue_path(dialogue_id)))
    if as_json:
        print_json(opened)
        return
    _print_dialogue(opened["dialogue"], opened["stored"])


@app.command(name="list")
def list_dialogues(
    *,
    status: Annotated[
        str | None,
        typer.Option(callback=remember, autocompletion=complete_status, help=f"{', '.join(STATUSES)}."),
    ] = None,
    limit: Annotated[int, typer.Option(callback=remember, help="How many on a page.", min=1, max=50)] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where a page ended: go on from there.")] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """List dialogues, newest first within a status. Exit code 3 if one of them cannot be opened."""
    asked = {"status": status, "limit": str(limit), "cursor": cursor}
    query = {name: value for name, value in asked.items() if value is not None}
    page = json.loads(connect(url, token, tenant, state).get("/dialogues", query))
    if as_json:
        print_json(page)
    else:
        _print_page(page)
    if refused := page.get("refused"):
        raise TamperingError(
            f"{len(refused)} of them cannot be opened.",
            next_step=f"Tell an operator the correlation id: {page['correlation_id']}",
        )


def _print_page(page: dict[str, Any]) -> None:
    rows = []
    for item in page["dialogues"]:
        shown = item["status"] if item["state"] == "complete" else item["state"]
        rows.append((escape(item.get("id", "")), escape(item.get("title", "")), escape(shown), item["updated_at"][:19]))
    print_table(("id", "title", "status", "updated"), rows, narrow="title")
    for one in page.get("refused", ()):
        place = one["partition"] or "a row that is no dialogue of this tenant"
        results.print(f" refused: {escape(place)} ({escape(one['problem'])})")
    if page["cursor"]:
        console.print(escape(carried(f"More: twinvault list --cursor {page['cursor']}")))


def _import_one(client: Client, name: str, *, after_erasure: bool) -> dict[str, Any]:
    try:
        body = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}.") from None
    began = time.monotonic()
    query = {"after_erasure": "true"} if after_erasure else None
    transactions = 0
    while True:
        outcome = _asked(client, body, query)
        transactions += outcome["transactions"]
        if outcome["result"] != _UNFINISHED:
            break
        # One request's time did not suffice: the same request again goes on with it.
        console.print(f"{escape(name)}: {outcome['stored']} of {outcome['records']} records")
    return {**outcome, "transactions": transactions, "seconds": round(time.monotonic() - began, 2)}


def _asked(client: Client, body: bytes, query: dict[str, str] | None) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = json.loads(client.post("/dialogues/import", body, query=query))
    except UsageError as error:
        if error.status == httpx.codes.GONE and query is None:
            error.next_step = "As another dialogue, with keys of its own: give --after-erasure."
        raise
    return answer


def _print_dialogue(dialogue: dict[str, Any], stored: dict[str, Any]) -> None:
    results.print(f"[bold]{escape(hidden.one_line(dialogue['title']))}[/]  {escape(dialogue['status'])}")
    if dialogue.get("question"):
        results.print(Panel(escape(dialogue["question"]), title="question", title_align="left"), soft_wrap=False)
    counts = "  ".join(f"{name} {len(dialogue[name])}" for name in _LISTS if dialogue.get(name))
    results.print(counts)
    experts = [
        tuple(escape(expert[name]) for name in ("slug", "role", "tier")) for expert in dialogue.get("experts", [])
    ]
    print_table(("expert", "role", "tier"), experts, narrow="role")
    for verdict in dialogue.get("verdicts", []):
        results.print(f"verdict {escape(hidden.one_line(verdict['id']))}")
        results.print(Panel(escape(verdict.get("recommendation") or "")), soft_wrap=False)
    results.print(
        f"[dim]version {stored['version']}, {stored['records']} records, stored {stored['created_at'][:19]}[/]"
    )
