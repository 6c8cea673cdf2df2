"""Multi-Region keys: one id and one material in several Regions, of which each has the rest for itself.

https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-auth.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdatePrimaryRegion.html
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from mypy_boto3_kms.client import KMSClient

from tests.kms_conformance.service import Service, bare, refused

OTHER, THIRD = "eu-west-1", "us-east-2"
SPECS: list[Any] = [
    pytest.param("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", id="symmetric"),
    pytest.param("RSA_2048", "SIGN_VERIFY", id="RSA"),
    pytest.param("ECC_NIST_P256", "SIGN_VERIFY", id="P-256"),
    pytest.param("ECC_NIST_P384", "KEY_AGREEMENT", id="agreement"),
    pytest.param("HMAC_256", "GENERATE_VERIFY_MAC", id="HMAC"),
    pytest.param("ML_DSA_44", "SIGN_VERIFY", id="ML-DSA"),
]


@pytest.fixture(scope="module")
def there(service: Service) -> KMSClient:
    return service.elsewhere(OTHER)


@pytest.fixture
def primary(service: Service) -> str:
    return service.key(MultiRegion=True)


@pytest.fixture
def pair(service: Service, there: KMSClient, primary: str) -> Iterator[tuple[str, str]]:
    """The id that primary key and replica share, and the replica's ARN."""
    replica = replicate(service, there, primary)
    yield bare(primary), replica
    if service.name == "aws":
        there.schedule_key_deletion(KeyId=replica, PendingWindowInDays=7)


def replicate(service: Service, there: KMSClient, primary: str, **parameters: Any) -> str:
    """Replicate, and wait until the replica can be used."""
    region = there.meta.region_name
    made = service.client.replicate_key(KeyId=bare(primary), ReplicaRegion=region, **parameters)["ReplicaKeyMetadata"]
    deadline = time.monotonic() + 60
    while there.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["KeyState"] == "Creating":
        assert time.monotonic() < deadline, "the replica is not ready"
        time.sleep(0.5)
    return made["Arn"]


@pytest.mark.parametrize(("spec", "usage"), SPECS)
def test_a_primary_key_says_that_it_is_one(service: Service, spec: Any, usage: Any):
    described = service.describe(service.key(MultiRegion=True, KeySpec=spec, KeyUsage=usage))
    here = {"Arn": described["Arn"], "Region": service.region}
    assert described["MultiRegion"] is True
    assert described["KeyId"].startswith("mrk-")
    assert len(described["KeyId"]) == len("mrk-") + 32
    assert described["MultiRegionConfiguration"] == {
        "MultiRegionKeyType": "PRIMARY",
        "PrimaryKey": here,
        "ReplicaKeys": [],
    }


def test_a_key_of_one_region_says_so(service: Service, shared: str):
    described = service.describe(shared)
    assert described["MultiRegion"] is False
    assert "MultiRegionConfiguration" not in described


def test_a_replica_has_the_same_id_in_its_own_region(service: Service, there: KMSClient, primary: str):
    answer = service.client.replicate_key(KeyId=bare(primary), ReplicaRegion=OTHER, Description="a copy")
    made = answer["ReplicaKeyMetadata"]
    assert made["KeyId"] == bare(primary)
    assert made["Arn"] == primary.replace(service.region, OTHER)
    assert (made["Description"], made["KeyState"]) == ("a copy", "Creating")
    assert made["MultiRegionConfiguration"]["MultiRegionKeyType"] == "REPLICA"
    assert json.loads(answer["ReplicaPolicy"])["Statement"]
    assert answer["ReplicaTags"] == []


def test_both_know_of_each_other(service: Service, there: KMSClient, pair: tuple[str, str]):
    key_id, replica = pair
    here, elsewhere = service.describe(key_id), there.describe_key(KeyId=key_id)["KeyMetadata"]
    related = {
        "PrimaryKey": {"Arn": here["Arn"], "Region": service.region},
        "ReplicaKeys": [{"Arn": replica, "Region": OTHER}],
    }
    assert here["MultiRegionConfiguration"] == {"MultiRegionKeyType": "PRIMARY", **related}
    assert elsewhere["MultiRegionConfiguration"] == {"MultiRegionKeyType": "REPLICA", **related}


