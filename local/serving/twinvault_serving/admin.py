"""Admin ports: what tests tell an engine, and nobody else may. On 127.0.0.1 alone, and only where a port was given.

Not imported by what serves AWS's wire: Starlette is loaded only where an admin port is.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from json import JSONDecodeError

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from twinvault_serving.faults import BadOrderError, Faults, ordered_fault


def admin_app(routes: Sequence[BaseRoute]) -> Starlette:
    """Return the ASGI application of an admin port; a `BadOrderError` of a route is a 400 with its message."""
    return Starlette(routes=routes, exception_handlers={BadOrderError: _refused})


def faults_route(faults: Faults, *, further: Collection[str] = ()) -> Route:
    """Return `/faults`: GET those that wait, POST one (`further`: see `ordered_fault`), DELETE them all."""

    async def endpoint(request: Request) -> JSONResponse:
        if request.method == "DELETE":
            faults.clear()
        if request.method == "POST":
            faults.order(ordered_fault(await document_of(request), further=further))
        return JSONResponse({"faults": [asdict(fault) for fault in faults.waiting()]})

    return Route("/faults", endpoint, methods=["GET", "POST", "DELETE"])


async def document_of(request: Request) -> dict[str, object]:
    """The JSON object of an order.

    Raises:
        BadOrderError: there is none, or the content type is another.
    """
    # A page in a browser can post anything but this type without asking first.
    if request.headers.get("content-type") != "application/json":
        raise BadOrderError("The content type must be application/json.")
    try:
        document = await request.json()
    except JSONDecodeError:
        raise BadOrderError("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise BadOrderError("The body is not a JSON object.")
    return document


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=400)
