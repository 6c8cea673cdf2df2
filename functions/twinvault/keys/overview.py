"""What keys a tenant has, for people: epochs with their states, and the rows of its DEKs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.envelope.item import Item, text_of
from twinvault.keys.deks import dek_rows
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.register import State
from twinvault.keys.rows import IDX, REGISTER, REGISTER_KEY
from twinvault.keys.tenant import Tenant

if TYPE_CHECKING:
    from twinvault.observe import Observer


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One row of the keys table.

    Attributes:
        name: the row's sort key.
        state: of a KEK, what it may be used for, as the register says: active, retired or revoked. None for other keys:
            which DEK is in use is said by its partition's head.
        created_at: RFC 3339, UTC.
        wrapped_under: the root key's id of what KMS wrapped, the sort key of the sealing key's row of all else.
        uses: how many keys a KEK wraps; None for other keys.
        current: whether new keys are wrapped under this KEK, or this DEK is the newest of its partition.
    """

    name: str
    state: str | None
    created_at: str
    wrapped_under: str
    uses: int | None
    current: bool


def overview(hierarchy: KeyHierarchy, tenant: str, *, observer: "Observer") -> list[KeyRow]:
    """All key rows of a tenant, in the order of their names; DEKs as they say of themselves, for none is opened.

    Raises:
        IntegrityError, KeyRefused, DependencyError: as for any key.
    """
    found = hierarchy.tenant(tenant, observer=observer, fresh=True)
    deks = list(dek_rows(hierarchy.table, tenant))
    uses = Counter(text_of(item, "key_id") for item in deks)
    return [*_deks(deks), *(_others(found, uses) if found else ())]


def _deks(items: Sequence[Item]) -> Iterator[KeyRow]:
    names = [text_of(item, "sk") for item in items]
    newest = {name.rpartition("#")[0]: name for name in names}
    for name, item in zip(names, items, strict=True):
        current = newest[name.rpartition("#")[0]] == name
        yield KeyRow(name, None, text_of(item, "created_at"), text_of(item, "key_id"), None, current)


def _others(tenant: Tenant, uses: Counter[str]) -> Iterator[KeyRow]:
    rows, register = tenant.rows, tenant.register
    under = rows.index.wrapped_under
    yield KeyRow(IDX, None, rows.index.written.created_at, under, None, current=False)
    active = [one.epoch for one in register.epochs if one.state is State.ACTIVE]
    for one in register.epochs:
        row = rows.keks[one.epoch]
        wraps = uses[row.name] + (row.name == under)
        yield KeyRow(row.name, one.state, row.created_at, row.root_key_id, wraps, one.epoch == max(active, default=0))
    yield KeyRow(REGISTER, None, rows.register.written.created_at, rows.register.wrapped_under, None, current=False)
    row = rows.register_key
    yield KeyRow(REGISTER_KEY, None, row.created_at, row.root_key_id, None, current=False)
