"""`/maintenance` and a schedule: the function that does long work, driven by whoever asks and carried on by nobody."""

from dataclasses import asdict
from typing import Any

from dialogues.entities import DIALOGUE
from dialogues.strict_json import parse
from service.access import MAINTAIN
from service.http import Answer, Api, Request
from service.recovering import add_routes
from service.scheduling import Scheduled
from twinvault import JOBS, Acting, InvalidInput, Maintenance, Work, now, recovery_jobs

api = Api()
add_routes(api)


@api.route("POST /maintenance", permission=MAINTAIN, action="maintain.begin")
def begin(request: Request) -> Answer:
    """A work that runs: 202 when it begins with this, 200 when it ran already."""
    asked = parse(request.body())
    if asked.keys() != {"work", "kind"} or not all(isinstance(value, str) for value in asked.values()):
        raise InvalidInput("body: must hold work and kind, both texts, and nothing else", field="body")
    work, is_new = _maintenance(request.acting).begin(asked["work"], asked["kind"])
    return Answer(202 if is_new else 200, _shown(work))


@api.route("POST /maintenance/{id}", permission=MAINTAIN, action="maintain.drive")
def drive(request: Request) -> Answer:
    """As much of a work as this request has time for: 202 while it runs, 200 when it is at its end."""
    work = _maintenance(request.acting).drive(request.parameters["id"])
    return Answer(202 if work.is_running else 200, _shown(work))


@api.route("GET /maintenance", permission=MAINTAIN, action="maintain.list")
def newest(request: Request) -> Answer:
    """The tenant's newest works."""
    works = [_shown(work) for work in _maintenance(request.acting).newest()]
    # A hundred findings of a hundred works would be no answer any more.
    return Answer(200, {"works": [{name: one[name] for name in one if name != "findings"} for one in works]})


@api.route("GET /maintenance/{id}", permission=MAINTAIN, action="maintain.read")
def read(request: Request) -> Answer:
    """How one work stands."""
    return Answer(200, _shown(_maintenance(request.acting).get(request.parameters["id"])))


def _maintenance(acting: Acting) -> Maintenance:
    return Maintenance(acting, kinds=[DIALOGUE], jobs=[*JOBS, *recovery_jobs(acting.vault)], now=now)


def _shown(work: Work) -> dict[str, Any]:
    about = {name: getattr(work, name) for name in ("id", "kind", "state", "principal", "begun", "updated")}
    about |= {"unanswered_marks": None} if work.job == "fsck" else {}  # of one tenant nobody can say (docs/recovery.md)
    about |= {"findings": [asdict(one) for one in work.findings], "driven_until": work.lease and work.lease.until}
    return {**about, "work": work.job, "counts": asdict(work.counts)}


handler = Scheduled(api, _maintenance)
