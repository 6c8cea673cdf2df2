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

from twinvault_kms.faults import ANY_OPERATION, Drop, Fault, Switches

_FIELDS = {"operation", "times", "error", "status", "delay_seconds", "drop"}


class _BadRequestError(Exception):
    """The document does not say what to do."""


def admin_app(switches: Switches) -> Starlette:
    """Return the ASGI application of the admin port."""
    return Starlette(
        routes=[
            Route("/clock", partial(_clock, switches), methods=["GET", "POST", "DELETE"]),
            Route("/faults", partial(_faults, switches), methods=["GET", "POST", "DELETE"]),
        ],
        exception_handlers={_BadRequestError: _refused},
    )


async def _clock(switches: Switches, request: Request) -> JSONResponse:
    clock = switches.clock
    if request.method == "DELETE":
        clock.offset = 0.0
    if request.method == "POST":
        clock.offset += _seconds(await _document(request), "advance_seconds")
    return JSONResponse({"now": clock.now(), "offset_seconds": clock.offset})


async def _faults(switches: Switches, request: Request) -> JSONResponse:
    if request.method == "DELETE":
        switches.faults.clear()
    if request.method == "POST":
        switches.faults.order(_fault(await _document(request)))
    return JSONResponse({"faults": [asdict(fault) for fault in switches.faults.waiting()]})


async def _document(request: Request) -> dict[str, object]:
    # A page in a browser can post anything but this type without asking first.
    if request.headers.get("content-type") != "application/json":
        raise _BadRequestError("The content type must be application/json.")
    try:
        document = await request.json()
    except JSONDecodeError:
        raise _BadRequestError("The body is not JSON.") from None
    if not isinstance(document, dict):
        raise _BadRequestError("The body is not a JSON object.")
    return document


def _fault(document: dict[str, object]) -> Fault:
    operation, times, error = document.get("operation", ANY_OPERATION), document.get("times", 1), document.get("error")
    status, drop = document.get("status", 400), document.get("drop")
    if unknown := set(document) - _FIELDS:
        raise _BadRequestError(f"Unknown field: {min(unknown)}.")
    if not isinstance(operation, str) or not isinstance(times, int) or times < 1:
        raise _BadRequestError("operation is a name or *, times a positive number.")
    if not (error is None or isinstance(error, str)) or not isinstance(status, int):
        raise _BadRequestError("error is the name of an exception, status an HTTP status.")
    if drop not in {None, *Drop}:
        raise _BadRequestError("drop is before or after.")
    return Fault(
        operation=operation,
        times=times,
        error=error,
        status=status,
        delay_seconds=_seconds(document, "delay_seconds", default=0.0),
        drop=Drop(str(drop)) if drop is not None else None,
    )


def _seconds(document: dict[str, object], name: str, default: float | None = None) -> float:
    value = document.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise _BadRequestError(f"{name} is a number of seconds, not less than 0.")
    return float(value)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, status_code=400)
