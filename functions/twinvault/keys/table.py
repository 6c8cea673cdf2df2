"""The keys table, as the key hierarchy needs it; `dynamodb.key_rows` implements it."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twinvault.envelope.item import Item


class KeyTable(Protocol):
    """The keys table. All reads are strongly consistent."""

    def get(self, pk: str, sk: str) -> "Item | None":
        """The row, or None."""

    def query(self, pk: str, prefix: str, *, limit: int | None = None) -> "Sequence[Item]":
        """The rows whose sort key begins with `prefix`, in order; all pages unless limited."""

    def insert(self, item: "Item") -> None:
        """Makes sure that a row is there: this one, or another that was first. The caller reads back which.

        Raises:
            DependencyError: the table cannot answer; the row may or may not be there.
        """
