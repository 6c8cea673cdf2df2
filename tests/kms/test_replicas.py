"""Multi-Region keys over time, over a restart, and under policies that speak of Regions.

https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-delete.html
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_kms.client import KMSClient

from tests.kms.conftest import CALLERS
from tests.kms.running import REGION, ROOT, RunningKms, start
from twinvault_kms.codec import decode_change, encode_change
from twinvault_kms.model import Grant, Key, KeyOrigin, PutEntity

OTHER = "eu-west-1"
DAY = 86_400
READER = CALLERS["READER"]


@pytest.fixture
def regions(tmp_path: Path) -> Iterator[RunningKms]:
    running = start(tmp_path, callers=CALLERS)
    yield running
    running.stop()


def _pair(kms: RunningKms, **parameters: Any) -> str:
    key = kms.client().create_key(MultiRegion=True, **parameters)["KeyMetadata"]["KeyId"]
    kms.client().replicate_key(KeyId=key, ReplicaRegion=OTHER)
    return key


def _described(client: KMSClient, key: str) -> dict[str, Any]:
    return dict(client.describe_key(KeyId=key)["KeyMetadata"])


def test_the_primary_keys_wait_begins_when_its_last_replica_is_gone(regions: RunningKms):
    here, there = regions.client(), regions.client(region=OTHER)
    key = _pair(regions)
    here.schedule_key_deletion(KeyId=key, PendingWindowInDays=10)
    there.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    gone_at = _described(there, key)["DeletionDate"]
    regions.admin("POST", "/clock", {"advance_seconds": 8 * DAY})
    described = _described(here, key)
    assert described["KeyState"] == "PendingDeletion"
    assert (described["DeletionDate"] - gone_at).total_seconds() == 10 * DAY
    assert "PendingDeletionWindowInDays" not in described
    with pytest.raises(ClientError, match="NotFound"):
        _described(there, key)
    regions.admin("POST", "/clock", {"advance_seconds": 10 * DAY})
    with pytest.raises(ClientError, match="NotFound"):
        _described(here, key)


def test_a_primary_key_waits_while_one_replica_is_left(regions: RunningKms):
    here = regions.client()
    key = _pair(regions)
    here.replicate_key(KeyId=key, ReplicaRegion="us-east-1")
    here.schedule_key_deletion(KeyId=key)
    regions.client(region=OTHER).schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    regions.admin("POST", "/clock", {"advance_seconds": 60 * DAY})
    assert _described(here, key)["KeyState"] == "PendingReplicaDeletion"


def test_automatic_rotation_reaches_the_replica_once(regions: RunningKms):
    here, there = regions.client(), regions.client(region=OTHER)
    key = _pair(regions)
    here.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    regions.admin("POST", "/clock", {"advance_seconds": 91 * DAY})
    sealed = there.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert here.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
    rotations = [client.list_key_rotations(KeyId=key)["Rotations"] for client in (here, there)]
    assert [[each["KeyMaterialId"] for each in some] for some in rotations] == [
        [_described(here, key)["CurrentKeyMaterialId"]]
    ] * 2


def test_all_of_it_is_there_after_a_restart(tmp_path: Path):
    running = start(tmp_path, callers=CALLERS)
    here, there = running.client(), running.client(region=OTHER)
    key = _pair(running)
    there.create_grant(KeyId=key, GranteePrincipal=READER, Operations=["Encrypt"])
    there.create_alias(AliasName="alias/there", TargetKeyId=key)
    before = [_described(client, key) for client in (here, there)]
    running.stop()
    running = start(tmp_path, callers=CALLERS)
    try:
        here, there = running.client(), running.client(region=OTHER)
        assert [_described(client, key) for client in (here, there)] == before
        running.client("READER", region=OTHER).encrypt(KeyId="alias/there", Plaintext=b"x")
        with pytest.raises(ClientError, match="AccessDenied"):
            running.client("READER").encrypt(KeyId=key, Plaintext=b"x")
        assert here.list_grants(KeyId=key)["Grants"] == []
    finally:
        running.stop()


def test_a_store_of_before_multi_region_keys_opens():
    key = Key("k", "000000000000", REGION, 1, 0.0, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", KeyOrigin.AWS_KMS, "{}")
    grant = Grant("g", "k", 0.0, ROOT, ("Encrypt",))
    for entity, later in ((key, ("primary_region", "deletion_window")), (grant, ("region",))):
        document = json.loads(json.dumps(encode_change(PutEntity(entity))))
        for name in later:
            del document["value"][name]
        assert decode_change(document) == PutEntity(entity)


def _policy(action: str, condition: dict[str, Any]) -> str:
    owner = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*", "Condition": condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [owner, deny]})


@pytest.mark.parametrize(
    ("action", "condition", "ask"),
    [
        pytest.param(
            "kms:ReplicateKey",
            {"StringNotEquals": {"kms:ReplicaRegion": OTHER}},
            lambda client, key: client.replicate_key(KeyId=key, ReplicaRegion="us-east-1"),
            id="kms:ReplicaRegion",
        ),
        pytest.param(
            "kms:UpdatePrimaryRegion",
            {"StringEquals": {"kms:PrimaryRegion": OTHER}},
            lambda client, key: client.update_primary_region(KeyId=key, PrimaryRegion=OTHER),
            id="kms:PrimaryRegion",
        ),
        pytest.param(
            "kms:Encrypt",
            {"StringEquals": {"kms:MultiRegionKeyType": "PRIMARY"}},
            lambda client, key: client.encrypt(KeyId=key, Plaintext=b"x"),
            id="kms:MultiRegionKeyType",
        ),
        pytest.param(
            "kms:Encrypt",
            {"Bool": {"kms:MultiRegion": "true"}},
            lambda client, key: client.encrypt(KeyId=key, Plaintext=b"x"),
            id="kms:MultiRegion",
        ),
    ],
)
def test_policies_know_of_regions(
    kms: RunningKms, action: str, condition: dict[str, Any], ask: Callable[[KMSClient, str], object]
):
    key = _pair(kms, Policy=_policy(action, condition))
    with pytest.raises(ClientError, match="explicit deny"):
        ask(kms.client(), key)


def test_a_replica_does_not_inherit_its_policy(kms: RunningKms):
    key = _pair(kms, Policy=_policy("kms:Encrypt", {"Bool": {"kms:MultiRegion": "true"}}))
    kms.client(region=OTHER).encrypt(KeyId=key, Plaintext=b"x")


def test_the_accounts_own_policies_say_where_keys_are_made(tmp_path: Path):
    allow = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    deny = {
        "Effect": "Deny",
        "Action": "kms:CreateKey",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": REGION}},
    }
    policies = tmp_path / "policies.json"
    policies.write_text(
        json.dumps({"identity": {READER: [{"Version": "2012-10-17", "Statement": [allow, deny]}]}}), encoding="utf-8"
    )
    running = start(tmp_path / "kms", callers=CALLERS, options=("--policies", str(policies)))
    try:
        key = running.client("READER").create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
        with pytest.raises(ClientError, match="kms:CreateKey"):
            running.client("READER").replicate_key(KeyId=key, ReplicaRegion=OTHER)
    finally:
        running.stop()
