"""What happens to keys by themselves as time passes: rotation, the end of imported material, deletion. Pure.

Time is only looked at when a request arrives, which no caller can tell from a clock that runs on its own.
"""

from dataclasses import replace

from twinvault_kms.catalog import Catalog
from twinvault_kms.model import DAY, Change, DropEntity, Key, KeyOrigin, Material, MaterialState, PutEntity
from twinvault_kms.multi_region import freed, shared_keys
from twinvault_kms.ring import KeyRing


def due_changes(catalog: Catalog, *, now: float, ring: KeyRing) -> list[Change]:
    """Return the changes whose time has come."""
    due = [catalog.keys[place] for place in catalog.schedule.until(now)]
    dropped = [DropEntity(key) for key in due if _is_over(key, now)]
    kept = [_passed(key, now=now, ring=ring) for key in due if not _is_over(key, now)]
    gone = {key.place for key in due if _is_over(key, now)}
    passed = [PutEntity(each) for key in kept for each in shared_keys(catalog, key) if each.place not in gone]
    return [*passed, *dropped, *freed(catalog, dropped)]


def _is_over(key: Key, now: float) -> bool:
    return key.deletion_date is not None and key.deletion_date <= now


def _passed(key: Key, *, now: float, ring: KeyRing) -> Key:
    materials = tuple(
        replace(each, sealed=None) if each.valid_to is not None and each.valid_to <= now else each
        for each in key.materials
        # Material that was never rotated to is not part of the key, and leaves no trace (developer guide, "Delete
        # imported key material").
        if each.state is not MaterialState.PENDING_ROTATION or each.valid_to is None or each.valid_to > now
    )
    key = replace(key, materials=materials)
    while (
        not key.is_replica
        and key.next_rotation is not None
        and key.rotation_days is not None
        and key.next_rotation <= now
    ):
        at = key.next_rotation
        key = replace(rotated(key, now=at, kind="AUTOMATIC", ring=ring), next_rotation=at + key.rotation_days * DAY)
    return key


def resumed(key: Key, *, now: float, ring: KeyRing) -> Key:
    """Return a key that was disabled, as it is once it is enabled again.

    Material as old as the rotation period is rotated at once, by one rotation however many were missed, and the period
    begins anew; else the schedule goes on. Source: the service model's text on GetKeyRotationStatus, "Disabled".
    """
    current = key.current
    if key.rotation_days is None or key.next_rotation is None or current is None:
        return key
    period, due = key.rotation_days * DAY, key.next_rotation
    if now - (current.rotated_at or key.created) >= period:
        return replace(rotated(key, now=now, kind="AUTOMATIC", ring=ring), next_rotation=now + period)
    return replace(key, next_rotation=due if due > now else due + period)


def rotated(key: Key, *, now: float, kind: str, ring: KeyRing) -> Key:
    """Return the key with its next material current and the former one kept for decryption."""
    retired = [
        replace(each, state=MaterialState.NON_CURRENT) if each.state is MaterialState.CURRENT else each
        for each in key.materials
    ]
    if key.origin is KeyOrigin.EXTERNAL:
        turned = [_promoted(each, now=now, kind=kind) for each in retired]
        return replace(key, materials=tuple(turned))
    version = len(retired) + 1
    _, identity = ring.derived(number=key.number, key_id=key.key_id, version=version, spec=key.spec)
    fresh = Material(
        identity, version=version, state=MaterialState.CURRENT, derived=True, rotated_at=now, rotation_type=kind
    )
    return replace(key, materials=(*retired, fresh))


def _promoted(material: Material, *, now: float, kind: str) -> Material:
    if material.state is not MaterialState.PENDING_ROTATION:
        return material
    return replace(material, state=MaterialState.CURRENT, rotated_at=now, rotation_type=kind)