def test_what_one_encrypts_the_other_decrypts(service: Service, there: KMSClient, pair: tuple[str, str]):
    key_id, replica = pair
    sealed = service.client.encrypt(KeyId=key_id, Plaintext=b"text", EncryptionContext={"a": "b"})["CiphertextBlob"]
    opened = there.decrypt(CiphertextBlob=sealed, EncryptionContext={"a": "b"})
    assert (opened["Plaintext"], opened["KeyId"]) == (b"text", replica)
    back = there.generate_data_key(KeyId=key_id, KeySpec="AES_256")
    assert service.client.decrypt(CiphertextBlob=back["CiphertextBlob"], KeyId=key_id)["Plaintext"] == back["Plaintext"]


def test_what_a_key_of_one_region_encrypts_no_other_region_decrypts(service: Service, there: KMSClient, shared: str):
    sealed = service.client.encrypt(KeyId=shared, Plaintext=b"text")["CiphertextBlob"]
    with refused("AccessDeniedException", "InvalidCiphertextException", "NotFoundException"):
        there.decrypt(CiphertextBlob=sealed)


@pytest.mark.parametrize(("spec", "usage"), SPECS[1:4])
def test_both_have_one_public_half(service: Service, there: KMSClient, spec: Any, usage: Any):
    key = service.key(MultiRegion=True, KeySpec=spec, KeyUsage=usage)
    replica = replicate(service, there, key)
    assert service.client.get_public_key(KeyId=key)["PublicKey"] == there.get_public_key(KeyId=replica)["PublicKey"]


def test_a_mac_of_the_one_is_one_of_the_other(service: Service, there: KMSClient):
    key = service.key(MultiRegion=True, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    replica = replicate(service, there, key)
    mac = service.client.generate_mac(KeyId=key, Message=b"m", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert there.verify_mac(KeyId=replica, Message=b"m", MacAlgorithm="HMAC_SHA_256", Mac=mac)["MacValid"]


def test_each_is_switched_by_itself(service: Service, there: KMSClient, pair: tuple[str, str]):
    service.client.disable_key(KeyId=pair[0])
    assert service.state(pair[0]) == "Disabled"
    assert there.describe_key(KeyId=pair[0])["KeyMetadata"]["KeyState"] == "Enabled"
    there.encrypt(KeyId=pair[0], Plaintext=b"x")
    with refused("DisabledException"):
        service.client.encrypt(KeyId=pair[0], Plaintext=b"x")


def test_each_has_its_own_aliases_tags_grants_and_description(
    service: Service, there: KMSClient, pair: tuple[str, str]
):
    key_id, _ = pair
    alias: Any = f"alias/here-{key_id[-8:]}"
    grantee = f"arn:aws:iam::{service.describe(key_id)['AWSAccountId']}:root"
    service.client.create_alias(AliasName=alias, TargetKeyId=key_id)
    service.client.tag_resource(KeyId=key_id, Tags=[{"TagKey": "a", "TagValue": "1"}])
    service.client.create_grant(KeyId=key_id, GranteePrincipal=grantee, Operations=["Decrypt"])
    service.client.update_key_description(KeyId=key_id, Description="here")
    assert there.list_aliases(KeyId=key_id)["Aliases"] == []
    assert there.list_resource_tags(KeyId=key_id)["Tags"] == []
    assert there.list_grants(KeyId=key_id)["Grants"] == []
    assert there.describe_key(KeyId=key_id)["KeyMetadata"]["Description"] == ""
    assert [each["TargetKeyId"] for each in service.client.list_aliases(KeyId=key_id)["Aliases"]] == [key_id]
    with refused("NotFoundException"):
        there.describe_key(KeyId=alias)
    service.client.delete_alias(AliasName=alias)


def test_a_replica_may_have_a_policy_and_tags_of_its_own(service: Service, there: KMSClient, primary: str):
    account = service.describe(primary)["AWSAccountId"]
    owner = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:*"}
    policy = json.dumps({"Version": "2012-10-17", "Id": "own", "Statement": [owner | {"Resource": "*"}]})
    tags: Any = [{"TagKey": "of", "TagValue": "the replica"}]
    replicate(service, there, primary, Policy=policy, Tags=tags)
    assert json.loads(there.get_key_policy(KeyId=bare(primary))["Policy"])["Id"] == "own"
    assert there.list_resource_tags(KeyId=bare(primary))["Tags"] == tags
    assert service.client.list_resource_tags(KeyId=bare(primary))["Tags"] == []


def test_a_replica_is_listed_in_its_region_alone(service: Service, there: KMSClient, pair: tuple[str, str]):
    key_id, replica = pair
    listed = [
        entry["KeyArn"]
        for page in there.get_paginator("list_keys").paginate()
        for entry in page["Keys"]
        if entry["KeyId"] == key_id
    ]
    assert listed == [replica]


@pytest.mark.parametrize("region", [OTHER, "its own"])
def test_a_region_has_one_key_of_an_id(service: Service, pair: tuple[str, str], region: str):
    with refused("AlreadyExistsException", "ValidationException"):
        service.client.replicate_key(KeyId=pair[0], ReplicaRegion=service.region if region == "its own" else region)


def test_a_replica_is_not_replicated(service: Service, there: KMSClient, pair: tuple[str, str]):
    with refused("UnsupportedOperationException", "ValidationException"):
        there.replicate_key(KeyId=pair[0], ReplicaRegion=THIRD)


def test_a_key_of_one_region_is_not_replicated(service: Service, key: str):
    with refused("UnsupportedOperationException", "ValidationException"):
        service.client.replicate_key(KeyId=bare(key), ReplicaRegion=OTHER)


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        pytest.param("disable_key", "DisabledException", id="disabled"),
        pytest.param("schedule_key_deletion", "KMSInvalidStateException", id="pending deletion"),
    ],
)
def test_a_key_that_is_not_enabled_is_not_replicated(service: Service, primary: str, stop: str, code: str):
    getattr(service.client, stop)(KeyId=bare(primary))
    with refused(code):
        service.client.replicate_key(KeyId=bare(primary), ReplicaRegion=OTHER)


