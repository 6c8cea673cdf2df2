"""CreateKey, DescribeKey, ListKeys, UpdateKeyDescription, EnableKey, DisableKey."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from twinvault_kms import key_policy
from twinvault_kms.asymmetric import generate_rsa
from twinvault_kms.call import Call, Reply
from twinvault_kms.errors import KmsError, unsupported, validation
from twinvault_kms.facts import SaidFacts, flag
from twinvault_kms.lifecycle import resumed
from twinvault_kms.managed import is_managed, managed_key
from twinvault_kms.model import (
    Alias,
    Change,
    Counter,
    Key,
    KeyOrigin,
    KeyState,
    Material,
    MaterialState,
    PutEntity,
    place_of,
)
from twinvault_kms.multi_region import configuration, shared
from twinvault_kms.operations.policies import refuse_lockout
from twinvault_kms.operations.tags import checked_tags
from twinvault_kms.pages import marker, page
from twinvault_kms.readiness import refuse_states
from twinvault_kms.slow import KeyWork, slowly
from twinvault_kms.specs import ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, KEY_AGREEMENT, SPECS, SYMMETRIC_DEFAULT
from twinvault_kms.wanted import ID_TAG, is_key_id, number_of

ALGORITHM_FIELDS = {
    "ENCRYPT_DECRYPT": "EncryptionAlgorithms",
    "SIGN_VERIFY": "SigningAlgorithms",
    GENERATE_VERIFY_MAC: "MacAlgorithms",
    KEY_AGREEMENT: "KeyAgreementAlgorithms",
}


def create_key(call: Call) -> Reply:
    """CreateKey. The key's number in the seed's order is used up even if the key is deleted later."""
    call.permit_account(facts=_asked(call))
    spec, usage = _spec_and_usage(call)
    origin = _origin(call)
    policy = call.text("Policy") or key_policy.default_policy(call.caller.account)
    key_policy.parse(policy)
    tags = checked_tags(call, ())
    key_id, number, counted = _identity(call, dict(tags))
    key = Key(
        key_id=key_id,
        account=call.caller.account,
        region=call.region,
        number=number,
        created=call.now,
        spec=spec,
        usage=usage,
        origin=origin,
        policy=policy,
        description=call.text("Description"),
        tags=tags,
        primary_region=call.region if call.flag("MultiRegion") else None,
    )
    if not call.flag("BypassPolicyLockoutSafetyCheck"):
        refuse_lockout(call, key, policy)
    if origin is KeyOrigin.AWS_KMS:
        key = replace(key, materials=(first_material(call, key),))
    return Reply({"KeyMetadata": metadata(key, [key])}, (*counted, PutEntity(key)))


def _identity(call: Call, tags: Mapping[str, str]) -> tuple[str, int, tuple[Change, ...]]:
    """Return the id and number of a new key, and what counts it: the id that a tag asks for, else the seed's next one.

    Raises:
        KmsError: ValidationException, AlreadyExistsException.
    """
    multi_region, wanted = call.flag("MultiRegion"), tags.get(ID_TAG)
    if wanted is None:
        number = call.catalog.counter.keys + 1
        return call.ring.key_id(number, multi_region=multi_region), number, (PutEntity(Counter(keys=number)),)
    if not is_key_id(wanted, multi_region=multi_region):
        form = "mrk- and 32 hex digits" if multi_region else "a UUID in small letters"
        raise validation(f"The tag {ID_TAG} asks for an id that is not {form}.")
    if place_of(wanted, call.region) in call.catalog.keys:
        raise KmsError("AlreadyExistsException", f"A key with the id that the tag {ID_TAG} asks for exists.")
    return wanted, number_of(wanted), ()


def _asked(call: Call) -> SaidFacts:
    """What the request for a key says to conditions, defaults included (developer guide, "AWS KMS condition keys")."""
    spec = call.optional("KeySpec") or call.text("CustomerMasterKeySpec", SYMMETRIC_DEFAULT)
    usage = call.text("KeyUsage", ENCRYPT_DECRYPT)
    return {
        "KeySpec": spec,
        "KeyUsage": usage,
        "CustomerMasterKeySpec": spec,
        "CustomerMasterKeyUsage": usage,
        "KeyOrigin": call.text("Origin", KeyOrigin.AWS_KMS),
        "MultiRegion": flag(on=call.flag("MultiRegion")),
        "BypassPolicyLockoutSafetyCheck": flag(on=call.flag("BypassPolicyLockoutSafetyCheck")),
    }


def first_material(call: Call, key: Key) -> Material:
    """Return the material that a new key starts with."""
    if SPECS[key.spec].secret_bytes:
        _, identity = call.ring.derived(number=key.number, key_id=key.key_id, version=1, spec=key.spec)
        return Material(identity, version=1, state=MaterialState.CURRENT, derived=True)
    private = slowly(call, KeyWork.MAKING, partial(generate_rsa, key.spec))
    sealed, identity = call.ring.seal(private, key_id=key.key_id, nonce=call.random(12))
    return Material(identity, version=1, state=MaterialState.CURRENT, derived=False, sealed=sealed)


def _spec_and_usage(call: Call) -> tuple[str, str]:
    if call.optional("KeySpec") and call.optional("CustomerMasterKeySpec"):
        raise validation("You cannot specify KeySpec and CustomerMasterKeySpec in the same request.")
    name = call.optional("KeySpec") or call.text("CustomerMasterKeySpec", SYMMETRIC_DEFAULT)
    spec = SPECS.get(name)
    if spec is None:
        raise unsupported(f"KeySpec {name} is not offered by the local KMS.")
    usage = call.optional("KeyUsage")
    if usage is None and spec.symmetric_encryption:
        usage = ENCRYPT_DECRYPT
    if usage is None:
        raise validation("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
    if usage not in spec.algorithms:
        raise validation(f"KeyUsage {usage} is not compatible with KeySpec {name}")
    return name, usage


def _origin(call: Call) -> KeyOrigin:
    origin = call.text("Origin", KeyOrigin.AWS_KMS)
    if origin not in set(KeyOrigin) or call.optional("CustomKeyStoreId") or call.optional("XksKeyId"):
        raise unsupported("Custom key stores are not offered by the local KMS.")
    return KeyOrigin(origin)


def describe_key(call: Call) -> Reply:
    """DescribeKey. It makes the key that AWS manages under an alias of its own, if there is none yet."""
    made = _made_by_aws(call)
    key = made[0] if made else call.key(aliases=True)
    call.permit(key)
    related = [key] if made else call.catalog.related(key)
    return Reply({"KeyMetadata": metadata(key, related)}, tuple(PutEntity(each) for each in made))


def _made_by_aws(call: Call) -> tuple[Key, Alias] | tuple[()]:
    own = f"arn:aws:kms:{call.region}:{call.caller.account}:"
    name = call.text("KeyId").removeprefix(own)
    if not is_managed(name) or (call.caller.account, call.region, name) in call.catalog.aliases:
        return ()
    return managed_key(name, account=call.caller.account, region=call.region, now=call.now, ring=call.ring)


def metadata(key: Key, related: Iterable[Key]) -> dict[str, object]:
    """Return the KeyMetadata of a key (API reference, KeyMetadata). `related` are the keys of its id."""
    state = key.state
    answer: dict[str, object] = {
        "AWSAccountId": key.account,
        "KeyId": key.key_id,
        "Arn": key.arn,
        "CreationDate": key.created,
        "Enabled": state is KeyState.ENABLED,
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": state,
        "Origin": key.origin,
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        ALGORITHM_FIELDS[key.usage]: list(SPECS[key.spec].algorithms[key.usage]),
        "MultiRegion": key.multi_region,
    }
    if key.multi_region:
        answer["MultiRegionConfiguration"] = configuration(related, key)
    if key.deletion_window is not None:
        answer["PendingDeletionWindowInDays"] = key.deletion_window
    current = key.current
    if key.deletion_date is not None:
        answer["DeletionDate"] = key.deletion_date
    if current is not None and SPECS[key.spec].symmetric_encryption:
        answer["CurrentKeyMaterialId"] = current.material_id
    if key.origin is KeyOrigin.EXTERNAL and current is not None and current.present:
        expires = current.valid_to is not None
        answer["ExpirationModel"] = "KEY_MATERIAL_EXPIRES" if expires else "KEY_MATERIAL_DOES_NOT_EXPIRE"
        if expires:
            answer["ValidTo"] = current.valid_to
    return answer


def list_keys(call: Call) -> Reply:
    """ListKeys: all keys of the account and region, in the order of their ids."""
    call.permit_account()
    names = call.catalog.keys_in(call.caller.account, call.region).after(marker(call))
    return Reply(page(call, "Keys", names=names, show=partial(_listed, call), default=100, largest=1000))


def _listed(call: Call, key_id: str) -> dict[str, object]:
    return {"KeyId": key_id, "KeyArn": call.catalog.keys[place_of(key_id, call.region)].arn}


def update_key_description(call: Call) -> Reply:
    """UpdateKeyDescription."""
    key = call.key()
    call.permit(key)
    refuse_states(key, KeyState.PENDING_DELETION)
    return Reply(None, (PutEntity(replace(key, description=call.text("Description"))),))


def enable_key(call: Call) -> Reply:
    """EnableKey."""
    return _switch(call, enabled=True)


def disable_key(call: Call) -> Reply:
    """DisableKey."""
    return _switch(call, enabled=False)


def _switch(call: Call, *, enabled: bool) -> Reply:
    key = call.key()
    call.permit(key)
    refuse_states(key, KeyState.PENDING_IMPORT, KeyState.PENDING_DELETION)
    switched = replace(key, enabled=enabled)
    if enabled and not key.enabled and not key.is_replica:
        switched = resumed(switched, now=call.now, ring=call.ring)
    return Reply(
        None, shared(call.catalog, switched) if switched.materials != key.materials else (PutEntity(switched),)
    )
