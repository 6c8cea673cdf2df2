"""Which partitions of a kind a tenant has: those that have a DEK, in the order of their ids."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from twinvault.envelope import require_id, tenant_key
from twinvault.envelope.item import text_of
from twinvault.keys.rows import after_partition
from twinvault.maintenance.rows import erased_partition_of, partition_of

if TYPE_CHECKING:
    from twinvault.keys.table import KeyTable

_PAGE = 100


type Naming = Callable[..., str | None]


def erased_partitions(table: "KeyTable", tenant: str, *, kind: str, after: str = "") -> Iterator[str]:
    """`partitions` of those that have a tombstone, whether or not another one stands at its place by now."""
    return partitions(table, tenant, kind=kind, after=after, named_by=erased_partition_of)


def partitions(
    table: "KeyTable", tenant: str, *, kind: str, after: str = "", named_by: Naming = partition_of
) -> Iterator[str]:
    """The ids of the tenant's partitions of this kind whose ids come after `after`, in order, page by page.

    A hint: no row is opened. What is named here may not be there, and a partition whose DEK rows are gone cannot be
    opened anyway. An erased partition has no DEK, so it is not named. `named_by` says which one a row is of.

    Raises:
        DependencyError: the keys table cannot be read now.
    """
    prefix = f"dek#{require_id(kind, field='kind')}"
    first, last = f"{prefix}#{after}$" if after else f"{prefix}#", f"{prefix}$"
    named = ""
    while True:
        items = table.query_range(tenant_key(tenant), first, last=last, limit=_PAGE)
        for item in items:
            partition = named_by(item, kind=kind)
            if partition is not None and partition != named:
                named = partition
                yield partition
        if len(items) < _PAGE:
            return
        name = text_of(items[-1], "sk")
        # However many versions the last partition has, its other rows name it and no other.
        first = after_partition(name) if named_by(items[-1], kind=kind) else f"{name}\x00"
