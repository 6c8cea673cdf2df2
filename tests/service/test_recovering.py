"""Partitions mended over HTTP, as Lambda calls the function: looks, what may be lost, backups, permissions, the log."""

import json
from typing import Any

import pytest

from service.handlers.maintain import handler
from tests.dialogues.samples import SMALL
from tests.service.conftest import Answered, Service

ACCEPT, RESTORE = "POST /recovery/accept", "POST /recovery/restore"


def ask(service: Service, route: str, body: Any, **more: Any) -> Answered:
    more.setdefault("token", service.issuer.token(permissions=["maintain:*"]))
    return service.call(route, body=json.dumps(body), function=handler, **more)


def rows(service: Service) -> dict[str, dict[str, Any]]:
    items = service.client.scan(TableName=service.tables.records)["Items"]
    return {item["sk"]["S"]: item for item in items if not item["pk"]["S"].endswith("#requests")}


def put(service: Service, item: dict[str, Any], table: str | None = None) -> None:
    service.client.put_item(TableName=table or service.tables.records, Item=item)


def restored(service: Service) -> str:
    """A table of the name that the function reads backups from, with what is there now."""
    name = f"{service.tables.records}-restored"
    service.client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    for item in rows(service).values():
        put(service, item, name)
    return name


def test_a_dialogue_is_looked_at_and_mended(service: Service) -> None:
    service.stored(SMALL)
    edited = next(row for sk, row in rows(service).items() if sk.startswith("perspective#"))
    put(service, edited | {"status": {"S": "conceded"}})
    assert service.call("GET /dialogues/{id}/export", id=SMALL["id"]).status == 500
    asked = {"dialogue": SMALL["id"]}
    looked = ask(service, ACCEPT, asked)
    assert looked.status == 200
    assert (looked.body["done"], looked.body["lost"], looked.body["version"]) == (False, 1, 0)
    assert looked.body["refused"] == [{"row": edited["sk"]["S"], "check": "5 commitment"}]
    assert looked.body["partition"] == edited["pk"]["S"].rpartition("#")[2]
    refused = ask(service, ACCEPT, {**asked, "lose": 0})
    assert (refused.status, refused.body["field"]) == (409, "lose")
    mended = ask(service, ACCEPT, {"partition": looked.body["partition"], "lose": 1})
    assert (mended.status, mended.body["done"]) == (200, True)
    assert edited["sk"]["S"] not in rows(service)
    said = [one for one in service.entries() if one["action"] == "maintain.accept"]
    assert [one["outcome"] for one in said].count("failure") == 1
    assert any("wrote" in partition for one in said for partition in one["partitions"])


def test_a_dialogue_is_put_back_from_the_restored_table(service: Service) -> None:
    service.stored(SMALL)
    restored(service)
    for row in rows(service).values():
        service.client.delete_item(TableName=service.tables.records, Key={"pk": row["pk"], "sk": row["sk"]})
    looked = ask(service, RESTORE, {"dialogue": SMALL["id"]})
    assert (looked.status, looked.body["done"], looked.body["lost_versions"]) == (200, False, None)
    assert (looked.body["returned_count"], looked.body["removed_count"]) == (looked.body["kept"], 0)
    assert ask(service, RESTORE, {"dialogue": SMALL["id"], "lose": 0}).body["done"]
    assert service.call("GET /dialogues/{id}/export", id=SMALL["id"]).body == SMALL


def test_where_no_table_was_restored_it_is_said(service: Service) -> None:
    service.stored(SMALL)
    answer = ask(service, RESTORE, {"dialogue": SMALL["id"]})
    assert (answer.status, "restored" in answer.body["detail"]) == (404, True)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"dialogue": "a", "partition": "b"}, id="both"),
        pytest.param({"dialogue": 1}, id="a number for an id"),
        pytest.param({"dialogue": "a", "lose": "1"}, id="a text for a number"),
        pytest.param({"dialogue": "a", "lose": True}, id="true for a number"),
        pytest.param({"dialogue": "a", "lose": -1}, id="less than nothing"),
        pytest.param({"dialogue": "a", "head": []}, id="a list for a head"),
        pytest.param({"dialogue": "a", "more": 1}, id="something more"),
    ],
)
@pytest.mark.parametrize("route", [ACCEPT, RESTORE])
def test_a_callers_fault_names_the_field(service: Service, route: str, body: Any) -> None:
    service.stored(SMALL)
    answer = ask(service, route, body)
    assert (answer.status, answer.body["field"]) == (400, "body")


@pytest.mark.parametrize("head", [{}, {"state": "complete", "status": "open"}])
def test_a_head_without_which_a_dialogue_is_neither_listed_nor_read_is_refused(service: Service, head: Any) -> None:
    service.stored(SMALL)
    answer = ask(service, ACCEPT, {"dialogue": SMALL["id"], "lose": 1, "head": head})
    assert (answer.status, answer.body["field"]) == (400, "head")
    assert "list_at, list_kind, list_status" in answer.body["detail"]


@pytest.mark.parametrize("route", [ACCEPT, RESTORE])
def test_what_is_not_there_is_not_found(service: Service, route: str) -> None:
    assert ask(service, route, {"dialogue": "never"}).status == 404
    service.stored(SMALL)
    restored(service)
    assert ask(service, route, {"dialogue": "never"}).status == 404
    assert ask(service, route, {"partition": "never", "lose": 0}).status == 404


@pytest.mark.parametrize(("route", "action"), [(ACCEPT, "maintain.accept"), (RESTORE, "maintain.restore")])
def test_without_the_permission_it_is_denied_and_recorded(service: Service, route: str, action: str) -> None:
    service.stored(SMALL)
    token = service.issuer.token(permissions=["dialogues:write", "keys:rotate"])
    assert ask(service, route, {"dialogue": SMALL["id"], "lose": 9}, token=token).status == 403
    (denied,) = [one for one in service.entries() if one["action"] == action]
    assert (denied["outcome"], len(denied["partitions"])) == ("denied", 1)


def test_the_works_that_look_and_mend_are_begun_like_any_other(service: Service) -> None:
    service.stored(SMALL)
    token = service.issuer.token(permissions=["maintain:*"])
    for job in ("fsck", "accept", "restore"):
        body = json.dumps({"work": job, "kind": "dialogue"})
        work = service.call("POST /maintenance", body=body, function=handler, token=token).body
        done = service.call("POST /maintenance/{id}", id=work["id"], function=handler, token=token).body
        assert (done["work"], done["state"], done["findings"]) == (job, "done", [])
        # Of one tenant nobody can say which marks nothing answers for.
        assert done.get("unanswered_marks", "unsaid") == (None if job == "fsck" else "unsaid")
