"""The admin port: the clock and the faults, for tests. On 127.0.0.1 alone, and only where a port was given.

GET    /clock                              {"now": seconds since the epoch, "offset_seconds": ...}
POST   /clock   {"advance_seconds": 3600}  time goes on faster, never back
DELETE /clock                              the machine's own time again
GET    /faults                             the faults that wait
POST   /faults  {"operation": "Decrypt", "times": 2, "error": "ThrottlingException"}
                and likewise "delay_seconds": 0.5, "drop": "before" or "after"; "operation": "*" is any
DELETE /faults                             no fault waits
"""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from twinvault_kms.switches import Switches
from twinvault_serving import admin
from twinvault_serving.faults import seconds_of


def admin_app(switches: Switches) -> Starlette:
    """Return the ASGI application of the admin port."""
    clock = Route("/clock", partial(_clock, switches), methods=["GET", "POST", "DELETE"])
    return admin.admin_app([clock, admin.faults_route(switches.faults)])


async def _clock(switches: Switches, request: Request) -> JSONResponse:
    clock = switches.clock
    if request.method == "DELETE":
        clock.offset = 0.0
    if request.method == "POST":
        clock.offset += seconds_of(await admin.document_of(request), "advance_seconds")
    return JSONResponse({"now": clock.now(), "offset_seconds": clock.offset})
