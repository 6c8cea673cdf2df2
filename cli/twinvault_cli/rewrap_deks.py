"""keys rewrap: every DEK and the index key under the newest KEK, driven to its end with progress."""

import json
import time
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from twinvault_cli.client import Client
from twinvault_cli.errors import TamperingError
from twinvault_cli.maintain import drive_to_end
from twinvault_cli.output import console, counted, print_json

type RewrapJson = dict[str, Any]
type EpochsJson = list[dict[str, Any]]


def rewrap_deks(client: Client, *, dry_run: bool, as_json: bool) -> None:
    """Begin the work, or go on with the one that runs, and drive it to its end; or say what it would come to.

    Raises:
        CliError: as any request; TamperingError where keys were refused.
    """
    before = _epochs(client)
    if dry_run:
        planned = _planned(before)
        if as_json:
            print_json(planned)
        else:
            console.print(
                f"{counted(planned['rewrapped'], 'key')} would be wrapped anew, "
                f"{counted(planned['already'], 'is', 'are')} as they should be."
            )
            _show_left(before)
        return
    work: RewrapJson = json.loads(client.post("/keys/rewrap", b""))
    done = _driven(client, work["id"], total=sum(one["deks"] for one in before))
    left = _epochs(client)
    if as_json:
        print_json({**done, "left": _planned(left)})
    else:
        console.print(f"{done['id']}: {done['state']}. {_said(done)}")
        _show_left(left)
    if done["state"] == "failed":
        raise TamperingError(
            f"{counted(done['counts']['refused'], 'key was', 'keys were')} refused; the others are done.",
            next_step="The audit log says why, under the action key.rewrap; `twinvault keys status` says under what.",
        )


def _driven(client: Client, work_id: str, *, total: int) -> RewrapJson:
    """Ask for more of it until it is at its end, and show how far it is, how fast, and what is left."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    began = time.monotonic()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("asking")

        def show(work: RewrapJson) -> None:
            done = work["counts"]["keys"]
            rate = done / max(time.monotonic() - began, 0.001)
            left = max(0, total - done)
            progress.update(task, description=f"{_said(work)}; {left} left, {rate:.0f} a second")

        return drive_to_end(
            lambda: json.loads(client.post(f"/keys/rewrap/{work_id}", b"")), show=show, sleep=time.sleep
        )


def _epochs(client: Client) -> EpochsJson:
    found: EpochsJson = json.loads(client.get("/keys/status"))["epochs"]
    return found


def _planned(epochs: EpochsJson) -> dict[str, int]:
    """What a rewrapping would come to, as the status says: the index key counts as a key."""
    counts = {"rewrapped": 0, "already": 0, "refused": 0}
    for one in epochs:
        # The index key moves from under a revoked epoch, too.
        counts["already" if one["current"] else "refused" if one["state"] == "revoked" else "rewrapped"] += one["deks"]
        counts["already" if one["current"] else "rewrapped"] += one["index"]
    return counts


def _show_left(epochs: EpochsJson) -> None:
    """Say what stays where it is, and why."""
    for one in epochs:
        if one["state"] == "revoked" and one["deks"]:
            console.print(
                f"{counted(one['deks'], 'key stays', 'keys stay')} under epoch {one['epoch']}, which is revoked. "
                "To wrap anew what is under it, reinstate it first."
            )


def _said(work: RewrapJson) -> str:
    counts = work["counts"]
    refused = f", [red]{counts['refused']} refused[/]" if counts["refused"] else ""
    elsewhere = "  (somebody else is at it)" if work["driven_until"] else ""
    return (
        f"{counted(counts['rewrapped'], 'key')} wrapped anew, {counts['already']} as they should be{refused}{elsewhere}"
    )
