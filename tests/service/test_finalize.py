"""What makes erasures final, over HTTP: a work with its phase, its wait, its permission and its problems."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.dialogues.samples import SMALL
from tests.service.conftest import Service
from tests.service.test_epochs import ask
from twinvault_http import finalize_routes

BEGIN, DRIVE, READ, LIST = (
    "POST /keys/finalize",
    "POST /keys/finalize/{id}",
    "GET /keys/finalize/{id}",
    "GET /keys/finalize",
)


def reading(service: Service) -> str:
    return service.issuer.token(permissions=["keys:read"])


def test_it_waits_and_says_until_when_and_is_done_after_that(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.stored(SMALL)
    begun = ask(service, BEGIN)
    assert (begun.status, begun.body["phase"], begun.body["waits_until"]) == (202, "rotating", None)
    work = begun.body["id"]
    assert ask(service, BEGIN).status == 200, "one at a time"
    waiting = ask(service, DRIVE, id=work)
    assert (waiting.status, waiting.body["phase"], waiting.body["work"]) == (202, "waiting", "finalize")
    left = datetime.fromisoformat(waiting.body["waits_until"]) - datetime.now(UTC)
    assert timedelta(seconds=380) < left <= timedelta(seconds=390)
    assert ask(service, READ, id=work, token=reading(service)).body["waits_until"] == waiting.body["waits_until"]
    listed = ask(service, LIST, token=reading(service)).body["works"]
    assert [(one["id"], one["state"]) for one in listed] == [(work, "running")]
    later = datetime.now(UTC) + timedelta(seconds=391)
    monkeypatch.setattr(finalize_routes, "now", lambda: later.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    conflict = ask(service, DRIVE, id=work)
    assert (conflict.status, "not before" in conflict.body["detail"]) == (409, True), "the keys' own clock counts too"
    assert service.call("GET /dialogues/{id}", id=SMALL["id"]).status == 200


def test_nothing_may_be_asked_and_what_is_not_there_is_not_found(service: Service) -> None:
    service.stored(SMALL)
    assert ask(service, BEGIN, {"epoch": 1}).status == 400
    for route in (DRIVE, READ):
        token = service.issuer.token(permissions=["keys:read", "keys:revoke"])
        assert ask(service, route, id="none", token=token).status == 404


@pytest.mark.parametrize("route", [BEGIN, DRIVE, READ, LIST])
def test_without_the_permission_it_is_denied(service: Service, route: str) -> None:
    token = service.issuer.token(permissions=["keys:rotate", "maintain:*", "dialogues:write"])
    assert ask(service, route, id="some", token=token).status == 403
