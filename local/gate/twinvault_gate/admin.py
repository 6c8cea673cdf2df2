"""The admin port: faults, for tests. On 127.0.0.1 alone, and only where a port was given.

GET    /faults                             the faults that wait
POST   /faults  {"operation": "ExecuteTransaction", "times": 2, "error": "TransactionCanceledException",
                 "message": "…", "details": {"CancellationReasons": [{"Code": "TransactionConflict"}]}}
                and likewise "status": 500, "delay_seconds": 0.5, "drop": "before", "after" or "within" (half of the
                answer), "applied": true (done, and the error answered all the same); "operation": "*" is any
DELETE /faults                             no fault waits
POST   /reload  {}                         callers and policies are read anew; 400 says which would not be enforced

An error is AWS's by name, with what AWS says besides it in `details`: CancellationReasons of a cancelled transaction,
ThrottlingReasons (`throttlingReasons` of a ThrottlingException). A fault meets only what would have been passed on.
"""

from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from twinvault_gate.errors import SetupError
from twinvault_serving import admin
from twinvault_serving.faults import BadOrderError, Faults


def admin_app(faults: Faults, *, reload: Callable[[], None]) -> Starlette:
    """Return the ASGI application of the admin port; `reload` raises SetupError and then has changed nothing."""
    faulty = admin.faults_route(faults, further={"message", "details", "applied", "within"})
    return admin.admin_app([faulty, Route("/reload", partial(_reload, reload), methods=["POST"])])


async def _reload(reload: Callable[[], None], request: Request) -> JSONResponse:
    await admin.document_of(request)  # whatever it holds: a page in a browser cannot send one
    try:
        reload()
    except SetupError as error:
        raise BadOrderError(str(error)) from None
    return JSONResponse({})
