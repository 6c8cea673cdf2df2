"""Erasures and legal holds over HTTP: asked for, called off, made final; who may, what refuses, what the log says."""

import json
from typing import Any

import pytest

from service.handlers.erase import handler
from tests.dialogues.samples import SMALL
from tests.service.conftest import Answered, Service
from twinvault_http import wiring

ASK, LIST, ONE = "POST /erasures", "GET /erasures", "GET /erasures/{id}"
CANCEL, FINAL, SWEEP = "POST /erasures/{id}/cancel", "POST /erasures/{id}/final", "POST /erasures/{id}"
HOLDS, HOLD, LIFT = "GET /holds", "POST /holds", "POST /holds/lift"
EVERYTHING = ["erase:request", "erase:final", "erase:hold"]
DIALOGUE = {"dialogue": SMALL["id"]}
NOBODYS = "0193587d-2a00-7000-8000-000000000001"


def ask(service: Service, route: str, body: Any = None, **more: Any) -> Answered:
    more.setdefault("token", service.issuer.token(permissions=EVERYTHING))
    sent = None if body is None else body if isinstance(body, str) else json.dumps(body)
    return service.call(route, body=sent, function=handler, **more)


def by(service: Service, subject: str) -> dict[str, Any]:
    """As another person, with every permission."""
    return {"token": service.issuer.token(sub=subject, permissions=EVERYTHING)}


def get(service: Service) -> Answered:
    return service.call("GET /dialogues/{id}", id=SMALL["id"])


@pytest.fixture
def asked(service: Service) -> str:
    """A dialogue that is there, and the id of the erasure that was asked for."""
    service.stored(SMALL)
    answer = ask(service, ASK, DIALOGUE)
    assert answer.status == 201, answer.body
    return str(answer.body["id"])


