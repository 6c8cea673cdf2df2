"""Rows of one moment, however many they are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twinvault.dynamodb.table import MAX_TOGETHER
from twinvault.envelope.item import Item
from twinvault.errors import Contention, TooLarge

if TYPE_CHECKING:
    from twinvault.dynamodb.table import Table


def together(table: "Table", keys: Sequence[tuple[str, str]]) -> list[Item]:
    """The rows of these keys that are there, of one moment; the first key is the head's.

    Raises:
        Contention: others kept writing.
        DependencyError: the table cannot be read now.
    """
    every = list(dict.fromkeys(keys))
    if len(every) <= MAX_TOGETHER:
        try:
            return table.get_together(every)
        except TooLarge:
            pass
    # More than one transaction reads. Each write replaces the head: between two equal ones there was none.
    head = table.get_isolated(*every[0])
    found = table.batch_get(every[1:])
    if table.get_isolated(*every[0]) != head:
        raise changing()
    return [*([head] if head else []), *found.values()]


def changing() -> Contention:
    """What whoever looks twice is told while others write."""
    return Contention("the partition keeps changing", retry_after=1)
