"""Granted, used, never used; and what would be refused if a grant were taken away."""

import json
from pathlib import Path
from typing import Any

import pytest

from twinvault_grants.reading import GrantsError, TwinFiles, read_deployment, split_policies
from twinvault_grants.usage import Deployment, GrantOf, Usage, short_name, usage
from twinvault_lambda.config import (
    Credentials,
    FunctionConfig,
    PermissionConfig,
    RouteConfig,
    ServerConfig,
    ThrottleConfig,
)
from twinvault_serving.ledger import CallLedger, RecordedCall

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/twinvault-dev-read"
TABLE = f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/Tables-Records-1"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1-2-3"
FUNCTION = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:read"
SOURCE = f"arn:aws:execute-api:eu-central-1:{ACCOUNT}:twinvault/$default/GET/a"
NAMES = {"Tables-Records-1": "Records", "1-2-3": "RootKey"}


def statement(*actions: str, on: str = TABLE, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def policies(*mine: dict[str, Any], key: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    version = {"Version": "2012-10-17"}
    return {
        "identity": {ROLE: [version | {"Statement": list(mine)}]},
        "resource": {},
        "keys": {KEY: version | {"Statement": list(key)}} if key else {},
    }


def call(action: str, resource: str = TABLE, *, verdict: str = "allow", **facts: str) -> RecordedCall:
    given = {name: (value,) for name, value in facts.items()}
    return RecordedCall(
        caller="read", principal=ROLE, action=action, resource=resource, facts=given, verdict=verdict, by="identity"
    )


def found(document: dict[str, Any], *calls: RecordedCall, permissions: tuple[PermissionConfig, ...] = ()) -> Usage:
    return usage(
        Deployment(
            functions={"read": ROLE},
            policies=split_policies(document),
            permissions=permissions,
            calls=calls,
            names=NAMES,
        )
    )


def test_what_was_asked_for_is_used_and_the_rest_never():
    got = found(policies(statement("dynamodb:Query", "dynamodb:GetItem", Sid="S")), call("dynamodb:Query"))
    query = GrantOf("read", "dynamodb:Query", "Records", "S")
    assert (got.used, got.needed) == ({query}, {query})
    assert got.never_used == {GrantOf("read", "dynamodb:GetItem", "Records", "S")}


def test_a_grant_that_another_covers_is_used_and_not_needed():
    twice = policies(statement("dynamodb:Query", Sid="A"), statement("dynamodb:*", Sid="B"))
    got = found(twice, call("dynamodb:Query"))
    assert (len(got.used), got.needed) == (2, set())


def test_a_refused_call_uses_nothing_and_is_told():
    got = found(policies(statement("dynamodb:Query")), call("dynamodb:PutItem", verdict="deny"))
    assert (got.used, got.surprising) == (set(), 0)
    assert got.denied == {GrantOf("read", "dynamodb:PutItem", "Records", "identity")}


@pytest.mark.parametrize(
    ("recorded", "verdict"), [("dynamodb:PutItem", "allow"), ("dynamodb:Query", "deny")], ids=["allow", "deny"]
)
def test_a_call_that_would_be_answered_otherwise_now_is_counted(recorded: str, verdict: str):
    assert found(policies(statement("dynamodb:Query")), call(recorded, verdict=verdict)).surprising == 1


def test_a_keys_grant_is_used_by_what_meets_its_conditions():
    def use(sid: str, purpose: str) -> dict[str, Any]:
        equals = {"StringEquals": {"kms:EncryptionContext:purpose": purpose}, "ArnEquals": {"aws:PrincipalArn": [ROLE]}}
        return statement("kms:Decrypt", on="*", Principal="*", Condition=equals, Sid=sid)

    document = policies(statement("dynamodb:Query"), key=(use("Keks", "kek"), use("Registers", "register")))
    got = found(document, call("kms:Decrypt", KEY, **{"kms:encryptioncontext:purpose": "kek"}))
    assert got.needed == {GrantOf("read", "kms:Decrypt", "RootKey", "Keks")}
    assert GrantOf("read", "kms:Decrypt", "RootKey", "Registers") in got.never_used


def test_who_may_invoke_a_function_is_a_grant_too():
    service = "apigateway.amazonaws.com"
    given = [
        PermissionConfig(function_arn=f"{FUNCTION}:live", principal=service, source_arn=SOURCE.replace("GET/a", path))
        for path in ("*/a", "*/a", "*/b")
    ]
    invoked = RecordedCall(
        caller=service,
        principal=service,
        action="lambda:InvokeFunction",
        resource=f"{FUNCTION}:live",
        facts={"aws:sourcearn": (SOURCE,), "aws:sourceaccount": (ACCOUNT,)},
        verdict="allow",
        by="resource",
    )
    got = found(policies(statement("dynamodb:Query")), invoked, permissions=tuple(given))
    about = f"{service} > read:live"
    assert got.needed == {GrantOf("read", "lambda:InvokeFunction", about, "twinvault/$default/*/a")}
    assert GrantOf("read", "lambda:InvokeFunction", about, "twinvault/$default/*/b") in got.never_used


def test_several_ledgers_of_one_deployment_count_together():
    document = policies(statement("dynamodb:Query", "dynamodb:GetItem"))
    together = found(document, call("dynamodb:Query"))
    together.add(found(document, call("dynamodb:GetItem")))
    assert (len(together.needed), together.never_used) == (2, set())


@pytest.mark.parametrize(
    ("resource", "short"),
    [
        (TABLE, "Records"),
        (f"{TABLE}/index/ByList", "Records/index/ByList"),
        (KEY, "RootKey"),
        (f"{FUNCTION}:live", "read:live"),
        ("*", "*"),
    ],
)
def test_resources_have_the_templates_names(resource: str, short: str):
    assert short_name(resource, NAMES) == short


@pytest.fixture
def files(tmp_path: Path) -> TwinFiles:
    function = FunctionConfig(
        name="read",
        handler="a.b",
        timeout_seconds=1,
        memory_mb=128,
        environment={},
        credentials=Credentials(access_key_id="READ", secret_access_key="s", session_token="t"),
    )
    config = ServerConfig(
        api_port=0,
        region="eu-central-1",
        account=ACCOUNT,
        python=tmp_path,
        task_root=tmp_path,
        runtime_dir=tmp_path,
        log_dir=tmp_path,
        functions=(function,),
        routes=(RouteConfig.from_key("GET /a", function="read"),),
        throttle=ThrottleConfig(rate=1, burst=1),
    )
    ledger = CallLedger(tmp_path / "gate.jsonl")
    ledger.note(call("dynamodb:Query"))
    (tmp_path / "server.json").write_text(config.to_json())
    (tmp_path / "callers.json").write_text(json.dumps({"READ": {"arn": ROLE, "secret": "s", "name": "read"}}))
    (tmp_path / "policies.json").write_text(json.dumps(policies(statement("dynamodb:Query"))))
    (tmp_path / "provisioned.json").write_text(json.dumps({"Tables/Records": "Tables-Records-1"}))
    return TwinFiles(
        policies=tmp_path / "policies.json",
        callers=tmp_path / "callers.json",
        server=tmp_path / "server.json",
        provisioned=tmp_path / "provisioned.json",
        ledgers=[tmp_path / "gate.jsonl", tmp_path / "kms.jsonl"],
    )


def test_a_deployment_is_read_from_what_a_twin_wrote_down(files: TwinFiles):
    assert usage(read_deployment(files)).needed == {GrantOf("read", "dynamodb:Query", "Records", "1")}


@pytest.mark.parametrize("name", ["policies", "callers", "server", "provisioned"])
@pytest.mark.parametrize("content", [None, "{", "[]", '{"identity": 1}'], ids=["none", "no JSON", "a list", "another"])
def test_a_file_that_is_missing_or_another_is_an_error(files: TwinFiles, name: str, content: str | None):
    path: Path = getattr(files, name)
    path.unlink()
    if content is not None:
        path.write_text(content)
    if name == "provisioned" and content == '{"identity": 1}':
        return  # it may be: names alone
    with pytest.raises(GrantsError):
        read_deployment(files)
