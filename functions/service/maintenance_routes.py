"""`/maintenance`: long work on dialogues, begun, driven and looked at."""

from dataclasses import asdict
from typing import Any

from dialogues.entities import DIALOGUE
from dialogues.reading import StoredDialogues
from dialogues.strict_json import parse
from service.access import MAINTAIN
from service.http import Answer, Api, Request
from twinvault import JOBS, Acting, InvalidInput, Maintenance, Reencrypt, Work, now, recovery_jobs

_ONE = "dialogue"


def add_maintenance_routes(api: Api) -> None:
    """Declares them."""

    @api.route("POST /maintenance", permission=MAINTAIN, action="maintain.begin", about=_about)
    def begin(request: Request) -> Answer:
        """A work that runs, on all dialogues or on one: 202 when it begins with this, 200 when it ran already."""
        asked = parse(request.body())
        if asked.keys() - {_ONE} != {"work", "kind"} or not all(isinstance(value, str) for value in asked.values()):
            rule = "must hold work and kind, may hold dialogue, all of them texts, and nothing else"
            raise InvalidInput(f"body: {rule}", field="body")
        partition = StoredDialogues(request.acting).partition_id(asked[_ONE]) if _ONE in asked else ""
        work, is_new = maintenance(request.acting).begin(asked["work"], asked["kind"], partition=partition)
        return Answer(202 if is_new else 200, _shown(work))

    @api.route("POST /maintenance/{id}", permission=MAINTAIN, action="maintain.drive")
    def drive(request: Request) -> Answer:
        """As much of a work as this request has time for: 202 while it runs, 200 when it is at its end."""
        work = maintenance(request.acting).drive(request.parameters["id"])
        return Answer(202 if work.is_running else 200, _shown(work))

    @api.route("GET /maintenance", permission=MAINTAIN, action="maintain.list")
    def newest(request: Request) -> Answer:
        """The tenant's newest works."""
        works = [_shown(work) for work in maintenance(request.acting).newest()]
        # A hundred findings of a hundred works would be no answer any more.
        return Answer(200, {"works": [{name: one[name] for name in one if name != "findings"} for one in works]})

    @api.route("GET /maintenance/{id}", permission=MAINTAIN, action="maintain.read")
    def read(request: Request) -> Answer:
        """How one work stands."""
        return Answer(200, _shown(maintenance(request.acting).get(request.parameters["id"])))


def maintenance(acting: Acting) -> Maintenance:
    """The works of a request's tenant."""
    jobs = [*JOBS, *recovery_jobs(acting.vault), Reencrypt(acting.vault)]
    return Maintenance(acting, kinds=[DIALOGUE], jobs=jobs, now=now)


def _about(request: Request) -> None:
    dialogue_id = parse(request.body()).get(_ONE)
    if isinstance(dialogue_id, str):
        StoredDialogues(request.acting).name(dialogue_id)


def _shown(work: Work) -> dict[str, Any]:
    about = {name: getattr(work, name) for name in ("id", "kind", "state", "principal", "begun", "updated")}
    about |= {"partition": work.partition} if work.partition else {}
    about |= {"unanswered_marks": None} if work.job == "fsck" else {}  # of one tenant nobody can say (docs/recovery.md)
    about |= {"findings": [asdict(one) for one in work.findings], "driven_until": work.driven_until}
    return {**about, "work": work.job, "counts": asdict(work.counts)}
