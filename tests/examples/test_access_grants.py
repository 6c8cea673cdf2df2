"""The second domain, whole: its handler, the library, DynamoDB Local and the local KMS."""

import json

import boto3
import pytest

from access_grants import handler as grants_handler
from access_grants.handler import answer

SECRETS = {"person": "Ada L.", "reason": "restore the payroll of March", "incident": "2026-11-23 payroll leak"}


def event(route, tenant, *, subject="u-1", body=None, incident=None, query=None):
    return {
        "routeKey": route,
        "pathParameters": {"incident": incident} if incident else None,
        "queryStringParameters": query,
        "requestContext": {"authorizer": {"jwt": {"claims": {"tenant": tenant, "sub": subject}}}},
        "body": json.dumps(body) if isinstance(body, dict) else body,
    }


def call(vault, *args, **options):
    answered = answer(vault, event(*args, **options))
    return answered["statusCode"], json.loads(answered["body"])


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


def test_a_grant_that_nobody_can_read_hides_no_other_and_is_told_of(vault, tenant, store):
    ask(vault, tenant)
    ask(vault, tenant, "another incident")
    dynamodb, tables = store.dynamodb, store.tables
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


def test_a_revoked_grant_whose_head_was_put_back_is_not_listed_as_granted(vault, tenant, store):
    ask(vault, tenant)
    decide(vault, tenant, "granted")
    dynamodb, tables = store.dynamodb, store.tables
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


def test_the_tables_show_the_system_and_the_state_and_no_secret(store, vault, tenant):
    dynamodb, tables = store.dynamodb, store.tables
    ask(vault, tenant)
    decide(vault, tenant, "granted")
    for table in (tables.records, tables.keys, tables.audit):
        held = repr(dynamodb.scan(TableName=table)["Items"])
        assert not [secret for secret in SECRETS.values() if secret in held]
    assert "payroll-db" in repr(dynamodb.scan(TableName=tables.records)["Items"])


def test_a_record_that_was_edited_is_an_answer_that_says_nothing(store, vault, tenant):
    dynamodb, tables = store.dynamodb, store.tables
    ask(vault, tenant)
    (item,) = (
        one
        for one in dynamodb.scan(TableName=tables.records)["Items"]
        if one["tenant_id"]["S"] == tenant and one["sk"]["S"] == "request"
    )
    dynamodb.put_item(TableName=tables.records, Item={**item, "system": {"S": "the-website"}})
    status, document = call(vault, "GET /grants/{incident}", tenant, incident=SECRETS["incident"])
    assert (status, document) == (500, {"problem": "integrity check failed"})


def test_lambda_calls_a_handler_that_is_wired_from_the_environment(store, tenant, monkeypatch):
    tables, variables = store.tables, dict(store.environment)
    variables |= {"RECORDS_TABLE": tables.records, "KEYS_TABLE": tables.keys}
    variables |= {"MARKS_TABLE": tables.marks, "AUDIT_TABLE": tables.audit, "ROOT_KEY": store.root_key}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    grants_handler._vault.cache_clear()
    answered = grants_handler.handler(event("GET /grants", tenant), None)
    assert (answered["statusCode"], json.loads(answered["body"])) == (200, [])
