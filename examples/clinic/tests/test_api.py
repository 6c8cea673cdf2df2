"""The clinic over HTTP: its artifact in a whole twin, behind the API, with the roles that app.py declares."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx
    from twinvault_testing import RunningTwin

ADA = {"id": "17", "name": "Ada Lovelace", "email": "ada@example.com", "born": "1815-12-10"}
VISIT = {"day": "2026-12-01", "reason": "a cough"}


def test_a_patient_is_added_found_by_address_changed_and_read_whole(api: "httpx.Client") -> None:
    assert api.post("/patients", json=ADA).status_code == 201
    assert api.post("/patients", json=ADA).status_code == 409
    assert api.get("/patients", params={"email": "ada@example.com"}).json() == {"patients": [ADA], "cursor": None}
    assert api.patch("/patients/17", json={"email": "ada@example.org"}).status_code == 200
    assert api.get("/patients", params={"email": "ada@example.com"}).json()["patients"] == []
    assert api.post("/patients/17/visits", json=VISIT).json() == {"number": 1}
    assert api.patch("/patients/17/visits/1", json={"state": "held"}).status_code == 200
    assert api.post("/patients/17/visits/1/notes", json={"text": "no fever"}).json() == {"number": 1}
    read = api.get("/patients/17").json()
    assert (read["email"], read["visits"]) == ("ada@example.org", [{"number": 1, "state": "held", **VISIT}])
    assert [note["text"] for note in read["notes"]] == ["no fever"]
    assert api.delete("/patients/17/visits/1/notes/1").status_code == 200
    assert api.get("/patients/17").json()["notes"] == []


def test_the_same_request_under_its_key_is_done_once(api: "httpx.Client") -> None:
    headers = {"idempotency-key": "7f1c"}
    assert [api.post("/patients", json=ADA, headers=headers).status_code for _ in range(2)] == [201, 200]


def test_a_patient_is_erased(api: "httpx.Client") -> None:
    api.post("/patients", json=ADA)
    asked = api.post("/erasures", json={"patient": "17"})
    assert (asked.status_code, asked.json()["patient"]) == (201, "17")
    assert api.post(f"/erasures/{asked.json()['id']}/final").status_code in {200, 202}
    gone = api.get("/patients/17")
    assert (gone.status_code, gone.json()["type"]) == (410, "urn:twinvault:problem:erased")


def test_keys_are_told_by_the_patients_id(api: "httpx.Client") -> None:
    api.post("/patients", json=ADA)
    told = api.get("/keys/status", params={"patient": "17"})
    assert (told.status_code, told.json()["patient"], len(told.json()["deks"])) == (200, "17", 1)


def test_no_other_tenant_sees_a_patient(api: "httpx.Client", twin: "RunningTwin", token: Callable[..., str]) -> None:
    api.post("/patients", json=ADA)
    others = twin.client(token(tenant="t-others"))
    assert others.get("/patients/17").status_code == 404


@pytest.mark.parametrize("permissions", [["clinic:read"], []])
def test_who_may_not_write_does_not(
    twin: "RunningTwin",
    token: Callable[..., str],
    permissions: list[str],
) -> None:
    client = twin.client(token(permissions=permissions))
    assert client.post("/patients", json=ADA).status_code == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({**ADA, "more": 1}, "more", id="a field more"),
        pytest.param({"id": "17"}, "name", id="a field missing"),
        pytest.param({**ADA, "born": "secret"}, "born", id="no date"),
    ],
)
def test_what_is_malformed_is_named_and_not_repeated(api: "httpx.Client", body: dict[str, object], field: str) -> None:
    answer = api.post("/patients", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert "secret" not in answer.text
