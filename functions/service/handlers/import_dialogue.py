"""`POST /dialogues/import`: the function that writes."""

from dataclasses import asdict

from dialogues.reading import StoredDialogues
from dialogues.writing import Dialogues
from service.permissions import WRITE
from twinvault import InvalidInput, now
from twinvault_http import Answer, Api, Request

api = Api()
_STATUS = {"created": 201, "unchanged": 200, "importing": 202}


def _about(request: Request) -> None:
    dialogue_id = request.json().get("id")
    if isinstance(dialogue_id, str):
        StoredDialogues(request.acting).name(dialogue_id)


@api.route("POST /dialogues/import", permission=WRITE, action="dialogue.import", about=_about, query=("after_erasure",))
def import_dialogue(request: Request) -> Answer:
    """Stores a whole dialogue: 201 when it was written, 200 when it was there already with this content.

    202 when the time was up before it was whole: the same request again goes on with it. With `?after_erasure=true` the
    id may be one of a dialogue that was erased.
    """
    after_erasure = request.query.get("after_erasure", "false")
    if after_erasure not in {"true", "false"}:
        raise InvalidInput("after_erasure: must be true or false", field="after_erasure")
    done = Dialogues(request.acting, now=now).import_document(
        request.json(),
        idempotency_key=request.header("idempotency-key"),
        after_erasure=after_erasure == "true",
    )
    return Answer(_STATUS[done.result], asdict(done))


handler = api