@pytest.fixture
def four_eyes(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("TWINVAULT_ERASURE_FOUR_EYES", "true")
    monkeypatch.setenv("TWINVAULT_ERASURE_HOLD_HOURS", "0")
    wiring.service.cache_clear()
    return service


def test_a_dialogue_is_asked_for_made_final_and_swept_and_is_gone(service: Service, asked: str) -> None:
    found = ask(service, ONE, id=asked).body
    assert (found["state"], found["dialogue"], found["kind"], found["erased"]) == (
        "requested",
        SMALL["id"],
        "dialogue",
        None,
    )
    assert get(service).status == 200
    final = ask(service, FINAL, id=asked)
    assert (final.status, final.body["state"], final.body["dialogue"]) == (202, "final", None)
    assert get(service).status == 410
    assert final.body["erased"]["partition"] == found["partition"]
    swept = ask(service, SWEEP, id=asked)
    assert (swept.status, swept.body["sweep"]["state"]) == (200, "done")
    assert service.client.scan(TableName=service.tables.records)["Count"] == 0
    # The answer was lost, and it is asked again: the same.
    again = ask(service, FINAL, id=asked)
    assert (again.status, again.body["erased"]) == (200, final.body["erased"])
    assert ask(service, SWEEP, id=asked).body["sweep"] == swept.body["sweep"]
    actions = [one["action"] for one in service.entries() if one["outcome"] == "success"]
    assert {"erase.request", "erase.final", "erase.read", "erase.sweep"} <= set(actions)


def test_the_same_is_asked_for_once(service: Service, asked: str) -> None:
    again = ask(service, ASK, DIALOGUE)
    assert (again.status, again.body["id"]) == (200, asked)
    partition = ask(service, ASK, {"partition": again.body["partition"]})
    assert (partition.status, partition.body["id"]) == (200, asked)
    assert [one["id"] for one in ask(service, LIST).body["erasures"]] == [asked]


def test_what_is_called_off_is_not_erased(service: Service, asked: str) -> None:
    assert ask(service, CANCEL, id=asked, **by(service, "bob")).body["cancelled"]["principal"] == "bob"
    assert ask(service, CANCEL, id=asked).body["cancelled"]["principal"] == "bob"
    refused = ask(service, FINAL, id=asked)
    assert (refused.status, refused.body["type"]) == (409, "urn:twinvault:problem:conflict")
    assert (ask(service, SWEEP, id=asked).status, get(service).status) == (409, 200)


def test_it_is_called_off_until_its_time_has_come(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINVAULT_ERASURE_HOLD_HOURS", "72")
    wiring.service.cache_clear()
    service.stored(SMALL)
    one = ask(service, ASK, DIALOGUE).body
    refused = ask(service, FINAL, id=one["id"])
    assert (refused.status, f"until {one['not_before']}" in refused.body["detail"]) == (409, True)
    # What was asked for under a rule keeps it, whatever the stage says later.
    monkeypatch.setenv("TWINVAULT_ERASURE_HOLD_HOURS", "0")
    wiring.service.cache_clear()
    assert ask(service, FINAL, id=one["id"]).status == 409
    assert get(service).status == 200


def test_with_four_eyes_another_person_makes_it_final_whatever_token_they_have(four_eyes: Service, asked: str) -> None:
    asker = ask(four_eyes, ONE, id=asked).body["requested"]["principal"]
    for permissions in (EVERYTHING, ["erase:final"]):
        token = four_eyes.issuer.token(sub=asker, permissions=permissions)
        refused = ask(four_eyes, FINAL, id=asked, token=token)
        assert (refused.status, "another principal" in refused.body["detail"]) == (403, True)
    assert get(four_eyes).status == 200
    token = four_eyes.issuer.token(sub="bob", permissions=["erase:final"])
    assert ask(four_eyes, FINAL, id=asked, token=token).status == 202
    assert get(four_eyes).status == 410
    assert ("erase.final", "denied") in {(one["action"], one["outcome"]) for one in four_eyes.entries()}


def test_what_is_held_is_neither_asked_for_nor_made_final(service: Service, asked: str) -> None:
    held = ask(service, HOLD, {**DIALOGUE, "reason": "case 17"})
    assert (held.status, held.body["dialogue"], held.body["reason"]) == (201, SMALL["id"], "case 17")
    assert ask(service, HOLD, DIALOGUE).status == 200
    assert ask(service, HOLDS).body == {"holds": [held.body]}
    for answer in (ask(service, FINAL, id=asked), ask(service, ASK, DIALOGUE)):
        assert (answer.status, answer.body["type"]) == (409, "urn:twinvault:problem:held")
        assert held.body["since"] in answer.body["detail"]
    assert (ask(service, ONE, id=asked).body["state"], get(service).status) == ("requested", 200)
    assert ask(service, LIFT, DIALOGUE).status == 200
    assert ask(service, FINAL, id=asked).status == 202


def test_a_tenant_is_held_by_its_name(service: Service, asked: str) -> None:
    tenant = service.entries()[0]["tenant"]
    assert ask(service, HOLD, {"tenant": "others"}).status == 403
    held = ask(service, HOLD, {"tenant": tenant})
    assert (held.status, held.body["kind"], held.body["partition"]) == (201, None, None)
    assert ask(service, FINAL, id=asked).body["type"] == "urn:twinvault:problem:held"
    assert ask(service, LIFT, {"tenant": tenant}).status == 200
    assert ask(service, LIFT, {"tenant": tenant}).status == 404


@pytest.mark.parametrize("route", [ASK, HOLD, LIFT])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="nothing"),
        pytest.param({}, id="an empty object"),
        pytest.param("{", id="half a body"),
        pytest.param({"dialogue": None}, id="null"),
        pytest.param({"dialogue": 1}, id="a number"),
        pytest.param({"dialogue": ""}, id="no id"),
        pytest.param({"dialogue": "x" * 257}, id="a long id"),
        pytest.param({"partition": "Not An Id"}, id="no partition"),
        pytest.param({"dialogue": "a", "partition": "b"}, id="two things"),
        pytest.param({"dialogue": "a", "more": "b"}, id="something more"),
    ],
)
def test_who_names_nothing_erases_and_holds_nothing(service: Service, asked: str, route: str, body: Any) -> None:
    answer = ask(service, route, body)
    assert (answer.status, answer.body["type"]) == (400, "urn:twinvault:problem:invalid-input"), answer.body
    assert len(ask(service, LIST).body["erasures"]) == 1
    assert ask(service, HOLDS).body == {"holds": []}


