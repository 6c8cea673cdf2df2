"""The HTTP API before the functions: limits, routes, throttling, CORS, and what the API says when a function fails.

From "Quotas for configuring and running an HTTP API": 30 s for an integration, 10 MB for a payload, 10,240 bytes for
request line and header values together. That page names the last limit and no answer; 431 is RFC 6585's. From "Lambda
quotas": 6 MB for a synchronous event. The messages are those a live HTTP API sends.
"""

import base64
import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from twinvault_local.lambda_runtime import cors
from twinvault_local.lambda_runtime.access_log import AccessLog
from twinvault_local.lambda_runtime.config import ServerConfig
from twinvault_local.lambda_runtime.events import Arrival, InvalidAnswerError, build_event, read_answer
from twinvault_local.lambda_runtime.exchange import (
    BodyTooLargeError,
    ClientGoneError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    read_body,
    read_head,
    send_response,
)
from twinvault_local.lambda_runtime.invocation import Outcome
from twinvault_local.lambda_runtime.routes import BadPathError, RouteMatch, RouteTable, decode_path
from twinvault_local.lambda_runtime.throttle import TokenBucket
from twinvault_local.lambda_runtime.workers import IntegrationTimeoutError

LARGEST_BODY = 10 * 1024 * 1024
LARGEST_HEAD = 10_240
LARGEST_EVENT = 6 * 1024 * 1024
_MESSAGES = {
    400: "Bad Request",
    404: "Not Found",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Function(Protocol):
    """What the front door asks of a pool of workers."""

    async def invoke(self, payload: bytes, *, trace_id: str, limit_seconds: float) -> Outcome:
        """Run the function once; IntegrationTimeoutError after ``limit_seconds``."""


class FrontDoor:
    """The ASGI application that clients talk to."""

    def __init__(
        self,
        config: ServerConfig,
        functions: Mapping[str, Function],
        *,
        access_log: AccessLog,
    ) -> None:
        self._config = config
        self._functions = functions
        self._routes = RouteTable(config.routes)
        self._bucket = TokenBucket(config.throttle)
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, one response, one line in the access log."""
        if scope["type"] != "http":
            return  # uvicorn offers websockets too; an HTTP API has none
        began = time.monotonic()
        request = read_head(scope)
        request_id = base64.b64encode(os.urandom(11)).decode()
        match: RouteMatch | None = None
        try:
            path = self._check_head(request)
            match = self._routes.match(request.method, path)
            response = await self._answer(request, receive, match, path=path, request_id=request_id)
        except (BadPathError, _RefusedError) as refused:
            response = _refusal(refused.status if isinstance(refused, _RefusedError) else 400)
        except ClientGoneError:
            return
        sent = replace(response, headers=(*response.headers, ("apigw-requestid", request_id)))
        await send_response(send, sent)
        self._access_log.write(
            request_id=request_id,
            route_key=match.route.key if match else "-",
            method=request.method,
            status=sent.status,
            response_length=len(sent.body),
            latency_ms=(time.monotonic() - began) * 1000,
        )

    def _check_head(self, request: Request) -> str:
        """The decoded path of a request whose head is within the limit."""
        line = f"{request.method} {request.raw_path}?{request.raw_query} {request.protocol}"
        if len(line) + sum(len(value) for _, value in request.headers) > LARGEST_HEAD:
            raise _RefusedError(431)
        return decode_path(request.raw_path)

    async def _answer(
        self, request: Request, receive: Receive, match: RouteMatch | None, *, path: str, request_id: str
    ) -> Response:
        if self._config.cors is not None and cors.is_preflight(request):
            return cors.preflight(request, self._config.cors)
        if match is None:
            raise _RefusedError(404)
        if not self._bucket.take():
            raise _RefusedError(429)
        whole = await _with_body(request, receive)
        response = await self._integrate(whole, match, path=path, request_id=request_id)
        return response if self._config.cors is None else cors.apply(request, response, self._config.cors)

    async def _integrate(self, request: Request, match: RouteMatch, *, path: str, request_id: str) -> Response:
        now = datetime.now(UTC)
        root = f"1-{int(now.timestamp()):08x}-{os.urandom(12).hex()}"
        arrival = Arrival(
            account=self._config.account,
            api_id=self._config.api_id,
            request_id=request_id,
            trace_root=root,
            now=now,
        )
        event = build_event(request, match, path=path, arrival=arrival)
        payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        if len(payload) > LARGEST_EVENT:
            return _refusal(413)
        trace_id = f"Root={root};Parent={os.urandom(8).hex()};Sampled=0"
        function = self._functions[match.route.function]
        try:
            limit = self._config.integration_timeout_seconds
            outcome = await function.invoke(payload, trace_id=trace_id, limit_seconds=limit)
            return _refusal(500) if outcome.payload is None else read_answer(outcome.payload)
        except IntegrationTimeoutError:
            return _refusal(503)
        except InvalidAnswerError:
            return _refusal(500)


class _RefusedError(Exception):
    """The API answers by itself."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def _with_body(request: Request, receive: Receive) -> Request:
    declared = request.header("content-length") or "0"
    if declared.isascii() and declared.isdigit() and int(declared) > LARGEST_BODY:
        raise _RefusedError(413)
    try:
        body = await read_body(receive, limit=LARGEST_BODY)
    except BodyTooLargeError:
        raise _RefusedError(413) from None
    return replace(request, body=body)


def _refusal(status: int) -> Response:
    """The API's own answer. The connection stays open: closed on a body half read, it would lose the answer too."""
    body = json.dumps({"message": _MESSAGES[status]}, separators=(",", ":")).encode()
    return Response(status=status, headers=(("content-type", "application/json"),), body=body)
