"""HTTP for the handlers: routes, authentication, the audit of what fails, and answers.

A route's function is given an authenticated, recorded request; whatever it raises becomes problem+json. Logs and
metrics carry the route, never the path, which holds a caller's own id.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from service.problems import describe
from service.settings import trace_ids
from service.wiring import service
from twinvault import Acting, Forbidden, InvalidInput, NotFound, TooLarge, Unauthenticated

_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_MARGIN_SECONDS = 3.0
"""What is kept of the function's time for saying how it ended."""

_MAX_ANSWER_BYTES = 6 * 1024 * 1024 - 64 * 1024
"""Lambda drops a larger answer and counts a crash. The rest is room for headers.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_MOST_BYTES_A_CHARACTER = 4


@dataclass(frozen=True, slots=True)
class Request:
    """An authenticated request with permission for its route."""

    acting: Acting
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    event: Mapping[str, Any]

    def body(self) -> bytes:
        """The body as it was sent.

        Raises:
            InvalidInput: it is said to be base64 and is not.
        """
        body = self.event.get("body") or ""
        try:
            return base64.b64decode(body, validate=True) if self.event.get("isBase64Encoded") else body.encode()
        except (binascii.Error, UnicodeEncodeError):
            raise InvalidInput("body: cannot be decoded", field="body") from None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route's function returns: a status and a JSON document."""

    status: int
    document: Mapping[str, Any]


type RouteFunction = Callable[[Request], Answer]


class Api:
    """The routes of one function. Built at import, without any environment; the service is wired at the first call."""

    def __init__(self) -> None:
        self._resolver = APIGatewayHttpResolver(debug=False, enable_validation=False)
        self._resolver.exception_handler(Exception)(self._problem)
        self._resolver.not_found(self._no_route)

    def route(
        self, method: str, path: str, *, permission: str, action: str
    ) -> Callable[[RouteFunction], RouteFunction]:
        """Declares a route as API Gateway writes it, the permission it needs and its name in the audit log."""

        def declare(function: RouteFunction) -> RouteFunction:
            def handle(**_parameters: str) -> Response[str]:
                return self._authenticated(function, permission=permission, action=action)

            self._resolver.route(_PARAMETER.sub(r"<\1>", path), method=method)(handle)
            return function

        return declare

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401  # Lambda's own object
        """Answers one event of payload format 2.0.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
        """
        started = time.monotonic()
        answer = self._resolver.resolve({**event, "rawPath": _encoded_path(event)}, context)
        wired = service()
        wired.telemetry.finish(
            route=event.get("routeKey", ""),
            status=int(answer["statusCode"]),
            milliseconds=round((time.monotonic() - started) * 1000),
            function=context.function_name,
            request_id=context.aws_request_id,
        )
        return answer

    def _authenticated(self, function: RouteFunction, *, permission: str, action: str) -> Response[str]:
        """Verifies the token, and runs the route's function recorded under the caller's name."""
        event, context = self._resolver.current_event.raw_event, self._resolver.lambda_context
        wired = service()
        try:
            # By name whatever its case (RFC 9110, 5.1): HTTP APIs lower it, `sam local` does not.
            principal = wired.tokens.verify(self._resolver.current_event.headers.get("authorization"))
        except (Unauthenticated, Forbidden):
            # Forbidden: a good token without a usable tenant, in whose name nothing can be recorded.
            wired.telemetry.count("TokenRejected", 1)
            raise
        _, span_id = trace_ids()
        with wired.vault.acting(
            tenant=principal.tenant,
            principal=principal.subject,
            action=action,
            trace_id=_correlation_id(context),
            span_id=span_id,
            seconds=context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS,
            count=wired.telemetry.count,
        ) as acting:
            principal.require(permission)
            parameters, query = event.get("pathParameters") or {}, event.get("queryStringParameters") or {}
            answer = function(Request(acting, parameters, query, event))
            return _fitting(_json(answer.status, answer.document))

    def _no_route(self, _error: Exception) -> Response[str]:
        """The API has the route and this function does not: only a template that is wrong sends it here."""
        return self._problem(NotFound("there is no such route"))

    def _problem(self, error: Exception) -> Response[str]:
        correlation_id = _correlation_id(self._resolver.lambda_context)
        problem, body, headers = describe(error, correlation_id=correlation_id)
        service().telemetry.problem(error, slug=problem.slug, status=problem.status)
        return _json(problem.status, body, content_type="application/problem+json", headers=headers)


def _correlation_id(context: Any) -> str:  # noqa: ANN401  # Lambda's own object
    """What a caller is told, and the logs and the audit entry carry: the trace's id, or the request's where none is."""
    trace_id, _ = trace_ids()
    return trace_id or str(context.aws_request_id)


def _encoded_path(event: Mapping[str, Any]) -> str:
    """The path as it was before HTTP API decoded it: from the route and its parameters, each encoded.

    Powertools matches routes by path and would not recognise a decoded id that holds a slash or a quotation mark.
    """
    path: str = event.get("routeKey", " ").partition(" ")[2]
    parameters = event.get("pathParameters") or {}
    return _PARAMETER.sub(lambda match: quote(parameters.get(match[1], ""), safe="") or "-", path)


def _fitting(response: Response[str]) -> Response[str]:
    """The response, if Lambda will carry it: as a JSON string within JSON, escaped a second time.

    Raises:
        TooLarge: it will not.
    """
    body = response.body or ""
    most = len(body) * _MOST_BYTES_A_CHARACTER
    if most > _MAX_ANSWER_BYTES and len(json.dumps(body, ensure_ascii=False).encode()) > _MAX_ANSWER_BYTES:
        raise TooLarge("answer: over the limit of 6 MB for one answer")
    return response


def _json(
    status: int,
    document: Mapping[str, Any],
    *,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response[str]:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # Sensitive by nature: no cache between here and the caller may keep it.
    return Response(status, content_type, body, headers={"Cache-Control": "no-store", **(headers or {})})