def test_what_never_was_cannot_be_erased(service: Service, asked: str) -> None:
    assert ask(service, ASK, {"dialogue": "never was"}).status == 404
    for route in (ONE, CANCEL, FINAL, SWEEP):
        assert ask(service, route, id=NOBODYS).status == 404
        assert ask(service, route, id="No Id").status == 400
    for route in (CANCEL, FINAL, SWEEP):
        assert ask(service, route, {"more": 1}, id=asked).status == 400


def test_of_another_tenant_nothing_is_seen(service: Service, asked: str) -> None:
    token = service.issuer.token(tenant="others", permissions=EVERYTHING)
    service.stored({**SMALL, "id": "theirs"}, token=service.issuer.token(tenant="others"))
    for route in (ONE, CANCEL, FINAL, SWEEP):
        assert ask(service, route, id=asked, token=token).status == 404
    assert ask(service, LIST, token=token).body == {"erasures": [], "refused": []}
    assert get(service).status == 200


@pytest.mark.parametrize(
    ("route", "allowed"),
    [
        pytest.param(ASK, {"erase:request"}, id="asking"),
        pytest.param(LIST, set(EVERYTHING), id="listing"),
        pytest.param(ONE, set(EVERYTHING), id="reading"),
        pytest.param(CANCEL, {"erase:request", "erase:final"}, id="calling off"),
        pytest.param(FINAL, {"erase:final"}, id="making final"),
        pytest.param(SWEEP, {"erase:final"}, id="sweeping"),
        pytest.param(HOLDS, set(EVERYTHING), id="looking at holds"),
        pytest.param(HOLD, {"erase:hold"}, id="holding"),
        pytest.param(LIFT, {"erase:hold"}, id="lifting"),
    ],
)
def test_each_route_needs_its_permission(service: Service, route: str, allowed: set[str]) -> None:
    others = ["dialogues:write", "keys:revoke", "maintain:*"]
    for permission in (*EVERYTHING, *others):
        answer = ask(service, route, id=NOBODYS, token=service.issuer.token(permissions=[permission]))
        assert (answer.status == 403) == (permission not in allowed), (permission, answer.body)
    denied = [one for one in service.entries() if one["outcome"] == "denied"]
    assert len(denied) == len({*EVERYTHING, *others} - allowed)


def test_an_older_row_undoes_no_decision(service: Service, asked: str) -> None:
    key = {"pk": {"S": f"tenant#{service.entries()[0]['tenant']}"}, "sk": {"S": f"erasure#{asked}"}}
    before = service.client.get_item(TableName=service.tables.keys, Key=key)["Item"]
    assert ask(service, CANCEL, id=asked).status == 200
    service.client.put_item(TableName=service.tables.keys, Item=before)
    refused = ask(service, FINAL, id=asked)
    assert (refused.status, refused.body["type"]) == (500, "urn:twinvault:problem:integrity")
    assert (get(service).status, ask(service, LIST).body["refused"]) == (200, [f"erasure#{asked}"])


def test_the_schedule_carries_a_sweep_on(service: Service, asked: str) -> None:
    assert ask(service, FINAL, id=asked).body["sweep"]["state"] == "running"
    assert handler({"source": "aws.events"}, service.context) == {"running": 1, "driven": 1, "failed": 0}
    assert ask(service, SWEEP, id=asked).body["sweep"]["state"] == "done"


def test_a_tenant_is_erased_by_its_name_and_only_its_erasure_is_still_told_of(service: Service) -> None:
    service.stored(SMALL)
    assert ask(service, ASK, {"tenant": "others"}).status == 403
    asked = ask(service, ASK, {"tenant": "acme"}).body
    assert (asked["kind"], asked["partition"]) == (None, None)
    final = ask(service, FINAL, id=asked["id"])
    assert (final.status, final.body["state"], final.body["erased"]["partition"]) == (202, "final", None)
    assert (get(service).status, service.load(SMALL).status) == (410, 410)
    again = ask(service, FINAL, id=asked["id"])
    assert (again.status, again.body["erased"]) == (202, final.body["erased"])
    assert ask(service, ONE, id=asked["id"]).body["erased"] == final.body["erased"]
    assert [one["id"] for one in ask(service, LIST).body["erasures"]] == [asked["id"]]
    assert ask(service, HOLD, {"tenant": "acme"}).status == 410
    assert ask(service, ASK, {"tenant": "acme"}).status in {200, 410}
    assert ask(service, SWEEP, id=asked["id"]).status in {200, 202}
