"""The DEKs of one dialogue over HTTP: what they are used for, and the end of those that nothing is under."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.handlers import maintain, manage_keys
from tests.dialogues.samples import SMALL
from tests.service.conftest import Answered, Service
from twinvault_http import wiring

DESTROY, STATUS = "POST /keys/destroy", "GET /keys/status"
WAIT_SECONDS = 300 + 30 + 60


def ask(service: Service, route: str, body: Any = None, **more: Any) -> Answered:
    more.setdefault("token", service.issuer.token(permissions=["keys:read", "keys:revoke"]))
    sent = None if body is None else json.dumps(body)
    return service.call(route, body=sent, function=manage_keys.handler, **more)


def reencrypt(service: Service) -> None:
    token = service.issuer.token(permissions=["maintain:*"])
    wanted = json.dumps({"work": "reencrypt", "kind": "dialogue"})
    work = service.call("POST /maintenance", body=wanted, function=maintain.handler, token=token).body
    done = service.call("POST /maintenance/{id}", id=work["id"], function=maintain.handler, token=token)
    assert done.body["state"] == "done", done.body


def test_what_nothing_is_under_goes_when_its_time_is_over(service: Service) -> None:
    service.stored(SMALL)
    mine = {"dialogue": SMALL["id"]}
    assert [one["state"] for one in ask(service, STATUS, query=mine).body["deks"]] == ["current"]
    reencrypt(service)
    uses = ask(service, STATUS, query=mine).body
    assert uses["dialogue"] == SMALL["id"]
    assert [(one["version"], one["state"], one["records"] > 0) for one in uses["deks"]] == [
        (1, "retired", False),
        (2, "current", True),
    ]
    refused = ask(service, DESTROY, mine)
    assert (refused.status, "not before" in refused.body["detail"]) == (409, True)
    later = datetime.now(UTC) + timedelta(seconds=WAIT_SECONDS + 1)
    wiring.service().vault.changes.now = lambda: later.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    for destroyed in ([1], []):
        done = ask(service, DESTROY, mine)
        assert (done.status, done.body) == (200, {**mine, "destroyed": destroyed, "lowest": 2, "current": 2})
    assert service.call("GET /dialogues/{id}/export", id=SMALL["id"]).body == SMALL


@pytest.mark.parametrize(
    ("route", "request_of", "status"),
    [
        pytest.param(DESTROY, {"body": {"dialogue": "never was"}}, 404, id="no such dialogue to destroy keys of"),
        pytest.param(DESTROY, {"body": {"dialogue": None}}, 400, id="null for a dialogue"),
        pytest.param(DESTROY, {"body": {"dialogue": "x", "epoch": 1}}, 400, id="two things at once"),
        pytest.param(STATUS, {"query": {"dialogue": "never was"}}, 404, id="no such dialogue to ask for"),
        pytest.param(STATUS, {"query": {"more": "x"}}, 400, id="another question"),
    ],
)
def test_what_cannot_be_is_refused(service: Service, route: str, request_of: dict[str, Any], status: int) -> None:
    service.stored(SMALL)
    assert ask(service, route, **request_of).status == status
    assert service.call("GET /dialogues/{id}", id=SMALL["id"]).status == 200


def test_without_the_permission_nothing_goes(service: Service) -> None:
    service.stored(SMALL)
    token = service.issuer.token(permissions=["keys:rotate", "keys:read"])
    assert ask(service, DESTROY, {"dialogue": SMALL["id"]}, token=token).status == 403
