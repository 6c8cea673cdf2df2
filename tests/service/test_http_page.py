"""docs/http.md says what the code does: its handler is called as Lambda calls it, and every public name is on it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import twinvault_http
from tests.service.conftest import Answered, Service

PAGE = (Path(__file__).parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
ADD, LIST = "POST /patients/{id}/visits", "GET /patients/{id}/visits"
VISIT = {"number": 1, "day": "2026-12-01", "reason": "a cough"}
PATIENT = "Ada Lovelace"


@pytest.fixture
def names() -> dict[str, Any]:
    """What the page's lines make, block after block as they stand there."""
    made: dict[str, Any] = {"__name__": "clinic"}
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(code, made)  # noqa: S102  # the page's own lines
    return made


def call(service: Service, function: Any, route: str, *, allow: str = "clinic:write", **request: Any) -> Answered:
    token = service.issuer.token(permissions=[allow])
    if "body" in request:
        request["body"] = json.dumps(request["body"])
    return service.call(route, function=function, token=token, **request)


def test_the_handler_on_the_page_stores_a_visit_and_shows_it(service: Service, names: dict[str, Any]) -> None:
    made = call(service, names["handler"], ADD, id=PATIENT, body=VISIT)
    assert (made.status, made.body["number"]) == (201, 1)
    assert call(service, names["handler"], ADD, id=PATIENT, body=VISIT).status == 409
    found = call(service, names["handler"], LIST, id=PATIENT, allow="clinic:read", query={"limit": "5"})
    assert (found.status, found.body) == (200, {"visits": [VISIT]})
    assert [one["action"] for one in service.entries()][-3:] == ["visit.add", "visit.add", "visit.list"]
    assert "a cough" not in repr(service.client.scan(TableName=service.tables.records)["Items"])


def test_the_same_request_under_its_key_is_written_once(service: Service, names: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "7f1c"}
    answers = [call(service, names["handler"], ADD, id=PATIENT, body=VISIT, headers=headers) for _ in range(2)]
    assert [one.status for one in answers] == [201, 200]
    other = call(service, names["handler"], ADD, id=PATIENT, body={**VISIT, "number": 2}, headers=headers)
    assert other.status == 422


@pytest.mark.parametrize(
    ("request_", "status", "field"),
    [
        pytest.param({"body": {**VISIT, "more": 1}}, 400, "more", id="a member more"),
        pytest.param({"body": {"number": 1}}, 400, "day", id="a member missing"),
        pytest.param({"body": VISIT, "allow": "clinic:read"}, 403, "permissions", id="without the permission"),
        pytest.param({"body": VISIT, "query": {"limit": "1"}}, 400, "query", id="a parameter of another route"),
    ],
)
def test_what_is_refused_is_a_problem(
    service: Service, names: dict[str, Any], request_: dict[str, Any], status: int, field: str
) -> None:
    answer = call(service, names["handler"], ADD, id=PATIENT, **request_)
    assert (answer.status, answer.body.get("field")) == (status, field)


def test_the_three_functions_on_the_page_serve_the_kind_by_its_own_name(
    service: Service, names: dict[str, Any]
) -> None:
    call(service, names["handler"], ADD, id=PATIENT, body=VISIT)
    wanted = {"patient": PATIENT}
    told = call(service, names["keys"], "GET /keys/status", allow="keys:read", query=wanted)
    assert (told.status, told.body["patient"]) == (200, PATIENT)
    assert call(service, names["keys"], "POST /keys/rotate", allow="keys:rotate", body=wanted).body["version"] == 2
    begun = call(
        service,
        names["maintain"],
        "POST /maintenance",
        allow="maintain:*",
        body={"work": "reindex", "kind": "patient", **wanted},
    )
    assert begun.status == 202
    asked = call(service, names["erase"], "POST /erasures", allow="erase:request", body=wanted)
    assert (asked.status, asked.body["kind"], asked.body["patient"]) == (201, "patient", PATIENT)
    final = call(service, names["erase"], "POST /erasures/{id}/final", allow="erase:final", id=asked.body["id"])
    assert final.status in {200, 202}
    assert call(service, names["handler"], LIST, id=PATIENT).status == 410


def test_every_public_name_is_on_the_page() -> None:
    table = PAGE.split("## Every name", 1)[1]
    assert {name for name in twinvault_http.__all__ if f"`{name}`" not in table} == set()
