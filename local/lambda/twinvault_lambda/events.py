"""API Gateway's HTTP API, payload format 2.0: a request becomes an event, a function's answer becomes a response. Pure.

Sources: "Create AWS Lambda proxy integrations for HTTP APIs" (both formats and the inference), and captures from live
HTTP APIs where that page is silent: header names, joins and cookies from github.com/hotsock/voker
(``vokerhttp/testdata/apigwv2-request.json``); which content types arrive as text from github.com/ministackorg/ministack
pull 766; an answer without ``statusCode`` goes out as it is, valid JSON or not, from AWS's own test tool for .NET
(github.com/aws/aws-lambda-dotnet, ``InvokeResponseExtensions``).
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from twinvault_lambda.routes import RouteMatch
from twinvault_serving.exchange import Headers, HttpRequest, HttpResponse

_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/javascript"})
_STAGE = "$default"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: token
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, 5.5: no line break ever leaves by a header
_CONNECTION_HEADERS = frozenset(
    # RFC 9110, 7.6.1, and what the server itself states: they describe this connection, not the function's answer.
    {"connection", "content-length", "date", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
_FIRST_STATUS, _LAST_STATUS = 200, 599


class InvalidAnswerError(Exception):
    """The function's answer has a ``statusCode`` and is no response of format 2.0; the API says 500."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What the API itself knows of a request. ``now`` is a parameter, so that events are reproducible."""

    account: str
    api_id: str
    request_id: str
    trace_root: str
    now: datetime


def build_event(request: HttpRequest, match: RouteMatch, *, path: str, arrival: Arrival) -> dict[str, Any]:
    """The event. ``path`` is the decoded one; fields that a live API leaves out are left out here."""
    headers = _event_headers(request, arrival)
    sent = [one.strip() for name, value in request.headers if name == "cookie" for one in value.split(";")]
    cookies = [one for one in sent if one]
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.raw_query, keep_blank_values=True):
        query.setdefault(name, []).append(value)
    body, is_base64 = _event_body(request)
    return {
        "version": "2.0",
        "routeKey": match.route.key,
        "rawPath": path,
        "rawQueryString": request.raw_query,
        **({"cookies": cookies} if cookies else {}),
        "headers": headers,
        **({"queryStringParameters": {name: ",".join(values) for name, values in query.items()}} if query else {}),
        "requestContext": _context(request, match, path=path, arrival=arrival),
        **({"pathParameters": dict(match.parameters)} if match.parameters else {}),
        **({"body": body} if body is not None else {}),
        "isBase64Encoded": is_base64,
    }


def _event_headers(request: HttpRequest, arrival: Arrival) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in request.headers:
        if name not in {"cookie", "connection", "keep-alive", "transfer-encoding"}:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    forwarded = joined.get("x-forwarded-for")
    joined["content-length"] = str(len(request.body))
    joined["x-amzn-trace-id"] = f"Root={arrival.trace_root}"
    joined["x-forwarded-for"] = f"{forwarded}, {request.source_ip}" if forwarded else request.source_ip
    joined["x-forwarded-port"] = str(request.port)
    joined["x-forwarded-proto"] = "http"
    return dict(sorted(joined.items()))


def _event_body(request: HttpRequest) -> tuple[str | None, bool]:
    if not request.body:
        return None, False
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type.startswith("text/") or media_type in _TEXT_TYPES:
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass  # no text after all: base64 keeps every byte, so that the function can refuse it itself
    return base64.b64encode(request.body).decode(), True


def _context(request: HttpRequest, match: RouteMatch, *, path: str, arrival: Arrival) -> dict[str, Any]:
    domain = (request.header("host") or "").rpartition(":")[0] or request.header("host") or ""
    return {
        "accountId": arrival.account,
        "apiId": arrival.api_id,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent") or "",
        },
        "requestId": arrival.request_id,
        "routeKey": match.route.key,
        "stage": _STAGE,
        "time": arrival.now.astimezone(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(arrival.now.timestamp() * 1000),
    }


def read_answer(payload: bytes) -> HttpResponse:
    """The response that a function's answer stands for.

    Raises:
        InvalidAnswerError: it has a ``statusCode`` and something in it is not of the documented form.
    """
    try:
        answer = json.loads(payload)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return HttpResponse(status=200, headers=(("content-type", "application/json"),), body=payload)
    status = answer["statusCode"]
    if not isinstance(status, int) or isinstance(status, bool) or not _FIRST_STATUS <= status <= _LAST_STATUS:
        raise InvalidAnswerError
    headers = _answer_headers(answer.get("headers"), answer.get("cookies"))
    return HttpResponse(status=status, headers=headers, body=_answer_body(answer))


def _answer_headers(given: object, cookies: object) -> Headers:
    headers = {} if given is None else given
    more = [] if cookies is None else cookies
    if not isinstance(headers, Mapping) or not isinstance(more, list):
        raise InvalidAnswerError
    read = {
        str(name).lower(): _header_value(value)
        for name, value in headers.items()
        if str(name).lower() not in _CONNECTION_HEADERS
    }
    read.setdefault("content-type", "text/plain;charset=UTF-8")
    if not all(_NAME.fullmatch(name) for name in read):
        raise InvalidAnswerError
    return (*read.items(), *(("set-cookie", _header_value(cookie)) for cookie in more))


def _header_value(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, str | int | float) or not _VALUE.fullmatch(text):
        raise InvalidAnswerError
    return text


def _answer_body(answer: Mapping[str, Any]) -> bytes:
    body, is_base64 = answer.get("body"), answer.get("isBase64Encoded")
    if not isinstance(body, str | None) or not isinstance(is_base64, bool | None):
        raise InvalidAnswerError
    if not body or not is_base64:
        return (body or "").encode(errors="replace")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise InvalidAnswerError from error
