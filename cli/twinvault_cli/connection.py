"""Which service a command speaks to, and with which token."""

import re
from pathlib import Path
from typing import Annotated

import httpx
import typer

from twinvault_cli.client import Client
from twinvault_cli.errors import UsageError
from twinvault_cli.given import remember
from twinvault_cli.state import state_folder
from twinvault_local import status, tokens
from twinvault_local.errors import NotRunningError
from twinvault_local.state import StateFolder

TENANT = "demo"

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="TWINVAULT_URL", callback=remember, help="The service.", show_default="the twin's API"
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option("--token", envvar="TWINVAULT_TOKEN", help="Bearer token.", show_default="minted by the twin"),
]
TenantOption = Annotated[str, typer.Option(callback=remember, help="Whose data, where the twin mints the token.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Clean JSON on standard output.")]
AlreadyJsonOption = Annotated[bool, typer.Option("--json", help="What it prints is JSON anyway; errors, too.")]

_LAST_PORT = 65535
_TOKEN = re.compile(r"[\x21-\x7e]+")  # what a header carries (RFC 9110, section 5.5), without blanks (RFC 6750)


def connect(url: str | None, token: str | None, tenant: str, state: Path | None) -> Client:
    """The client of the service that the options name; without any, the twin of the state folder.

    A token is minted only for the twin itself: the local issuer's tokens are nobody else's business.

    Raises:
        UsageError: the URL or the token is none, or another service was named and no token.
        NotRunningError: none was named, and no twin runs.
    """
    folder = state_folder(state)
    chosen = (_checked_url(url) if url else status.facts(folder).url).rstrip("/")
    if token:
        return Client(chosen, _checked_token(token))
    if chosen != _twin_url(folder):
        raise UsageError(
            f"{chosen} is not the local twin, so it needs a token of its own.",
            next_step="Give one: --token TOKEN, or TWINVAULT_TOKEN in the environment.",
        )
    return Client(chosen, tokens.mint_token(folder, tenant=tenant))


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise UsageError(f"--url is no URL: {error}.", next_step="One is http://127.0.0.1:8787") from None
    if parsed.port is not None and not 0 < parsed.port <= _LAST_PORT:
        raise UsageError(f"--url has the port {parsed.port}; ports go from 1 to {_LAST_PORT}.")
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise UsageError(
            "--url must begin with http:// or https:// and name a host.", next_step="One is http://127.0.0.1:8787"
        )
    return url


def _checked_token(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            "The token is none: it has a blank, a newline, or a character beyond ASCII.",
            next_step="Give it as it was issued: --token TOKEN, or TWINVAULT_TOKEN in the environment.",
        )
    return token


def _twin_url(folder: StateFolder) -> str | None:
    try:
        return status.facts(folder).url
    except NotRunningError:
        return None
