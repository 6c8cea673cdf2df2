"""New KEKs for a tenant that has one, and an overview of what there is.

A new epoch is used for what is wrapped from now on; what older epochs wrapped still opens under them. The index key
never changes, for it names partitions: its row is wrapped again under the new KEK. Environments that hold the old KEK
go on wrapping under it until their TTL, which is why it stays active.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinvault.envelope import tenant_key
from twinvault.envelope.item import text_of
from twinvault.errors import IntegrityError, NotFound, Step
from twinvault.keys.hierarchy import KeyHierarchy
from twinvault.keys.rows import NamedKey, idx_name, kek_name, parse_kek, row_place, state_of

if TYPE_CHECKING:
    from twinvault.keys.table import KeyTable
    from twinvault.observe import Observer


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One row of the keys table, as it says of itself; nothing is opened for it.

    Attributes:
        name: the row's sort key.
        state: active, retired, revoked or destroyed.
        created_at: RFC 3339, UTC.
        wrapped_under: the root key's id of a KEK, the KEK's name of any other key.
        uses: how many keys a KEK wraps; None for other keys.
        current: whether new keys are wrapped under this KEK, or new records sealed under this DEK.
    """

    name: str
    state: str
    created_at: str
    wrapped_under: str
    uses: int | None
    current: bool


class KeyRotation:
    """Makes new epochs; thread-safe."""

    def __init__(self, hierarchy: KeyHierarchy, table: "KeyTable") -> None:
        """`table` is the hierarchy's own."""
        self._hierarchy = hierarchy
        self._table = table

    def new_epoch(self, tenant: str, observer: "Observer") -> int:
        """Makes the tenant's next KEK and wraps its index key under it; returns the epoch.

        Raises:
            NotFound: the tenant has no keys; its first write makes them.
            IntegrityError, KeyRefused, DependencyError: as for any key; an epoch that was begun can be made again.
        """
        rows = self._table.query(tenant_key(tenant), "kek#")
        if not rows:
            raise NotFound("this tenant has no keys")
        epoch = parse_kek(rows[-1], tenant=tenant, name=rows[-1]["sk"]["S"]).epoch + 1
        self._hierarchy.insert_kek(tenant, epoch, observer=observer)
        kek = self._hierarchy.kek(tenant, kek_name(epoch), observer=observer)
        self._hierarchy.forget_current_kek(tenant)
        self._rewrap_index_key(tenant, epoch, kek=kek, observer=observer)
        return epoch

    def overview(self, tenant: str) -> list[KeyRow]:
        """All key rows of a tenant, in the order of their names."""
        items = self._table.query(tenant_key(tenant), "")
        names = [text_of(item, "sk") for item in items]
        wrapping = [text_of(item, "root_key_id") or text_of(item, "key_id") for item in items]
        uses = Counter(wrapping)
        newest = {_family(name): name for name in names if _family(name) != "idx"}
        return [
            KeyRow(
                name=name,
                state=state_of(item),
                created_at=text_of(item, "created_at"),
                wrapped_under=under,
                uses=uses[name] if name.startswith("kek#") else None,
                current=newest.get(_family(name)) == name,
            )
            for item, name, under in zip(items, names, wrapping, strict=True)
        ]

    def _rewrap_index_key(self, tenant: str, epoch: int, *, kek: NamedKey, observer: "Observer") -> None:
        if not self._table.query(tenant_key(tenant), "idx#", limit=1):
            return  # the tenant hides no ids: there is nothing to keep
        key = self._hierarchy.index_key(tenant, "", observer=observer, create=False)
        if key is None:
            raise IntegrityError(Step.MISSING_KEY, where=row_place(tenant), detail="index key")
        self._hierarchy.insert_index_key(NamedKey(idx_name(epoch), key.key), kek, tenant=tenant, observer=observer)


def _family(name: str) -> str:
    """What a key row is a newer one of: all KEKs, all index keys, or all DEKs of one partition."""
    return name[:3] if not name.startswith("dek#") else name.rpartition("#")[0]
