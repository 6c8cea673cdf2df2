"""The keys table as the key hierarchy needs it: `keys.table.KeyTable` over DynamoDB."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twinvault.dynamodb.transaction import Outcome, Transactor, insert
from twinvault.errors import DependencyError

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table
    from twinvault.envelope.item import Item

_INSERT_PAUSE = 0.1


class DynamoKeyTable:
    """`keys.table.KeyTable` over the keys table."""

    def __init__(
        self,
        table: "Table",
        transactor: Transactor,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        patience: float = 10.0,
    ) -> None:
        """`patience`: seconds for which a lost answer to an insert is pursued."""
        self._table = table
        self._transactor = transactor
        self._monotonic = monotonic
        self._sleep = sleep
        self._patience = patience

    def get(self, pk: str, sk: str) -> "Item | None":
        """See `KeyTable.get`."""
        return self._table.get(pk, sk)

    def query(self, pk: str, prefix: str, *, limit: int | None = None) -> "Sequence[Item]":
        """See `KeyTable.query`."""
        return self._table.query(pk, prefix, limit=limit)

    def insert(self, item: "Item") -> None:
        """See `KeyTable.insert`."""
        deadline = self._monotonic() + self._patience
        # A cancelled insert found a row, or a transaction in flight that may bring one or fail: only looking tells.
        while self._monotonic() < deadline:
            result = self._transactor.execute([insert(self._table.name, item)], deadline=deadline)
            if result.outcome in {Outcome.REFUSED, Outcome.UNKNOWN}:
                break
            if result.outcome is Outcome.COMMITTED or self._table.get(item["pk"]["S"], item["sk"]["S"]) is not None:
                return
            self._sleep(_INSERT_PAUSE)
        raise DependencyError("the keys table cannot be written now")
