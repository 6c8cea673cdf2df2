"""One partition of one tenant: what a key, a read and a write are about.

Whoever acts chooses the scope; nothing of it is ever taken from a row.
"""

from dataclasses import dataclass

from twinvault.envelope.names import partition_key, tenant_key


@dataclass(frozen=True, slots=True)
class Scope:
    """One partition: all that a store may touch.

    Each part is an id (docs/format.md, "Names"); it is checked where it becomes part of a table key.

    Attributes:
        tenant: whose it is.
        kind: which kind of partition it is: partitions of two kinds may share an id, and share nothing else.
        partition: its id within tenant and kind.
    """

    tenant: str
    kind: str
    partition: str

    @property
    def pk(self) -> str:
        """The partition's key in the records table.

        Raises:
            InvalidInput: a part is no id.
        """
        return partition_key(self.tenant, kind=self.kind, partition=self.partition)

    @property
    def keys_pk(self) -> str:
        """The partition key of the tenant's rows in the keys table.

        Raises:
            InvalidInput: the tenant is no id.
        """
        return tenant_key(self.tenant)
