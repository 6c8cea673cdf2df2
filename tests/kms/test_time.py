"""What time does to keys, with the clock moved over the admin port.

https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
https://docs.aws.amazon.com/kms/latest/developerguide/rotating-keys-enable-disable.html
https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.kms.running import RunningKms, start

DAY = 86_400


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKms]:
    """A KMS of its own: time passes for all of its keys."""
    running = start(tmp_path_factory.mktemp("time"))
    yield running
    running.stop()


def _pass(running: RunningKms, days: float) -> None:
    running.admin("POST", "/clock", {"advance_seconds": days * DAY})


def _code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return caught.value.response["Error"]["Code"]


def test_a_key_is_gone_when_its_window_is_over(moving: RunningKms):
    kms = moving.client()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.create_alias(AliasName="alias/doomed", TargetKeyId=key)
    kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::000000000000:role/x", Operations=["Decrypt"])
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    _pass(moving, 6.9)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    _pass(moving, 0.2)
    for name in (key, "alias/doomed"):
        with pytest.raises(ClientError) as caught:
            kms.describe_key(KeyId=name)
        assert _code(caught) == "NotFoundException"
    with pytest.raises(ClientError) as caught:
        kms.decrypt(CiphertextBlob=blob)
    assert _code(caught) == "AccessDeniedException"
    fresh = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/doomed", TargetKeyId=fresh)


def test_a_key_rotates_when_its_time_has_come(moving: RunningKms):
    kms = moving.client()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    first = kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    due = kms.get_key_rotation_status(KeyId=key)["NextRotationDate"]
    _pass(moving, 91)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] != first
    (rotation,) = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert (rotation["RotationType"], rotation["RotationDate"]) == ("AUTOMATIC", due)
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == due + timedelta(days=90)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_rotations_that_were_missed_are_made_up_for(moving: RunningKms):
    kms = moving.client()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    _pass(moving, 275)
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 3


def test_a_disabled_key_does_not_rotate_until_it_is_enabled(moving: RunningKms):
    kms = moving.client()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    kms.disable_key(KeyId=key)
    _pass(moving, 91)
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []
    kms.enable_key(KeyId=key)
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 1


def test_a_key_that_was_disabled_for_several_periods_rotates_once_and_at_once(moving: RunningKms):
    kms = moving.client()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    kms.disable_key(KeyId=key)
    _pass(moving, 300)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    before = _now(moving)
    kms.enable_key(KeyId=key)
    (rotation,) = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert rotation["RotationType"] == "AUTOMATIC"
    assert before <= rotation["RotationDate"] <= _now(moving)
    due = kms.get_key_rotation_status(KeyId=key)["NextRotationDate"]
    assert due == rotation["RotationDate"] + timedelta(days=90)


def test_a_key_whose_deletion_is_cancelled_rotates_when_it_is_enabled_again(moving: RunningKms):
    kms = moving.client()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    _pass(moving, 89)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)
    _pass(moving, 20)
    assert not kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    kms.cancel_key_deletion(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == []
    kms.enable_key(KeyId=key)
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 1


def test_a_key_that_was_rotated_lately_goes_on_with_its_schedule(moving: RunningKms):
    kms = moving.client()
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    due = kms.get_key_rotation_status(KeyId=key)["NextRotationDate"]
    _pass(moving, 80)
    kms.rotate_key_on_demand(KeyId=key)
    kms.disable_key(KeyId=key)
    _pass(moving, 20)
    kms.enable_key(KeyId=key)
    assert [each["RotationType"] for each in kms.list_key_rotations(KeyId=key)["Rotations"]] == ["ON_DEMAND"]
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] == due + timedelta(days=90)


def _now(running: RunningKms) -> datetime:
    return datetime.fromtimestamp(float(str(running.admin("GET", "/clock")["now"])), UTC)


def _wrapped(parameters: Any) -> bytes:
    public = serialization.load_der_public_key(parameters["PublicKey"])
    assert isinstance(public, rsa.RSAPublicKey)
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    return public.encrypt(b"m" * 32, oaep)


def test_imported_material_is_gone_when_it_expires(moving: RunningKms):
    kms = moving.client()
    key = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    parameters = kms.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    imported = {"KeyId": key, "ImportToken": parameters["ImportToken"], "EncryptedKeyMaterial": _wrapped(parameters)}
    kms.import_key_material(**imported, ValidTo=_now(moving) + timedelta(hours=6))
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    _pass(moving, 0.3)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingImport"
    with pytest.raises(ClientError) as caught:
        kms.decrypt(CiphertextBlob=blob)
    assert _code(caught) == "KMSInvalidStateException"
    kms.import_key_material(**imported, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    _pass(moving, 1)
    with pytest.raises(ClientError) as caught:
        kms.import_key_material(**imported, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    assert _code(caught) == "ExpiredImportTokenException"


def test_the_clock_goes_back_to_the_machines(tmp_path_factory: pytest.TempPathFactory):
    running = start(tmp_path_factory.mktemp("clock"))
    try:
        assert running.admin("POST", "/clock", {"advance_seconds": 60})["offset_seconds"] == 60
        assert running.admin("DELETE", "/clock")["offset_seconds"] == 0
    finally:
        running.stop()
