"""EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand, ListKeyRotations."""

from dataclasses import replace

from twinvault_kms.call import Call, Reply
from twinvault_kms.errors import KmsError, invalid_state, unsupported
from twinvault_kms.facts import SaidFacts
from twinvault_kms.indexes import Names
from twinvault_kms.lifecycle import rotated
from twinvault_kms.model import DAY, Key, KeyOrigin, KeyState, Material, MaterialState
from twinvault_kms.multi_region import refuse_replica, shared
from twinvault_kms.pages import marker, page
from twinvault_kms.readiness import refuse_states
from twinvault_kms.specs import SPECS

_DEFAULT_DAYS = 365
_MOST_ON_DEMAND = 25


def enable_key_rotation(call: Call) -> Reply:
    """EnableKeyRotation: every 365 days unless the request says otherwise, counted from now."""
    days = call.number("RotationPeriodInDays") or _DEFAULT_DAYS
    key = _schedulable(call, {"RotationPeriodInDays": str(days)})
    scheduled = replace(key, rotation_days=days, next_rotation=call.now + days * DAY)
    return Reply(None, shared(call.catalog, scheduled))


def disable_key_rotation(call: Call) -> Reply:
    """DisableKeyRotation."""
    key = _schedulable(call, {})
    return Reply(None, shared(call.catalog, replace(key, rotation_days=None, next_rotation=None)))


def get_key_rotation_status(call: Call) -> Reply:
    """GetKeyRotationStatus. A key pending deletion is reported as not rotating (API reference)."""
    key = call.key()
    call.permit(key)
    _refuse_unrotatable(key)
    pending = key.state in {KeyState.PENDING_DELETION, KeyState.PENDING_REPLICA_DELETION}
    answer: dict[str, object] = {"KeyId": key.arn, "KeyRotationEnabled": key.rotation_days is not None and not pending}
    if key.rotation_days is not None and not pending:
        answer |= {"RotationPeriodInDays": key.rotation_days, "NextRotationDate": key.next_rotation}
    return Reply(answer)


def rotate_key_on_demand(call: Call) -> Reply:
    """RotateKeyOnDemand: at once, at most 25 times a key, without touching the automatic schedule."""
    key = call.key()
    call.permit(key)
    refuse_states(key, KeyState.DISABLED, KeyState.PENDING_IMPORT, KeyState.PENDING_DELETION)
    if not SPECS[key.spec].symmetric_encryption:
        raise unsupported("")  # AWS gives no message
    if sum(each.rotation_type == "ON_DEMAND" for each in key.materials) >= _MOST_ON_DEMAND:
        message = (
            "The on-demand rotations limit has been reached for the given keyId."
            f" No more on-demand rotations can be performed for this key: {key.arn}"
        )
        raise KmsError("LimitExceededException", message)
    refuse_replica(key)
    if key.origin is KeyOrigin.EXTERNAL and key.multi_region:
        # Developer guide, "Special considerations for imported key material": single-Region keys alone.
        raise unsupported(f"{key.arn} is a multi-Region key with imported key material, which is not rotated.")
    if key.origin is KeyOrigin.EXTERNAL and not any(
        each.state is MaterialState.PENDING_ROTATION for each in key.materials
    ):
        raise invalid_state(f"No available key material pending rotation for the key: {key.arn}.")
    turned = rotated(key, now=call.now, kind="ON_DEMAND", ring=call.ring)
    return Reply({"KeyId": key.arn}, shared(call.catalog, turned))


def list_key_rotations(call: Call) -> Reply:
    """ListKeyRotations: completed rotations, or every key material."""
    key = call.key()
    call.permit(key)
    _refuse_unrotatable(key)
    everything = call.text("IncludeKeyMaterial", "ROTATIONS_ONLY") == "ALL_KEY_MATERIAL"
    listed = {
        f"{each.version:06d}": _entry(key, each) for each in key.materials if everything or each.rotated_at is not None
    }
    names = Names(listed).after(marker(call))
    return Reply(page(call, "Rotations", names=names, show=listed.__getitem__, default=100, largest=1000))


def _entry(key: Key, material: Material) -> dict[str, object]:
    answer: dict[str, object | None] = {
        "KeyId": key.arn,
        "KeyMaterialId": material.material_id,
        "KeyMaterialState": material.state,
        "RotationDate": material.rotated_at,
        "RotationType": material.rotation_type,
    }
    if key.origin is KeyOrigin.EXTERNAL:
        expires = material.valid_to is not None
        answer |= {
            "KeyMaterialDescription": material.description,
            "ImportState": "IMPORTED" if material.present else "PENDING_IMPORT",
            "ExpirationModel": "KEY_MATERIAL_EXPIRES" if expires else "KEY_MATERIAL_DOES_NOT_EXPIRE",
            "ValidTo": material.valid_to,
        }
    return {name: value for name, value in answer.items() if value is not None}


def _schedulable(call: Call, facts: SaidFacts) -> Key:
    """Return a key whose automatic rotation may be switched: of AWS's own material, enabled."""
    key = call.key()
    call.permit(key, facts=facts)
    _refuse_unrotatable(key)
    if key.origin is KeyOrigin.EXTERNAL:
        raise unsupported(f"{key.arn} origin is EXTERNAL which is not valid for this operation.")
    refuse_replica(key)
    refuse_states(key, KeyState.DISABLED, KeyState.PENDING_DELETION)
    return key


def _refuse_unrotatable(key: Key) -> None:
    if not SPECS[key.spec].symmetric_encryption:
        raise unsupported(f"{key.arn} key spec is {key.spec} which is not valid for this operation.")