def test_no_key_is_replicated_to_nowhere(service: Service, primary: str):
    with refused("ValidationException", "UnsupportedOperationException", "NotFoundException"):
        service.client.replicate_key(KeyId=bare(primary), ReplicaRegion="nowhere")


def test_rotation_is_the_primary_keys_and_reaches_both(service: Service, there: KMSClient, pair: tuple[str, str]):
    key_id, _ = pair
    service.client.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=100)
    status = there.get_key_rotation_status(KeyId=key_id)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 100)
    service.client.rotate_key_on_demand(KeyId=key_id)
    service.client.disable_key_rotation(KeyId=key_id)
    assert there.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is False


@pytest.mark.parametrize("operation", ["enable_key_rotation", "disable_key_rotation", "rotate_key_on_demand"])
def test_a_replica_is_not_rotated(there: KMSClient, pair: tuple[str, str], operation: str):
    with refused("UnsupportedOperationException"):
        getattr(there, operation)(KeyId=pair[0])


def test_a_replica_decrypts_what_was_encrypted_before_and_after_a_rotation(
    service: Service, there: KMSClient, pair: tuple[str, str]
):
    key_id, _ = pair
    before = service.client.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    service.client.rotate_key_on_demand(KeyId=key_id)
    after = service.client.encrypt(KeyId=key_id, Plaintext=b"x")["CiphertextBlob"]
    assert [there.decrypt(CiphertextBlob=each)["Plaintext"] for each in (before, after)] == [b"x", b"x"]


def test_a_primary_key_waits_for_its_replicas_to_be_deleted(service: Service, pair: tuple[str, str]):
    answer = service.client.schedule_key_deletion(KeyId=pair[0], PendingWindowInDays=8)
    assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingReplicaDeletion", 8)
    assert "DeletionDate" not in answer
    described = service.describe(pair[0])
    assert (described["KeyState"], described["PendingDeletionWindowInDays"]) == ("PendingReplicaDeletion", 8)
    with refused("KMSInvalidStateException"):
        service.client.encrypt(KeyId=pair[0], Plaintext=b"x")
    with refused("KMSInvalidStateException"):
        service.client.schedule_key_deletion(KeyId=pair[0])


