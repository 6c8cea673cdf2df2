"""What is refused when a policy is loaded, and where the error says that it stands.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

import json
from typing import Any

import pytest

from tests.iam.words import ROLE, VOCABULARY, document, statement, verdict
from twinvault_iam.documents import parse_policy
from twinvault_iam.errors import MalformedPolicyError
from twinvault_iam.policy import PolicyKind
from twinvault_iam.vocabulary import Vocabulary, joined

DYNAMODB = Vocabulary(
    services=frozenset({"dynamodb"}),
    single=frozenset({"dynamodb:select"}),
    multi=frozenset({"dynamodb:leadingkeys"}),
)


@pytest.mark.parametrize(
    "elements",
    [
        pytest.param({"Condition": {"BinaryNotEquals": {"kms:KeySpec": "YQ=="}}}, id="operator that is none"),
        pytest.param({"Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1"}}}, id="key not known here"),
        pytest.param({"Condition": {"StringEquals": {"kms:EncryptionContext:": "x"}}}, id="context key without name"),
        pytest.param({"Condition": {"ForAllValues:StringEquals": {"kms:EncryptionContext:a": "b"}}}, id="permissive"),
        pytest.param({"Condition": {"StringEquals": {"kms:EncryptionContextKeys": "a"}}}, id="no set operator"),
        pytest.param({"Condition": {"ForSomeValues:StringEquals": {"kms:GrantOperations": "a"}}}, id="no such set"),
        pytest.param({"Condition": {":StringEquals": {"kms:KeySpec": "a"}}}, id="no set before the colon"),
        pytest.param({"Condition": {"NullIfExists": {"kms:ViaService": "true"}}}, id="NullIfExists"),
        pytest.param({"Condition": {"ForAnyValue:Null": {"kms:GrantOperations": "true"}}}, id="a set's Null"),
        pytest.param({"Condition": {"Null": {"kms:ViaService": "perhaps"}}}, id="neither true nor false"),
        pytest.param({"Condition": {"Bool": {"kms:ViaService": "perhaps"}}}, id="neither true nor false, with Bool"),
        pytest.param({"Condition": {"NumericEquals": {"kms:ViaService": "ten"}}}, id="no number"),
        pytest.param({"Condition": {"NumericEquals": {"kms:ViaService": "NaN"}}}, id="no number to count with"),
        pytest.param({"Condition": {"DateEquals": {"kms:ViaService": "yesterday"}}}, id="no date"),
        pytest.param({"Condition": {"DateEquals": {"kms:ViaService": "2020-02-30"}}}, id="no day of the calendar"),
        pytest.param({"Condition": {"DateEquals": {"kms:ViaService": "2020-01-01T24:00Z"}}}, id="no hour of a day"),
        pytest.param({"Condition": {"DateEquals": {"kms:ViaService": "2020-01-01T00:00"}}}, id="a time of no zone"),
        pytest.param({"Condition": {"DateEquals": {"kms:ViaService": "2020"}}}, id="a year or a second of 1970"),
        pytest.param({"Condition": {"BinaryEquals": {"kms:ViaService": "a"}}}, id="no base64"),
        pytest.param({"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113"}}}, id="no address"),
        pytest.param({"Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.*"}}}, id="wildcard in an address"),
        pytest.param({"Condition": {"StringEquals": {"kms:ViaService": []}}}, id="no values"),
        pytest.param({"Condition": {"StringEquals": {"kms:ViaService": None}}}, id="a value that is null"),
        pytest.param({"Condition": {"StringEquals": {"kms:ViaService": {}}}}, id="a value that is an object"),
        pytest.param({"Condition": {"StringEquals": {}}}, id="operator without key"),
        pytest.param({"Condition": []}, id="condition not an object"),
        pytest.param({"Principal": None}, id="no principal"),
        pytest.param({"Principal": {"AWS": "arn:aws:iam::111122223333:role/*"}}, id="wildcard in a principal"),
        pytest.param({"Principal": {"AWS": "someone"}}, id="principal that is none"),
        pytest.param({"Principal": {"Other": "x"}}, id="principal of another type"),
        pytest.param({"Principal": {"Service": []}}, id="principal of no name"),
        pytest.param({"NotPrincipal": {"AWS": ROLE}}, id="Principal and NotPrincipal"),
        pytest.param({"Principal": None, "NotPrincipal": {"AWS": ROLE}}, id="NotPrincipal that allows"),
        pytest.param({"Effect": "Deny", "Principal": None, "NotPrincipal": "*"}, id="NotPrincipal of everyone"),
        pytest.param({"Effect": "Deny", "Principal": None, "NotPrincipal": {"AWS": "*"}}, id="everyone, at length"),
        pytest.param({"NotAction": "kms:Encrypt"}, id="Action and NotAction"),
        pytest.param({"Action": None}, id="no action"),
        pytest.param({"Action": "s3:GetObject"}, id="action of another service"),
        pytest.param({"Action": "k*:Decrypt"}, id="wildcard in a service"),
        pytest.param({"Action": "kms:"}, id="action of no name"),
        pytest.param({"Action": "Decrypt"}, id="action of no service"),
        pytest.param({"Resource": None}, id="no resource"),
        pytest.param({"NotResource": "*"}, id="Resource and NotResource"),
        pytest.param({"Resource": "key/1"}, id="resource that is no ARN"),
        pytest.param({"Resource": "arn:aws:kms:*"}, id="resource of four parts"),
        pytest.param({"Effect": "allow"}, id="effect of another case"),
        pytest.param({"effect": "Allow"}, id="element of another case"),
        pytest.param({"Comment": "x"}, id="element not known"),
    ],
)
def test_what_is_not_known_is_refused_and_never_ignored(elements: dict[str, Any]):
    with pytest.raises(MalformedPolicyError):
        verdict(statement(**elements))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="not JSON"),
        pytest.param("[" * 100_000, id="too deep"),
        pytest.param("[]", id="no object"),
        pytest.param('{"Version": "2012-10-17"}', id="no statement"),
        pytest.param('{"Statement": []}', id="no statements"),
        pytest.param('{"Statement": ["x"]}', id="a statement that is none"),
        pytest.param(document(statement(), version="2012-10-18"), id="a version that is none"),
        pytest.param(json.dumps({"Statement": statement(), "Rules": []}), id="an element not known"),
        pytest.param('{"Statement":[{"Effect":"Deny","Effect":"Allow","Principal":"*","Action":"*"}]}', id="twice"),
    ],
)
def test_a_document_that_is_no_policy_is_refused(text: str):
    with pytest.raises(MalformedPolicyError):
        parse_policy(text, VOCABULARY)


@pytest.mark.parametrize(
    ("elements", "where"),
    [
        pytest.param(
            {"Condition": {"StringLike": {"kms:Secret": "hush"}}}, ("Condition", "StringLike", "kms:Secret"), id="key"
        ),
        pytest.param(
            {"Condition": {"Numeric": {"kms:KeySpec": "hush"}}}, ("Condition", "Numeric", "kms:KeySpec"), id="operator"
        ),
        pytest.param(
            {"Condition": {"DateEquals": {"kms:KeySpec": "hush"}}},
            ("Condition", "DateEquals", "kms:KeySpec"),
            id="value",
        ),
        pytest.param({"Action": "hush:a"}, ("Action",), id="action"),
        pytest.param({"Resource": None, "NotResource": "hush"}, ("NotResource",), id="resource"),
        pytest.param({"Principal": {"AWS": "hush"}}, ("Principal",), id="principal"),
        pytest.param({"Effect": "hush"}, (), id="effect"),
    ],
)
def test_a_refusal_says_where_and_no_value(elements: dict[str, Any], where: tuple[str, ...]):
    with pytest.raises(MalformedPolicyError) as caught:
        parse_policy(document(statement(), statement(**elements)), VOCABULARY, name="TablePolicy")
    assert caught.value.where == ("TablePolicy", "statement 2", *where)
    assert str(caught.value) == f"{', '.join(caught.value.where)}: {caught.value.reason}"
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("element", ["Principal", "NotPrincipal"])
def test_an_identity_policy_names_no_principal(element: str):
    text = document(statement(**{"Effect": "Deny", "Principal": None, element: {"AWS": ROLE}}))
    with pytest.raises(MalformedPolicyError):
        parse_policy(text, VOCABULARY, kind=PolicyKind.IDENTITY)


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
    text = document(statement(**elements))
    if known:
        assert parse_policy(text, DYNAMODB).statements
    else:
        with pytest.raises(MalformedPolicyError):
            parse_policy(text, DYNAMODB)


def test_identity_policies_use_the_words_of_several_services_and_name_others_that_are_not_enforced():
    words = joined([DYNAMODB, VOCABULARY], others=["xray"])
    actions = ["dynamodb:GetItem", "kms:Decrypt", "xray:PutTraceSegments"]
    condition = {
        "Null": {"dynamodb:LeadingKeys": "true", "kms:EncryptionContext:a": "true"},
        "ForAnyValue:StringEquals": {"kms:GrantOperations": "Decrypt"},
    }
    text = document(statement(Principal=None, Action=actions, Condition=condition))
    assert parse_policy(text, words, kind=PolicyKind.IDENTITY).statements
    for unknown in ({"Action": "logs:PutLogEvents"}, {"Condition": {"Null": {"xray:Key": "true"}}}):
        with pytest.raises(MalformedPolicyError):
            parse_policy(document(statement(Principal=None, **unknown)), words, kind=PolicyKind.IDENTITY)
