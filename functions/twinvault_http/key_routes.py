"""`/keys`: what keys a tenant has, how they are used, and new ones where there are some."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from twinvault import InvalidInput
from twinvault_http.access import READ_KEYS, ROTATE_KEYS
from twinvault_http.bodies import asked_in
from twinvault_http.http import Api
from twinvault_http.kinds import NamedPartition, ServedKinds
from twinvault_http.messages import Answer, Request


def add_key_routes(api: Api, kinds: ServedKinds) -> None:
    """Declares them."""

    @api.route("GET /keys", permission=READ_KEYS, action="key.list")
    def list_keys(request: Request) -> Answer:
        """The tenant's key rows, as they say of themselves. Nothing is opened and no key leaves."""
        return Answer(200, {"keys": [asdict(row) for row in request.acting.keys.overview()]})

    @api.route("GET /keys/status", permission=READ_KEYS, action="key.status", query=kinds.names)
    def status(request: Request) -> Answer:
        """How many keys are under which, the oldest first; or what the DEKs of one partition are used for."""
        if not request.query:
            return Answer(200, asdict(request.acting.keys.status()))
        named = _one(request.query, kinds)
        uses = request.acting.keys.of_partition(named.existing(request.acting))
        return Answer(200, {named.kind: named.caller_id, "deks": [asdict(one) for one in uses]})

    @api.route(
        "POST /keys/rotate", permission=ROTATE_KEYS, action="key.rotate", about=lambda request: about(request, kinds)
    )
    def rotate_keys(request: Request) -> Answer:
        """A new epoch of the tenant's KEK; or, where the body names a partition, a new version of its DEK."""
        asked = asked_in(request)
        if not asked:
            return Answer(201, {"epoch": request.acting.keys.rotate()})
        # Null is no id: whoever lost it on the way must not get a new KEK for the whole tenant instead.
        named = _one(asked, kinds)
        version = named.existing(request.acting).new_dek().state.dek_version
        return Answer(201, {named.kind: named.caller_id, "version": version})


def about(request: Request, kinds: ServedKinds) -> None:
    """Tells the audit log which partition the body names, if it names one by its kind."""
    if named := kinds.named_in(asked_in(request)):
        named.existing(request.acting)


def _one(asked: Mapping[str, Any], kinds: ServedKinds) -> NamedPartition:
    named = kinds.named_in(asked) if len(asked) == 1 else None
    if named is None:
        field = next((name for name in asked if name in kinds.names), kinds.names[0])
        raise InvalidInput(f"{kinds.listed}: must be the id of one, and nothing else may be asked", field=field)
    return named
