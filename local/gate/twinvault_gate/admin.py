"""The admin port: faults, for tests. On 127.0.0.1 alone, and only where a port was given.

GET    /faults                             the faults that wait
POST   /faults  {"operation": "ExecuteTransaction", "times": 2, "error": "TransactionCanceledException",
                 "message": "…", "details": {"CancellationReasons": [{"Code": "TransactionConflict"}]}}
                and likewise "status": 500, "delay_seconds": 0.5, "drop": "before" or "after"; "operation": "*" is any
DELETE /faults                             no fault waits

An error is AWS's by name, with what AWS says besides it in `details`: CancellationReasons of a cancelled transaction,
ThrottlingReasons (`throttlingReasons` of a ThrottlingException). A fault meets only what would have been passed on.
"""

from starlette.applications import Starlette

from twinvault_serving import admin
from twinvault_serving.faults import Faults


def admin_app(faults: Faults) -> Starlette:
    """Return the ASGI application of the admin port."""
    return admin.admin_app([admin.faults_route(faults, further={"message", "details"})])
