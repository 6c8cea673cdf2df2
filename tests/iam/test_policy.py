"""Policies, evaluated without a server, in some words of KMS.

https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

import json
from typing import Any

import pytest

from twinvault_iam.errors import MalformedPolicyError
from twinvault_iam.policy import Access, Verdict, parse_policy
from twinvault_iam.principals import IamPrincipal
from twinvault_iam.vocabulary import Vocabulary

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/12345678-1234-4234-8234-123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/writer"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/writer/session-1"
VOCABULARY = Vocabulary(
    service="kms",
    single=frozenset(
        {"kms:calleraccount", "kms:grantisforawsresource", "kms:keyspec", "kms:keyusage", "kms:viaservice"}
    ),
    multi=frozenset({"kms:encryptioncontextkeys", "kms:grantoperations"}),
    prefixes=("kms:encryptioncontext:",),
)


def _statement(**elements: Any) -> dict[str, Any]:
    usual = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt", "Resource": "*"}
    return {name: value for name, value in (usual | elements).items() if value is not None}


def _verdict(*statements: dict[str, Any], caller: str = ROLE, action: str = "kms:Decrypt", **facts: Any) -> Verdict:
    policy = parse_policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), VOCABULARY)
    who = IamPrincipal(arn=caller)
    known = {"aws:principalarn": (who.principal_arn,), "kms:calleraccount": (who.account,)}
    more = {name.replace("__", ":").lower(): value for name, value in facts.items()}
    return policy.verdict(Access(who, action, KEY, known | more))


def _holds(condition: dict[str, Any], **facts: Any) -> bool:
    return _verdict(_statement(Condition=condition), **facts) is Verdict.ALLOW


@pytest.mark.parametrize(
    ("principal", "caller", "verdict"),
    [
        pytest.param({"AWS": ROLE}, ROLE, Verdict.ALLOW, id="the role"),
        pytest.param({"AWS": ROLE}, SESSION, Verdict.ALLOW, id="a session of the role"),
        pytest.param({"AWS": SESSION}, SESSION, Verdict.ALLOW, id="that very session"),
        pytest.param({"AWS": [ROOT, ROLE]}, ROLE, Verdict.ALLOW, id="one of two"),
        pytest.param({"AWS": "*"}, ROLE, Verdict.ALLOW, id="everyone"),
        pytest.param("*", ROLE, Verdict.ALLOW, id="everyone, in short"),
        pytest.param({"AWS": ROOT}, ROOT, Verdict.ALLOW, id="the account itself"),
        pytest.param({"AWS": ACCOUNT}, ROOT, Verdict.ALLOW, id="the account by its number"),
        pytest.param({"AWS": ROOT}, ROLE, Verdict.SILENT, id="a role of the account, which has no IAM policy"),
        pytest.param({"AWS": ROLE}, ROLE + "2", Verdict.SILENT, id="another role"),
        pytest.param({"Service": "logs.amazonaws.com"}, ROOT, Verdict.SILENT, id="a service"),
        pytest.param({"AWS": ROOT}, "arn:aws:iam::444455556666:root", Verdict.SILENT, id="another account"),
    ],
)
def test_an_allow_reaches_whom_it_names(principal: Any, caller: str, verdict: Verdict):
    assert _verdict(_statement(Principal=principal), caller=caller) is verdict


def test_a_deny_for_the_account_reaches_its_roles():
    assert _verdict(_statement(), _statement(Effect="Deny", Principal={"AWS": ROOT})) is Verdict.DENY


def test_a_deny_wins_wherever_it_stands():
    deny = _statement(Effect="Deny", Principal="*")
    assert _verdict(_statement(), deny) is _verdict(deny, _statement()) is Verdict.DENY


def test_a_deny_whose_condition_does_not_hold_says_nothing():
    deny = _statement(Effect="Deny", Condition={"StringEquals": {"kms:CallerAccount": "444455556666"}})
    assert _verdict(_statement(), deny) is Verdict.ALLOW


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("kms:Decrypt", True),
        ("kms:*", True),
        ("*", True),
        ("KMS:decrypt", True),
        ("kms:De*", True),
        ("kms:Decryp?", True),
        (["kms:Encrypt", "kms:Decrypt"], True),
        ("kms:Encrypt", False),
        ("kms:Decrypt?", False),
    ],
)
def test_actions_match_by_pattern_and_without_case(action: Any, allowed: bool):  # noqa: FBT001  # a table's column
    assert (_verdict(_statement(Action=action)) is Verdict.ALLOW) is allowed


def test_not_action_is_every_other_action():
    statement = _statement(Action=None, NotAction=["kms:Encrypt"])
    assert _verdict(statement) is Verdict.ALLOW
    assert _verdict(statement, action="kms:Encrypt") is Verdict.SILENT


@pytest.mark.parametrize(
    ("resource", "allowed"), [("*", True), (KEY, True), (KEY[:-1] + "*", True), (KEY + "x", False)]
)
def test_a_resource_must_be_the_key(resource: str, allowed: bool):  # noqa: FBT001  # a table's column
    assert (_verdict(_statement(Resource=resource)) is Verdict.ALLOW) is allowed


@pytest.mark.parametrize(
    ("condition", "present", "absent"),
    [
        pytest.param({"StringEquals": {"kms:ViaService": "a"}}, True, False, id="StringEquals"),
        pytest.param({"StringEquals": {"kms:ViaService": "A"}}, False, False, id="StringEquals, other case"),
        pytest.param({"StringNotEquals": {"kms:ViaService": "b"}}, True, True, id="StringNotEquals"),
        pytest.param({"StringEqualsIgnoreCase": {"kms:ViaService": "A"}}, True, False, id="IgnoreCase"),
        pytest.param({"StringNotEqualsIgnoreCase": {"kms:ViaService": "A"}}, False, True, id="NotEqualsIgnoreCase"),
        pytest.param({"StringEqualsIfExists": {"kms:ViaService": "b"}}, False, True, id="IfExists"),
        pytest.param({"StringNotEqualsIfExists": {"kms:ViaService": "b"}}, True, True, id="NotEqualsIfExists"),
        pytest.param({"StringLike": {"kms:ViaService": "?"}}, True, False, id="StringLike"),
        pytest.param({"StringNotLike": {"kms:ViaService": "*"}}, False, True, id="StringNotLike"),
        pytest.param({"Null": {"kms:ViaService": True}}, False, True, id="Null true"),
        pytest.param({"Null": {"kms:ViaService": "false"}}, True, False, id="Null false"),
        pytest.param({"stringequals": {"KMS:viaservice": "a"}}, True, False, id="names of another case"),
    ],
)
def test_operators_on_a_single_valued_key(condition: dict[str, Any], present: bool, absent: bool):  # noqa: FBT001  # table
    assert _holds(condition, kms__ViaService=("a",)) is present
    assert _holds(condition) is absent


@pytest.mark.parametrize(
    ("operator", "holding"),
    [
        pytest.param("ForAllValues:StringEquals", {"none", "one", "both"}, id="ForAllValues"),
        pytest.param("ForAnyValue:StringEquals", {"one", "both", "other"}, id="ForAnyValue"),
        pytest.param("ForAllValues:StringNotEquals", {"none"}, id="ForAllValues not"),
        pytest.param("ForAnyValue:StringNotEquals", {"other"}, id="ForAnyValue not"),
        pytest.param("ForAnyValue:StringEqualsIfExists", {"none", "one", "both", "other"}, id="ForAnyValue IfExists"),
    ],
)
def test_operators_on_a_multivalued_key(operator: str, holding: set[str]):
    condition = {operator: {"kms:EncryptionContextKeys": ["a", "b"]}}
    given = {"none": (), "one": ("a",), "both": ("a", "b"), "other": ("a", "c")}
    held = {name for name, values in given.items() if _holds(condition, kms__EncryptionContextKeys=values)}
    assert held == holding


def test_all_operators_and_all_keys_of_a_condition_must_hold():
    condition = {"StringEquals": {"kms:ViaService": "a", "kms:KeySpec": "b"}, "Null": {"kms:KeyUsage": "true"}}
    assert _holds(condition, kms__ViaService=("a",), kms__KeySpec=("b",))
    assert not _holds(condition, kms__ViaService=("a",), kms__KeySpec=("c",))
    assert not _holds(condition, kms__ViaService=("a",), kms__KeySpec=("b",), kms__KeyUsage=("d",))


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (ROLE, True),
        (f"arn:aws:iam::{ACCOUNT}:role/*", True),
        ("arn:*:iam::*:role/wri?er", True),
        ("arn:aws:iam::*", False),
        ("arn:aws:iam:*:role/writer", False),
        ("*", False),
    ],
)
@pytest.mark.parametrize("operator", ["ArnEquals", "ArnLike"])
def test_arns_match_part_by_part(operator: str, pattern: str, matches: bool):  # noqa: FBT001  # a table's column
    assert _holds({operator: {"aws:PrincipalArn": pattern}}) is matches


def test_bool_compares_flags():
    assert _holds({"Bool": {"kms:GrantIsForAWSResource": "false"}}, kms__GrantIsForAWSResource=("false",))
    assert not _holds({"Bool": {"kms:GrantIsForAWSResource": True}}, kms__GrantIsForAWSResource=("false",))


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param({"Condition": {"NumericEquals": {"kms:KeySpec": "1"}}}, id="operator not known here"),
        pytest.param({"Condition": {"StringEquals": {"aws:SourceIp": "::1"}}}, id="key not known here"),
        pytest.param({"Condition": {"StringEquals": {"kms:EncryptionContext:": "x"}}}, id="context key without name"),
        pytest.param({"Condition": {"ForAllValues:StringEquals": {"kms:EncryptionContext:a": "b"}}}, id="permissive"),
        pytest.param({"Condition": {"StringEquals": {"kms:EncryptionContextKeys": "a"}}}, id="no set operator"),
        pytest.param({"Condition": {"ForSomeValues:StringEquals": {"kms:GrantOperations": "a"}}}, id="no such set"),
        pytest.param({"Condition": {"NullIfExists": {"kms:ViaService": "true"}}}, id="NullIfExists"),
        pytest.param({"Condition": {"Null": {"kms:ViaService": "perhaps"}}}, id="neither true nor false"),
        pytest.param({"Condition": {"StringEquals": {"kms:ViaService": "${aws:username}"}}}, id="policy variable"),
        pytest.param({"Condition": {"StringEquals": {}}}, id="operator without key"),
        pytest.param({"Condition": []}, id="condition not an object"),
        pytest.param({"Principal": None}, id="no principal"),
        pytest.param({"Principal": {"AWS": "arn:aws:iam::111122223333:role/*"}}, id="wildcard in a principal"),
        pytest.param({"Principal": {"AWS": "someone"}}, id="principal that is none"),
        pytest.param({"Principal": {"Other": "x"}}, id="principal of another type"),
        pytest.param({"NotPrincipal": {"AWS": ROLE}}, id="NotPrincipal"),
        pytest.param({"NotAction": "kms:Encrypt"}, id="Action and NotAction"),
        pytest.param({"Action": None}, id="no action"),
        pytest.param({"Action": "s3:GetObject"}, id="action of another service"),
        pytest.param({"Resource": None}, id="no resource"),
        pytest.param({"NotResource": "*"}, id="NotResource"),
        pytest.param({"Effect": "allow"}, id="effect of another case"),
    ],
)
def test_what_is_not_known_is_refused_and_never_ignored(elements: dict[str, Any]):
    with pytest.raises(MalformedPolicyError):
        _verdict(_statement(**elements))


def test_a_name_that_stands_twice_is_refused():
    text = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Principal":"*","Action":"*"}]}'
    with pytest.raises(MalformedPolicyError):
        parse_policy(text, VOCABULARY)


@pytest.mark.parametrize(
    ("elements", "known"),
    [
        pytest.param({"Action": "dynamodb:GetItem"}, True, id="its action"),
        pytest.param({"Action": "kms:Decrypt"}, False, id="another service's action"),
        pytest.param({"Action": "*", "Condition": {"Null": {"dynamodb:Select": "true"}}}, True, id="its key"),
        pytest.param(
            {"Action": "*", "Condition": {"Null": {"kms:KeySpec": "true"}}}, False, id="another service's key"
        ),
        pytest.param({"Action": "*", "Condition": {"Null": {"aws:SourceArn": "true"}}}, True, id="a key of all"),
    ],
)
def test_a_service_brings_its_own_words(elements: dict[str, Any], known: bool):  # noqa: FBT001  # a table's column
    words = Vocabulary(service="dynamodb", single=frozenset({"dynamodb:select"}), multi=frozenset())
    text = json.dumps({"Statement": _statement(**elements)})
    if known:
        assert parse_policy(text, words).statements
    else:
        with pytest.raises(MalformedPolicyError):
            parse_policy(text, words)
