"""What one policy says to a request: whom it reaches, which actions and resources it is about.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
"""

from typing import Any

import pytest

from tests.iam.words import ACCOUNT, KEY, ROLE, ROOT, SESSION, access, statement, verdict
from twinvault_iam.policy import Verdict
from twinvault_iam.principals import IamPrincipal

USER = f"arn:aws:iam::{ACCOUNT}:user/division_abc/Bob"


@pytest.mark.parametrize(
    ("principal", "caller", "expected"),
    [
        pytest.param({"AWS": ROLE}, ROLE, Verdict.ALLOW, id="the role"),
        pytest.param({"AWS": ROLE}, SESSION, Verdict.ALLOW, id="a session of the role"),
        pytest.param({"AWS": SESSION}, SESSION, Verdict.ALLOW, id="that very session"),
        pytest.param({"AWS": SESSION}, ROLE, Verdict.SILENT, id="the role of a session that is named"),
        pytest.param({"AWS": [ROOT, ROLE]}, ROLE, Verdict.ALLOW, id="one of two"),
        pytest.param({"AWS": "*"}, ROLE, Verdict.ALLOW, id="everyone"),
        pytest.param("*", ROLE, Verdict.ALLOW, id="everyone, in short"),
        pytest.param({"AWS": ROOT}, ROOT, Verdict.ALLOW, id="the account itself"),
        pytest.param({"AWS": ACCOUNT}, ROOT, Verdict.ALLOW, id="the account by its number"),
        pytest.param({"AWS": ROOT}, ROLE, Verdict.DELEGATE, id="a role of the account"),
        pytest.param({"AWS": ACCOUNT}, SESSION, Verdict.DELEGATE, id="a session of a role of the account"),
        pytest.param({"AWS": ROLE}, ROLE + "2", Verdict.SILENT, id="another role"),
        pytest.param({"Service": "logs.amazonaws.com"}, ROOT, Verdict.SILENT, id="a service"),
        pytest.param({"AWS": ROOT}, "arn:aws:iam::444455556666:root", Verdict.SILENT, id="another account"),
    ],
)
def test_an_allow_reaches_whom_it_names(principal: Any, caller: str, expected: Verdict):
    assert verdict(statement(Principal=principal), asked=access(caller)) is expected


def test_a_deny_for_the_account_reaches_its_roles():
    assert verdict(statement(), statement(Effect="Deny", Principal={"AWS": ROOT})) is Verdict.DENY


def test_a_deny_wins_wherever_it_stands():
    deny = statement(Effect="Deny", Principal="*")
    assert verdict(statement(), deny) is verdict(deny, statement()) is Verdict.DENY


def test_a_deny_whose_condition_does_not_hold_says_nothing():
    deny = statement(Effect="Deny", Condition={"StringEquals": {"kms:CallerAccount": "444455556666"}})
    assert verdict(statement(), deny) is Verdict.ALLOW


@pytest.mark.parametrize(
    ("names", "caller", "denied"),
    [
        pytest.param([ROLE, ROOT], ROLE, False, id="role and account are named"),
        pytest.param([SESSION, ROLE, ROOT], SESSION, False, id="session, role and account are named"),
        pytest.param([SESSION, ROLE, ACCOUNT], SESSION, False, id="the account by its number"),
        pytest.param([ROLE, ROOT], SESSION, True, id="the session is not named"),
        pytest.param([SESSION, ROOT], SESSION, True, id="the role is not named"),
        pytest.param([SESSION, ROLE], SESSION, True, id="the account is not named"),
        pytest.param([ROOT], ROLE, True, id="the account alone is named"),
        pytest.param([ROOT], ROOT, False, id="the account itself"),
        pytest.param([USER, ROOT], ROLE, True, id="another one is named"),
    ],
)
def test_not_principal_denies_whom_it_does_not_name_in_full(names: list[str], caller: str, denied: bool):  # noqa: FBT001  # table
    deny = statement(Effect="Deny", Principal=None, NotPrincipal={"AWS": names})
    assert (verdict(deny, asked=access(caller)) is Verdict.DENY) is denied


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("kms:Decrypt", True),
        ("kms:*", True),
        ("*", True),
        ("KMS:decrypt", True),
        ("kms:De*", True),
        ("kms:*crypt", True),
        ("kms:Decryp?", True),
        (["kms:Encrypt", "kms:Decrypt"], True),
        ("kms:Encrypt", False),
        ("kms:Decrypt?", False),
    ],
)
def test_actions_match_by_pattern_and_without_case(action: Any, allowed: bool):  # noqa: FBT001  # a table's column
    assert (verdict(statement(Action=action)) is Verdict.ALLOW) is allowed


def test_not_action_is_every_other_action():
    exempt = statement(Action=None, NotAction=["kms:Encrypt", "kms:Re*"])
    assert verdict(exempt) is Verdict.ALLOW
    assert verdict(exempt, asked=access(action="kms:Encrypt")) is Verdict.SILENT
    assert verdict(exempt, asked=access(action="kms:ReEncryptFrom")) is Verdict.SILENT


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        ("*", True),
        (KEY, True),
        (KEY[:-1] + "*", True),
        (KEY[:-1] + "?", True),
        ("arn:aws:kms:*:*:key/*", True),
        ("arn:aws:kms:eu-*-1:*:*", True),
        (KEY + "x", False),
        (KEY[:-1] + "??", False),
        (KEY.upper().replace("ARN:AWS:KMS", "arn:aws:kms"), False),
    ],
)
def test_a_resource_must_be_the_key(resource: str, allowed: bool):  # noqa: FBT001  # a table's column
    assert (verdict(statement(Resource=resource)) is Verdict.ALLOW) is allowed
    assert (verdict(statement(Resource=None, NotResource=resource)) is Verdict.ALLOW) is not allowed


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        pytest.param("arn:aws:logs:*:*:log-group:a*", True, id="the last part is one, with its colons"),
        pytest.param("arn:aws:logs:eu*:log-group:a:stream:b", True, id="at a segment's end it reaches over colons"),
        pytest.param("arn:aws:logs:e*1:1:1:log-group:a:stream:b", False, id="within a segment it does not"),
        pytest.param("arn:aws:logs:eu-central-1?1:log-group:a:stream:b:", False, id="one sign is no colon"),
    ],
)
def test_an_asterisk_reaches_over_colons_only_at_the_end_of_a_segment(pattern: str, matches: bool):  # noqa: FBT001  # table
    asked = access(resource="arn:aws:logs:eu-central-1:1:log-group:a:stream:b")
    assert (verdict(statement(Resource=pattern), asked=asked) is Verdict.ALLOW) is matches


@pytest.mark.parametrize(
    ("caller", "kind", "username", "arn"),
    [
        pytest.param(ROOT, "Account", (), ROOT, id="account"),
        pytest.param(USER, "User", ("Bob",), USER, id="user with a path"),
        pytest.param(ROLE, "AssumedRole", (), ROLE, id="role"),
        pytest.param(SESSION, "AssumedRole", (), ROLE, id="session"),
    ],
)
def test_a_principal_says_to_conditions_who_it_is(caller: str, kind: str, username: tuple[str, ...], arn: str):
    facts = IamPrincipal(arn=caller).facts()
    assert facts["aws:principaltype"] == (kind,)
    assert facts.get("aws:username", ()) == username
    assert facts["aws:principalarn"] == (arn,)
    assert facts["aws:principalaccount"] == (ACCOUNT,)
