"""erase finalize: the keys that erased keys were under are destroyed, so that all erasures before are final."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from twinvault_cli.client import Client
from twinvault_cli.connection import JsonOption, TokenOption, UrlOption, connect
from twinvault_cli.epochs import RequiredTenant
from twinvault_cli.errors import TamperingError
from twinvault_cli.given import carried
from twinvault_cli.maintain import drive_to_end
from twinvault_cli.output import console, counted, print_json
from twinvault_cli.state import StateOption

type FinalizingJson = dict[str, Any]

_LOOK_SECONDS = 15.0  # between two looks at a work that waits: somebody may have retired one more epoch


def finalize(
    tenant: RequiredTenant,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait it out; else a schedule goes on, in its own time.")] = True,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Make a tenant's erasures final: a new KEK, all keys under it, the old ones destroyed. It waits for minutes."""
    client = connect(url, token, tenant, state)
    if dry_run:
        _show_plan(_planned(client), as_json=as_json)
        return
    done = driven(client, wait=wait, sleep=time.sleep)
    if as_json:
        print_json(done)
    elif done["phase"] == "waiting":
        console.print(f"{done['id']}: waits until {done['waits_until']}.")
        console.print("A schedule goes on with it; or type this again.")
    else:
        console.print(f"{done['id']}: {done['state']}. {_said(done)}")
        console.print(carried("Ask for the receipts anew: twinvault erase list"))
    if done["state"] == "failed":
        raise TamperingError(
            "Not every epoch could be destroyed, for something living is still under it.",
            next_step="The audit log says what (action key.finalize); `twinvault keys status` says under what.",
        )


def driven(client: Client, *, wait: bool, sleep: Callable[[float], None]) -> FinalizingJson:
    """The work at its end, or where it waits; errors as any request."""
    work: FinalizingJson = json.loads(client.post("/keys/finalize", b""))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("asking")

        def ask() -> FinalizingJson:
            found: FinalizingJson = json.loads(client.post(f"/keys/finalize/{work['id']}", b""))
            if not found["waits_until"]:
                return found
            progress.update(task, description=f"waiting until {found['waits_until'][:19]}Z, for functions' memory")
            if not wait:
                return {**found, "state": "waiting"}
            left = (datetime.fromisoformat(found["waits_until"]) - datetime.now(UTC)).total_seconds()
            sleep(min(max(left, 0.0), _LOOK_SECONDS))
            return found

        def show(found: FinalizingJson) -> None:
            progress.update(task, description=f"{found['phase']}: {_said(found)}")

        return drive_to_end(ask, show=show, sleep=sleep)


def _planned(client: Client) -> FinalizingJson:
    """What it would come to, as the status says."""
    status = json.loads(client.get("/keys/status"))
    epochs = status["epochs"]
    under_revoked = sum(one["deks"] for one in epochs if one["state"] == "revoked")
    return {
        "new_epoch": max((one["epoch"] for one in epochs), default=0) + 1,
        "destroyed": [one["epoch"] for one in epochs],
        "rewrapped": sum(one["deks"] for one in epochs) - under_revoked,
        "kept_alive_by_revoked": under_revoked,
    }


def _show_plan(planned: FinalizingJson, *, as_json: bool) -> None:
    if as_json:
        print_json(planned)
        return
    epochs = ", ".join(map(str, planned["destroyed"])) or "none"
    console.print(f"Epoch {planned['new_epoch']} would be made, and the others destroyed: {epochs}.")
    console.print(f"{counted(planned['rewrapped'], 'key')} would be brought along, after some minutes of waiting.")
    if planned["kept_alive_by_revoked"]:
        held_back = counted(planned["kept_alive_by_revoked"], "key is", "keys are")
        console.print(
            f"{held_back} under a revoked epoch, which would stay, and all above it:"
            " reinstate it first, if you want its keys."
        )


def _said(work: FinalizingJson) -> str:
    counts = work["counts"]
    return f"{counted(counts['keys'], 'key')}: {counts['rewrapped']} brought along, {counts['refused']} refused"
