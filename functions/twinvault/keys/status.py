"""How a tenant's keys stand, tier by tier: what each root key, each epoch and each version of a DEK is used for."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.keys.deks import DekVersionUse, count_deks
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.register import State
from twinvault.keys.rows import kek_name
from twinvault.keys.tenant import Tenant

if TYPE_CHECKING:
    from twinvault.keys.table import KeyTable
    from twinvault.observe import Observer


@dataclass(frozen=True, slots=True)
class RootKeyUse:
    """What one root key wraps of a tenant's.

    Attributes:
        root_key_id: the KMS key's id.
        keks: how many KEKs it wraps.
        register_key: whether it wraps the register key.
        oldest: when the oldest of these rows was made, RFC 3339 in UTC.
        current: whether new keys are wrapped under it.
    """

    root_key_id: str
    keks: int
    register_key: bool
    oldest: str
    current: bool


@dataclass(frozen=True, slots=True)
class EpochUse:
    """One epoch of a tenant's KEK, and what it wraps.

    Attributes:
        epoch: its number.
        state: active, retired or revoked.
        since: when it came into that state, RFC 3339 in UTC.
        created_at: when it was made.
        root_key_id: the KMS key that wraps it.
        deks: how many DEKs it wraps, as their rows say of themselves.
        index: whether it wraps the index key.
        current: whether new keys are wrapped under it.
    """

    epoch: int
    state: str
    since: str
    created_at: str
    root_key_id: str
    deks: int
    index: bool
    current: bool


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """How a tenant's keys stand.

    Attributes:
        root_keys: the oldest first.
        epochs: the oldest first.
        lowest_epoch: what is below it was destroyed; 0 where the tenant has no keys.
        deks: by version, the lowest first, as their rows say; what is in use is said by the heads of their partitions.
        unlisted: how many DEK rows name an epoch that the register does not list: such a row was put back or planted.
    """

    root_keys: list[RootKeyUse]
    epochs: list[EpochUse]
    lowest_epoch: int
    deks: list[DekVersionUse]
    unlisted: int


def key_status(
    hierarchy: KeyHierarchy, table: "KeyTable", *, tenant: str, first_root_key: str, observer: "Observer"
) -> KeyStatus:
    """How the tenant's keys stand now. DEKs are counted as their rows say: none is opened. A new tenant has none.

    Raises:
        IntegrityError, KeyRefused, DependencyError: as for any key.
    """
    uses, versions = count_deks(table, tenant)
    # The register after the rows: an epoch that a row names by then is in it.
    found = hierarchy.tenant(tenant, observer=observer, fresh=True)
    if found is None:
        return KeyStatus([], [], 0, [], 0)
    epochs = list(_epochs(found, uses))
    unlisted = sum(uses.values()) - sum(one.deks for one in epochs)
    root_keys = sorted(_root_keys(found, first_root_key), key=lambda one: one.oldest)
    return KeyStatus(root_keys, epochs, found.register.lowest_epoch, versions, unlisted)


def _epochs(tenant: Tenant, uses: Counter[str]) -> Iterator[EpochUse]:
    under, register = tenant.rows.index.wrapped_under, tenant.register
    newest = max((one.epoch for one in register.epochs if one.state is State.ACTIVE), default=0)
    for one in register.epochs:
        name, made = kek_name(one.epoch), tenant.rows.keks[one.epoch].created_at
        yield EpochUse(
            epoch=one.epoch,
            state=one.state.value,
            since=one.since,
            created_at=made,
            root_key_id=one.root_key_id,
            deks=uses[name],
            index=name == under,
            current=one.epoch == newest,
        )


def _root_keys(tenant: Tenant, first: str) -> Iterator[RootKeyUse]:
    register_key = tenant.rows.register_key
    keks = list(tenant.rows.keks.values())
    for root in {register_key.root_key_id, *(row.root_key_id for row in keks)}:
        mine = [row.created_at for row in keks if row.root_key_id == root]
        has_register_key = register_key.root_key_id == root
        made = [*mine, *([register_key.created_at] if has_register_key else [])]
        yield RootKeyUse(root, len(mine), has_register_key, min(made), root == first)
