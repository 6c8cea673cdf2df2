"""Policy variables: what a request says in their place, and where they may stand.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
"""

from typing import Any

import pytest

from tests.iam.words import ACCOUNT, KEY, ROLE, access, document, holds, statement, verdict
from twinvault_iam.documents import parse_policy
from twinvault_iam.errors import MalformedPolicyError
from twinvault_iam.policy import Access, Policy, PolicyKind, Verdict
from twinvault_iam.vocabulary import Vocabulary

DAVID = f"arn:aws:iam::{ACCOUNT}:user/David"
S3 = Vocabulary(
    services=frozenset({"s3"}), single=frozenset({"s3:prefix", "aws:userid"}), prefixes=("aws:principaltag/",)
)
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
VIA = "kms:ViaService"


def _identity(*statements: dict[str, Any], version: str | None = "2012-10-17") -> Policy:
    return parse_policy(document(*statements, version=version), S3, kind=PolicyKind.IDENTITY)


def _get(resource: str, caller: str = DAVID, **facts: str) -> Access:
    """A request; `team` stands for the principal's tag."""
    asked = access(caller, "s3:GetObject", resource)
    return Access(
        asked.caller,
        asked.action,
        asked.resource,
        dict(asked.facts) | {f"aws:principaltag/{name}": (value,) for name, value in facts.items()},
    )


def _of(resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource}


@pytest.mark.parametrize(
    ("pattern", "resource", "facts", "allowed"),
    [
        pytest.param("/${aws:username}/*", "/David/a", {}, True, id="the user's own folder"),
        pytest.param("/${aws:username}/*", "/Adele/a", {}, False, id="another's folder"),
        pytest.param("/${AWS:UserName}/*", "/David/a", {}, True, id="keys have no case"),
        pytest.param("/${aws:PrincipalTag/team}/*", "/red/a", {"team": "red"}, True, id="a principal's tag"),
        pytest.param("/${aws:PrincipalTag/team}/*", "/red/a", {}, False, id="a tag that is not there"),
        pytest.param("/${aws:PrincipalTag/team}*", "/", {"team": ""}, False, id="a tag without value widens nothing"),
        pytest.param("/${aws:PrincipalTag/team}", "/red", {"team": "*"}, False, id="a value holds no wildcard"),
        pytest.param("/${aws:PrincipalTag/team}", "/*", {"team": "*"}, True, id="but that sign"),
        pytest.param("/${aws:PrincipalTag/team}", "/David", {"team": "${aws:username}"}, False, id="nor a variable"),
        pytest.param("/${aws:PrincipalTag/team, 'none'}", "/none", {}, True, id="a default"),
        pytest.param("/${aws:PrincipalTag/team, 'none'}", "/none", {"team": "red"}, False, id="a default not needed"),
        pytest.param("/${aws:PrincipalTag/team, ''}a", "/a", {}, True, id="an empty default"),
        pytest.param("/${*}", "/*", {}, True, id="an asterisk"),
        pytest.param("/${*}", "/a", {}, False, id="an asterisk is no wildcard"),
        pytest.param("/${?}${$}{x}", "/?${x}", {}, True, id="question mark and dollar sign"),
    ],
)
def test_a_variable_in_a_resource(pattern: str, resource: str, facts: dict[str, str], allowed: bool):  # noqa: FBT001  # table
    said = _identity(_of(BUCKET + pattern)).verdict(_get(BUCKET + resource, **facts))
    assert (said is Verdict.ALLOW) is allowed


@pytest.mark.parametrize(
    ("operator", "value", "present", "absent"),
    [
        pytest.param("StringEquals", "a/${aws:PrincipalTag/t}", True, False, id="StringEquals"),
        pytest.param("StringEqualsIgnoreCase", "A/${aws:PrincipalTag/t}", True, False, id="IgnoreCase"),
        pytest.param("StringLike", "?/${aws:PrincipalTag/t}", True, False, id="StringLike"),
        pytest.param("StringLike", "?/${aws:PrincipalTag/t, 'x'}*", True, True, id="StringLike with a default"),
        pytest.param(
            "StringNotEquals", "a/${aws:PrincipalTag/t}", False, True, id="StringNotEquals: null is unlike all"
        ),
        pytest.param("StringNotLike", "?/${aws:PrincipalTag/t}", False, True, id="StringNotLike: null is unlike all"),
    ],
)
def test_a_variable_in_a_condition(operator: str, value: str, present: bool, absent: bool):  # noqa: FBT001  # table
    facts = {"kms:viaservice": ("a/xy",)}
    assert holds({operator: {VIA: value}}, facts | {"aws:principaltag/t": ("xy",)}) is present
    assert holds({operator: {VIA: value}}, facts) is absent


