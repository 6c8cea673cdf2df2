"""`/erasures`: what is erased is asked for, can be called off for a while, and is then made final (docs/erasure.md)."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from twinvault import ErasureProcedure, ErasureRequest, ErasureRules, Work, now
from twinvault_http.access import ERASE_FINAL, ERASE_HOLD, ERASE_REQUEST
from twinvault_http.bodies import asked_in, require_empty
from twinvault_http.erased_place import place_of
from twinvault_http.http import Api
from twinvault_http.kinds import ServedKinds
from twinvault_http.messages import Answer, Request
from twinvault_http.wiring import service

ANYBODY = f"{ERASE_REQUEST} {ERASE_FINAL} {ERASE_HOLD}"


def add_erase_routes(api: Api, kinds: ServedKinds) -> None:
    """Declares them."""

    def about(request: Request) -> None:
        place_of(asked_in(request), request, kinds=kinds)

    @api.route("POST /erasures", permission=ERASE_REQUEST, action="erase.request", about=about)
    def ask(request: Request) -> Answer:
        """An erasure that can be called off: 201 with this, 200 where the same was asked for already."""
        place = place_of(asked_in(request), request, kinds=kinds)
        found, is_new = procedure(request).request(
            kind=place.kind, partition=place.partition, caller_id=place.caller_id
        )
        return Answer(201 if is_new else 200, _shown(found, kinds))

    @api.route("GET /erasures", permission=ANYBODY, action="erase.list")
    def newest(request: Request) -> Answer:
        """The newest erasures, and beside them the rows that do not open."""
        found, refused = procedure(request).newest()
        return Answer(200, {"erasures": [_shown(one, kinds) for one in found], "refused": refused})

    @api.route("GET /erasures/{id}", permission=ANYBODY, action="erase.read")
    def read(request: Request) -> Answer:
        """How one stands."""
        return Answer(200, _shown(procedure(request).get(request.parameters["id"]), kinds))

    _add_ends(api, kinds)


def _add_ends(api: Api, kinds: ServedKinds) -> None:
    """What becomes of an erasure: it is called off, or made final and swept."""

    @api.route("POST /erasures/{id}/cancel", permission=f"{ERASE_REQUEST} {ERASE_FINAL}", action="erase.cancel")
    def cancel(request: Request) -> Answer:
        """Calls it off."""
        require_empty(request)
        return Answer(200, _shown(procedure(request).cancel(request.parameters["id"]), kinds))

    @api.route("POST /erasures/{id}/final", permission=ERASE_FINAL, action="erase.final")
    def make_final(request: Request) -> Answer:
        """Erases it, for good; what is left of its rows is swept: 202 until that is done."""
        require_empty(request)
        found, sweep = procedure(request).make_final(request.parameters["id"], kinds.specs)
        return _swept(found, sweep, kinds=kinds)

    @api.route("POST /erasures/{id}", permission=ERASE_FINAL, action="erase.sweep")
    def drive(request: Request) -> Answer:
        """As much of the sweep as this request has time for: 202 while it runs, 200 when it is at its end."""
        require_empty(request)
        found, sweep = procedure(request).drive(request.parameters["id"], kinds.specs)
        return _swept(found, sweep, kinds=kinds)


def procedure(request: Request) -> ErasureProcedure:
    """The erasures of a request's tenant."""
    settings = service().settings
    rules = ErasureRules(hold_hours=settings.erasure_hold_hours, four_eyes=settings.erasure_four_eyes)
    return ErasureProcedure(request.acting, rules, now)


def _shown(found: ErasureRequest, kinds: ServedKinds) -> Mapping[str, Any]:
    """An erasure as an answer shows it."""
    return {
        "id": found.id,
        "state": found.state,
        "kind": found.kind,
        "partition": found.partition,
        **kinds.shown(found.kind, found.caller_id),
        "requested": asdict(found.requested),
        "not_before": found.not_before,
        "cancelled": asdict(found.cancelled) if found.cancelled else None,
        "final": asdict(found.final) if found.final else None,
        "erased": json.loads(found.erased.encode()) if found.erased else None,
        "finalized_at": found.finalized_at,
    }


def _swept(found: ErasureRequest, sweep: Work, *, kinds: ServedKinds) -> Answer:
    shown = {
        "id": sweep.id,
        "state": sweep.state,
        "counts": {
            "partitions": sweep.counts.partitions,
            "rows": sweep.counts.rewritten,
            "failed": sweep.counts.failed,
        },
        "driven_until": sweep.driven_until,
    }
    return Answer(202 if sweep.is_running else 200, {**_shown(found, kinds), "sweep": shown})
