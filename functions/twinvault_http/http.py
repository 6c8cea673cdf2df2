"""HTTP for the handlers: routes, authentication, the audit of what fails, and answers.

A route's function is given an authenticated, recorded request; whatever it raises becomes problem+json. Logs and
metrics carry the route, never the path, which holds a caller's own id.

API Gateway has matched the route already, and says which one it is in the event's `routeKey`: it is looked up, not
matched again (docs/adr/0011-routes-by-their-key.md).
"""

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twinvault import Forbidden, NotFound, TooLarge, TwinvaultError, Unauthenticated
from twinvault_http.access import Principal
from twinvault_http.events import HttpEvent
from twinvault_http.messages import Answer, Request
from twinvault_http.problems import describe, problem_of
from twinvault_http.settings import trace_ids
from twinvault_http.wiring import Service, service

MARGIN_SECONDS = 3.0
"""What is kept of the function's time for saying how it ended."""
LONGEST_SECONDS = 30.0
"""No function has longer: an HTTP API answers within these, and no schedule has more."""

_MAX_ANSWER_BYTES = 6 * 1024 * 1024 - 64 * 1024
"""Lambda drops a larger answer and counts a crash. The rest is room for headers.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
_MOST_BYTES_A_CHARACTER = 4


type RouteFunction = Callable[[Request], Answer]
type About = Callable[[Request], object]
"""Tells the request's activity what is asked for, and does nothing else."""


@dataclass(frozen=True, slots=True)
class _Route:
    function: RouteFunction
    permission: str
    action: str
    about: "About | None"
    query: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Response:
    """What leaves: a status, headers, and a JSON text."""

    status: int
    body: str
    headers: Mapping[str, str]

    def to_event(self) -> dict[str, Any]:
        """As a function answers in payload format 2.0."""
        headers = dict(self.headers)
        return {"statusCode": self.status, "headers": headers, "body": self.body, "isBase64Encoded": False}


@dataclass(frozen=True, slots=True)
class Api:
    """The routes of one function. Built at import, without any environment; the service is wired at the first call."""

    _routes: dict[str, _Route] = field(default_factory=dict, init=False)

    def route(
        self, key: str, *, permission: str, action: str, about: About | None = None, query: Sequence[str] = ()
    ) -> Callable[[RouteFunction], RouteFunction]:
        """Declares a route by its key, as API Gateway writes it (`GET /visits/{id}`).

        `permission` is what it needs (of several, with spaces between, one); `action` its name in the audit log.
        `about` is called where it is missing: a denial names what it denied. `query`: the parameters after the `?`.
        """

        def declare(function: RouteFunction) -> RouteFunction:
            self._routes[key] = _Route(function, permission, action, about, query)
            return function

        return declare

    @property
    def keys(self) -> frozenset[str]:
        """The keys of its routes."""
        return frozenset(self._routes)

    def __call__(self, sent: object, context: Any) -> dict[str, Any]:  # noqa: ANN401  # Lambda's own object
        """Answers one event of payload format 2.0, and whatever else the function is sent, as a caller's fault.

        Raises:
            ConfigurationError: a setting is missing or unusable. Nobody is told but the platform's log.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
        """
        started = time.monotonic()
        wired = service()
        key = ""
        try:
            event = HttpEvent.read(sent)
            route = self._routes.get(event.route_key)
            if route is None:
                # The API has the route and this function does not: only a template that is wrong sends it here.
                raise NotFound("there is no such route")  # noqa: TRY301  # answered as every other problem
            key = event.route_key  # only now: what is no route of ours must not stand in a log
            event.require_parameters()
            response = _answered(route, event, wired=wired, context=context)
        except Exception as error:  # noqa: BLE001  # a bug is answered too: flat, and logged by its kind alone
            response = _problem(error, wired=wired, context=context)
        wired.telemetry.finish(
            route=key,
            status=response.status,
            milliseconds=round((time.monotonic() - started) * 1000),
            function=context.function_name,
            version=context.function_version,
            request_id=context.aws_request_id,
        )
        return response.to_event()


def _answered(
    route: _Route,
    event: HttpEvent,
    *,
    wired: Service,
    context: Any,  # noqa: ANN401  # Lambda's own object
) -> _Response:
    """Verifies the token, and runs the route's function recorded under the caller's name."""
    try:
        principal = wired.tokens.verify(event.header("authorization"))
    except (Unauthenticated, Forbidden):
        # Forbidden: a good token without a usable tenant, in whose name nothing can be recorded.
        wired.telemetry.count("TokenRejected", 1)
        raise
    trace_id, span_id = trace_ids()
    with wired.vault.acting(
        tenant=principal.tenant,
        principal=principal.subject,
        action=route.action,
        function=context.function_name,
        request_id=context.aws_request_id,
        trace_id=trace_id,
        span_id=span_id,
        seconds=context.get_remaining_time_in_millis() / 1000 - MARGIN_SECONDS,
        count=wired.telemetry.count,
    ) as acting:
        request = Request(acting, event)
        _require(route, principal, request=request)
        event.require_query(route.query)
        answer = route.function(request)
        document = dict(answer.document)
        if answer.refused:
            document["correlation_id"] = _correlation_id(context)
        for error in answer.refused:
            wired.telemetry.problem(error, slug=problem_of(error).slug, status=answer.status)
        return _fitting(_json(answer.status, document))


def _require(route: _Route, principal: Principal, *, request: Request) -> None:
    """Lets the request through if the token grants the route's permission."""
    try:
        principal.require(*route.permission.split())
    except Forbidden:
        if route.about is not None:
            # Whatever keeps it from being named, it is denied.
            with contextlib.suppress(TwinvaultError):
                route.about(request)
        raise


def _problem(error: Exception, *, wired: Service, context: Any) -> _Response:  # noqa: ANN401  # Lambda's own object
    problem, body, headers = describe(error, correlation_id=_correlation_id(context))
    wired.telemetry.problem(error, slug=problem.slug, status=problem.status)
    return _json(problem.status, body, content_type="application/problem+json", headers=headers)


def _correlation_id(context: Any) -> str:  # noqa: ANN401  # Lambda's own object
    """What a caller is told, and the logs and the audit entry carry: the trace's id, or the request's where none is.

    The audit entry has the two apart.
    """
    trace_id, _ = trace_ids()
    return trace_id or str(context.aws_request_id)


def _fitting(response: _Response) -> _Response:
    """The response, if Lambda will carry it: as a JSON string within JSON, escaped a second time.

    Raises:
        TooLarge: it will not.
    """
    body = response.body
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
) -> _Response:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # Sensitive by nature: no cache between here and the caller may keep it.
    return _Response(status, body, {"Content-Type": content_type, "Cache-Control": "no-store", **(headers or {})})
