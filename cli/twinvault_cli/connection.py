"""Which service a command speaks to, and with which token."""

from pathlib import Path
from typing import Annotated

import typer

from twinvault_cli.client import Client
from twinvault_cli.errors import UsageError
from twinvault_cli.state import state_folder
from twinvault_local import status, tokens
from twinvault_local.errors import NotRunningError
from twinvault_local.state import StateFolder

TENANT = "demo"

UrlOption = Annotated[
    str | None, typer.Option("--url", envvar="TWINVAULT_URL", help="The service.", show_default="the twin's API")
]
TokenOption = Annotated[
    str | None,
    typer.Option("--token", envvar="TWINVAULT_TOKEN", help="Bearer token.", show_default="minted by the twin"),
]
TenantOption = Annotated[str, typer.Option(help="Whose data, where the twin mints the token.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Clean JSON on standard output.")]


def connect(url: str | None, token: str | None, tenant: str, state: Path | None) -> Client:
    """The client of the service that the options name; without any, the twin of the state folder.

    A token is minted only for the twin itself: the local issuer's tokens are nobody else's business.

    Raises:
        UsageError: another service was named and no token.
        NotRunningError: none was named, and no twin runs.
    """
    folder = state_folder(state)
    chosen = (url or status.facts(folder).url).rstrip("/")
    if token:
        return Client(chosen, token)
    if chosen != _twin_url(folder):
        raise UsageError(
            f"{chosen} is not the local twin, so it needs a token of its own.",
            next_step="Give one: --token TOKEN, or TWINVAULT_TOKEN in the environment.",
        )
    return Client(chosen, tokens.mint_token(folder, tenant=tenant))


def _twin_url(folder: StateFolder) -> str | None:
    try:
        return status.facts(folder).url
    except NotRunningError:
        return None
