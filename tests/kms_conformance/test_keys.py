"""Creating, describing and naming keys.

https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
"""

import re
from typing import Any

import pytest

from tests.kms_conformance.service import Service, bare, refused

ALGORITHMS = {
    "EncryptionAlgorithms": ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", ["SYMMETRIC_DEFAULT"]),
    "MacAlgorithms": ("HMAC_384", "GENERATE_VERIFY_MAC", ["HMAC_SHA_384"]),
    "SigningAlgorithms": ("ECC_NIST_P384", "SIGN_VERIFY", ["ECDSA_SHA_384"]),
}
MISSING = "12345678-1234-4234-8234-123456789012"


def test_a_key_is_symmetric_and_enabled_by_default(service: Service, key: str):
    described = service.describe(key)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", described["KeyId"])
    assert key == f"arn:aws:kms:{service.region}:{described['AWSAccountId']}:key/{described['KeyId']}"
    assert {
        "Enabled": True,
        "KeyState": "Enabled",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "MultiRegion": False,
        "Description": "",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
    }.items() <= described.items()


def test_a_key_names_its_current_material(service: Service, key: str):
    assert re.fullmatch(r"[0-9a-f]{64}", service.describe(key)["CurrentKeyMaterialId"])


@pytest.mark.parametrize("member", ALGORITHMS)
def test_a_key_says_what_it_is_for(service: Service, member: str):
    spec, usage, algorithms = ALGORITHMS[member]
    described = service.describe(service.key(KeySpec=spec, KeyUsage=usage))
    assert (described["KeySpec"], described["KeyUsage"], described[member]) == (spec, usage, algorithms)


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"KeySpec": "HMAC_256"}, id="HMAC without usage"),
        pytest.param({"KeySpec": "RSA_2048"}, id="RSA without usage"),
        pytest.param({"KeySpec": "HMAC_256", "KeyUsage": "ENCRYPT_DECRYPT"}, id="HMAC for encryption"),
        pytest.param({"KeySpec": "ECC_NIST_P256", "KeyUsage": "ENCRYPT_DECRYPT"}, id="curve for encryption"),
        pytest.param({"KeyUsage": "SIGN_VERIFY"}, id="symmetric for signatures"),
        pytest.param({"KeySpec": "AES_256"}, id="no such spec"),
        pytest.param({"Origin": "ELSEWHERE"}, id="no such origin"),
        pytest.param({"Description": "x" * 8193}, id="description too long"),
    ],
)
def test_a_key_that_cannot_be_is_refused(service: Service, asked: dict[str, Any]):
    with refused("ValidationException"):
        service.client.create_key(**asked)


def test_a_description_is_kept_and_changed(service: Service):
    key = service.key(Description="first")
    assert service.describe(key)["Description"] == "first"
    service.client.update_key_description(KeyId=bare(key), Description="second")
    assert service.describe(key)["Description"] == "second"


def test_a_key_is_known_by_id_arn_alias_and_alias_arn(service: Service, key: str, alias: str):
    names = (key, key.rpartition("/")[2], alias, key.rpartition(":")[0] + ":" + alias)
    assert {service.describe(name)["Arn"] for name in names} == {key}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(MISSING, id="id"),
        pytest.param("alias/no-such-alias-here", id="alias"),
        pytest.param("not-an-id", id="no id at all"),
    ],
)
def test_what_does_not_exist_is_not_found(service: Service, name: str):
    with refused("NotFoundException"):
        service.client.describe_key(KeyId=name)
    with refused("NotFoundException"):
        service.client.encrypt(KeyId=name, Plaintext=b"x")


def test_a_key_of_another_region_is_not_found(service: Service, shared: str):
    with refused("NotFoundException"):
        service.client.describe_key(KeyId=shared.replace(service.region, "sa-east-1"))


def test_an_arn_of_another_kind_is_refused(service: Service):
    with refused("InvalidArnException", "NotFoundException"):
        service.client.describe_key(KeyId="arn:aws:s3:::bucket")


@pytest.mark.parametrize(
    "operation",
    [
        "disable_key",
        "enable_key",
        "enable_key_rotation",
        "rotate_key_on_demand",
        "schedule_key_deletion",
        "list_grants",
    ],
)
def test_management_takes_an_arn(service: Service, key: str, operation: str):
    getattr(service.client, operation)(KeyId=key)


@pytest.mark.parametrize("operation", ["disable_key", "enable_key_rotation", "get_key_policy", "list_grants"])
def test_management_takes_no_alias(service: Service, alias: str, operation: str):
    with refused("NotFoundException", "InvalidArnException"):
        getattr(service.client, operation)(KeyId=alias)


def test_keys_are_listed_in_pages(service: Service, shared: str, other: str):
    pages = service.client.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 7})
    listed = [entry for page in pages for entry in page["Keys"]]
    assert {shared, other} <= {entry["KeyArn"] for entry in listed}
    assert len(listed) == len({entry["KeyId"] for entry in listed})


def test_an_unknown_marker_is_refused(service: Service):
    with refused("InvalidMarkerException"):
        service.client.list_keys(Marker="nonsense")


def test_tags_are_kept_changed_and_removed(service: Service):
    key = service.key(Tags=[{"TagKey": "team", "TagValue": "a"}])
    service.client.tag_resource(
        KeyId=key, Tags=[{"TagKey": "team", "TagValue": "b"}, {"TagKey": "empty", "TagValue": ""}]
    )
    tags = {tag["TagKey"]: tag["TagValue"] for tag in service.client.list_resource_tags(KeyId=key)["Tags"]}
    assert tags == {"team": "b", "empty": ""}
    service.client.untag_resource(KeyId=key, TagKeys=["team", "never-there"])
    assert [tag["TagKey"] for tag in service.client.list_resource_tags(KeyId=key)["Tags"]] == ["empty"]


@pytest.mark.parametrize(
    ("tags", "codes"),
    [
        pytest.param([("aws:x", "1")], {"TagException"}, id="reserved prefix"),
        pytest.param([("a", "1"), ("a", "2")], {"TagException"}, id="one name twice"),
        pytest.param(
            [(f"t{number}", "") for number in range(51)], {"LimitExceededException", "TagException"}, id="51 tags"
        ),
        pytest.param([("k" * 129, "")], {"ValidationException"}, id="name too long"),
        pytest.param([("k", "v" * 257)], {"ValidationException"}, id="value too long"),
    ],
)
def test_tags_have_rules(service: Service, shared: str, tags: list[tuple[str, str]], codes: set[str]):
    with refused(*codes):
        service.client.tag_resource(KeyId=shared, Tags=[{"TagKey": name, "TagValue": value} for name, value in tags])
