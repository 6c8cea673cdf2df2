"""The API's Lambda integration: a request becomes the event of an invocation, whose outcome becomes the response."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from twinvault_lambda.config import ServerConfig
from twinvault_lambda.events import Arrival, InvalidAnswerError, build_event, read_answer
from twinvault_lambda.invocation import IntegrationTimeoutError, InvocationOutcome
from twinvault_lambda.permissions import InvokePermissions
from twinvault_lambda.refusals import refusal
from twinvault_lambda.routes import RouteMatch
from twinvault_serving.exchange import HttpRequest, HttpResponse

LARGEST_EVENT = 6 * 1024 * 1024  # "Lambda quotas": a synchronous invocation's payload


class Function(Protocol):
    """What the integration asks of a pool of workers."""

    async def invoke(self, payload: bytes, *, trace_id: str, limit_seconds: float) -> InvocationOutcome:
        """Run the function once; IntegrationTimeoutError after ``limit_seconds``."""


class Integration:
    """All functions of one API."""

    def __init__(
        self, config: ServerConfig, functions: Mapping[str, Function], *, permissions: InvokePermissions
    ) -> None:
        self._config = config
        self._functions = functions
        self._permissions = permissions

    async def run(self, request: HttpRequest, match: RouteMatch, *, path: str, request_id: str) -> HttpResponse:
        """The function's response, or what the API says in its place: 413, 500 or 503."""
        if not self._permissions.api_may_invoke(match.route):
            return refusal(500)
        now = datetime.now(UTC)
        root = f"1-{int(now.timestamp()):08x}-{os.urandom(12).hex()}"
        arrival = Arrival(
            account=self._config.account, api_id=self._config.api_id, request_id=request_id, trace_root=root, now=now
        )
        event = build_event(request, match, path=path, arrival=arrival)
        payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        if len(payload) > LARGEST_EVENT:
            return refusal(413)
        try:
            outcome = await self._functions[match.route.function].invoke(
                payload,
                trace_id=f"Root={root};Parent={os.urandom(8).hex()};Sampled=0",
                limit_seconds=self._config.integration_timeout_seconds,
            )
            return refusal(500) if outcome.payload is None else read_answer(outcome.payload)
        except IntegrationTimeoutError:
            return refusal(503)
        except InvalidAnswerError:
            return refusal(500)
