"""What each state of a key allows: the key state table and its details.

https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.kms_conformance.service import Service, bare, refused

type Act = Callable[[Service, str], object]

USES: dict[str, Act] = {
    "Encrypt": lambda kms, key: kms.client.encrypt(KeyId=key, Plaintext=b"x"),
    "GenerateDataKey": lambda kms, key: kms.client.generate_data_key(KeyId=key, KeySpec="AES_256"),
    "GenerateDataKeyWithoutPlaintext": lambda kms, key: kms.client.generate_data_key_without_plaintext(
        KeyId=key, KeySpec="AES_256"
    ),
    "GenerateDataKeyPair": lambda kms, key: kms.client.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256"),
    "CreateGrant": lambda kms, key: kms.client.create_grant(
        KeyId=key, GranteePrincipal=f"arn:aws:iam::{key.split(':')[4]}:root", Operations=["Decrypt"]
    ),
    "RotateKeyOnDemand": lambda kms, key: kms.client.rotate_key_on_demand(KeyId=bare(key)),
    "EnableKeyRotation": lambda kms, key: kms.client.enable_key_rotation(KeyId=bare(key)),
    "DisableKeyRotation": lambda kms, key: kms.client.disable_key_rotation(KeyId=bare(key)),
}
CHANGES: dict[str, Act] = {
    "EnableKey": lambda kms, key: kms.client.enable_key(KeyId=bare(key)),
    "DisableKey": lambda kms, key: kms.client.disable_key(KeyId=bare(key)),
    "ScheduleKeyDeletion": lambda kms, key: kms.client.schedule_key_deletion(KeyId=bare(key), PendingWindowInDays=7),
    "TagResource": lambda kms, key: kms.client.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]),
    "UntagResource": lambda kms, key: kms.client.untag_resource(KeyId=key, TagKeys=["a"]),
    "UpdateKeyDescription": lambda kms, key: kms.client.update_key_description(KeyId=bare(key), Description="new"),
    "CreateAlias": lambda kms, key: kms.client.create_alias(AliasName=f"alias/late-{key[-12:]}", TargetKeyId=key),
}
ALWAYS: dict[str, Act] = {
    "DescribeKey": lambda kms, key: kms.client.describe_key(KeyId=key),
    "GetKeyPolicy": lambda kms, key: kms.client.get_key_policy(KeyId=key, PolicyName="default"),
    "ListKeyPolicies": lambda kms, key: kms.client.list_key_policies(KeyId=key),
    "ListResourceTags": lambda kms, key: kms.client.list_resource_tags(KeyId=key),
    "ListGrants": lambda kms, key: kms.client.list_grants(KeyId=key),
    "ListAliases": lambda kms, key: kms.client.list_aliases(KeyId=key),
    "GetKeyRotationStatus": lambda kms, key: kms.client.get_key_rotation_status(KeyId=bare(key)),
}


@pytest.fixture(scope="module")
def sealed(service: Service) -> dict[str, Any]:
    """One key a state, and a ciphertext that each made while it was enabled."""
    made = {}
    for state in ("Disabled", "PendingDeletion"):
        key = service.key()
        made[state] = (key, service.client.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"])
    service.client.disable_key(KeyId=bare(made["Disabled"][0]))
    service.client.schedule_key_deletion(KeyId=bare(made["PendingDeletion"][0]), PendingWindowInDays=7)
    return made


@pytest.mark.parametrize("operation", USES)
def test_a_disabled_key_is_not_used(service: Service, sealed: dict[str, Any], operation: str):
    with refused("DisabledException") as caught:
        USES[operation](service, sealed["Disabled"][0])
    assert "is disabled" in caught.value.response["Error"]["Message"]


def test_a_disabled_key_does_not_decrypt(service: Service, sealed: dict[str, Any]):
    with refused("DisabledException"):
        service.client.decrypt(CiphertextBlob=sealed["Disabled"][1])


def test_a_disabled_key_does_not_re_encrypt(service: Service, shared: str, sealed: dict[str, Any]):
    key, blob = sealed["Disabled"]
    with refused("DisabledException"):
        service.client.re_encrypt(CiphertextBlob=blob, DestinationKeyId=shared)
    fresh = service.client.encrypt(KeyId=shared, Plaintext=b"x")["CiphertextBlob"]
    with refused("DisabledException"):
        service.client.re_encrypt(CiphertextBlob=fresh, DestinationKeyId=key)


@pytest.mark.parametrize("operation", ALWAYS)
def test_a_disabled_key_can_be_looked_at(service: Service, sealed: dict[str, Any], operation: str):
    ALWAYS[operation](service, sealed["Disabled"][0])


@pytest.mark.parametrize("operation", USES)
def test_a_key_pending_deletion_is_not_used(service: Service, sealed: dict[str, Any], operation: str):
    with refused("KMSInvalidStateException") as caught:
        USES[operation](service, sealed["PendingDeletion"][0])
    assert "is pending deletion" in caught.value.response["Error"]["Message"]


def test_a_key_pending_deletion_does_not_decrypt(service: Service, sealed: dict[str, Any]):
    with refused("KMSInvalidStateException"):
        service.client.decrypt(CiphertextBlob=sealed["PendingDeletion"][1])


@pytest.mark.parametrize("operation", CHANGES)
def test_a_key_pending_deletion_is_not_changed(service: Service, sealed: dict[str, Any], operation: str):
    with refused("KMSInvalidStateException"):
        CHANGES[operation](service, sealed["PendingDeletion"][0])


@pytest.mark.parametrize("operation", ALWAYS)
def test_a_key_pending_deletion_can_be_looked_at(service: Service, sealed: dict[str, Any], operation: str):
    ALWAYS[operation](service, sealed["PendingDeletion"][0])


def test_an_enabled_key_opens_again_what_it_sealed(service: Service, key: str):
    blob = service.client.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    service.client.disable_key(KeyId=bare(key))
    assert service.state(key) == "Disabled"
    service.client.enable_key(KeyId=bare(key))
    assert service.client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


@pytest.mark.parametrize("days", [7, 30])
def test_a_window_of_7_to_30_days_is_taken(service: Service, key: str, days: int):
    answer = service.client.schedule_key_deletion(KeyId=bare(key), PendingWindowInDays=days)
    assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingDeletion", days)
    due = answer["DeletionDate"] - service.describe(key)["CreationDate"]
    assert timedelta(days=days) <= due < timedelta(days=days, minutes=10)


def test_the_window_is_30_days_by_default(service: Service, key: str):
    assert service.client.schedule_key_deletion(KeyId=bare(key))["PendingWindowInDays"] == 30


@pytest.mark.parametrize("days", [0, 6, 31, 366])
def test_another_window_is_refused(service: Service, key: str, days: int):
    with refused("ValidationException"):
        service.client.schedule_key_deletion(KeyId=bare(key), PendingWindowInDays=days)


def test_a_cancelled_deletion_leaves_the_key_disabled(service: Service, key: str):
    service.client.schedule_key_deletion(KeyId=bare(key), PendingWindowInDays=7)
    assert service.client.cancel_key_deletion(KeyId=bare(key))["KeyId"] == key
    described = service.describe(key)
    assert (described["KeyState"], described["Enabled"]) == ("Disabled", False)
    assert "DeletionDate" not in described


def test_only_a_deletion_that_is_pending_can_be_cancelled(service: Service, shared: str):
    with refused("KMSInvalidStateException"):
        service.client.cancel_key_deletion(KeyId=bare(shared))


def test_an_alias_moves_away_from_a_key_pending_deletion(service: Service, key: str, other: str, alias: str):
    service.client.schedule_key_deletion(KeyId=bare(key), PendingWindowInDays=7)
    service.client.update_alias(AliasName=alias, TargetKeyId=other)
    with refused("KMSInvalidStateException"):
        service.client.update_alias(AliasName=alias, TargetKeyId=key)
