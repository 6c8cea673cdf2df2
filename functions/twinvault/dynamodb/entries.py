"""The audit table as the audit log needs it: `audit.log.AuditTable` over DynamoDB."""

from typing import TYPE_CHECKING

from twinvault.dynamodb.transaction import Result, Transactor, insert

if TYPE_CHECKING:
    from twinvault.envelope.item import Item


class DynamoAuditTable:
    """`audit.log.AuditTable` over the audit table."""

    def __init__(self, name: str, transactor: Transactor) -> None:
        self.name = name
        self._transactor = transactor

    def append(self, item: "Item", *, deadline: float) -> Result:
        """See `AuditTable.append`."""
        return self._transactor.execute([insert(self.name, item)], deadline=deadline)
