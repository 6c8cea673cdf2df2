"""Identity policies and a table's own, together.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gate.conftest import INDEX, T, allow, policy
from tests.gate.running import REGION, ROOT, role, table_arn
from twinvault_gate.calls import IamCall
from twinvault_gate.errors import SetupError
from twinvault_gate.policies import GatePolicies, load_policies
from twinvault_serving.callers import SignedIn

GET = IamCall("dynamodb:GetItem", T)


def refusal(policies: GatePolicies, caller: str, call: IamCall = GET) -> str | None:
    return policies.decide(SignedIn("ID", caller, "NAME", REGION), call).refusal


EVERYBODY: dict[str, Any] = {"Principal": "*"}
DENY = {"Effect": "Deny", "Action": "dynamodb:GetItem", "Resource": "*"}


def book(tmp_path: Path, *mine: dict[str, Any], theirs: dict[str, Any] | None = None) -> GatePolicies:
    document = {"identity": {role("a"): [policy(*mine)] if mine else []}, "resource": {T: theirs} if theirs else {}}
    (tmp_path / "policies.json").write_text(json.dumps(document))
    return load_policies(tmp_path / "policies.json")


@pytest.mark.parametrize(
    ("mine", "theirs", "words"),
    [
        pytest.param([allow("GetItem")], None, None, id="its own allows"),
        pytest.param([], policy(allow("GetItem", Principal={"AWS": role("a")})), None, id="the table's allows"),
        pytest.param([], policy(allow("GetItem", Principal={"AWS": role("b")})), "no identity-based", id="for another"),
        pytest.param([allow("PutItem")], None, "no identity-based", id="neither allows"),
        pytest.param([allow("GetItem"), DENY], None, "deny in an identity-based", id="its own denies"),
        pytest.param([allow("GetItem")], policy(DENY | EVERYBODY), "deny in a resource-based", id="the table's denies"),
        pytest.param(
            [{"Effect": "Allow", "NotAction": "dynamodb:PutItem", "Resource": "*"}], None, None, id="all but one"
        ),
        pytest.param([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], None, None, id="all but a service"),
        pytest.param(
            [{"Effect": "Allow", "NotAction": ["s3:*", "dynamodb:Get*"], "Resource": "*"}],
            None,
            "no identity-based",
            id="all but this",
        ),
        pytest.param(
            [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}], None, "no identity-based", id="another service"
        ),
    ],
)
def test_an_allow_of_either_kind_is_enough_and_a_deny_of_either_wins(
    tmp_path: Path, mine: list[dict[str, Any]], theirs: dict[str, Any] | None, words: str | None
):
    said = refusal(book(tmp_path, *mine, theirs=theirs), role("a"))
    assert (said is None) == (words is None)
    assert said is None or words is None or words in said


def test_the_account_needs_no_policy_but_a_tables_deny_binds_it(tmp_path: Path):
    assert refusal(book(tmp_path), ROOT) is None
    assert "resource-based" in str(refusal(book(tmp_path, theirs=policy(DENY | EVERYBODY)), ROOT))


def test_a_session_has_its_roles_policies(tmp_path: Path):
    session = "arn:aws:sts::000000000000:assumed-role/a/name"
    assert refusal(book(tmp_path, allow("GetItem")), session) is None


def test_a_tables_policy_reaches_its_indexes(tmp_path: Path):
    deny = policy({"Effect": "Deny", "Principal": "*", "Action": "dynamodb:Query", "Resource": "*"})
    said = refusal(book(tmp_path, allow("Query", on="*"), theirs=deny), role("a"), IamCall("dynamodb:Query", INDEX))
    assert "resource-based" in str(said)
    other = IamCall("dynamodb:Query", table_arn("other"))
    assert refusal(book(tmp_path, allow("Query", on="*"), theirs=deny), role("a"), other) is None


@pytest.mark.parametrize("exists", [True, False], ids=["no JSON", "no file"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, exists: bool):  # noqa: FBT001  # a table's column
    if exists:
        (tmp_path / "policies.json").write_text("{")
    with pytest.raises(SetupError):
        load_policies(tmp_path / "policies.json")


def test_a_leading_key_may_be_the_callers_own_name(tmp_path: Path):
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:PrincipalArn}"]}}
    said = book(tmp_path, allow("GetItem", Condition=own))
    assert refusal(said, role("a"), IamCall("dynamodb:GetItem", T, {"dynamodb:leadingkeys": (role("a"),)})) is None
    assert refusal(said, role("a"), IamCall("dynamodb:GetItem", T, {"dynamodb:leadingkeys": (role("b"),)}))
