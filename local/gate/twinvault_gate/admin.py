"""The admin port: faults, for tests. On 127.0.0.1 alone, and only where a port was given.

GET    /faults                             the faults that wait
POST   /faults  {"operation": "ExecuteTransaction", "times": 2, "error": "TransactionCanceledException",
                 "message": "…", "details": {"CancellationReasons": [{"Code": "TransactionConflict"}]}}
                and likewise "status": 500, "delay_seconds": 0.5, "drop": "before", "after" or "within" (half of the
                answer), "applied": true (done, and the error answered all the same); "operation": "*" is any,
                "PartiQLInsert" and its like each request with such a statement
DELETE /faults                             no fault waits
GET    /stale-indexes                      the indexes that lag behind
POST   /stale-indexes  {"table": "NAME", "index": "ByList", "behind_seconds": 2}
DELETE /stale-indexes                      every index is up to date
POST   /reload  {}                         callers and policies are read anew; 400 says which would not be enforced

An error is AWS's by name, with what AWS says besides it in `details`: CancellationReasons of a cancelled transaction,
ThrottlingReasons (`throttlingReasons` of a ThrottlingException). A fault meets only what would have been passed on.
"""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from twinvault_gate.errors import SetupError
from twinvault_gate.stale import StaleIndex, StaleIndexes
from twinvault_serving import admin
from twinvault_serving.faults import BadOrderError, Faults, seconds_of


def admin_app(faults: Faults, *, stale: StaleIndexes, reload: Callable[[], None]) -> Starlette:
    """Return the ASGI application of the admin port; `reload` raises SetupError and then has changed nothing."""
    return admin.admin_app(
        [
            admin.faults_route(faults, further={"message", "details", "applied", "within"}),
            Route("/stale-indexes", partial(_stale_indexes, stale), methods=["GET", "POST", "DELETE"]),
            Route("/reload", partial(_reload, reload), methods=["POST"]),
        ]
    )


async def _stale_indexes(stale: StaleIndexes, request: Request) -> JSONResponse:
    if request.method == "DELETE":
        stale.clear()
    if request.method == "POST":
        document = await admin.document_of(request)
        match document:
            case {"table": str(table), "index": str(index), "behind_seconds": _, **others} if not others:
                stale.order(StaleIndex(table, index, seconds_of(document, "behind_seconds")))
            case _:
                raise BadOrderError("table and index are names, behind_seconds is a number, and there is nothing else.")
    return JSONResponse({"stale_indexes": [asdict(order) for order in stale.orders()]})


async def _reload(reload: Callable[[], None], request: Request) -> JSONResponse:
    await admin.document_of(request)  # whatever it holds: a page in a browser cannot send one
    try:
        reload()
    except SetupError as error:
        raise BadOrderError(str(error)) from None
    return JSONResponse({})
