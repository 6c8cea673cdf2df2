"""`/keys/finalize`: long work that makes a tenant's erasures final, by destroying the epochs that they were under."""

from collections.abc import Mapping
from typing import Any

from twinvault import Acting, Finalizing, FinalizingWork, KeyWorks, now
from twinvault_http.access import READ_KEYS, REVOKE_KEYS
from twinvault_http.bodies import require_empty
from twinvault_http.http import LONGEST_SECONDS, Api
from twinvault_http.messages import Answer, Request
from twinvault_http.rewrap_routes import shown_work


def add_finalize_routes(api: Api) -> None:
    """Declares them."""

    @api.route("POST /keys/finalize", permission=REVOKE_KEYS, action="key.finalize_begin")
    def begin(request: Request) -> Answer:
        """A work that runs: 202 when it begins with this, 200 when it ran already."""
        require_empty(request)
        work, is_new = finalizing(request.acting).begin()
        return Answer(202 if is_new else 200, _shown(work))

    @api.route("POST /keys/finalize/{id}", permission=REVOKE_KEYS, action="key.finalize_drive")
    def drive(request: Request) -> Answer:
        """As much of it as this request has time for: 202 while it runs, 200 when it is at its end."""
        found = finalizing(request.acting).drive(request.parameters["id"])
        return Answer(202 if found.work.is_running else 200, _shown(found))

    @api.route("GET /keys/finalize", permission=READ_KEYS, action="key.finalize_list")
    def newest(request: Request) -> Answer:
        """The tenant's newest works of this sort."""
        return Answer(200, {"works": [shown_work(work) for work in finalizing(request.acting).newest()]})

    @api.route("GET /keys/finalize/{id}", permission=READ_KEYS, action="key.finalize_read")
    def read(request: Request) -> Answer:
        """How one work stands."""
        return Answer(200, _shown(finalizing(request.acting).get(request.parameters["id"])))


def finalizing(acting: Acting) -> Finalizing:
    """The works of a request's tenant that make its erasures final."""
    return Finalizing(acting, now=now, longest_seconds=LONGEST_SECONDS)


def key_works(acting: Acting) -> KeyWorks:
    """What carries a tenant's works of keys on, of whatever sort."""
    return KeyWorks(acting, now=now, longest_seconds=LONGEST_SECONDS)


def _shown(found: FinalizingWork) -> Mapping[str, Any]:
    return {**shown_work(found.work), "phase": found.phase, "waits_until": found.waits_until}
