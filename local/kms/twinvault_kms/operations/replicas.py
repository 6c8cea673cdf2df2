"""ReplicateKey and UpdatePrimaryRegion: the keys of one id in several Regions, all of which this process serves."""

import re
from dataclasses import replace

from twinvault_kms import key_policy
from twinvault_kms.call import Call, Reply
from twinvault_kms.errors import KmsError, not_found, unsupported, validation
from twinvault_kms.model import Key, KeyOrigin, KeyState, PutEntity, place_of
from twinvault_kms.multi_region import empty
from twinvault_kms.operations.keys import metadata
from twinvault_kms.operations.policies import refuse_lockout
from twinvault_kms.operations.tags import checked_tags
from twinvault_kms.readiness import refuse_states

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")


def replicate_key(call: Call) -> Reply:
    """ReplicateKey: a replica of a primary key in another Region, ready at once. The answer says Creating, as on AWS.

    Permission to create keys in that Region is asked of identity policies, to replicate this one of its policy.
    """
    key, region = call.key(), call.text("ReplicaRegion")
    call.permit(key, facts={"ReplicaRegion": region})
    there = replace(call, region=region)
    there.permit_account(action="CreateKey")
    _refuse_other_than_primary(key)
    refuse_states(key, KeyState.DISABLED, KeyState.PENDING_IMPORT, KeyState.PENDING_DELETION)
    if not _REGION.fullmatch(region):
        raise validation("ReplicaRegion is not a Region.")
    if place_of(key.key_id, region) in call.catalog.keys:
        raise KmsError(
            "AlreadyExistsException",
            f"Unable to replicate key '{key.arn}' to region '{region}', as the key already exist there",
        )
    replica = _replica(there, key)
    if not call.flag("BypassPolicyLockoutSafetyCheck"):
        refuse_lockout(there, replica, replica.policy)
    described = metadata(replica, [*call.catalog.related(key), replica]) | {"Enabled": True, "KeyState": "Creating"}
    answer = {
        "ReplicaKeyMetadata": described,
        "ReplicaPolicy": replica.policy,
        "ReplicaTags": [{"TagKey": name, "TagValue": value} for name, value in replica.tags],
    }
    return Reply(answer, (PutEntity(replica),))


def _replica(call: Call, key: Key) -> Key:
    """The key of a Region with its own policy, description and tags, whatever the primary's are (API reference)."""
    policy = call.text("Policy") or key_policy.default_policy(key.account)
    key_policy.parse(policy)
    return replace(
        key,
        region=call.region,
        created=call.now,
        policy=policy,
        description=call.text("Description"),
        tags=checked_tags(call, ()),
        materials=empty(key.materials) if key.origin is KeyOrigin.EXTERNAL else key.materials,
    )


def update_primary_region(call: Call) -> Reply:
    """UpdatePrimaryRegion: a replica becomes the primary key, at once, and the primary key a replica."""
    key, region = call.key(), call.text("PrimaryRegion")
    call.permit(key, facts={"PrimaryRegion": region})
    _refuse_other_than_primary(key)
    refuse_states(key, KeyState.DISABLED, KeyState.PENDING_DELETION)
    replica = call.catalog.keys.get(place_of(key.key_id, region))
    if replica is None:
        raise not_found(f"Key '{key.arn}' has no replica in {region}")
    if replica.place == key.place:
        raise validation(f"{key.arn} is the primary key already.")
    replace(call, region=region).permit(replica, facts={"PrimaryRegion": region})
    refuse_states(replica, KeyState.DISABLED, KeyState.PENDING_DELETION)
    related = call.catalog.related(key)
    return Reply(None, tuple(PutEntity(replace(each, primary_region=region)) for each in related))


def _refuse_other_than_primary(key: Key) -> None:
    if not key.multi_region or key.is_replica:
        raise unsupported(f"{key.arn} is not a multi-region primary key.")
