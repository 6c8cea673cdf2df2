"""KMS keys and aliases made from the template: the same specs, usages, policies and rotation, in the local KMS."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from twinvault_local.errors import StateError, TemplateError

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

KEY, ALIAS = "AWS::KMS::Key", "AWS::KMS::Alias"
# They decide nothing here: a local key is deleted by nobody but `reset`, and no policy of ours asks for a tag.
LEFT_OUT = frozenset({"PendingWindowInDays", "Tags"})
_MADE = frozenset({"Description", "EnableKeyRotation", "KeyPolicy", "KeySpec", "KeyUsage", "RotationPeriodInDays"})
_YEAR = 365  # days between rotations where the template says nothing (AWS KMS Developer Guide, "Rotating AWS KMS keys")


def supported_properties(properties: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The key's properties with CloudFormation's defaults.

    Raises:
        TemplateError: a property that the twin does not know.
    """
    if strange := sorted(properties.keys() - _MADE - LEFT_OUT):
        raise TemplateError(f"{where}: the twin does not know {', '.join(strange)}.")
    defaults = {"Description": "", "KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"}
    return defaults | {name: value for name, value in properties.items() if name in _MADE}


def make(kms: "KMSClient", key: Mapping[str, Any]) -> str:
    """Create the key with its policy from the first moment; its id."""
    arguments = {name: key[name] for name in ("Description", "KeySpec", "KeyUsage")}
    created = kms.create_key(**arguments, Policy=json.dumps(key["KeyPolicy"]))
    return created["KeyMetadata"]["KeyId"]


def describe_key(kms: "KMSClient", key_id: str) -> dict[str, Any]:
    """The key's KeyMetadata, as DescribeKey answers it.

    Raises:
        StateError: the local KMS does not have the key.
    """
    try:
        return dict(kms.describe_key(KeyId=key_id)["KeyMetadata"])
    except kms.exceptions.NotFoundException:
        raise StateError(
            f"The key {key_id} was made here and the local KMS does not have it: its store or the seed was replaced.",
            next_step="Put the folder's `kms` and `seed` back, or wipe data and keys: twinvault reset",
        ) from None


def differences(kms: "KMSClient", key_id: str, key: Mapping[str, Any]) -> list[str]:
    """Where the key as it is differs from the template in what can never be changed, each as a phrase.

    Raises:
        StateError: as `describe_key`.
    """
    metadata = describe_key(kms, key_id)
    return [
        f"{name}: the key has {metadata[name]}, the template {key[name]}"
        for name in ("KeySpec", "KeyUsage")
        if metadata[name] != key[name]
    ]


def adjust(kms: "KMSClient", key_id: str, key: Mapping[str, Any]) -> None:
    """Bring policy, description and rotation to what the template says, as a deploy does."""
    if json.loads(kms.get_key_policy(KeyId=key_id)["Policy"]) != key["KeyPolicy"]:
        kms.put_key_policy(KeyId=key_id, Policy=json.dumps(key["KeyPolicy"]))
    if describe_key(kms, key_id).get("Description", "") != key["Description"]:
        kms.update_key_description(KeyId=key_id, Description=key["Description"])
    if key["KeySpec"] != "SYMMETRIC_DEFAULT":
        return  # only these rotate
    now, rotates = kms.get_key_rotation_status(KeyId=key_id), bool(key.get("EnableKeyRotation", False))
    period = int(key.get("RotationPeriodInDays", _YEAR))
    if rotates and (not now["KeyRotationEnabled"] or now.get("RotationPeriodInDays", _YEAR) != period):
        kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=period)
    elif now["KeyRotationEnabled"] and not rotates:
        kms.disable_key_rotation(KeyId=key_id)


def point_alias(kms: "KMSClient", alias: str, key_id: str) -> None:
    """Let the alias, made if need be, stand for the key."""
    pages = kms.get_paginator("list_aliases").paginate()
    targets = {one["AliasName"]: one.get("TargetKeyId") for page in pages for one in page["Aliases"]}
    if alias not in targets:
        kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    elif targets[alias] != key_id:
        kms.update_alias(AliasName=alias, TargetKeyId=key_id)
