"""Long work over HTTP and by a schedule, as Lambda calls the function: answers, problems, permissions, the log."""

import json
from typing import Any

import pytest

from service.handlers import maintain
from service.handlers.maintain import handler
from tests.dialogues.samples import SMALL, small
from tests.service.conftest import Answered, Context, Service

BEGIN, LIST = "POST /maintenance", "GET /maintenance"
DRIVE, READ = "POST /maintenance/{id}", "GET /maintenance/{id}"
WANTED = {"work": "rewrite", "kind": "dialogue"}
SCHEDULED = {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


def ask(service: Service, route: str, *, body: Any = None, **more: Any) -> Answered:
    more.setdefault("token", service.issuer.token(permissions=["maintain:*"]))
    sent = None if body is None else body if isinstance(body, str) else json.dumps(body)
    return service.call(route, body=sent, function=handler, **more)


def test_a_work_begins_is_driven_and_ends(service: Service) -> None:
    service.stored(SMALL)
    service.stored(small(id="another"))
    begun = ask(service, BEGIN, body=WANTED)
    assert begun.status == 202
    work = begun.body
    assert work == {
        "id": work["id"],
        "work": "rewrite",
        "kind": "dialogue",
        "state": "running",
        "principal": "subject-1",
        "begun": work["begun"],
        "updated": work["begun"],
        "counts": {"partitions": 0, "rewritten": 0, "skipped": 0, "failed": 0},
        "findings": [],
        "driven_until": None,
    }
    again = ask(service, BEGIN, body=WANTED)
    assert (again.status, again.body) == (200, work)
    driven = ask(service, DRIVE, id=work["id"])
    assert (driven.status, driven.body["state"]) == (200, "done")
    assert driven.body["counts"]["partitions"] == 2
    assert driven.body["counts"]["rewritten"] > 0
    assert ask(service, READ, id=work["id"]).body == driven.body
    listed = {name: value for name, value in driven.body.items() if name != "findings"}
    assert ask(service, LIST).body == {"works": [listed]}
    assert service.call("GET /dialogues/{id}/export", id=SMALL["id"]).body == SMALL


def test_what_does_not_fit_into_one_request_is_gone_on_with_by_the_next(service: Service) -> None:
    for number in range(3):
        service.stored(small(id=f"number {number}"))
    work = ask(service, BEGIN, body=WANTED).body
    service.context = Context(milliseconds=6_000)  # all but nothing is left of it
    answer = ask(service, DRIVE, id=work["id"])
    assert (answer.status, answer.body["state"], answer.body["driven_until"]) == (202, "running", None)
    service.context = Context()
    assert ask(service, DRIVE, id=work["id"]).body["counts"]["partitions"] == 3


@pytest.mark.parametrize(
    ("call", "status", "field"),
    [
        pytest.param({"route": BEGIN}, 400, "body", id="no body"),
        pytest.param({"route": BEGIN, "body": "{"}, 400, "body", id="half a body"),
        pytest.param({"route": BEGIN, "body": {}}, 400, "body", id="nothing asked"),
        pytest.param({"route": BEGIN, "body": {**WANTED, "more": "x"}}, 400, "body", id="something more"),
        pytest.param({"route": BEGIN, "body": {**WANTED, "kind": None}}, 400, "body", id="null for a kind"),
        pytest.param({"route": BEGIN, "body": {**WANTED, "kind": ["dialogue"]}}, 400, "body", id="a list of kinds"),
        pytest.param({"route": BEGIN, "body": {**WANTED, "work": "polish"}}, 400, "work", id="no such job"),
        pytest.param({"route": BEGIN, "body": {**WANTED, "kind": "song"}}, 400, "kind", id="no such kind"),
        pytest.param({"route": DRIVE, "id": "never-was"}, 404, None, id="driving nothing"),
        pytest.param({"route": READ, "id": "never-was"}, 404, None, id="reading nothing"),
        pytest.param({"route": READ, "id": "A#B"}, 400, "id", id="no id"),
        pytest.param({"route": LIST, "token": None}, 401, "authorization", id="no token"),
    ],
)
def test_a_callers_fault_names_the_field(
    service: Service, call: dict[str, Any], status: int, field: str | None
) -> None:
    service.stored(SMALL)
    answer = ask(service, **call)
    assert (answer.status, answer.body.get("field")) == (status, field), answer.body


def test_a_tenant_without_keys_has_no_works_and_nothing_to_do(service: Service) -> None:
    assert ask(service, BEGIN, body=WANTED).status == 404
    assert ask(service, LIST).body == {"works": []}


@pytest.mark.parametrize("permissions", [[], ["dialogues:write", "keys:rotate", "maintain:read"]])
@pytest.mark.parametrize(
    ("route", "action"),
    [(BEGIN, "maintain.begin"), (DRIVE, "maintain.drive"), (LIST, "maintain.list"), (READ, "maintain.read")],
)
def test_without_the_permission_it_is_denied_and_recorded(
    service: Service, route: str, action: str, permissions: list[str]
) -> None:
    token = service.issuer.token(permissions=permissions)
    answer = ask(service, route, body=WANTED, id="some-id", token=token)
    assert (answer.status, answer.body["type"]) == (403, "urn:twinvault:problem:forbidden")
    assert [(one["action"], one["outcome"]) for one in service.entries()] == [(action, "denied")]


def test_another_tenants_work_is_not_there(service: Service) -> None:
    service.stored(SMALL)
    work = ask(service, BEGIN, body=WANTED).body
    other = service.issuer.token(tenant="others", permissions=["maintain:*"])
    for route in (DRIVE, READ):
        assert ask(service, route, id=work["id"], token=other).status == 404
    assert ask(service, LIST, token=other).body == {"works": []}


# -- by a schedule ----------------------------------------------------------------------------------------------------


def test_a_schedule_carries_on_what_nobody_drives_whosever_it_is(service: Service) -> None:
    tokens = {
        tenant: service.issuer.token(tenant=tenant, permissions=["maintain:*", "dialogues:write"])
        for tenant in ("acme", "others")
    }
    works = {}
    for tenant, token in tokens.items():
        service.stored(SMALL, token=token)
        works[tenant] = ask(service, BEGIN, body=WANTED, token=token).body["id"]
    assert handler(SCHEDULED, service.context) == {"running": 2, "driven": 2, "failed": 0}
    for tenant, token in tokens.items():
        assert ask(service, READ, id=works[tenant], token=token).body["state"] == "done"
    resumed = [one for one in service.entries() if one["action"] == "maintain.resume"]
    assert {one["principal"] for one in resumed} == {"twinvault:maintenance"}
    assert {one["tenant"] for one in resumed} == {"acme", "others"}
    assert {one["function"] for one in resumed} == {"twinvault-dev-test"}
    assert handler(SCHEDULED, service.context) == {"running": 0, "driven": 0, "failed": 0}


def test_what_stops_a_scheduled_work_is_logged_without_a_word_of_what_is_stored(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    service.stored(SMALL)
    work = ask(service, BEGIN, body=WANTED).body
    pk = "tenant#acme"
    row = service.client.get_item(
        TableName=service.tables.keys, Key={"pk": {"S": pk}, "sk": {"S": f"work#{work['id']}"}}
    )["Item"]
    service.client.put_item(TableName=service.tables.keys, Item={**row, "version": {"N": "7"}})
    capsys.readouterr()
    assert handler(SCHEDULED, service.context) == {"running": 1, "driven": 1, "failed": 1}
    logged = capsys.readouterr().out
    assert "integrity check failed" in logged
    assert '"route":"schedule"' in logged
    assert "acme" not in logged
    assert work["id"] not in logged


@pytest.mark.parametrize(
    "event", [{}, None, [], {"source": "aws.s3"}, {"source": "aws.events.evil"}, {"source": None}, {"source": {}}]
)
def test_an_event_of_anybody_else_is_no_schedules(service: Service, event: Any) -> None:
    assert handler(event, service.context)["statusCode"] in {400, 404}
    assert service.entries() == []


def test_a_caller_of_the_api_is_no_schedule_whatever_it_sends(service: Service) -> None:
    answer = ask(service, LIST, body={"source": "aws.events"}, token=None)
    assert answer.status == 401
    event = {**SCHEDULED, "routeKey": "POST /nowhere"}
    assert handler(event, service.context)["statusCode"] in {400, 404}


def test_a_schedules_time_is_shared_by_its_works(service: Service) -> None:
    service.stored(SMALL)
    assert ask(service, BEGIN, body=WANTED).status == 202
    service.context = Context(milliseconds=5_000)
    assert handler(SCHEDULED, service.context) == {"running": 1, "driven": 0, "failed": 0}


def test_the_function_has_these_routes() -> None:
    assert maintain.handler.keys == {BEGIN, DRIVE, LIST, READ, "POST /recovery/accept", "POST /recovery/restore"}


def test_one_dialogue_is_sealed_anew_and_nothing_of_it_changes(service: Service) -> None:
    service.stored(SMALL)
    service.stored(small(id="another"))
    listed = service.call("GET /dialogues").body
    wanted = {"work": "reencrypt", "kind": "dialogue", "dialogue": SMALL["id"]}
    begun = ask(service, BEGIN, body=wanted)
    assert begun.status == 202
    assert len(begun.body["partition"]) == 26
    assert ask(service, BEGIN, body=wanted).body == begun.body
    driven = ask(service, DRIVE, id=begun.body["id"])
    assert (driven.status, driven.body["state"], driven.body["counts"]["partitions"]) == (200, "done", 1)
    assert service.call("GET /dialogues/{id}/export", id=SMALL["id"]).body == SMALL
    assert service.call("GET /dialogues").body == listed
    keys = {item["sk"]["S"] for item in service.client.scan(TableName=service.tables.keys)["Items"]}
    assert {name.rpartition("#")[2] for name in keys if begun.body["partition"] in name} == {"000001", "000002"}
    assert len([name for name in keys if name.startswith("dek#")]) == 3


def test_a_work_on_one_dialogue_that_there_is_not_is_not_found(service: Service) -> None:
    service.stored(SMALL)
    wanted = {"work": "reencrypt", "kind": "dialogue", "dialogue": "never was"}
    assert ask(service, BEGIN, body=wanted).status == 404
