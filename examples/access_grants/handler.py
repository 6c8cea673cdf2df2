"""Access grants over HTTP, with listings and a lifecycle of their own, on `twinvault_http` (docs/http.md)."""

import msgspec

from access_grants.grants import GRANT, STATES, Grants
from twinvault import InvalidInput, now
from twinvault_http import Answer, Api, Request, id_from_path

ASK, DECIDE, READ = "grants:ask", "grants:decide", "grants:read"

api = Api()


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /grants`."""

    incident: str
    system: str
    person: str
    reason: str


class Decided(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /grants/{incident}/decisions`."""

    outcome: str
    note: str


def _about(request: Request) -> None:
    request.acting.hidden_partition(GRANT, _incident(request), create=False)


@api.route("POST /grants", permission=ASK, action="grant.request")
def ask(request: Request) -> Answer:
    """Asks for access in an incident: 409 where it was asked for before."""
    asked = request.read(Asked)
    grant = _grants(request).request(asked.incident, system=asked.system, person=asked.person, reason=asked.reason)
    return Answer(200, grant)


@api.route("POST /grants/{incident}/decisions", permission=DECIDE, action="grant.decide", about=_about)
def decide(request: Request) -> Answer:
    """Grants, refuses or revokes: 409 where the state does not allow it."""
    asked = request.read(Decided)
    grant = _grants(request).decide(
        _incident(request), outcome=asked.outcome, decided_by=request.principal, note=asked.note
    )
    return Answer(200, grant)


@api.route("GET /grants/{incident}", permission=READ, action="grant.read", about=_about)
def read(request: Request) -> Answer:
    """A grant with every decision about it."""
    return Answer(200, _grants(request).read(_incident(request)))


@api.route("GET /grants", permission=READ, action="grant.list", query=("state",))
def listed(request: Request) -> Answer:
    """The newest grants in a state, and what nobody can read."""
    state = request.query.get("state", "requested")
    if state not in STATES:
        raise InvalidInput(f"state: must be one of {', '.join(STATES)}", field="state")
    return Answer(200, {"grants": _grants(request).listed(state)})


def _grants(request: Request) -> Grants:
    return Grants(request.acting, now)


def _incident(request: Request) -> str:
    return id_from_path(request.parameters["incident"])


handler = api
