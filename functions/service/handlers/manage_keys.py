"""`/keys`: the function that looks after the keys that a tenant has, and makes new ones where there are some."""

from dataclasses import asdict

from dialogues.reading import StoredDialogues
from service.access import READ_KEYS, ROTATE_KEYS
from service.bodies import asked_in
from service.epoch_routes import add_epoch_routes
from service.finalize_routes import add_finalize_routes, key_works
from service.http import Answer, Api, Request
from service.rewrap_routes import add_rewrap_routes
from service.scheduling import Scheduled
from twinvault import InvalidInput

api = Api()
add_epoch_routes(api)
add_rewrap_routes(api)
add_finalize_routes(api)


@api.route("GET /keys", permission=READ_KEYS, action="key.list")
def list_keys(request: Request) -> Answer:
    """The tenant's key rows, as they say of themselves. Nothing is opened and no key leaves."""
    return Answer(200, {"keys": [asdict(row) for row in request.acting.keys.overview()]})


@api.route("GET /keys/status", permission=READ_KEYS, action="key.status", query=("dialogue",))
def status(request: Request) -> Answer:
    """How many keys are under which, the oldest first; or what the DEKs of one dialogue are used for."""
    if "dialogue" in request.query:
        dialogue_id = request.query["dialogue"]
        uses = StoredDialogues(request.acting).dek_uses(dialogue_id)
        return Answer(200, {"dialogue": dialogue_id, "deks": [asdict(one) for one in uses]})
    return Answer(200, asdict(request.acting.keys.status()))


def _about(request: Request) -> None:
    dialogue_id = asked_in(request).get("dialogue")
    if isinstance(dialogue_id, str):
        StoredDialogues(request.acting).name(dialogue_id)


@api.route("POST /keys/rotate", permission=ROTATE_KEYS, action="key.rotate", about=_about)
def rotate_keys(request: Request) -> Answer:
    """A new epoch of the tenant's KEK; or, where the body names a dialogue, a new version of its DEK."""
    asked = asked_in(request)
    # Null is no id: whoever lost it on the way must not get a new KEK for the whole tenant instead.
    if asked.keys() - {"dialogue"} or not isinstance(asked.get("dialogue", ""), str):
        raise InvalidInput("dialogue: must be a dialogue's id, and nothing else may be asked", field="dialogue")
    if "dialogue" in asked:
        dialogue_id = asked["dialogue"]
        dialogues = StoredDialogues(request.acting)
        return Answer(201, {"dialogue": dialogue_id, "version": dialogues.new_dek(dialogue_id)})
    return Answer(201, {"epoch": request.acting.keys.rotate()})


handler = Scheduled(api, key_works, of_keys=True)
