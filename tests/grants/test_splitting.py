"""Policies taken apart: together the parts say what the whole says, and each grant is one that could be taken away."""

import json
from typing import Any

import pytest

from tests.iam.generated import WORDS, Draws, Question
from tests.iam.test_oracle import _facts as facts_of
from twinvault_grants.splitting import PolicyGrant, PolicyPart, split_identity, split_resource
from twinvault_iam.documents import parse_policy
from twinvault_iam.policy import Access, Policy, PolicyKind
from twinvault_iam.principals import IamPrincipal
from twinvault_iam.services import KMS

ROLE, OTHER = "arn:aws:iam::000000000000:role/read", "arn:aws:iam::000000000000:role/write"
ROOT = "arn:aws:iam::000000000000:root"
TABLE, KEY = "arn:aws:dynamodb:eu-central-1:000000000000:table/t", "arn:aws:kms:eu-central-1:000000000000:key/k"
INDEX = f"{TABLE}/index/i"
QUESTIONS = 3_000


def identity(*statements: dict[str, Any]) -> list[PolicyGrant]:
    found = split_identity([{"Version": "2012-10-17", "Statement": list(statements)}], holder=ROLE)
    return [part.grant for part in found if part.grant is not None]


def of_key(*statements: dict[str, Any]) -> list[PolicyGrant]:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return [part.grant for part in split_resource(document, resource=KEY, words=KMS) if part.grant is not None]


def allow(actions: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": "*", **more}


def test_a_statement_is_a_grant_for_each_action_on_each_resource():
    statement = allow(["dynamodb:Query", "dynamodb:GetItem"], Resource=[TABLE, INDEX], Sid="Records")
    assert identity(statement) == [
        PolicyGrant(ROLE, action, resource, "Records")
        for action in ("dynamodb:Query", "dynamodb:GetItem")
        for resource in (TABLE, INDEX)
    ]


def test_statements_without_a_sid_have_numbers():
    assert [each.statement for each in identity(allow("dynamodb:Query"), allow("dynamodb:Scan"))] == ["1", "2"]


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(allow("dynamodb:Query") | {"Effect": "Deny"}, id="a deny"),
        pytest.param(allow(["logs:PutLogEvents", "xray:*"]), id="services that are not enforced here"),
        pytest.param({"Effect": "Allow", "NotAction": "dynamodb:Query", "Resource": "*"}, id="all but an action"),
        pytest.param({"Effect": "Allow", "Action": "kms:Sign", "NotResource": KEY}, id="all but a resource"),
    ],
)
def test_what_is_no_grant_of_its_own_is_none(statement: dict[str, Any]):
    assert identity(statement) == []


def test_of_a_statement_that_is_of_several_services_the_enforced_are_grants():
    assert [each.action for each in identity(allow(["logs:*", "kms:Sign"]))] == ["kms:Sign"]


@pytest.mark.parametrize("operator", ["ArnEquals", "ArnLike", "StringEquals", "StringLike"])
def test_whom_a_condition_names_holds_a_keys_grant(operator: str):
    condition = {operator: {"aws:PrincipalArn": [ROLE, OTHER]}, "StringEqualsIgnoreCase": {"kms:KeySpec": "x"}}
    statement = allow(["kms:Decrypt", "kms:Sign"], Principal="*", Condition=condition, Sid="Use")
    assert set(of_key(statement)) == {
        PolicyGrant(holder, action, KEY, "Use") for holder in (ROLE, OTHER) for action in ("kms:Decrypt", "kms:Sign")
    }


def test_whom_a_principal_names_holds_a_keys_grant():
    found = of_key(allow("kms:Decrypt", Principal={"AWS": [ROLE, ROOT]}))
    assert found == [PolicyGrant(ROLE, "kms:Decrypt", KEY, "1")]


@pytest.mark.parametrize(
    "principal",
    [
        pytest.param("*", id="everyone"),
        pytest.param({"AWS": ROOT}, id="the account"),
        pytest.param({"Service": "cloudwatch.amazonaws.com"}, id="a service"),
    ],
)
def test_what_names_no_principal_of_ours_is_no_grant(principal: Any):
    assert of_key(allow("kms:Decrypt", Principal=principal)) == []


def verdict(parts: list[PolicyPart], access: Access, kind: PolicyKind) -> Any:
    return Policy(kind, tuple(part.rule for part in parts)).verdict(access)


def access_of(asked: Question) -> Access:
    return Access(IamPrincipal(arn=asked.caller), asked.action, asked.resource, facts_of(asked))


def test_together_the_parts_say_what_the_whole_says():
    draws = Draws(seed=7)
    said = set()
    for _ in range(QUESTIONS):
        asked = draws.question()
        access = access_of(asked)
        for document in asked.identity:
            whole = parse_policy(json.dumps(document), WORDS, kind=PolicyKind.IDENTITY).verdict(access)
            parts = list(split_identity([document], holder=ROLE, words=WORDS))
            assert verdict(parts, access, PolicyKind.IDENTITY) is whole, document
        if asked.resource_policy:
            whole = parse_policy(json.dumps(asked.resource_policy), WORDS).verdict(access)
            parts = list(split_resource(asked.resource_policy, resource=asked.resource, words=WORDS))
            assert verdict(parts, access, PolicyKind.RESOURCE) is whole, asked.resource_policy
            said.add(whole)
    assert len(said) == 4, "some verdict was never drawn"
