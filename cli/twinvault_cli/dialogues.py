"""import, export, show, list: dialogues over HTTP, against the twin or production alike."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.panel import Panel

from twinvault_cli import exporting, hidden
from twinvault_cli.client import dialogue_path
from twinvault_cli.completing import STATUSES, complete_dialogue, complete_status
from twinvault_cli.connection import (
    TENANT,
    JsonOption,
    TenantOption,
    TokenOption,
    UrlOption,
    connect,
)
from twinvault_cli.errors import OK, CliError, TamperingError, UsageError
from twinvault_cli.given import carried, remember
from twinvault_cli.import_lines import import_file, worst_of
from twinvault_cli.output import console, print_json, print_table, results
from twinvault_cli.patience import PatientClient
from twinvault_cli.state import StateOption

app = typer.Typer()

_ALL = "All of the tenant's: twinvault export --all --output FILE"
_LISTS = ("experts", "rounds", "perspectives", "tensions", "recommendations", "evidence", "claims", "moves", "refs")


@app.command(name="import")
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Files of a dialogue, or of one a line; - is standard input."),
    ],
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
    """Store whole dialogues, encrypted. Importing the same file again changes nothing, and goes on with it."""
    client = PatientClient(lambda: connect(url, token, tenant, state))
    worst, done = OK, list[dict[str, Any]]()
    for name in map(str, files):
        try:
            outcome = import_file(client, name, after_erasure=after_erasure)
        except CliError as error:
            worst = max(worst, error.exit_code)
            outcome = {"error": error.message}
            _print_failure(name, error.message, error.next_step)
        else:
            worst = max(worst, worst_of(outcome))
            _print_imported(name, outcome)
        done.append({"file": name, **outcome})
    if as_json:
        print_json(done)
    if worst != OK:
        raise typer.Exit(worst)


@app.command()
def export(
    dialogue_id: Annotated[
        str, typer.Argument(metavar="[ID]", autocompletion=complete_dialogue, show_default=False)
    ] = "",
    *,
    every: Annotated[
        bool, typer.Option("--all", help="All dialogues of the tenant, one a line; the same command goes on with it.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; of one dialogue standard output if none.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --all: replace the file, where it is there.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="What it prints is JSON anyway; errors, and the result of --all, too.")
    ] = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Print a dialogue in the layout that it was imported in, letter for letter; with --all, write all of them."""
    if every:
        if dialogue_id or output is None:
            raise UsageError("--all takes no ID, and a file.", next_step=_ALL)
        client = PatientClient(lambda: connect(url, token, tenant, state))
        exporting.write_all(client, output, force=force, as_json=as_json)
        return
    if not dialogue_id or force:
        raise UsageError("export takes an ID, without --force.", next_step=_ALL)
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


def _print_failure(name: str, message: str, next_step: str) -> None:
    console.print(f"[bold red]{escape(name)}: {escape(message)}[/]")
    if next_step:
        console.print(escape(carried(next_step)))


def _print_imported(name: str, outcome: dict[str, Any]) -> None:
    tail = f"{outcome['records']} records, transactions: {outcome['transactions']}, {outcome['seconds']} s"
    if "failed" not in outcome:
        console.print(f"{escape(name)}: [green]{outcome['result']}[/], {tail}")
        return
    for one in outcome["failed"]:
        about = f" ({one['id']})" if one["id"] else ""
        _print_failure(f"{name}:{one['line']}{about}", one["error"], one["next_step"])
    counts = f"{outcome['created']} created, {outcome['unchanged']} unchanged, {len(outcome['failed'])} refused"
    console.print(f"{escape(name)}: [green]{counts}[/], {tail}")
    if outcome["stopped_at_line"]:
        console.print(
            f"{escape(name)}: it ended at line {outcome['stopped_at_line']}; the same command goes on with it."
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
