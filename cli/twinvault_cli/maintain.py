"""maintain: long work over all partitions of a kind, begun, driven to its end with progress, listed."""

import json
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from twinvault_cli.client import Client
from twinvault_cli.completing import WORKS, complete_kind, complete_work, complete_work_id
from twinvault_cli.connection import TENANT, JsonOption, TenantOption, TokenOption, UrlOption, connect
from twinvault_cli.errors import TamperingError, UnavailableError
from twinvault_cli.output import console, counted, print_json, results
from twinvault_cli.state import StateOption

app = typer.Typer(name="maintain", help="Long work over all partitions of a kind: done once, whoever drives it.")

_PAUSE_SECONDS = 1.0
_PATIENCE = 10  # unavailable answers in a row, after which the schedule may go on by itself

type WorkJson = dict[str, Any]


@app.command()
def start(
    job: Annotated[
        str, typer.Argument(metavar="WORK", autocompletion=complete_work, help=f"What to do: {', '.join(WORKS)}.")
    ],
    kind: Annotated[
        str, typer.Argument(autocompletion=complete_kind, help="The kind of the partitions, such as dialogue.")
    ],
    *,
    drive: Annotated[bool, typer.Option(help="Drive it to its end; else a schedule does, in its own time.")] = True,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Begin a work, or go on with the one of this kind that runs."""
    client = connect(url, token, tenant, state)
    work: WorkJson = json.loads(client.post("/maintenance", json.dumps({"work": job, "kind": kind}).encode()))
    _finish(driven(client, work["id"]) if drive else work, as_json=as_json)


@app.command(name="drive")
def drive_work(
    work_id: Annotated[str, typer.Argument(metavar="ID", autocompletion=complete_work_id)],
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Drive a work to its end, from wherever it stands."""
    _finish(driven(connect(url, token, tenant, state), work_id), as_json=as_json)


@app.command(name="list")
def list_works(
    *,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Show the newest works and how they stand."""
    works: list[WorkJson] = json.loads(connect(url, token, tenant, state).get("/maintenance"))["works"]
    if as_json:
        print_json(works)
        return
    for work in works:
        about = escape(f"{work['id']}  {work['state']:<7}  {work['work']} {work['kind']}  {work['begun'][:16]}")
        results.print(f"{about}  {said(work)}")


def driven(client: Client, work_id: str) -> WorkJson:
    """Ask for more of it until it is at its end, and show how far it is."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("asking")
        return drive_to_end(
            lambda: json.loads(client.post(f"/maintenance/{work_id}", b"")),
            show=lambda work: progress.update(task, description=said(work)),
            sleep=time.sleep,
        )


def drive_to_end(
    ask: Callable[[], WorkJson], *, show: Callable[[WorkJson], None], sleep: Callable[[float], None]
) -> WorkJson:
    """The work at its end; `ask` does as much of it as one request can.

    Raises:
        CliError: as `ask`; of answers that something is not available, only after several in a row.
    """
    failures = 0
    while True:
        try:
            work = ask()
        except UnavailableError:
            failures += 1
            if failures >= _PATIENCE:
                raise
            sleep(_PAUSE_SECONDS)
            continue
        failures = 0
        show(work)
        if work["state"] != "running":
            return work
        if work["driven_until"]:
            sleep(_PAUSE_SECONDS)  # somebody else is at it


def _finish(work: WorkJson, *, as_json: bool) -> None:
    if as_json:
        print_json(work)
    else:
        console.print(f"{escape(work['id'])}: {escape(work['state'])}. {said(work)}")
    if work["state"] == "failed":
        raise TamperingError(
            f"{refused(work)}; the others are done.",
            next_step="The audit log says which and why, under the action "
            f"maintain.{work['work']}. Mend them and begin again.",
        )


def refused(work: WorkJson) -> str:
    """How many partitions were refused, in words."""
    return counted(work["counts"]["failed"], "partition was refused", "partitions were refused")


def said(work: WorkJson) -> str:
    """How far a work is, in words."""
    counts = work["counts"]
    failed = f", [red]{counts['failed']} refused[/]" if counts["failed"] else ""
    elsewhere = "  (somebody else is at it)" if work["driven_until"] else ""
    return (
        f"{counted(counts['partitions'], 'partition')}{failed}: {counted(counts['rewritten'], 'record')} written, "
        f"{counts['skipped']} as they should be{elsewhere}"
    )
