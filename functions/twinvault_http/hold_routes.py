"""`/holds`: what must be neither erased nor sealed anew, for as long as somebody says so."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from twinvault import Hold, InvalidInput
from twinvault_http.access import ERASE_FINAL, ERASE_HOLD, ERASE_REQUEST
from twinvault_http.bodies import asked_in
from twinvault_http.erased_place import place_of
from twinvault_http.http import Api
from twinvault_http.kinds import ServedKinds
from twinvault_http.messages import Answer, Request


def add_hold_routes(api: Api, kinds: ServedKinds) -> None:
    """Declares them."""

    @api.route("GET /holds", permission=f"{ERASE_HOLD} {ERASE_REQUEST} {ERASE_FINAL}", action="erase.hold_list")
    def standing(request: Request) -> Answer:
        """What is under a hold, the tenant first."""
        return Answer(200, {"holds": [_shown(one, kinds) for one in request.acting.holds.standing()]})

    @api.route("POST /holds", permission=ERASE_HOLD, action="erase.hold")
    def put(request: Request) -> Answer:
        """Holds it: 201 with this, 200 where it was held already."""
        asked = dict(asked_in(request))
        reason = asked.pop("reason", "")
        if not isinstance(reason, str):
            raise InvalidInput("reason: must be a text", field="reason")
        place = place_of(asked, request, kinds=kinds)
        hold, is_new = request.acting.holds.put(
            kind=place.kind, partition=place.partition, caller_id=place.caller_id, reason=reason
        )
        return Answer(201 if is_new else 200, _shown(hold, kinds))

    @api.route("POST /holds/lift", permission=ERASE_HOLD, action="erase.lift")
    def lift(request: Request) -> Answer:
        """Lifts it."""
        place = place_of(asked_in(request), request, kinds=kinds)
        return Answer(200, _shown(request.acting.holds.lift(kind=place.kind, partition=place.partition), kinds))


def _shown(hold: Hold, kinds: ServedKinds) -> Mapping[str, Any]:
    shown = asdict(hold)
    return {**kinds.shown(hold.kind, shown.pop("caller_id")), **shown}
