"""`/maintenance`: long work on partitions, begun, driven and looked at."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from twinvault import JOBS, Acting, InvalidInput, Maintenance, Reencrypt, Work, now, recovery_jobs
from twinvault_http.access import MAINTAIN
from twinvault_http.http import Api
from twinvault_http.kinds import ServedKinds
from twinvault_http.messages import Answer, Request


def add_maintenance_routes(api: Api, kinds: ServedKinds) -> None:
    """Declares them."""

    def about(request: Request) -> None:
        if named := kinds.named_in(request.json()):
            named.existing(request.acting)

    def maintenance(request: Request) -> Maintenance:
        return maintenance_of(request.acting, kinds)

    @api.route("POST /maintenance", permission=MAINTAIN, action="maintain.begin", about=about)
    def begin(request: Request) -> Answer:
        """A work that runs, on all partitions or on one: 202 when it begins with this, 200 when it ran already."""
        asked = request.json()
        ones = asked.keys() - {"work", "kind"}
        is_told = asked.keys() >= {"work", "kind"} and ones <= {*kinds.names} and len(ones) <= 1
        if not is_told or not all(isinstance(value, str) for value in asked.values()):
            rule = f"must hold work and kind, may hold {kinds.listed}, all of them texts, and nothing else"
            raise InvalidInput(f"body: {rule}", field="body")
        named = kinds.named_in(asked)
        if named and asked["kind"] in kinds.names and asked["kind"] != named.kind:
            raise InvalidInput(f"{named.kind}: is of another kind than the work", field=named.kind)
        partition = named.existing(request.acting).scope.partition if named else ""
        work, is_new = maintenance(request).begin(asked["work"], asked["kind"], partition=partition)
        return Answer(202 if is_new else 200, _shown(work))

    _add_looks(api, maintenance)


def _add_looks(api: Api, maintenance: Callable[[Request], Maintenance]) -> None:
    """What is there of works that were begun, and more of one."""

    @api.route("POST /maintenance/{id}", permission=MAINTAIN, action="maintain.drive")
    def drive(request: Request) -> Answer:
        """As much of a work as this request has time for: 202 while it runs, 200 when it is at its end."""
        work = maintenance(request).drive(request.parameters["id"])
        return Answer(202 if work.is_running else 200, _shown(work))

    @api.route("GET /maintenance", permission=MAINTAIN, action="maintain.list")
    def newest(request: Request) -> Answer:
        """The tenant's newest works."""
        works = [_shown(work) for work in maintenance(request).newest()]
        # A hundred findings of a hundred works would be no answer any more.
        return Answer(200, {"works": [{name: one[name] for name in one if name != "findings"} for one in works]})

    @api.route("GET /maintenance/{id}", permission=MAINTAIN, action="maintain.read")
    def read(request: Request) -> Answer:
        """How one work stands."""
        return Answer(200, _shown(maintenance(request).get(request.parameters["id"])))


def maintenance_of(acting: Acting, kinds: ServedKinds) -> Maintenance:
    """The works of a request's tenant."""
    jobs = [*JOBS, *recovery_jobs(acting.vault), Reencrypt(acting.vault)]
    return Maintenance(acting, kinds=kinds.specs, jobs=jobs, now=now)


def _shown(work: Work) -> dict[str, Any]:
    about = {name: getattr(work, name) for name in ("id", "kind", "state", "principal", "begun", "updated")}
    about |= {"partition": work.partition} if work.partition else {}
    about |= {"unanswered_marks": None} if work.job == "fsck" else {}  # of one tenant nobody can say (docs/recovery.md)
    about |= {"findings": [asdict(one) for one in work.findings], "driven_until": work.driven_until}
    return {**about, "work": work.job, "counts": asdict(work.counts)}
