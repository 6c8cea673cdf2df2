"""`POST /dialogues/import`: the function that writes."""

from dialogues.reading import StoredDialogues
from dialogues.strict_json import parse
from dialogues.writing import Dialogues
from service.access import WRITE
from service.http import Answer, Api, Request
from twinvault import now

api = Api()


def _about(request: Request) -> None:
    dialogue_id = parse(request.body()).get("id")
    if isinstance(dialogue_id, str):
        StoredDialogues(request.acting).name(dialogue_id)


@api.route("POST /dialogues/import", permission=WRITE, action="dialogue.import", about=_about)
def import_dialogue(request: Request) -> Answer:
    """Stores a whole dialogue: 201 when it was written, 200 when it was there already with this content."""
    dialogues = Dialogues(request.acting, now=now)
    done = dialogues.import_document(parse(request.body()))
    document = {
        "id": done.id,
        "result": "created" if done.created else "unchanged",
        "records": done.records,
        "transactions": done.transactions,
    }
    return Answer(201 if done.created else 200, document)


handler = api
