"""Conditions about the request, the session and the key: each holds for one value and not for another.

https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from mypy_boto3_kms.client import KMSClient

from tests.kms.conftest import CALLERS
from tests.kms.running import ACCOUNT, ROOT, RunningKms, start

ROLE = f"arn:aws:iam::{ACCOUNT}:role/payments"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
OPERATOR = {
    "arn": ROLE,
    "secret": "made-up",
    "name": "night-run",
    "tags": {"Project": "Alpha", "Access": "*"},
    "org_id": "o-a1b2c3d4e5",
    "org_paths": ["o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/"],
    "userid": "AROAEXAMPLEID:night-run",
    "mfa": True,
}

type Ask = Callable[[KMSClient, str], object]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKms]:
    callers = {**CALLERS, "OPERATOR": OPERATOR, "ANN": USER, "PLAIN": ROLE}
    running = start(tmp_path_factory.mktemp("conditions"), callers=callers)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningKms, Path]]:
    """A KMS that knows identity policies, and their file."""
    folder = tmp_path_factory.mktemp("identity")
    policies = folder / "policies.json"
    policies.write_text('{"identity": {}}')
    running = start(folder / "kms", callers={"OPERATOR": OPERATOR}, options=("--policies", str(policies)))
    yield running, policies
    running.stop()


def _encrypt(client: KMSClient, key: str) -> object:
    return client.encrypt(KeyId=key, Plaintext=b"x")


def _policy(action: str, condition: dict[str, Any], principal: str, **elements: Any) -> str:
    owner = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    asked = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Resource": "*"}
    statements = [owner, {**asked, "Condition": condition, **elements}]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _allowed(
    kms: RunningKms,
    condition: dict[str, Any],
    *,
    action: str = "kms:Encrypt",
    ask: Ask = _encrypt,
    caller: str = "OPERATOR",
    **key: Any,
) -> bool:
    principal = USER if caller == "ANN" else ROLE
    made = kms.client().create_key(Policy=_policy(action, condition, principal), **key)["KeyMetadata"]["KeyId"]
    return _outcome(lambda: ask(kms.client(caller), made)) == "ok"


def _outcome(ask: Callable[[], object]) -> str:
    """`ok`, or AccessDeniedException; anything else is a fault of the test."""
    try:
        ask()
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return REFUSED
    return "ok"


@pytest.mark.parametrize(
    ("operator", "key", "yes", "no"),
    [
        pytest.param("IpAddress", "aws:SourceIp", "127.0.0.0/8", "192.0.2.0/24", id="IpAddress aws:SourceIp"),
        pytest.param("NotIpAddress", "aws:SourceIp", "192.0.2.0/24", "127.0.0.1", id="NotIpAddress aws:SourceIp"),
        pytest.param("StringEquals", "aws:PrincipalTag/project", "Alpha", "Beta", id="aws:PrincipalTag"),
        pytest.param("StringEquals", "aws:PrincipalOrgID", "o-a1b2c3d4e5", "o-z", id="aws:PrincipalOrgID"),
        pytest.param(
            "ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-*/r-ab12/*", "o-*/r-xx/*", id="aws:PrincipalOrgPaths"
        ),
        pytest.param("StringEquals", "aws:RequestedRegion", "eu-central-1", "us-east-1", id="aws:RequestedRegion"),
        pytest.param("StringLike", "aws:userid", "AROAEXAMPLEID:*", "AROAOTHER:*", id="aws:userid"),
        pytest.param("Bool", "aws:MultiFactorAuthPresent", "true", "false", id="aws:MultiFactorAuthPresent"),
        pytest.param("Bool", "aws:SecureTransport", "true", "false", id="aws:SecureTransport"),
        pytest.param("Bool", "aws:ViaAWSService", "false", "true", id="aws:ViaAWSService"),
        pytest.param("Bool", "aws:PrincipalIsAWSService", "false", "true", id="aws:PrincipalIsAWSService"),
        pytest.param("Null", "aws:SourceVpce", "true", "false", id="aws:SourceVpce"),
        pytest.param("StringLike", "aws:UserAgent", "Boto3/*", "curl/*", id="aws:UserAgent"),
        pytest.param("DateLessThan", "aws:CurrentTime", "2999-01-01T00:00:00Z", "2001-01-01", id="aws:CurrentTime"),
        pytest.param("NumericGreaterThan", "aws:EpochTime", "1000000000", "9999999999", id="aws:EpochTime"),
        pytest.param("StringEquals", "aws:ResourceTag/Team", "red", "blue", id="aws:ResourceTag"),
        pytest.param("StringEquals", "aws:ResourceAccount", ACCOUNT, "111122223333", id="aws:ResourceAccount"),
        pytest.param("Bool", "kms:MultiRegion", "false", "true", id="kms:MultiRegion"),
        pytest.param("StringEquals", "aws:PrincipalTag/Project", "${aws:PrincipalTag/Project}", "x", id="a variable"),
        pytest.param("StringEquals", "aws:ResourceTag/Team", "${aws:PrincipalTag/None, 'red'}", "x", id="a default"),
        # A tag's value of `*` is no wildcard.
        pytest.param("StringLike", "aws:PrincipalTag/Project", "A*", "${aws:PrincipalTag/Access}", id="a literal star"),
    ],
)
def test_a_condition_holds_for_the_one_and_not_for_the_other(
    serving: RunningKms, operator: str, key: str, yes: str, no: str
):
    tags = [{"TagKey": "Team", "TagValue": "red"}]
    assert _allowed(serving, {operator: {key: yes}}, Tags=tags)
    assert not _allowed(serving, {operator: {key: no}}, Tags=tags)


def _import_parameters(client: KMSClient, key: str) -> object:
    return client.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )


def _import(client: KMSClient, key: str) -> object:
    """Permission comes first: what is asked of the token then is another refusal, and proves it."""
    try:
        return client.import_key_material(
            KeyId=key,
            ImportToken=b"x",
            EncryptedKeyMaterial=b"x",
            ExpirationModel="KEY_MATERIAL_EXPIRES",
            ValidTo=time.time() + 3600,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidImportTokenException":
            raise
        return None


def _agree(client: KMSClient, key: str) -> object:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return client.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=der)


REFUSED = "AccessDeniedException"
EXTERNAL = {"Origin": "EXTERNAL"}
TAGS: list[Any] = [{"TagKey": "Cost", "TagValue": "1"}]


@pytest.mark.parametrize(
    ("action", "ask", "key", "conditions"),
    [
        pytest.param(
            "kms:EnableKeyRotation",
            lambda client, key: client.enable_key_rotation(KeyId=key, RotationPeriodInDays=180),
            {},
            (
                {"NumericLessThanEquals": {"kms:RotationPeriodInDays": "180"}},
                {"NumericLessThanEquals": {"kms:RotationPeriodInDays": "179"}},
            ),
            id="kms:RotationPeriodInDays",
        ),
        pytest.param(
            "kms:EnableKeyRotation",
            lambda client, key: client.enable_key_rotation(KeyId=key),
            {},
            (
                {"NumericEquals": {"kms:RotationPeriodInDays": "365"}},
                {"NumericLessThan": {"kms:RotationPeriodInDays": "365"}},
            ),
            id="kms:RotationPeriodInDays by default",
        ),
        pytest.param(
            "kms:ScheduleKeyDeletion",
            lambda client, key: client.schedule_key_deletion(KeyId=key, PendingWindowInDays=20),
            {},
            (
                {"NumericGreaterThanEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": "20"}},
                {"NumericGreaterThanEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": "21"}},
            ),
            id="kms:ScheduleKeyDeletionPendingWindowInDays",
        ),
        pytest.param(
            "kms:ScheduleKeyDeletion",
            lambda client, key: client.schedule_key_deletion(KeyId=key),
            {},
            (
                {"NumericEquals": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}},
                {"NumericLessThan": {"kms:ScheduleKeyDeletionPendingWindowInDays": "30"}},
            ),
            id="kms:ScheduleKeyDeletionPendingWindowInDays by default",
        ),
        pytest.param(
            "kms:GetParametersForImport",
            _import_parameters,
            EXTERNAL,
            (
                {"StringEquals": {"kms:WrappingAlgorithm": "RSAES_OAEP_SHA_256", "kms:WrappingKeySpec": "RSA_2048"}},
                {"StringEquals": {"kms:WrappingAlgorithm": "RSAES_OAEP_SHA_1"}},
            ),
            id="kms:WrappingAlgorithm",
        ),
        pytest.param(
            "kms:GetParametersForImport",
            _import_parameters,
            EXTERNAL,
            (
                {"StringNotEquals": {"kms:WrappingKeySpec": "RSA_4096"}},
                {"StringEquals": {"kms:WrappingKeySpec": "RSA_4096"}},
            ),
            id="kms:WrappingKeySpec",
        ),
        pytest.param(
            "kms:ImportKeyMaterial",
            _import,
            EXTERNAL,
            (
                {"StringEquals": {"kms:ExpirationModel": "KEY_MATERIAL_EXPIRES"}},
                {"StringEquals": {"kms:ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}},
            ),
            id="kms:ExpirationModel",
        ),
        pytest.param(
            "kms:ImportKeyMaterial",
            _import,
            EXTERNAL,
            (
                {"NumericLessThanEquals": {"kms:ValidTo": "32503680000.0"}},
                {"DateLessThan": {"kms:ValidTo": "2001-01-01T00:00:00Z"}},
            ),
            id="kms:ValidTo",
        ),
        pytest.param(
            "kms:TagResource",
            lambda client, key: client.tag_resource(KeyId=key, Tags=TAGS),
            {},
            (
                {"StringEquals": {"aws:RequestTag/Cost": "1"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["Cost"]}},
                {"StringEquals": {"aws:RequestTag/Cost": "2"}},
            ),
            id="aws:RequestTag",
        ),
        pytest.param(
            "kms:UntagResource",
            lambda client, key: client.untag_resource(KeyId=key, TagKeys=["Cost"]),
            {},
            (
                {"ForAnyValue:StringEquals": {"aws:TagKeys": ["Cost"]}},
                {"ForAllValues:StringEquals": {"aws:TagKeys": ["Other"]}},
            ),
            id="aws:TagKeys",
        ),
        pytest.param(
            "kms:DeriveSharedSecret",
            _agree,
            {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"},
            (
                {"StringEquals": {"kms:KeyAgreementAlgorithm": "ECDH"}},
                {"StringNotEquals": {"kms:KeyAgreementAlgorithm": "ECDH"}},
            ),
            id="kms:KeyAgreementAlgorithm",
        ),
    ],
)
def test_what_an_operation_is_asked_for_is_known_to_conditions(
    serving: RunningKms, action: str, ask: Ask, key: dict[str, Any], conditions: tuple[dict[str, Any], dict[str, Any]]
):
    yes, no = conditions
    assert _allowed(serving, yes, action=action, ask=ask, **key)
    assert not _allowed(serving, no, action=action, ask=ask, **key)


def test_the_time_is_that_of_the_kms(serving: RunningKms):
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    condition = {"DateGreaterThan": {"aws:CurrentTime": soon}}
    assert not _allowed(serving, condition)
    serving.admin("POST", "/clock", {"advance_seconds": 7200})
    try:
        assert _allowed(serving, condition)
    finally:
        serving.admin("DELETE", "/clock")


@pytest.mark.parametrize(
    ("caller", "condition"),
    [
        pytest.param("PLAIN", {"Null": {"aws:PrincipalOrgID": "true"}}, id="no organization"),
        pytest.param("PLAIN", {"Null": {"aws:PrincipalTag/Project": "true"}}, id="no tag"),
        pytest.param("PLAIN", {"Bool": {"aws:MultiFactorAuthPresent": "false"}}, id="a role's session without MFA"),
        pytest.param("PLAIN", {"StringLike": {"aws:userid": "AROA?????????????????:payments"}}, id="a role's userid"),
        pytest.param("ANN", {"Null": {"aws:MultiFactorAuthPresent": "true"}}, id="a user's long-term credentials"),
        pytest.param("ANN", {"StringLike": {"aws:userid": "AIDA?????????????????"}}, id="a user's userid"),
        pytest.param("ANN", {"StringEquals": {"aws:username": "ann"}}, id="a user's name"),
    ],
)
def test_who_says_nothing_of_a_session_has_what_aws_gives_everyone(
    serving: RunningKms, caller: str, condition: dict[str, Any]
):
    assert _allowed(serving, condition, caller=caller)


def test_the_accounts_userid_is_its_number(serving: RunningKms):
    policy = _policy("kms:Encrypt", {"StringNotEquals": {"aws:userid": ACCOUNT}}, ROOT, Effect="Deny")
    serving.client().encrypt(KeyId=serving.client().create_key(Policy=policy)["KeyMetadata"]["KeyId"], Plaintext=b"x")


def test_not_principal_spares_whom_it_names(serving: RunningKms):
    owner = {"Effect": "Allow", "Principal": {"AWS": [ROOT, ROLE, USER]}, "Action": "kms:*", "Resource": "*"}
    others = {"Effect": "Deny", "NotPrincipal": {"AWS": [ROOT, ROLE]}, "Action": "kms:Encrypt", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [owner, others]})
    key = serving.client().create_key(Policy=policy)["KeyMetadata"]["KeyId"]
    _encrypt(serving.client("PLAIN"), key)
    with pytest.raises(ClientError, match="explicit deny"):
        _encrypt(serving.client("ANN"), key)


@pytest.mark.parametrize("element", ["Action", "Resource"])
def test_a_statement_without_action_or_resource_is_taken_and_has_no_effect(serving: RunningKms, element: str):
    policy = json.loads(_policy("kms:Encrypt", {"Bool": {"kms:MultiRegion": "false"}}, ROLE))
    del policy["Statement"][1][element]
    key = serving.client().create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]
    assert json.loads(serving.client().get_key_policy(KeyId=key)["Policy"]) == policy
    with pytest.raises(ClientError, match="no identity-based policy allows"):
        _encrypt(serving.client("OPERATOR"), key)


def test_a_deny_without_resource_denies_nobody(serving: RunningKms):
    policy = json.loads(_policy("kms:*", {"Bool": {"kms:MultiRegion": "false"}}, ROOT, Effect="Deny"))
    del policy["Statement"][1]["Resource"]
    _encrypt(serving.client(), serving.client().create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"])


def test_what_stands_in_a_statement_without_effect_must_be_in_order_all_the_same(serving: RunningKms):
    policy = json.loads(_policy("kms:Encrypt", {"NoSuchOperator": {"kms:MultiRegion": "false"}}, ROLE))
    del policy["Statement"][1]["Resource"]
    with pytest.raises(ClientError) as caught:
        serving.client().create_key(Policy=json.dumps(policy))
    assert caught.value.response["Error"]["Code"] == "MalformedPolicyDocumentException"


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        pytest.param({"StringEquals": {"kms:KeySpec": "SYMMETRIC_DEFAULT"}}, "ok", id="spec by default"),
        pytest.param({"StringEquals": {"kms:KeySpec": "RSA_4096"}}, REFUSED, id="another spec"),
        pytest.param({"StringEquals": {"kms:KeyUsage": "ENCRYPT_DECRYPT"}}, "ok", id="usage by default"),
        pytest.param({"StringEquals": {"kms:KeyOrigin": "EXTERNAL"}}, REFUSED, id="another origin"),
        pytest.param({"Bool": {"kms:MultiRegion": "false"}}, "ok", id="no replicas"),
        pytest.param({"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}}, REFUSED, id="no bypass"),
        pytest.param({"StringEquals": {"aws:RequestTag/Cost": "1"}}, "ok", id="its tag"),
        pytest.param({"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}, REFUSED, id="other tags"),
        pytest.param({"StringEquals": {"aws:PrincipalTag/Project": "Alpha"}}, "ok", id="the principal's tag"),
    ],
)
def test_identity_policies_know_what_key_is_asked_for(
    asking: tuple[RunningKms, Path], condition: dict[str, Any], outcome: str
):
    running, policies = asking
    statement = {"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*", "Condition": condition}
    fresh = policies.with_suffix(".new")
    fresh.write_text(json.dumps({"identity": {ROLE: [{"Version": "2012-10-17", "Statement": [statement]}]}}))
    fresh.replace(policies)
    owner = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [owner]})
    client = running.client("OPERATOR")
    assert _outcome(lambda: client.create_key(Policy=document, Tags=TAGS)) == outcome
