"""Rotation.

https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html
https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html
"""

from datetime import timedelta

import pytest

from tests.kms_conformance.service import Service, bare, refused


def test_rotation_is_off_at_first(service: Service, key: str):
    status = service.client.get_key_rotation_status(KeyId=bare(key))
    assert (status["KeyRotationEnabled"], status["KeyId"]) == (False, key)


def test_rotation_comes_every_365_days_by_default(service: Service, key: str):
    service.client.enable_key_rotation(KeyId=bare(key))
    status = service.client.get_key_rotation_status(KeyId=bare(key))
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 365)
    due = status["NextRotationDate"] - service.describe(key)["CreationDate"]
    assert timedelta(days=365) <= due < timedelta(days=365, minutes=10)


@pytest.mark.parametrize("days", [90, 2560])
def test_the_period_can_be_chosen(service: Service, key: str, days: int):
    service.client.enable_key_rotation(KeyId=bare(key), RotationPeriodInDays=days)
    assert service.client.get_key_rotation_status(KeyId=bare(key))["RotationPeriodInDays"] == days


@pytest.mark.parametrize("days", [89, 2561])
def test_the_period_has_limits(service: Service, key: str, days: int):
    with refused("ValidationException"):
        service.client.enable_key_rotation(KeyId=bare(key), RotationPeriodInDays=days)


def test_rotation_can_be_switched_off(service: Service, key: str):
    service.client.enable_key_rotation(KeyId=bare(key))
    service.client.disable_key_rotation(KeyId=bare(key))
    status = service.client.get_key_rotation_status(KeyId=bare(key))
    assert not status["KeyRotationEnabled"]
    assert "NextRotationDate" not in status


def test_a_rotation_on_demand_gives_new_material_and_keeps_the_old(service: Service, key: str):
    before = service.describe(key)["CurrentKeyMaterialId"]
    blob = service.client.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert service.client.rotate_key_on_demand(KeyId=bare(key))["KeyId"] == key
    after = service.describe(key)["CurrentKeyMaterialId"]
    assert after != before
    opened = service.client.decrypt(CiphertextBlob=blob)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (b"x", before)
    fresh = service.client.encrypt(KeyId=key, Plaintext=b"y")["CiphertextBlob"]
    assert service.client.decrypt(CiphertextBlob=fresh)["KeyMaterialId"] == after


def test_rotations_are_listed(service: Service, key: str):
    service.client.rotate_key_on_demand(KeyId=bare(key))
    (rotation,) = service.client.list_key_rotations(KeyId=bare(key))["Rotations"]
    assert rotation["RotationType"] == "ON_DEMAND"
    materials = service.client.list_key_rotations(KeyId=bare(key), IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert sorted(entry["KeyMaterialState"] for entry in materials) == ["CURRENT", "NON_CURRENT"]


def test_a_key_is_rotated_on_demand_25_times(service: Service, key: str):
    for _ in range(25):
        service.client.rotate_key_on_demand(KeyId=bare(key))
    with refused("LimitExceededException"):
        service.client.rotate_key_on_demand(KeyId=bare(key))


@pytest.mark.parametrize("fixture", ["hmac_key", "signing_key", "rsa_key"])
@pytest.mark.parametrize(
    "operation", ["enable_key_rotation", "get_key_rotation_status", "rotate_key_on_demand", "list_key_rotations"]
)
def test_other_keys_do_not_rotate(service: Service, request: pytest.FixtureRequest, fixture: str, operation: str):
    with refused("UnsupportedOperationException"):
        getattr(service.client, operation)(KeyId=bare(request.getfixturevalue(fixture)))
