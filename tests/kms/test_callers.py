"""Several callers: grants for one of them, keys of another account, what only the account may do.

https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
https://docs.aws.amazon.com/kms/latest/developerguide/create-grant-overview.html
https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html
https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.kms.conftest import CALLERS
from tests.kms.running import ROOT, RunningKms
from tests.serving.running import signed_headers
from twinvault_kms.call import CROSS_ACCOUNT
from twinvault_kms.core import OPERATIONS
from twinvault_kms.validate import service

READER, WRITER = CALLERS["READER"], CALLERS["WRITER"]


@pytest.mark.parametrize(
    ("access_key_id", "secret", "code"),
    [
        ("UNKNOWN", "made-up", "UnrecognizedClientException"),
        ("ROOT", "another", "InvalidSignatureException"),
        ("OWN", "made-up", "InvalidSignatureException"),
        ("OWN", "its own", None),
    ],
)
def test_a_signature_is_verified(kms: RunningKms, access_key_id: str, secret: str, code: str | None):
    ask = kms.client(access_key_id, secret=secret).list_keys
    if code is None:
        ask()
    else:
        with pytest.raises(ClientError) as caught:
            ask()
        assert caught.value.response["Error"]["Code"] == code


def test_a_stale_signature_is_refused_whatever_the_clock_of_the_keys_says(kms: RunningKms):
    kms.admin("POST", "/clock", {"advance_seconds": 3600})
    try:
        kms.client().list_keys()
        stale = datetime.now(UTC) - timedelta(minutes=6)
        headers = signed_headers(
            kms.url, "TrentService.ListKeys", b"{}", access_key_id="ROOT", service="kms", when=stale
        )
        answer = httpx.post(kms.url, content=b"{}", headers=headers, trust_env=False)
    finally:
        kms.admin("DELETE", "/clock")
    assert answer.status_code == 400
    assert answer.json()["__type"] == "InvalidSignatureException"
    assert answer.json()["message"].startswith("Signature expired: ")


@pytest.fixture
def key(kms: RunningKms) -> str:
    return kms.client().create_key()["KeyMetadata"]["Arn"]


def _denied(call: Any, **parameters: Any) -> None:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_grant_allows_what_it_names_and_no_more(kms: RunningKms, key: str):
    reader = kms.client("READER")
    blob = kms.client().encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    _denied(reader.decrypt, CiphertextBlob=blob)
    made = kms.client().create_grant(KeyId=key, GranteePrincipal=READER, Operations=["Decrypt"])
    assert reader.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    _denied(reader.encrypt, KeyId=key, Plaintext=b"x")
    _denied(kms.client("WRITER").decrypt, CiphertextBlob=blob)
    kms.client().revoke_grant(KeyId=key, GrantId=made["GrantId"])
    _denied(reader.decrypt, CiphertextBlob=blob)


@pytest.mark.parametrize(
    ("constraint", "context", "allowed"),
    [
        pytest.param({"EncryptionContextEquals": {"a": "1"}}, {"a": "1"}, True, id="equal"),
        pytest.param({"EncryptionContextEquals": {"a": "1"}}, {"A": "1"}, True, id="name of another case"),
        pytest.param({"EncryptionContextEquals": {"a": "x"}}, {"a": "X"}, False, id="value of another case"),
        pytest.param({"EncryptionContextEquals": {"a": "1"}}, {"a": "1", "b": "2"}, False, id="more than equal"),
        pytest.param({"EncryptionContextSubset": {"a": "1"}}, {"a": "1", "b": "2"}, True, id="subset"),
        pytest.param({"EncryptionContextSubset": {"a": "1"}}, {"b": "2"}, False, id="not a subset"),
        pytest.param({"EncryptionContextSubset": {"a": "1"}}, {}, False, id="no context"),
    ],
)
def test_a_constraint_limits_the_context(
    kms: RunningKms,
    key: str,
    constraint: Any,
    context: dict[str, str],
    allowed: bool,  # noqa: FBT001  # a table's column
):
    kms.client().create_grant(
        KeyId=key, GranteePrincipal=READER, Operations=["Encrypt", "DescribeKey"], Constraints=constraint
    )
    kms.client("READER").describe_key(KeyId=key)
    ask = {"KeyId": key, "Plaintext": b"x", "EncryptionContext": context}
    if allowed:
        kms.client("READER").encrypt(**ask)
    else:
        _denied(kms.client("READER").encrypt, **ask)


def test_a_deny_wins_over_a_grant(kms: RunningKms, key: str):
    allow = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Principal": {"AWS": READER}, "Action": "kms:Encrypt", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})
    kms.client().put_key_policy(KeyId=key, Policy=policy)
    kms.client().create_grant(KeyId=key, GranteePrincipal=READER, Operations=["Encrypt"])
    _denied(kms.client("READER").encrypt, KeyId=key, Plaintext=b"x")


def test_a_grant_made_through_a_grant_is_no_wider(kms: RunningKms, key: str):
    kms.client().create_grant(
        KeyId=key,
        GranteePrincipal=WRITER,
        Operations=["CreateGrant", "Encrypt", "Decrypt"],
        Constraints={"EncryptionContextSubset": {"a": "1"}},
    )
    make = kms.client("WRITER").create_grant
    child = {"KeyId": key, "GranteePrincipal": READER, "Operations": ["Encrypt"]}
    _denied(make, **child)
    _denied(make, **child, Constraints={"EncryptionContextSubset": {"b": "1"}})
    _denied(make, **child | {"Operations": ["GenerateDataKey"]}, Constraints={"EncryptionContextSubset": {"a": "1"}})
    make(**child, Constraints={"EncryptionContextEquals": {"a": "1", "b": "2"}})
    kms.client("READER").encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"a": "1", "b": "2"})


def test_a_grant_is_retired_by_whom_it_names(kms: RunningKms, key: str):
    make = kms.client().create_grant
    mine = make(KeyId=key, GranteePrincipal=READER, Operations=["Decrypt"], RetiringPrincipal=WRITER)
    _denied(kms.client("READER").retire_grant, GrantToken=mine["GrantToken"])
    kms.client("WRITER").retire_grant(GrantToken=mine["GrantToken"])
    own = make(KeyId=key, GranteePrincipal=READER, Operations=["Decrypt", "RetireGrant"])
    kms.client("READER").retire_grant(KeyId=key, GrantId=own["GrantId"])
    assert kms.client().list_grants(KeyId=key)["Grants"] == []


def test_grants_are_counted_in_conditions(kms: RunningKms):
    only_decrypt = {
        "Effect": "Allow",
        "Principal": {"AWS": WRITER},
        "Action": "kms:CreateGrant",
        "Resource": "*",
        "Condition": {
            "ForAllValues:StringEquals": {"kms:GrantOperations": ["Decrypt", "DescribeKey"]},
            "StringEquals": {"kms:GranteePrincipal": READER},
        },
    }
    allow = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, only_decrypt]})
    key = kms.client().create_key(Policy=policy)["KeyMetadata"]["KeyId"]
    make = kms.client("WRITER").create_grant
    make(KeyId=key, GranteePrincipal=READER, Operations=["Decrypt"])
    _denied(make, KeyId=key, GranteePrincipal=READER, Operations=["Decrypt", "Encrypt"])
    _denied(make, KeyId=key, GranteePrincipal=WRITER, Operations=["Decrypt"])


@pytest.mark.parametrize("operation", ["create_key", "list_keys", "list_aliases"])
def test_what_belongs_to_no_key_is_the_accounts(kms: RunningKms, operation: str):
    _denied(getattr(kms.client("READER"), operation))


def test_another_account_needs_the_policy_and_the_arn(kms: RunningKms):
    other = CALLERS["OTHER"]
    allow = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    share = {"Effect": "Allow", "Principal": {"AWS": other}, "Action": "kms:Encrypt", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, share]})
    arn = kms.client().create_key(Policy=policy)["KeyMetadata"]["Arn"]
    kms.client("OTHER").encrypt(KeyId=arn, Plaintext=b"x")
    _denied(kms.client("OTHER").describe_key, KeyId=arn)
    with pytest.raises(ClientError) as caught:
        kms.client("OTHER").encrypt(KeyId=arn.rpartition("/")[2], Plaintext=b"x")
    assert caught.value.response["Error"]["Code"] == "NotFoundException"


def test_another_accounts_policy_cannot_open_what_is_for_its_own_account(kms: RunningKms):
    everyone = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everyone]})
    arn = kms.client().create_key(Policy=policy)["KeyMetadata"]["Arn"]
    other = kms.client("OTHER")
    other.describe_key(KeyId=arn)
    for operation in ("disable_key", "get_key_policy", "list_aliases", "schedule_key_deletion"):
        _denied(getattr(other, operation), KeyId=arn)


def test_the_operations_for_other_accounts_are_those_that_the_service_model_says():
    def documented(operation: str) -> bool:
        text = re.sub("<[^>]+>", "", service().operation_model(operation).documentation)
        found = re.search(r"Cross-account use\s*:?\s*(Yes|No)", text)
        return found is not None and found[1] == "Yes"

    assert {operation for operation in OPERATIONS if documented(operation)} == CROSS_ACCOUNT


def test_accounts_and_regions_see_their_own_keys(kms: RunningKms, key: str):
    mine = kms.client("OTHER").create_key()["KeyMetadata"]["Arn"]
    far = kms.client(region="us-east-1").create_key()["KeyMetadata"]["Arn"]
    assert mine.split(":")[3:5] == ["eu-central-1", "111122223333"]
    assert far.split(":")[3:5] == ["us-east-1", "000000000000"]
    assert [entry["KeyArn"] for entry in kms.client("OTHER").list_keys()["Keys"]] == [mine]
    assert [entry["KeyArn"] for entry in kms.client(region="us-east-1").list_keys()["Keys"]] == [far]


def test_a_refusal_comes_before_the_state_of_the_key(kms: RunningKms, key: str):
    blob = kms.client().encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.client().disable_key(KeyId=key)
    _denied(kms.client("READER").decrypt, CiphertextBlob=blob)
    _denied(kms.client("READER").decrypt, CiphertextBlob=blob, KeyId=key)
