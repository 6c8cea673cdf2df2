"""The second domain, whole: its handler, the library, DynamoDB Local and the local KMS."""

import json
import uuid

import pytest

from access_grants.handler import ASK, DECIDE, READ, handler

EVERYTHING = [ASK, DECIDE, READ]
SECRETS = {"person": "Ada L.", "reason": "restore the payroll of March", "incident": "2026-11-23 payroll leak"}


@pytest.fixture
def engines(service):
    return service.client, service.kms, service.tables, service.root


@pytest.fixture
def vault(service):
    """What answers: the handler, wired from the environment as Lambda wires it."""
    return service


@pytest.fixture
def tenant():
    return f"t-{uuid.uuid4().hex[:8]}"


def call(service, route, tenant, *, subject="u-1", allow=EVERYTHING, body=None, incident=None, query=None):
    token = service.issuer.token(tenant=tenant, sub=subject, permissions=allow)
    event = service.event(route, body=json.dumps(body) if isinstance(body, dict) else body, token=token, query=query)
    event["pathParameters"] = {"incident": incident} if incident else {}
    answered = service.send(event, function=handler)
    document = answered.body
    return answered.status, document["grants"] if route == "GET /grants" and "grants" in document else document


def ask(vault, tenant, incident=SECRETS["incident"]):
    return call(vault, "POST /grants", tenant, body={"system": "payroll-db", **SECRETS, "incident": incident})


def decide(vault, tenant, outcome, subject="u-2"):
    body = {"outcome": outcome, "note": "for two hours"}
    return call(
        vault, "POST /grants/{incident}/decisions", tenant, subject=subject, body=body, incident=SECRETS["incident"]
    )


def test_a_grant_is_asked_for_decided_and_read_whole(vault, tenant):
    assert ask(vault, tenant)[0] == 200
    assert decide(vault, tenant, "granted")[0] == 200
    status, grant = call(vault, "GET /grants/{incident}", tenant, incident="2026-11-23 payroll leak")
    decision = {"outcome": "granted", "decided_by": "u-2", "note": "for two hours"}
    assert (status, grant) == (200, {"state": "granted", "system": "payroll-db", **SECRETS, "decisions": [decision]})


def test_grants_are_listed_by_state(vault, tenant):
    assert call(vault, "GET /grants", tenant) == (200, [])
    ask(vault, tenant)
    ask(vault, tenant, "another incident")
    decide(vault, tenant, "granted")
    _, granted = call(vault, "GET /grants", tenant, query={"state": "granted"})
    assert [one["incident"] for one in granted] == [SECRETS["incident"]]
    _, requested = call(vault, "GET /grants", tenant, query={"state": "requested"})
    assert [one["incident"] for one in requested] == ["another incident"]


def test_a_grant_that_nobody_can_read_hides_no_other_and_is_told_of(vault, tenant, engines):
    ask(vault, tenant)
    ask(vault, tenant, "another incident")
    dynamodb, _, tables, _ = engines
    rows = dynamodb.scan(TableName=tables.records, ConsistentRead=True)["Items"]
    damaged = next(one for one in rows if one["sk"]["S"] == "request" and one["tenant_id"]["S"] == tenant)
    dynamodb.put_item(TableName=tables.records, Item=damaged | {"system": {"S": "another"}})
    _, listed = call(vault, "GET /grants", tenant)
    assert sorted(one["state"] for one in listed) == ["requested", "unreadable"]
    assert {one.get("problem") for one in listed} == {None, "integrity"}


def test_an_incidents_id_is_decoded_once(vault, tenant):
    assert ask(vault, tenant, "100%25 of payroll")[0] == 200
    assert call(vault, "GET /grants/{incident}", tenant, incident="100%25 of payroll")[0] == 200
    assert call(vault, "GET /grants/{incident}", tenant, incident="100% of payroll")[0] == 404


