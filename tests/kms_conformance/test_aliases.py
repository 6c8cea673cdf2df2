"""Aliases.

https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html
https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
"""

import pytest

from tests.kms_conformance.service import Service, refused


def test_an_alias_is_listed_with_its_key(service: Service, key: str, alias: str):
    listed = service.client.list_aliases(KeyId=key)["Aliases"]
    assert [(entry["AliasName"], entry["TargetKeyId"]) for entry in listed] == [(alias, key.rpartition("/")[2])]
    assert listed[0]["AliasArn"] == key.rpartition(":")[0] + ":" + alias


def test_an_alias_encrypts(service: Service, alias: str):
    blob = service.client.encrypt(KeyId=alias, Plaintext=b"x")["CiphertextBlob"]
    assert service.client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_an_alias_exists_once(service: Service, other: str, alias: str):
    with refused("AlreadyExistsException"):
        service.client.create_alias(AliasName=alias, TargetKeyId=other)


def test_a_key_has_several_aliases(service: Service, key: str, alias: str):
    service.client.create_alias(AliasName=alias + "-2", TargetKeyId=key)
    names = {entry["AliasName"] for entry in service.client.list_aliases(KeyId=key)["Aliases"]}
    assert names == {alias, alias + "-2"}
    service.client.delete_alias(AliasName=alias + "-2")


def test_an_alias_moves_to_another_key(service: Service, other: str, alias: str):
    service.client.update_alias(AliasName=alias, TargetKeyId=other)
    assert service.describe(alias)["Arn"] == other


def test_an_alias_does_not_move_to_a_key_of_another_kind(service: Service, hmac_key: str, alias: str):
    with refused("ValidationException"):
        service.client.update_alias(AliasName=alias, TargetKeyId=hmac_key)


def test_a_deleted_alias_is_gone_and_its_key_is_not(service: Service, key: str):
    name = f"alias/conformance-gone-{key[-12:]}"
    service.client.create_alias(AliasName=name, TargetKeyId=key)
    service.client.delete_alias(AliasName=name)
    with refused("NotFoundException"):
        service.client.describe_key(KeyId=name)
    assert service.state(key) == "Enabled"


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        pytest.param("conformance", {"ValidationException", "InvalidAliasNameException"}, id="without prefix"),
        pytest.param("alias/", {"ValidationException", "InvalidAliasNameException"}, id="prefix alone"),
        pytest.param("alias/a b", {"ValidationException", "InvalidAliasNameException"}, id="space"),
        pytest.param("alias/a:b", {"ValidationException", "InvalidAliasNameException"}, id="colon"),
        pytest.param("alias/" + "x" * 251, {"ValidationException"}, id="too long"),
        pytest.param("alias/aws/mine", {"NotAuthorizedException", "ValidationException"}, id="reserved"),
    ],
)
def test_a_name_against_the_rules_is_refused(service: Service, shared: str, name: str, codes: set[str]):
    with refused(*codes):
        service.client.create_alias(AliasName=name, TargetKeyId=shared)


@pytest.mark.parametrize("operation", ["delete_alias", "update_alias"])
def test_an_alias_that_does_not_exist_is_not_found(service: Service, shared: str, operation: str):
    target = {"TargetKeyId": shared} if operation == "update_alias" else {}
    with refused("NotFoundException"):
        getattr(service.client, operation)(AliasName="alias/never-was", **target)


def test_an_alias_needs_a_key(service: Service):
    with refused("NotFoundException"):
        service.client.create_alias(AliasName="alias/nowhere", TargetKeyId="12345678-1234-4234-8234-123456789012")


def test_an_alias_of_an_alias_is_refused(service: Service, alias: str):
    with refused("NotFoundException", "ValidationException"):
        service.client.create_alias(AliasName=alias + "-second", TargetKeyId=alias)
