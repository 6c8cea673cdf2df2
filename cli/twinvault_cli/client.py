"""The service over HTTP: the same requests against the twin and against production."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from twinvault_cli import hidden
from twinvault_cli.errors import CliError, TamperingError, UnavailableError, UnsuccessfulAnswer, UsageError

TIMEOUT_SECONDS = 35  # an HTTP API answers within 30
_LOOPBACK = ("http://127.0.0.1:", "http://localhost:")
_PREFIX = "urn:twinvault:problem:"
_INTEGRITY = "integrity"
_PLAIN_SEGMENT = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Client:
    """One service, and the token that is shown to it."""

    url: str
    token: str
    timeout: float = TIMEOUT_SECONDS

    def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """The body of a successful GET.

        Raises:
            CliError: of the family that the answer is of.
        """
        return self._send("GET", path, query=query)

    def post(self, path: str, body: bytes, *, query: Mapping[str, str] | None = None) -> bytes:
        """The body of a successful POST of a JSON document, which is sent as it is."""
        return self._send("POST", path, query=query, body=body)

    def _send(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> bytes:
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        try:
            answer = httpx.request(
                method,
                self.url + path,
                params=query,
                content=body,
                headers=headers,
                timeout=self.timeout,
                # A proxy of the machine's is for what lies beyond it.
                trust_env=not self.url.startswith(_LOOPBACK),
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            own = self.url.startswith(_LOOPBACK)
            raise UnavailableError(
                f"{self.url} does not answer ({type(error).__name__}).",
                next_step="Is it up? twinvault status" if own else "Is the URL right, and does this machine reach it?",
            ) from None
        if not answer.is_success:
            raise refusal(answer.status_code, answer.content)
        return answer.content


def dialogue_path(dialogue_id: str) -> str:
    """The path of a dialogue. An id that a path cannot carry as it is travels as `~` and base64url (docs/api.md)."""
    if _PLAIN_SEGMENT.fullmatch(dialogue_id) and dialogue_id not in {".", "..", "import"}:
        return f"/dialogues/{quote(dialogue_id)}"
    return f"/dialogues/~{base64.urlsafe_b64encode(dialogue_id.encode()).decode().rstrip('=')}"


def refusal(status: int, body: bytes) -> CliError:
    """The error that an unsuccessful answer is: the caller's fault, tampering, or a dependency."""
    problem = _problem(body)
    kind = str(problem.get("type") or "").removeprefix(_PREFIX)
    error = _error(status, kind, problem=problem)
    error.answered = UnsuccessfulAnswer(status, kind, str(problem.get("correlation_id") or ""))
    return error


def _error(status: int, kind: str, *, problem: Mapping[str, Any]) -> CliError:
    said = str(problem.get("detail") or problem.get("message") or f"The service answered {status}.")
    message = hidden.one_line(said)
    correlation = problem.get("correlation_id")
    about = f"Correlation id: {correlation}" if correlation else ""
    if kind == _INTEGRITY:
        return TamperingError("The stored data failed an integrity check.", next_step=about)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return UnavailableError(f"{message} ({status})", next_step=about or "See: twinvault logs")
    if status == httpx.codes.UNAUTHORIZED:
        return UsageError(
            f"{message} ({status})", next_step="Get another token; the twin's: twinvault token --tenant acme"
        )
    others = "\n".join(hidden.one_line(str(other.get("detail"))) for other in problem.get("others", []))
    return UsageError(f"{message} ({status})", next_step=others)


def _problem(body: bytes) -> dict[str, Any]:
    try:
        problem = json.loads(body)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
