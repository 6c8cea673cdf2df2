"""The gate that runs: what it is told over its admin port."""

from collections.abc import Mapping

import httpx

from twinvault_local.engines.starting import GATE_ADMIN
from twinvault_local.errors import EngineError


def reload(endpoints: Mapping[str, str]) -> None:
    """Let the gate read callers and policies anew; from here on it enforces them.

    Raises:
        EngineError: it does not answer, or would not enforce all that the policies say; its own words say what.
    """
    next_step = "See what it says: twinvault logs gate"
    try:
        answer = httpx.post(f"{endpoints[GATE_ADMIN]}/reload", json={}, timeout=20, trust_env=False)
        said = answer.json()
    except (httpx.HTTPError, ValueError):
        raise EngineError("The twin's gate does not answer.", next_step=next_step) from None
    if not answer.is_success:
        words = said.get("error", answer.status_code)
        raise EngineError(f"The gate refuses the template's policies: {words}", next_step=next_step)
