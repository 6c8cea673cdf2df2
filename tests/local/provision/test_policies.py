"""The gate's policies file, read from the template."""

from collections.abc import Callable
from typing import Any

import pytest

from twinvault_local.errors import TemplateError
from twinvault_local.provision import callers, functions
from twinvault_local.provision.policies import PoliciesFile, policies_file
from twinvault_local.provision.template import Assembly, Known, Physical

type Templates = dict[str, dict[str, Any]]
type Load = Callable[[Templates], Assembly]

ROLE = "arn:aws:iam::000000000000:role/small-dev-read"
RECORDS, AUDIT = (f"arn:aws:dynamodb:eu-central-1:000000000000:table/{name}" for name in ("records-1", "audit-1"))
GET = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": RECORDS}
TABLES_KEY = {
    "Effect": "Allow",
    "Action": "kms:Decrypt",
    "Resource": "*",
    "Condition": {"StringLike": {"kms:ViaService": "dynamodb.*"}},
}


def known(assembly: Assembly) -> Known:
    tables = {
        f"Small-Tables/{name}": Physical(
            f"{name.lower()}-1", {"Arn": f"arn:aws:dynamodb:eu-central-1:000000000000:table/{name.lower()}-1"}
        )
        for name in ("Records", "Keys", "Marks", "Audit")
    }
    keys = {
        f"Small-Keys/{name}": Physical(f"{name}-id", {"Arn": f"arn:{name}", "KeyId": f"{name}-id"})
        for name in ("RootKey", "TableKey", "SigningKey")
    }
    return {**callers.roles(assembly), **functions.arns(assembly), **tables, **keys}


@pytest.fixture
def read(load: Load) -> Callable[[Templates], PoliciesFile]:
    def policies(templates: Templates) -> PoliciesFile:
        assembly = load(templates)
        return policies_file(assembly, known(assembly))

    return policies


def test_a_functions_role_has_its_statements_about_what_is_enforced(
    read: Callable[[Templates], PoliciesFile], templates: Templates
) -> None:
    found = read(templates)["identity"]
    assert set(found) == {ROLE, "arn:aws:iam::000000000000:role/small-dev-write"}
    assert found[ROLE] == [{"Version": "2012-10-17", "Statement": [GET, TABLES_KEY]}]


@pytest.mark.parametrize(
    ("statement", "stands"),
    [
        pytest.param({"Action": "xray:*"}, False, id="of another service"),
        pytest.param({"Action": ["logs:PutLogEvents", "DynamoDB:Query"]}, True, id="of several"),
        pytest.param({"Action": "kms:Decrypt"}, True, id="of KMS"),
        pytest.param({"Action": "*"}, True, id="of all"),
        pytest.param({"NotAction": "logs:*"}, True, id="of all but one"),
    ],
)
def test_a_statement_stands_there_if_it_may_be_about_what_is_enforced(
    read: Callable[[Templates], PoliciesFile],
    templates: Templates,
    statement: dict[str, Any],
    stands: bool,  # noqa: FBT001  # a table's column
) -> None:
    whole = {"Effect": "Deny", "Resource": "*", **statement}
    templates["Small-Api"]["Resources"]["ReadPolicy"]["Properties"]["PolicyDocument"]["Statement"] = whole
    assert read(templates)["identity"][ROLE][0]["Statement"] == ([whole] if stands else [])


def test_policies_in_a_role_and_beside_it_are_all_its_own(
    read: Callable[[Templates], PoliciesFile], templates: Templates
) -> None:
    resources = templates["Small-Api"]["Resources"]
    resources["ReadRole"]["Properties"]["Policies"] = [
        {"PolicyName": "a", "PolicyDocument": {"Version": "2012-10-17", "Statement": [GET | {"Sid": "inline"}]}}
    ]
    about = {"PolicyDocument": {"Version": "2012-10-17", "Statement": [GET | {"Sid": "another"}]}}
    resources["More"] = {
        "Type": "AWS::IAM::RolePolicy",
        "Properties": {"RoleName": {"Ref": "ReadRole"}, "PolicyName": "b", **about},
    }
    resources["Managed"] = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"Roles": [{"Ref": "ReadRole"}], **about}}
    statements = [each["Statement"][0].get("Sid") for each in read(templates)["identity"][ROLE]]
    assert sorted(map(str, statements)) == ["None", "another", "another", "inline"]


def test_a_table_has_its_own_policy_and_names_its_key(
    read: Callable[[Templates], PoliciesFile], templates: Templates
) -> None:
    found = read(templates)
    [deny] = found["resource"][AUDIT]["Statement"]
    assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
    assert RECORDS not in found["resource"]
    assert found["table_keys"][RECORDS] == "arn:TableKey"
    assert set(found["keys"]) == {"arn:RootKey", "arn:TableKey", "arn:SigningKey"}
    [administer] = found["keys"]["arn:TableKey"]["Statement"]
    assert administer["Principal"] == {"AWS": "arn:aws:iam::000000000000:root"}


def _managed(templates: Templates) -> None:
    templates["Small-Api"]["Resources"]["ReadRole"]["Properties"]["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/X"]


def _boundary(templates: Templates) -> None:
    templates["Small-Api"]["Resources"]["ReadRole"]["Properties"]["PermissionsBoundary"] = "arn:aws:iam::aws:policy/X"


def _policy_of_a_stream(templates: Templates) -> None:
    replica = templates["Small-Tables"]["Resources"]["Audit"]["Properties"]["Replicas"][0]
    replica["ReplicaStreamSpecification"] = {"ResourcePolicy": {"PolicyDocument": {}}}


def _strange_key(templates: Templates) -> None:
    replica = templates["Small-Tables"]["Resources"]["Audit"]["Properties"]["Replicas"][0]
    replica["SSESpecification"] = {"KMSMasterKeyId": "alias/of-somebody"}


def _what_is_not_made(templates: Templates) -> None:
    policy = templates["Small-Api"]["Resources"]["ReadPolicy"]["Properties"]["PolicyDocument"]
    policy["Statement"][1]["Resource"] = {"Fn::GetAtt": ["AccessLog", "Arn"]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (_managed, "ManagedPolicyArns"),
        (_boundary, "PermissionsBoundary"),
        (_policy_of_a_stream, "streams"),
        (_strange_key, "alias/of-somebody"),
        (_what_is_not_made, "AccessLog"),
    ],
)
def test_what_would_not_be_enforced_is_refused(
    read: Callable[[Templates], PoliciesFile], templates: Templates, change: Callable[[Templates], None], says: str
) -> None:
    change(templates)
    with pytest.raises(TemplateError, match=says):
        read(templates)


def test_into_an_adopted_table_the_same_is_let_as_into_the_one_in_whose_place_it_stands(
    read: Callable[[Templates], PoliciesFile], templates: Templates
) -> None:
    before = read(templates)
    templates["Small-Api"].setdefault("Outputs", {})["AdoptedAuditTable"] = {"Value": "audit-restored"}
    found = read(templates)
    restored = AUDIT.replace("audit-1", "audit-restored")
    assert found["resource"] == {**before["resource"], restored: before["resource"][AUDIT]}
    assert found["table_keys"] == {
        **before["table_keys"],
        **({restored: before["table_keys"][AUDIT]} if AUDIT in before["table_keys"] else {}),
    }