def test_a_sign_stands_for_itself_with_every_operator_that_knows_variables():
    assert holds({"StringEquals": {VIA: "${*}${?}${$}"}}, {"kms:viaservice": ("*?$",)})
    assert holds({"StringEqualsIgnoreCase": {VIA: "A${*}"}}, {"kms:viaservice": ("a*",)})
    assert holds({"StringLike": {VIA: "*${*}"}}, {"kms:viaservice": ("a*",)})
    assert not holds({"StringLike": {VIA: "*${*}"}}, {"kms:viaservice": ("ab",)})
    assert holds({"ArnLike": {VIA: "arn:aws:iam::*:role/${*}"}}, {"kms:viaservice": ("arn:aws:iam::1:role/*",)})


def test_an_arn_may_come_from_a_variable_whole_and_in_part():
    assert holds({"ArnEquals": {VIA: "${aws:PrincipalArn}"}}, {"kms:viaservice": (ROLE,)})
    assert holds({"ArnLike": {VIA: "arn:aws:iam::${aws:PrincipalAccount}:*"}}, {"kms:viaservice": (ROLE,)})
    assert not holds({"ArnLike": {VIA: "arn:aws:iam::*:role/${aws:username}"}}, {"kms:viaservice": (ROLE,)})


@pytest.mark.parametrize("version", ["2008-10-17", None])
def test_before_version_2012_a_variable_is_a_text(version: str | None):
    facts = {"kms:viaservice": ("${aws:PrincipalArn}",)}
    assert holds({"StringEquals": {VIA: "${aws:PrincipalArn}"}}, facts, version=version)
    assert not holds({"StringEquals": {VIA: "${aws:PrincipalArn}"}}, facts)
    assert _identity(_of(BUCKET + "/${aws:username}"), version=version).verdict(_get(BUCKET + "/David")) is (
        Verdict.SILENT
    )
    assert _identity(_of(BUCKET + "/${*}"), version=version).verdict(_get(BUCKET + "/${anything}")) is Verdict.ALLOW


def test_a_statement_whose_not_resource_has_no_value_says_nothing():
    other = {"Effect": "Deny", "Action": "*", "NotResource": BUCKET + "/${aws:PrincipalTag/team}"}
    assert _identity(other).verdict(_get(BUCKET + "/a", team="red")) is Verdict.DENY
    assert _identity(other).verdict(_get(BUCKET + "/red", team="red")) is Verdict.SILENT
    assert _identity(other).verdict(_get(BUCKET + "/red")) is Verdict.SILENT


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param(
            {"Resource": "arn:aws:kms:eu-central-1:${aws:PrincipalAccount}:key/x"}, id="before the fifth colon"
        ),
        pytest.param({"Resource": "${aws:PrincipalArn}"}, id="a whole resource"),
        pytest.param({"Resource": KEY + "${aws:SourceVpc}"}, id="a key that is not known, in a resource"),
        pytest.param({"Condition": {"StringLike": {VIA: "${aws:SourceVpc}"}}}, id="a key that is not known"),
        pytest.param({"Condition": {"StringLike": {VIA: "${kms:EncryptionContextKeys}"}}}, id="a multivalued key"),
        pytest.param({"Condition": {"StringLike": {VIA: "${aws:username"}}}, id="not closed"),
        pytest.param({"Condition": {"StringLike": {VIA: "${}"}}}, id="nothing"),
        pytest.param({"Condition": {"StringLike": {VIA: "${aws:username,'x'}"}}}, id="a default without its space"),
        pytest.param({"Condition": {"StringLike": {VIA: "${aws:username, x}"}}}, id="a default without quotes"),
        pytest.param({"Condition": {"NumericEquals": {VIA: "${aws:username}"}}}, id="with a number"),
        pytest.param({"Condition": {"DateEquals": {VIA: "${aws:username}"}}}, id="with a date"),
        pytest.param({"Condition": {"Bool": {VIA: "${aws:username}"}}}, id="with Bool"),
        pytest.param({"Condition": {"BinaryEquals": {VIA: "${aws:username}"}}}, id="with BinaryEquals"),
        pytest.param({"Condition": {"IpAddress": {VIA: "${aws:username}"}}}, id="with an address"),
        pytest.param({"Condition": {"Null": {VIA: "${aws:username}"}}}, id="with Null"),
    ],
)
def test_a_variable_that_would_not_be_evaluated_is_refused(elements: dict[str, Any]):
    with pytest.raises(MalformedPolicyError):
        verdict(statement(**elements))