def test_a_revoked_grant_whose_head_was_put_back_is_not_listed_as_granted(vault, tenant, engines):
    ask(vault, tenant)
    decide(vault, tenant, "granted")
    dynamodb, _, tables, _ = engines
    rows = dynamodb.scan(TableName=tables.records, ConsistentRead=True)["Items"]
    before = next(one for one in rows if one["sk"]["S"] == "head" and one["tenant_id"]["S"] == tenant)
    decide(vault, tenant, "revoked")
    assert call(vault, "GET /grants", tenant, query={"state": "granted"}) == (200, [])
    dynamodb.put_item(TableName=tables.records, Item=before)
    _, listed = call(vault, "GET /grants", tenant, query={"state": "granted"})
    assert listed == [{"state": "unreadable", "problem": "integrity"}]


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        pytest.param(["granted", "revoked"], 200, id="granted, then revoked"),
        pytest.param(["refused", "granted"], 409, id="refused is refused"),
        pytest.param(["revoked"], 409, id="nothing to revoke"),
        pytest.param(["perhaps"], 400, id="no such outcome"),
    ],
)
def test_a_decision_follows_the_lifecycle(vault, tenant, steps, status):
    ask(vault, tenant)
    assert [decide(vault, tenant, step)[0] for step in steps][-1] == status


def test_what_nobody_asked_for_is_not_found(vault, tenant):
    assert call(vault, "GET /grants/{incident}", tenant, incident="none")[0] == 404
    ask(vault, tenant)
    assert call(vault, "GET /grants/{incident}", tenant, incident="none")[0] == 404


def test_another_tenant_finds_nothing(vault, tenant):
    ask(vault, tenant)
    assert call(vault, "GET /grants/{incident}", "other", incident=SECRETS["incident"])[0] == 404
    assert call(vault, "GET /grants", "other", query={"state": "requested"}) == (200, [])


@pytest.mark.parametrize("body", [pytest.param("{", id="no JSON"), pytest.param({"person": "Bo"}, id="fields missing")])
def test_a_malformed_request_is_the_callers_fault(vault, tenant, body):
    assert call(vault, "POST /grants", tenant, body=body)[0] == 400


def test_asking_twice_is_a_conflict(vault, tenant):
    assert [ask(vault, tenant)[0] for _ in range(2)] == [200, 409]


def test_the_tables_show_the_system_and_the_state_and_no_secret(engines, vault, tenant):
    dynamodb, _, tables, _ = engines
    ask(vault, tenant)
    decide(vault, tenant, "granted")
    for table in (tables.records, tables.keys, tables.audit):
        held = repr(dynamodb.scan(TableName=table)["Items"])
        assert not [secret for secret in SECRETS.values() if secret in held]
    assert "payroll-db" in repr(dynamodb.scan(TableName=tables.records)["Items"])


def test_a_record_that_was_edited_is_an_answer_that_says_nothing(engines, vault, tenant):
    dynamodb, _, tables, _ = engines
    ask(vault, tenant)
    (item,) = (
        one
        for one in dynamodb.scan(TableName=tables.records)["Items"]
        if one["tenant_id"]["S"] == tenant and one["sk"]["S"] == "request"
    )
    dynamodb.put_item(TableName=tables.records, Item={**item, "system": {"S": "the-website"}})
    status, document = call(vault, "GET /grants/{incident}", tenant, incident=SECRETS["incident"])
    assert (status, document["type"]) == (500, "urn:twinvault:problem:integrity")
    assert not [secret for secret in SECRETS.values() if secret in repr(document)]


@pytest.mark.parametrize(
    ("route", "allow"),
    [
        pytest.param("POST /grants", [DECIDE, READ], id="asking"),
        pytest.param("POST /grants/{incident}/decisions", [ASK, READ], id="deciding"),
        pytest.param("GET /grants/{incident}", [ASK, DECIDE], id="reading"),
        pytest.param("GET /grants", [ASK, DECIDE], id="listing"),
    ],
)
def test_each_route_needs_its_own_permission(vault, tenant, route, allow):
    assert call(vault, route, tenant, allow=allow, incident="i-1")[0] == 403


def test_a_state_that_there_is_not_is_named(vault, tenant):
    status, document = call(vault, "GET /grants", tenant, query={"state": "perhaps"})
    assert (status, document["field"]) == (400, "state")
