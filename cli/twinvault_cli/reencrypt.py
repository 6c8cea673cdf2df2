"""keys reencrypt: every record of a tenant's dialogues, or of one, under new DEKs; driven to its end with progress."""

import json
import time
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from twinvault_cli.client import Client
from twinvault_cli.completing import complete_dialogue
from twinvault_cli.connection import JsonOption, TokenOption, UrlOption, connect
from twinvault_cli.epochs import RequiredTenant
from twinvault_cli.errors import TamperingError
from twinvault_cli.maintain import WorkJson, drive_to_end, refused, said
from twinvault_cli.output import console, counted, print_json, results
from twinvault_cli.state import StateOption


def reencrypt(
    tenant: RequiredTenant,
    *,
    dialogue: Annotated[str | None, typer.Option(autocompletion=complete_dialogue, help="Only this dialogue.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Seal all records of a tenant's dialogues anew under new DEKs; what is under older ones is refused then."""
    client = connect(url, token, tenant, state)
    partitions = 1 if dialogue is not None else _partitions(client)
    if dry_run:
        if as_json:
            print_json({"partitions": partitions})
        else:
            console.print(
                f"{counted(partitions, 'partition')} would be sealed anew, each under a new version of its DEK."
            )
        return
    one = {} if dialogue is None else {"dialogue": dialogue}
    asked = {"work": "reencrypt", "kind": "dialogue", **one}
    work: WorkJson = json.loads(client.post("/maintenance", json.dumps(asked).encode()))
    done = _driven(client, work["id"], total=partitions)
    if as_json:
        print_json(done)
    else:
        _show(done)
    if done["state"] == "failed":
        raise TamperingError(
            f"{refused(done)}; the others are done.",
            next_step="Mend them, or reinstate the epoch that their key is under, and begin again. The audit log says"
            " which and why, under the action maintain.reencrypt.",
        )


def _driven(client: Client, work_id: str, *, total: int) -> WorkJson:
    """Ask for more of it until it is at its end, and show how far it is, how fast, and what is left."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    began = time.monotonic()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("asking")

        def show(work: WorkJson) -> None:
            counts = work["counts"]
            left = max(0, total - counts["partitions"])
            rate = counts["rewritten"] / max(time.monotonic() - began, 0.001)
            progress.update(task, description=f"{said(work)}; {left} left, {rate:.0f} records a second")

        return drive_to_end(
            lambda: json.loads(client.post(f"/maintenance/{work_id}", b"")), show=show, sleep=time.sleep
        )


def _show(done: WorkJson) -> None:
    console.print(f"{escape(done['id'])}: {escape(done['state'])}. {said(done)}")
    for one in done["findings"]:
        results.print(escape(f"{one['partition']}  {one['problem']}  {one['check']}"))


def _partitions(client: Client) -> int:
    """How many there are, as the rows of their keys say: each has one that is its newest."""
    versions = json.loads(client.get("/keys/status"))["deks"]
    return sum(one["newest"] for one in versions)
