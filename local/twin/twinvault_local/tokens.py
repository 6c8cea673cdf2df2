"""Tokens of the local issuer."""

from collections.abc import Sequence

import httpx

from twinvault_local.errors import NotRunningError, TwinError
from twinvault_local.issuer import DEFAULT_SECONDS
from twinvault_local.state import StateFolder
from twinvault_local.status import facts

ALL_PERMISSIONS = (
    *("dialogues:read", "dialogues:write"),
    *("keys:read", "keys:rotate", "keys:revoke"),
    *("erase:request", "erase:final", "erase:hold"),
    "maintain:*",
)
SUBJECT = "developer"


def mint_token(
    state: StateFolder,
    *,
    tenant: str,
    subject: str = SUBJECT,
    permissions: Sequence[str] = ALL_PERMISSIONS,
    expires_in: int = DEFAULT_SECONDS,
    issued_at: int | None = None,
) -> str:
    """A bearer token of the twin that runs in this state folder; with a negative `expires_in`, one that has expired.

    `issued_at`: the time that is taken for now, in seconds since 1970; None: the machine's.

    Raises:
        NotRunningError: no twin runs, or its issuer does not answer.
        TwinError: the issuer refuses; it names the field.
    """
    asked: dict[str, object] = {"tenant": tenant, "subject": subject, "permissions": list(permissions)}
    asked |= {"expires_in": expires_in} | ({} if issued_at is None else {"issued_at": issued_at})
    try:
        answer = httpx.post(f"{facts(state).endpoints['issuer']}/token", json=asked, timeout=5, trust_env=False)
        content = answer.json()
    except (httpx.HTTPError, ValueError):
        raise NotRunningError("The twin's issuer does not answer.", next_step="See: twinvault logs issuer") from None
    if not answer.is_success:
        raise TwinError(f"The issuer refuses: {content.get('error', answer.status_code)}.")
    return str(content["access_token"])
