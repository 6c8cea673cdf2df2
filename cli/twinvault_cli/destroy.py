"""keys destroy: the end of an epoch, or of the DEKs that no record of a dialogue, or of any, is under."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from twinvault_cli.client import Client
from twinvault_cli.connection import JsonOption, TokenOption, UrlOption, connect
from twinvault_cli.epochs import RequiredTenant, show_epochs
from twinvault_cli.errors import CliError, UsageError
from twinvault_cli.output import console, counted, print_json
from twinvault_cli.state import StateOption

_PAGE = "50"


def destroy(
    tenant: RequiredTenant,
    *,
    epoch: Annotated[int | None, typer.Option(help="Which epoch of the KEK: the oldest.")] = None,
    dialogue: Annotated[str | None, typer.Option(help="The DEKs that no record of this dialogue is under.")] = None,
    every: Annotated[bool, typer.Option("--every-dialogue", help="Those of every dialogue that is listed.")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    state: StateOption = None,
) -> None:
    """Delete for good the oldest epoch's key, once it wraps nothing; or the DEKs that no record of a dialogue is under.

    Refused until nobody can have them in use any more: the message says until when. Safe to repeat.
    """
    if [epoch is not None, dialogue is not None, every].count(True) != 1:
        rule = "Give --epoch, --dialogue or --every-dialogue, one of them."
        raise UsageError("Which key is to be destroyed?", next_step=rule)
    client = connect(url, token, tenant, state)
    if epoch is not None:
        answer = client.post("/keys/destroy", json.dumps({"epoch": epoch}).encode())
        gone = (
            "is gone. Backups and point-in-time recovery of the keys table still have it, for as long as they are kept."
        )
        show_epochs(answer, gone, epoch=epoch, as_json=as_json)
    elif dialogue is not None:
        done = _destroyed(client, dialogue)
        if as_json:
            print_json(done)
        else:
            gone = ", ".join(map(str, done["destroyed"]))
            versions = "DEK version {} is gone." if len(done["destroyed"]) == 1 else "DEK versions {} are gone."
            said = versions.format(gone) if gone else "There is no DEK version that nothing is under."
            console.print(f"{said} Records are under {done['lowest']} to {done['current']}.")
    else:
        _destroy_all(client, as_json=as_json)


def _destroy_all(client: Client, *, as_json: bool) -> None:
    """Go through the list, whatever one of them is refused for.

    Raises:
        UsageError: some were refused; the others are done.
    """
    keys, refused = 0, dict[str, CliError]()
    names = list(_names(client))
    for name in names:
        try:
            keys += len(_destroyed(client, name)["destroyed"])
        except UsageError as error:
            refused[name] = error
    if as_json:
        print_json({"dialogues": len(names), "destroyed": keys, "refused": {one: str(refused[one]) for one in refused}})
    else:
        console.print(f"{counted(keys, 'DEK is', 'DEKs are')} gone, of {counted(len(names), 'dialogue')}.")
    if refused:
        first = next(iter(refused.values()))
        raise UsageError(
            f"{counted(len(refused), 'dialogue was', 'dialogues were')} refused; the others are done. {first}",
            next_step=first.next_step,
        )


def _names(client: Client) -> Iterator[str]:
    """The ids of all dialogues that can be listed."""
    cursor: str | None = None
    while True:
        page = json.loads(client.get("/dialogues", {"limit": _PAGE, **({"cursor": cursor} if cursor else {})}))
        yield from (one["id"] for one in page["dialogues"])
        cursor = page["cursor"]
        if cursor is None:
            return


def _destroyed(client: Client, name: str) -> dict[str, Any]:
    done: dict[str, Any] = json.loads(client.post("/keys/destroy", json.dumps({"dialogue": name}).encode()))
    return done
