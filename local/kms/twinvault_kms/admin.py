"""The admin port: the clock and the faults, for tests. On 127.0.0.1 alone, and only where a port was given.

GET    /clock                              {"now": seconds since the epoch, "offset_seconds": ...}
POST   /clock   {"advance_seconds": 3600}  time goes on faster, never back
DELETE /clock                              the machine's own time again
GET    /faults                             the faults that wait
POST   /faults  {"operation": "Decrypt", "times": 2, "error": "ThrottlingException"}
                and likewise "delay_seconds": 0.5, "drop": "before" or "after"; "operation": "*" is any
DELETE /faults                             no fault waits
"""

from dataclasses import asdict
from functools import partial
from json import JSONDecodeError

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from twinvault_kms.switches import Switches
from twinvault_serving.faults import BadOrderError, ordered_fault, seconds_of


def admin_app(switches: Switches) -> Starlette:
    """Return the ASGI application of the admin port."""
    return Starlette(
        routes=[
            Route("/clock", partial(_clock, switches), methods=["GET", "POST", "DELETE"]),
            Route("/faults", partial(_faults, switches), methods=["GET", "POST", "DELETE"]),
        ],
        exception_handlers={BadOrderError: _refused},
    )


async def _clock(switches: Switches, request: Request) -> JSONResponse:
    clock = switches.clock
    if request.method == "DELETE":
        clock.offset = 0.0
    if request.method == "POST":
        clock.offset += seconds_of(await _document(request), "advance_seconds")
    return JSONResponse({"now": clock.now(), "offset_seconds": clock.offset})


async def _faults(switches: Switches, request: Request) -> JSONResponse:
    if request.method == "DELETE":
        switches.faults.clear()
    if request.method == "POST":
        switches.faults.order(ordered_fault(await _document(request)))
    return JSONResponse({"faults": [asdict(fault) for fault in switches.faults.waiting()]})


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
