"""The admin port: faults, for tests. On 127.0.0.1 alone, and only where a port was given.

GET    /faults                             the faults that wait
POST   /faults  {"operation": "ExecuteTransaction", "times": 2, "error": "TransactionCanceledException",
                 "message": "…", "details": {"CancellationReasons": [{"Code": "TransactionConflict"}]}}
                and likewise "status": 500, "delay_seconds": 0.5, "drop": "before" or "after"; "operation": "*" is any
DELETE /faults                             no fault waits

An error is AWS's by name, with what AWS says besides it in `details`: CancellationReasons of a cancelled transaction,
ThrottlingReasons (`throttlingReasons` of a ThrottlingException). A fault meets only what would have been passed on.
"""

from dataclasses import asdict
from functools import partial
from json import JSONDecodeError

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from twinvault_serving.faults import BadOrderError, Faults, ordered_fault


def admin_app(faults: Faults) -> Starlette:
    """Return the ASGI application of the admin port."""
    return Starlette(
        routes=[Route("/faults", partial(_faults, faults), methods=["GET", "POST", "DELETE"])],
        exception_handlers={BadOrderError: _refused},
    )


async def _faults(faults: Faults, request: Request) -> JSONResponse:
    if request.method == "DELETE":
        faults.clear()
    if request.method == "POST":
        faults.order(ordered_fault(await _document(request), further={"message", "details"}))
    return JSONResponse({"faults": [asdict(fault) for fault in faults.waiting()]})


async def _document(request: Request) -> dict[str, object]:
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
