"""`/keys/rewrap`: long work that brings a tenant's keys under its newest KEK; and its keys under another root key."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from twinvault import Acting, InvalidInput, Rekeying, Work, now
from twinvault_http.access import READ_KEYS, ROTATE_KEYS
from twinvault_http.bodies import asked_in, require_empty
from twinvault_http.http import Api
from twinvault_http.messages import Answer, Request


def add_rewrap_routes(api: Api) -> None:
    """Declares them."""

    @api.route("POST /keys/rewrap", permission=ROTATE_KEYS, action="key.rewrap_begin")
    def begin(request: Request) -> Answer:
        """A work that runs: 202 when it begins with this, 200 when it ran already."""
        require_empty(request)
        work, is_new = rekeying(request.acting).begin()
        return Answer(202 if is_new else 200, shown_work(work))

    @api.route("POST /keys/rewrap/{id}", permission=ROTATE_KEYS, action="key.rewrap_drive")
    def drive(request: Request) -> Answer:
        """As much of a work as this request has time for: 202 while it runs, 200 when it is at its end."""
        work = rekeying(request.acting).drive(request.parameters["id"])
        return Answer(202 if work.is_running else 200, shown_work(work))

    @api.route("GET /keys/rewrap", permission=READ_KEYS, action="key.rewrap_list")
    def newest(request: Request) -> Answer:
        """The tenant's newest works of keys."""
        return Answer(200, {"works": [shown_work(work) for work in rekeying(request.acting).newest()]})

    @api.route("GET /keys/rewrap/{id}", permission=READ_KEYS, action="key.rewrap_read")
    def read(request: Request) -> Answer:
        """How one work stands."""
        return Answer(200, shown_work(rekeying(request.acting).get(request.parameters["id"])))

    @api.route("POST /keys/rewrap-root", permission=ROTATE_KEYS, action="key.rewrap_root")
    def rewrap_root(request: Request) -> Answer:
        """All that KMS wrapped of the tenant's, under the first root key; with `again` also what is under it."""
        asked = asked_in(request)
        if asked.keys() - {"again"} or not isinstance(asked.get("again", False), bool):
            raise InvalidInput("again: must be true or false, and nothing else may be asked", field="again")
        return Answer(200, asdict(request.acting.keys.rewrap_root(again=asked.get("again", False))))


def rekeying(acting: Acting) -> Rekeying:
    """The works of keys of a request's tenant."""
    return Rekeying(acting, now=now)


def shown_work(work: Work) -> Mapping[str, Any]:
    """A work of keys, as callers see it."""
    about = {name: getattr(work, name) for name in ("id", "state", "principal", "begun", "updated")}
    counts = work.counts
    keys = {
        "keys": counts.partitions,
        "rewrapped": counts.rewritten,
        "already": counts.skipped,
        "refused": counts.failed,
    }
    return {**about, "work": work.job, "counts": keys, "driven_until": work.driven_until}
