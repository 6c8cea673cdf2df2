"""`GET /keys` and `POST /keys/rotate`: the function that makes new keys where there are some."""

from dataclasses import asdict

from dialogues.collection import Dialogues
from dialogues.document import parse
from service.access import READ_KEYS, ROTATE_KEYS
from service.http import Answer, Api, Request
from twinvault.compose import now
from twinvault.errors import InvalidInput

api = Api()


@api.route("GET", "/keys", permission=READ_KEYS, action="key.list")
def list_keys(request: Request) -> Answer:
    """The tenant's key rows, as they say of themselves. Nothing is opened and no key leaves."""
    rows = request.service.rotation.overview(request.activity.actor.tenant)
    request.service.store.release(request.activity)
    return Answer(200, {"keys": [asdict(row) for row in rows]})


@api.route("POST", "/keys/rotate", permission=ROTATE_KEYS, action="key.rotate")
def rotate_keys(request: Request) -> Answer:
    """A new epoch of the tenant's KEK; or, where the body names a dialogue, a new version of its DEK."""
    asked = parse(request.body() or b"{}")
    # Null is no id: whoever lost it on the way must not get a new KEK for the whole tenant instead.
    if asked.keys() - {"dialogue"} or not isinstance(asked.get("dialogue", ""), str):
        raise InvalidInput("dialogue: must be a dialogue's id, and nothing else may be asked", field="dialogue")
    if "dialogue" in asked:
        dialogue_id = asked["dialogue"]
        dialogues = Dialogues(request.service.store, request.service.keys, request.activity, now=now)
        return Answer(201, {"dialogue": dialogue_id, "version": dialogues.new_dek(dialogue_id)})
    epoch = request.service.rotation.new_epoch(request.activity.actor.tenant, request.activity)
    request.service.store.release(request.activity)
    return Answer(201, {"epoch": epoch})


handler = api
