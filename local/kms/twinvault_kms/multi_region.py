"""Multi-Region keys: what related keys share, and who they are.

Source: AWS KMS developer guide, "How multi-Region keys work" (shared: id, material, spec, usage, origin and automatic
rotation; each Region's own: policy, grants, aliases, tags, description and state).
"""

from collections.abc import Iterable
from dataclasses import replace

from twinvault_kms.catalog import Catalog
from twinvault_kms.errors import unsupported
from twinvault_kms.model import DAY, DropEntity, Key, KeyOrigin, Material, PutEntity


def shared(catalog: Catalog, key: Key) -> tuple[PutEntity, ...]:
    """Return the changes that make a changed key, and what it shares with its related keys."""
    return tuple(PutEntity(each) for each in shared_keys(catalog, key))


def shared_keys(catalog: Catalog, key: Key) -> list[Key]:
    """Return a changed key and its related keys, once these have what they share with it."""
    return [key, *(_following(each, key) for each in catalog.related(key) if each.place != key.place)]


def _following(other: Key, key: Key) -> Key:
    """A related key once it has what `key` has. Imported material comes to each Region by an import of its own."""
    if key.origin is KeyOrigin.EXTERNAL:
        known = {each.material_id for each in other.materials}
        fresh = empty(each for each in key.materials if each.material_id not in known)
        return replace(other, materials=(*other.materials, *fresh)) if fresh else other
    return replace(other, materials=key.materials, rotation_days=key.rotation_days, next_rotation=key.next_rotation)


def empty(materials: Iterable[Material]) -> tuple[Material, ...]:
    """Return imported materials as a Region has them that waits for its own import."""
    return tuple(replace(each, sealed=None, valid_to=None) for each in materials)


def refuse_replica(key: Key) -> None:
    """Refuse an operation on a replica that is the primary key's to do.

    Raises:
        KmsError: UnsupportedOperationException.
    """
    if key.is_replica:
        raise unsupported(f"{key.arn} is a multi-Region replica key; use its primary key.")


def configuration(related: Iterable[Key], key: Key) -> dict[str, object]:
    """Return the MultiRegionConfiguration of a key (API reference)."""
    by_region = {each.region: {"Arn": each.arn, "Region": each.region} for each in related}
    return {
        "MultiRegionKeyType": "REPLICA" if key.is_replica else "PRIMARY",
        "PrimaryKey": by_region.get(str(key.primary_region)),
        "ReplicaKeys": [each for region, each in by_region.items() if region != key.primary_region],
    }


def replicas_of(catalog: Catalog, key: Key) -> list[Key]:
    """Return the replicas of a primary key; of any other key there are none."""
    return [] if key.is_replica else [each for each in catalog.related(key) if each.is_replica]


def freed(catalog: Catalog, dropped: list[DropEntity]) -> list[PutEntity]:
    """Return the primary keys whose wait for deletion begins, now that the last of their replicas is gone."""
    gone = {each.entity.place: each.entity for each in dropped if isinstance(each.entity, Key)}
    begun: dict[str, PutEntity] = {}
    for key in gone.values():
        related = catalog.related(key)
        primary = next((each for each in related if not each.is_replica and each.deletion_window is not None), None)
        if primary is None or any(each.is_replica and each.place not in gone for each in related):
            continue
        since = max(each.deletion_date or 0.0 for each in related if each.place in gone)
        window = primary.deletion_window or 0
        begun[primary.place] = PutEntity(replace(primary, deletion_date=since + window * DAY, deletion_window=None))
    return list(begun.values())
