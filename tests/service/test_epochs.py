"""What becomes of a KEK's epochs, over HTTP: answers, problems, permissions, the log."""

import json
from typing import Any

import pytest

from service.handlers.manage_keys import handler
from tests.dialogues.samples import SMALL
from tests.service.conftest import Answered, Service

RETIRE, REVOKE, REINSTATE = "POST /keys/retire", "POST /keys/revoke", "POST /keys/reinstate"
MOVES = (RETIRE, REVOKE, REINSTATE)


def ask(service: Service, route: str, body: Any = None, **more: Any) -> Answered:
    more.setdefault("token", service.issuer.token(permissions=["keys:revoke", "keys:rotate"]))
    sent = None if body is None else body if isinstance(body, str) else json.dumps(body)
    return service.call(route, body=sent, function=handler, **more)


def of(answer: Answered) -> list[tuple[int, str]]:
    assert answer.status == 200, answer.body
    assert set(answer.body["epochs"][0]) == {"epoch", "state", "since"}
    return [(one["epoch"], one["state"]) for one in answer.body["epochs"]]


def test_an_epoch_is_retired_revoked_and_reinstated(service: Service) -> None:
    service.stored(SMALL)
    assert ask(service, "POST /keys/rotate").body == {"epoch": 2}
    assert of(ask(service, RETIRE, {"epoch": 1})) == [(1, "retired"), (2, "active")]
    assert service.call("GET /dialogues/{id}", id=SMALL["id"]).status == 200
    assert of(ask(service, REVOKE, {"epoch": 1})) == [(1, "revoked"), (2, "active")]
    assert of(ask(service, REINSTATE, {"epoch": 1})) == [(1, "retired"), (2, "active")]
    assert service.call("GET /dialogues/{id}", id=SMALL["id"]).status == 200
    assert of(ask(service, REVOKE, {"epoch": "all"})) == [(1, "revoked"), (2, "revoked")]
    refused = service.call("GET /dialogues/{id}", id=SMALL["id"])
    assert (refused.status, refused.body["type"]) == (503, "urn:twinvault:problem:key-refused")
    actions = [one["action"] for one in service.entries() if one["outcome"] == "success"]
    assert {"key.retire", "key.revoke", "key.reinstate"} <= set(actions)


@pytest.mark.parametrize("route", MOVES)
@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(None, "body", id="nothing"),
        pytest.param("{", "body", id="half a body"),
        pytest.param({}, "body", id="no epoch"),
        pytest.param({"epoch": None}, "epoch", id="null"),
        pytest.param({"epoch": True}, "epoch", id="true"),
        pytest.param({"epoch": "1"}, "epoch", id="a text"),
        pytest.param({"epoch": 1.0}, "epoch", id="a fraction"),
        pytest.param({"epoch": 0}, "epoch", id="no number of an epoch"),
        pytest.param({"epoch": 1, "more": 1}, "body", id="something more"),
    ],
)
def test_who_names_no_epoch_moves_none(service: Service, route: str, body: Any, field: str) -> None:
    service.stored(SMALL)
    answer = ask(service, route, body)
    assert (answer.status, answer.body.get("field")) == (400, field), answer.body
    assert service.call("GET /dialogues/{id}", id=SMALL["id"]).status == 200


@pytest.mark.parametrize(
    ("route", "body", "status"),
    [
        pytest.param(RETIRE, {"epoch": 1}, 409, id="the only one that seals"),
        pytest.param(RETIRE, {"epoch": "all"}, 400, id="all at once"),
        pytest.param(REINSTATE, {"epoch": 1}, 409, id="one that is active"),
        pytest.param(REVOKE, {"epoch": 2}, 404, id="one that is not there"),
    ],
)
def test_what_makes_no_sense_is_said(service: Service, route: str, body: Any, status: int) -> None:
    service.stored(SMALL)
    assert ask(service, route, body).status == status


def test_of_a_tenant_without_keys_there_is_nothing_to_move(service: Service) -> None:
    for route in MOVES:
        assert ask(service, route, {"epoch": 1}).status == 404


@pytest.mark.parametrize("route", MOVES)
@pytest.mark.parametrize("permissions", [[], ["keys:rotate", "keys:read", "maintain:*", "dialogues:write"]])
def test_without_the_permission_it_is_denied_and_recorded(service: Service, route: str, permissions: list[str]) -> None:
    answer = ask(service, route, {"epoch": 1}, token=service.issuer.token(permissions=permissions))
    assert (answer.status, answer.body["type"]) == (403, "urn:twinvault:problem:forbidden")
    action = route.replace("POST /keys/", "key.")
    assert [(one["action"], one["outcome"]) for one in service.entries()] == [(action, "denied")]


def test_the_status_says_what_is_under_what(service: Service) -> None:
    service.stored(SMALL)
    assert ask(service, "POST /keys/rotate").status == 201
    token = service.issuer.token(permissions=["keys:read"])
    found = service.call("GET /keys/status", token=token, function=handler).body
    assert [(one["epoch"], one["deks"], one["index"]) for one in found["epochs"]] == [(1, 1, False), (2, 0, True)]
    assert [(one["root_key_id"], one["keks"]) for one in found["root_keys"]] == [(service.root, 2)]
    assert (found["lowest_epoch"], found["unlisted"]) == (1, 0)
    assert ask(service, "GET /keys/status").status == 403


def test_keys_are_wrapped_anew_by_kms(service: Service) -> None:
    service.stored(SMALL)
    route = "POST /keys/rewrap-root"
    assert ask(service, route).body == {"root_key_id": service.root, "rewrapped": 0, "unused": []}
    assert ask(service, route, {"again": True}).body == {"root_key_id": service.root, "rewrapped": 2, "unused": []}
    assert service.call("GET /dialogues/{id}", id=SMALL["id"]).status == 200
    for body in ({"again": 1}, {"again": None}, {"more": True}, "[]"):
        answer = ask(service, route, body)
        assert (answer.status, answer.body["field"] in {"again", "body"}) == (400, True)
    assert ask(service, route, token=service.issuer.token(permissions=["keys:revoke"])).status == 403
