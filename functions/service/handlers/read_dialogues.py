"""`GET /dialogues`, `/dialogues/{id}` and `/dialogues/{id}/export`: the function that only reads."""

from typing import Any

from dialogues.reading import MAX_PAGE, StoredDialogues
from service.permissions import READ
from twinvault import InvalidInput
from twinvault_http import Answer, Api, Request, id_from_path, problem_of

_DEFAULT_PAGE = 20

api = Api()


@api.route("GET /dialogues", permission=READ, action="dialogue.list", query=("status", "limit", "cursor"))
def list_dialogues(request: Request) -> Answer:
    """One page of the tenant's dialogues."""
    limit = request.query.get("limit", str(_DEFAULT_PAGE))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= len(str(MAX_PAGE))):
        raise InvalidInput(f"limit: must be from 1 to {MAX_PAGE}", field="limit")
    page = _dialogues(request).list(
        status=request.query.get("status"), limit=int(limit), cursor=request.query.get("cursor")
    )
    document: dict[str, Any] = {"dialogues": list(page.items), "cursor": page.cursor}
    if page.refused:
        document["refused"] = [
            {"partition": one.scope.partition if one.scope else None, "problem": problem_of(one.error).slug}
            for one in page.refused
        ]
    return Answer(200, document, refused=[one.error for one in page.refused])


def _about(request: Request) -> None:
    _dialogues(request).name(id_from_path(request.parameters["id"]))


@api.route("GET /dialogues/{id}", permission=READ, action="dialogue.read", about=_about)
def read_dialogue(request: Request) -> Answer:
    """A dialogue, opened, with the graph that follows from it."""
    return Answer(200, _dialogues(request).read(id_from_path(request.parameters["id"])))


@api.route("GET /dialogues/{id}/export", permission=READ, action="dialogue.export", about=_about)
def export_dialogue(request: Request) -> Answer:
    """The document that was imported."""
    return Answer(200, _dialogues(request).export(id_from_path(request.parameters["id"])))


def _dialogues(request: Request) -> StoredDialogues:
    return StoredDialogues(request.acting)


handler = api
