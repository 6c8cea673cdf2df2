"""Identity and resource policies together, and the words in which AWS refuses.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from typing import Any

import pytest

from tests.iam.words import ACCOUNT, KEY, ROLE, ROOT, SESSION, VOCABULARY, access, document, statement
from twinvault_iam.documents import parse_policy
from twinvault_iam.evaluation import Decision, decide, decide_by_key_policy, denial
from twinvault_iam.policy import Policy, PolicyKind, Verdict

STRANGER = "arn:aws:iam::444455556666:role/stranger"
IDENTITY, RESOURCE = PolicyKind.IDENTITY, PolicyKind.RESOURCE
ALLOW, DENY, SILENT = Verdict.ALLOW, Verdict.DENY, Verdict.SILENT
OTHER = {"Action": "kms:Encrypt"}


def _identity(**elements: Any) -> Policy:
    return parse_policy(document(statement(Principal=None, **elements)), VOCABULARY, kind=IDENTITY)


def _resource(**elements: Any) -> Policy:
    return parse_policy(document(statement(**elements)), VOCABULARY)


# what identity policies say, what the resource's policy says
SAYS = {"allow": {}, "deny": {"Effect": "Deny"}, "nothing": OTHER}
ACCOUNTS = {"Principal": {"AWS": ROOT}}


@pytest.mark.parametrize(
    ("identity", "resource", "verdict", "kind"),
    [
        ("allow", "allow", ALLOW, IDENTITY),
        ("allow", "nothing", ALLOW, IDENTITY),
        ("allow", None, ALLOW, IDENTITY),
        ("allow", "deny", DENY, RESOURCE),
        ("nothing", "allow", ALLOW, RESOURCE),
        (None, "allow", ALLOW, RESOURCE),
        ("nothing", "nothing", SILENT, IDENTITY),
        (None, None, SILENT, IDENTITY),
        ("nothing", "deny", DENY, RESOURCE),
        ("deny", "allow", DENY, IDENTITY),
        ("deny", "deny", DENY, IDENTITY),
        ("deny", None, DENY, IDENTITY),
    ],
)
def test_within_an_account_an_allow_of_either_kind_suffices(
    identity: str | None, resource: str | None, verdict: Verdict, kind: PolicyKind
):
    decided = decide(
        access(SESSION),
        identity=[_identity(**SAYS[identity])] if identity else [],
        resource=_resource(**SAYS[resource]) if resource else None,
    )
    assert decided == Decision(verdict, kind)
    assert decided.allowed is (verdict is ALLOW)


def test_one_of_several_identity_policies_suffices_and_one_denies():
    policies = [_identity(**OTHER), _identity()]
    assert decide(access(), identity=policies, resource=None).allowed
    assert not decide(access(), identity=[*policies, _identity(Effect="Deny")], resource=None).allowed


def test_a_resource_policy_that_names_the_account_leaves_it_to_identity_policies():
    there = _resource(**ACCOUNTS)
    assert decide(access(), identity=[], resource=there) == Decision(SILENT, IDENTITY)
    assert decide(access(), identity=[_identity()], resource=there).allowed


def test_the_accounts_root_needs_no_allow_and_a_deny_binds_it():
    assert decide(access(ROOT), identity=[], resource=None) == Decision(ALLOW, None)
    assert decide(access(ROOT), identity=[], resource=_resource()).allowed
    denying = _resource(Effect="Deny", Principal={"AWS": ROOT})
    assert decide(access(ROOT), identity=[], resource=denying) == Decision(DENY, RESOURCE)


@pytest.mark.parametrize(
    ("identity", "principal", "expected"),
    [
        pytest.param([_identity()], STRANGER, Decision(ALLOW, IDENTITY), id="both allow"),
        pytest.param([_identity()], "444455556666", Decision(ALLOW, IDENTITY), id="the account is let in"),
        pytest.param([_identity()], ROLE, Decision(SILENT, RESOURCE), id="the resource names another"),
        pytest.param([], STRANGER, Decision(SILENT, IDENTITY), id="its own account does not let it"),
        pytest.param([_identity(Effect="Deny")], STRANGER, Decision(DENY, IDENTITY), id="its own account denies"),
    ],
)
def test_across_accounts_both_kinds_must_allow(identity: list[Policy], principal: str, expected: Decision):
    there = _resource(Principal={"AWS": principal})
    assert decide(access(STRANGER), identity=identity, resource=there) == expected


def test_root_has_no_rights_in_another_account():
    assert not decide(access("arn:aws:iam::444455556666:root"), identity=[], resource=None).allowed


def test_root_needs_no_policy_of_its_own_where_another_account_lets_it_in():
    there = _resource(Principal={"AWS": "444455556666"})
    root = access("arn:aws:iam::444455556666:root")
    assert decide(root, identity=[], resource=there) == Decision(ALLOW, RESOURCE)
    assert decide_by_key_policy(root, key_policy=there, identity=[]) == Decision(ALLOW, RESOURCE)


def test_what_has_no_account_is_the_callers_own():
    for resource in ("*", "arn:aws:s3:::bucket"):
        assert decide(access(resource=resource), identity=[_identity()], resource=None).allowed


@pytest.mark.parametrize(
    ("identity", "key_policy", "expected"),
    [
        pytest.param(None, {}, Decision(ALLOW, RESOURCE), id="the key policy allows"),
        pytest.param("allow", OTHER, Decision(SILENT, RESOURCE), id="it does not, whatever IAM says"),
        pytest.param("allow", ACCOUNTS, Decision(ALLOW, IDENTITY), id="it leaves it to IAM, which allows"),
        pytest.param(None, ACCOUNTS, Decision(SILENT, IDENTITY), id="it leaves it to IAM, which does not"),
        pytest.param("deny", {}, Decision(DENY, IDENTITY), id="IAM denies"),
        pytest.param("allow", {"Effect": "Deny"}, Decision(DENY, RESOURCE), id="it denies"),
    ],
)
def test_a_key_policy_must_allow_or_leave_it_to_the_account(
    identity: str | None, key_policy: dict[str, Any], expected: Decision
):
    policies = [_identity(**SAYS[identity])] if identity else []
    assert decide_by_key_policy(access(), identity=policies, key_policy=_resource(**key_policy)) == expected


def test_a_key_policy_lets_another_account_in_whose_identity_policies_must_allow_unless_nobody_knows_them():
    there = _resource(Principal={"AWS": STRANGER})
    assert not decide_by_key_policy(access(STRANGER), identity=[], key_policy=there).allowed
    assert decide_by_key_policy(access(STRANGER), identity=[_identity()], key_policy=there).allowed
    assert decide_by_key_policy(access(STRANGER), key_policy=there).allowed


def test_a_key_policy_need_not_let_the_account_in():
    assert not decide_by_key_policy(access(ROOT), key_policy=_resource()).allowed
    assert decide_by_key_policy(access(ROOT), key_policy=_resource(**ACCOUNTS)).allowed


@pytest.mark.parametrize(
    ("decision", "ending"),
    [
        (Decision(SILENT, IDENTITY), "because no identity-based policy allows the kms:Decrypt action"),
        (Decision(SILENT, RESOURCE), "because no resource-based policy allows the kms:Decrypt action"),
        (Decision(DENY, IDENTITY), "with an explicit deny in an identity-based policy"),
        (Decision(DENY, RESOURCE), "with an explicit deny in a resource-based policy"),
    ],
)
def test_a_refusal_is_said_in_the_words_of_aws(decision: Decision, ending: str):
    assert denial(access(SESSION), decision) == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/writer/session-1 is not authorized to perform: kms:Decrypt"
        f" on resource: {KEY} {ending}"
    )
