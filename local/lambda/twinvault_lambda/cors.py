"""CORS as an HTTP API does it from its configuration. Pure.

"Configure CORS for HTTP APIs": the API answers preflight requests itself, whether or not there is an OPTIONS route; to
a CORS request it adds the configured headers to the integration's response and ignores CORS headers that the
integration returned. The page says nothing of the API's own errors (404, 429, ...): they get none, the stricter
reading.
"""

from dataclasses import replace

from twinvault_lambda.config import CorsConfig
from twinvault_serving.exchange import Headers, HttpRequest, HttpResponse

_PREFIX = "access-control-"


def is_preflight(request: HttpRequest) -> bool:
    """Whether the API answers by itself: OPTIONS with both headers that the page asks for."""
    return (
        request.method == "OPTIONS"
        and request.header("origin") is not None
        and request.header("access-control-request-method") is not None
    )


def preflight(request: HttpRequest, cors: CorsConfig) -> HttpResponse:
    """204; without CORS headers where the origin is not allowed, so that the browser refuses."""
    headers = _origin_headers(request, cors)
    if headers:
        headers += _listed("allow-methods", cors.allow_methods) + _listed("allow-headers", cors.allow_headers)
        if cors.max_age_seconds is not None:
            headers += ((f"{_PREFIX}max-age", str(cors.max_age_seconds)),)
    return HttpResponse(status=204, headers=headers)


def apply(request: HttpRequest, response: HttpResponse, cors: CorsConfig) -> HttpResponse:
    """The integration's response with the API's CORS headers in place of its own."""
    kept = tuple(one for one in response.headers if not one[0].startswith(_PREFIX))
    added = _origin_headers(request, cors)
    if added:
        added += _listed("expose-headers", cors.expose_headers)
    return replace(response, headers=kept + added)


def _origin_headers(request: HttpRequest, cors: CorsConfig) -> Headers:
    origin = request.header("origin")
    if origin is None:
        return ()
    if "*" in cors.allow_origins:
        allowed = "*"
    elif origin in cors.allow_origins or origin.partition("//")[0] + "//*" in cors.allow_origins:
        allowed = origin
    else:
        return ()
    credentials = ((f"{_PREFIX}allow-credentials", "true"),) if cors.allow_credentials else ()
    return ((f"{_PREFIX}allow-origin", allowed), *credentials)


def _listed(name: str, values: tuple[str, ...]) -> Headers:
    return ((_PREFIX + name, ",".join(values)),) if values else ()