def test_that_wait_can_be_cancelled(service: Service, pair: tuple[str, str]):
    service.client.schedule_key_deletion(KeyId=pair[0])
    service.client.cancel_key_deletion(KeyId=pair[0])
    assert service.state(pair[0]) == "Disabled"
    assert "PendingDeletionWindowInDays" not in service.describe(pair[0])


def test_a_replica_is_deleted_by_itself(service: Service, there: KMSClient, pair: tuple[str, str]):
    answer = there.schedule_key_deletion(KeyId=pair[0], PendingWindowInDays=7)
    assert (answer["KeyState"], answer["KeyId"]) == ("PendingDeletion", pair[1])
    assert service.state(pair[0]) == "Enabled"


def test_a_replica_becomes_the_primary_key(service: Service, there: KMSClient, pair: tuple[str, str]):
    key_id, replica = pair
    service.client.update_primary_region(KeyId=key_id, PrimaryRegion=OTHER)
    deadline = time.monotonic() + 60
    while service.state(key_id) == "Updating":
        assert time.monotonic() < deadline, "the primary Region is still being changed"
        time.sleep(0.5)
    configured = service.describe(key_id)["MultiRegionConfiguration"]
    assert configured["MultiRegionKeyType"] == "REPLICA"
    assert configured["PrimaryKey"] == {"Arn": replica, "Region": OTHER}
    assert [each["Region"] for each in configured["ReplicaKeys"]] == [service.region]
    with refused("UnsupportedOperationException"):
        service.client.enable_key_rotation(KeyId=key_id)
    there.enable_key_rotation(KeyId=key_id)


@pytest.mark.parametrize(
    ("region", "codes"),
    [
        pytest.param(THIRD, {"NotFoundException"}, id="no replica there"),
        pytest.param("its own", {"ValidationException", "UnsupportedOperationException"}, id="primary already"),
    ],
)
def test_a_primary_region_needs_a_replica(service: Service, pair: tuple[str, str], region: str, codes: set[str]):
    with refused(*codes):
        service.client.update_primary_region(
            KeyId=pair[0], PrimaryRegion=service.region if region == "its own" else region
        )


def test_only_a_primary_key_hands_over(service: Service, there: KMSClient, pair: tuple[str, str], key: str):
    with refused("UnsupportedOperationException", "ValidationException"):
        there.update_primary_region(KeyId=pair[0], PrimaryRegion=OTHER)
    with refused("UnsupportedOperationException", "ValidationException"):
        service.client.update_primary_region(KeyId=bare(key), PrimaryRegion=OTHER)


def test_a_replica_of_imported_material_waits_for_its_own_import(service: Service, there: KMSClient):
    key = service.key(MultiRegion=True, Origin="EXTERNAL")
    material = b"\x07" * 32
    import_material(service.client, key, material)
    replica = replicate(service, there, key)
    assert there.describe_key(KeyId=replica)["KeyMetadata"]["KeyState"] == "PendingImport"
    with refused("KMSInvalidStateException"):
        there.encrypt(KeyId=replica, Plaintext=b"x")
    with refused("IncorrectKeyMaterialException"):
        import_material(there, replica, b"\x08" * 32)
    import_material(there, replica, material)
    sealed = service.client.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
    assert there.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"text"


def test_imported_material_of_several_regions_is_not_rotated(service: Service):
    key = service.key(MultiRegion=True, Origin="EXTERNAL")
    import_material(service.client, key, b"\x07" * 32)
    with refused("UnsupportedOperationException"):
        service.client.rotate_key_on_demand(KeyId=bare(key))


def import_material(client: KMSClient, key: str, material: bytes) -> None:
    got = client.get_parameters_for_import(
        KeyId=bare(key), WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    public = serialization.load_der_public_key(got["PublicKey"])
    assert isinstance(public, rsa.RSAPublicKey)
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    client.import_key_material(
        KeyId=bare(key),
        ImportToken=got["ImportToken"],
        EncryptedKeyMaterial=public.encrypt(material, oaep),
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )
