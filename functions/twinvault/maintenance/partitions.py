"""Which partitions of a kind a tenant has: those that have a DEK, in the order of their ids."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from twinvault.envelope import require_id, tenant_key
from twinvault.envelope.item import text_of
from twinvault.keys.rows import after_partition
from twinvault.maintenance.rows import partition_of

if TYPE_CHECKING:
    from twinvault.keys.table import KeyTable

_PAGE = 100


def partitions(table: "KeyTable", tenant: str, *, kind: str, after: str = "") -> Iterator[str]:
    """The ids of the tenant's partitions of this kind whose ids come after `after`, in order, page by page.

    A hint: no row is opened. What is named here may not be there, and a partition whose DEK rows are gone cannot be
    opened anyway. An erased partition has no DEK, so it is not named.

    Raises:
        DependencyError: the keys table cannot be read now.
    """
    prefix = f"dek#{require_id(kind, field='kind')}"
    first, last = f"{prefix}#{after}$" if after else f"{prefix}#", f"{prefix}$"
    named = ""
    while True:
        items = table.query_range(tenant_key(tenant), first, last=last, limit=_PAGE)
        for item in items:
            partition = partition_of(item, kind=kind)
            if partition is not None and partition != named:
                named = partition
                yield partition
        if len(items) < _PAGE:
            return
        name = text_of(items[-1], "sk")
        # However many versions the last partition has, its other rows name it and no other.
        first = after_partition(name) if partition_of(items[-1], kind=kind) else f"{name}\x00"
