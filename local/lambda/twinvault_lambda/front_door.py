"""The HTTP API before the functions: limits, routes, throttling and CORS, in the order in which a request meets them.

From "Quotas for configuring and running an HTTP API": 10 MB for a payload, 10,240 bytes for request line and header
values together. That page names the second limit and no answer; 431 is RFC 6585's.
"""

import base64
import os
import time
from dataclasses import dataclass, replace

from twinvault_lambda import cors
from twinvault_lambda.access_log import AccessLog, ServedRequest
from twinvault_lambda.config import ServerConfig
from twinvault_lambda.integration import Integration
from twinvault_lambda.refusals import RefusedError, refusal
from twinvault_lambda.routes import BadPathError, RouteTable, decode_path
from twinvault_lambda.throttle import TokenBucket
from twinvault_serving.exchange import (
    BodyTooLargeError,
    ClientGoneError,
    HttpRequest,
    HttpResponse,
    Receive,
    Scope,
    Send,
    read_body,
    read_head,
    send_response,
)

LARGEST_BODY = 10 * 1024 * 1024
LARGEST_HEAD = 10_240


@dataclass(slots=True)
class _Passage:
    """A request under way, and what the access log will say of it."""

    request: HttpRequest
    request_id: str
    route_key: str = "-"
    integration_ms: float | None = None


class FrontDoor:
    """The ASGI application that clients talk to."""

    def __init__(self, config: ServerConfig, integration: Integration, *, access_log: AccessLog) -> None:
        self._cors = config.cors
        self._routes = RouteTable(config.routes)
        self._bucket = TokenBucket(config.throttle)
        self._integration = integration
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, one response, one line in the access log."""
        began = time.monotonic()
        passage = _Passage(read_head(scope), request_id=base64.b64encode(os.urandom(11)).decode())
        try:
            response = await self._answer(passage, receive)
        except RefusedError as refused:
            response = refusal(refused.status)
        except ClientGoneError:
            return
        response = replace(response, headers=(*response.headers, ("apigw-requestid", passage.request_id)))
        await send_response(send, response)
        self._log(passage, response, latency_ms=(time.monotonic() - began) * 1000)

    async def _answer(self, passage: _Passage, receive: Receive) -> HttpResponse:
        request = passage.request
        path = _check_head(request)
        if self._cors is not None and cors.is_preflight(request):
            return cors.preflight(request, self._cors)
        match = self._routes.match(request.method, path)
        if match is None:
            raise RefusedError(404)
        passage.route_key = match.route.key
        if not self._bucket.take():
            raise RefusedError(429)
        whole = await _with_body(request, receive)
        began = time.monotonic()
        response = await self._integration.run(whole, match, path=path, request_id=passage.request_id)
        passage.integration_ms = (time.monotonic() - began) * 1000
        return response if self._cors is None else cors.apply(request, response, self._cors)

    def _log(self, passage: _Passage, response: HttpResponse, *, latency_ms: float) -> None:
        self._access_log.write(
            ServedRequest(
                request_id=passage.request_id,
                source_ip=passage.request.source_ip,
                method=passage.request.method,
                protocol=passage.request.protocol,
                route_key=passage.route_key,
                status=response.status,
                response_length=len(response.body),
                latency_ms=latency_ms,
                integration_ms=passage.integration_ms,
            )
        )


def _check_head(request: HttpRequest) -> str:
    """The decoded path of a request whose head is within the limit."""
    line = f"{request.method} {request.raw_path}?{request.raw_query} {request.protocol}"
    if len(line) + sum(len(value) for _, value in request.headers) > LARGEST_HEAD:
        raise RefusedError(431)
    try:
        return decode_path(request.raw_path)
    except BadPathError:
        raise RefusedError(400) from None


async def _with_body(request: HttpRequest, receive: Receive) -> HttpRequest:
    declared = request.header("content-length") or "0"
    if declared.isascii() and declared.isdigit() and int(declared) > LARGEST_BODY:
        raise RefusedError(413)
    try:
        return replace(request, body=await read_body(receive, limit=LARGEST_BODY))
    except BodyTooLargeError:
        raise RefusedError(413) from None
