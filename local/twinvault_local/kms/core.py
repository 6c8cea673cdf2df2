"""The table of operations: what is offered, and by which function."""

from collections.abc import Callable

from twinvault_local.kms.call import Call, Outcome
from twinvault_local.kms.operations import aliases, cipher, keys, policies, rotation, tags

OPERATIONS: dict[str, Callable[[Call], Outcome]] = {
    "CancelKeyDeletion": keys.cancel_key_deletion,
    "CreateAlias": aliases.create_alias,
    "CreateKey": keys.create_key,
    "Decrypt": cipher.decrypt,
    "DeleteAlias": aliases.delete_alias,
    "DescribeKey": keys.describe_key,
    "DisableKey": keys.disable_key,
    "DisableKeyRotation": rotation.disable_key_rotation,
    "EnableKey": keys.enable_key,
    "EnableKeyRotation": rotation.enable_key_rotation,
    "Encrypt": cipher.encrypt,
    "GenerateDataKey": cipher.generate_data_key,
    "GenerateDataKeyPair": cipher.generate_data_key_pair,
    "GenerateDataKeyWithoutPlaintext": cipher.generate_data_key_without_plaintext,
    "GenerateRandom": cipher.generate_random,
    "GetKeyPolicy": policies.get_key_policy,
    "GetKeyRotationStatus": rotation.get_key_rotation_status,
    "ListAliases": aliases.list_aliases,
    "ListKeyPolicies": policies.list_key_policies,
    "ListKeyRotations": rotation.list_key_rotations,
    "ListKeys": keys.list_keys,
    "ListResourceTags": tags.list_resource_tags,
    "PutKeyPolicy": policies.put_key_policy,
    "ReEncrypt": cipher.re_encrypt,
    "RotateKeyOnDemand": rotation.rotate_key_on_demand,
    "ScheduleKeyDeletion": keys.schedule_key_deletion,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
    "UpdateAlias": aliases.update_alias,
    "UpdateKeyDescription": keys.update_key_description,
}
