"""`GET /keys` and `POST /keys/rotate`: the function that makes new keys where there are some."""

from dataclasses import asdict

from dialogues.reading import StoredDialogues
from dialogues.strict_json import parse
from service.access import READ_KEYS, ROTATE_KEYS
from service.http import Answer, Api, Request
from twinvault import InvalidInput

api = Api()


@api.route("GET /keys", permission=READ_KEYS, action="key.list")
def list_keys(request: Request) -> Answer:
    """The tenant's key rows, as they say of themselves. Nothing is opened and no key leaves."""
    return Answer(200, {"keys": [asdict(row) for row in request.acting.keys.overview()]})


def _about(request: Request) -> None:
    dialogue_id = parse(request.body() or b"{}").get("dialogue")
    if isinstance(dialogue_id, str):
        StoredDialogues(request.acting).name(dialogue_id)


@api.route("POST /keys/rotate", permission=ROTATE_KEYS, action="key.rotate", about=_about)
def rotate_keys(request: Request) -> Answer:
    """A new epoch of the tenant's KEK; or, where the body names a dialogue, a new version of its DEK."""
    asked = parse(request.body() or b"{}")
    # Null is no id: whoever lost it on the way must not get a new KEK for the whole tenant instead.
    if asked.keys() - {"dialogue"} or not isinstance(asked.get("dialogue", ""), str):
        raise InvalidInput("dialogue: must be a dialogue's id, and nothing else may be asked", field="dialogue")
    if "dialogue" in asked:
        dialogue_id = asked["dialogue"]
        dialogues = StoredDialogues(request.acting)
        return Answer(201, {"dialogue": dialogue_id, "version": dialogues.new_dek(dialogue_id)})
    return Answer(201, {"epoch": request.acting.keys.rotate()})


handler = api
