"""The service, asked again where that helps: for long work of many requests, which one bad moment must not end."""

import time
from collections.abc import Callable, Mapping

import httpx

from twinvault_cli.client import Client
from twinvault_cli.errors import CliError, UnavailableError

_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0)  # seconds before each repetition
_PASSING = frozenset({"unavailable", "contention", "outcome-unknown", ""})  # "": API Gateway's own, or no answer at all

type Ask = Callable[[Client], bytes]


class PatientClient:
    """As `Client`, and what may pass is asked again; every request must be one that is safe to repeat."""

    def __init__(self, connected: Callable[[], Client], *, sleep: Callable[[float], None] = time.sleep) -> None:
        """`connected` makes a client, and a fresh one where the token of the first has expired."""
        self._connected = connected
        self._client = connected()
        self._sleep = sleep
        self._reached = False

    def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """As `Client.get`; of what may pass only after several repetitions."""
        return self._asked(lambda client: client.get(path, query))

    def post(self, path: str, body: bytes, *, query: Mapping[str, str] | None = None) -> bytes:
        """As `Client.post`; likewise."""
        return self._asked(lambda client: client.post(path, body, query=query))

    def _asked(self, ask: Ask) -> bytes:
        pauses, renewed = iter(_PAUSES), False
        while True:
            try:
                answer = ask(self._client)
            except CliError as error:
                if _status(error) == httpx.codes.UNAUTHORIZED and not renewed:
                    self._client, renewed = self._connected(), True
                    continue
                pause = next(pauses, None)
                if pause is None or not self._may_pass(error):
                    raise
                self._sleep(pause)
            else:
                self._reached = True
                return answer

    def _may_pass(self, error: CliError) -> bool:
        if _status(error) == httpx.codes.TOO_MANY_REQUESTS:
            return True
        # Whoever never answered is more likely not there than busy: nobody should wait to be told so.
        return isinstance(error, UnavailableError) and self._reached and problem_of(error) in _PASSING


def problem_of(error: CliError) -> str:
    """The type of the problem that the service answered (docs/errors.md); empty where there is none."""
    return error.answered.problem if error.answered else ""


def _status(error: CliError) -> int:
    return error.answered.status if error.answered else 0
