"""The partition keys of tables and of their indexes, as DescribeTable tells them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TableKeys:
    """The attributes of a table's partition key, and of each index's: an index may have up to four, in order."""

    partition: tuple[str, ...]
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, index: str | None) -> tuple[str, ...]:
        """The partition key of the table, or of an index; none of an index that there is not."""
        return self.partition if index is None else self.indexes.get(index, ())


def described_keys(description: Mapping[str, Any]) -> TableKeys:
    """The keys that a TableDescription lists."""
    indexes = [*description.get("GlobalSecondaryIndexes", ()), *description.get("LocalSecondaryIndexes", ())]
    return TableKeys(_partition(description), {index["IndexName"]: _partition(index) for index in indexes})


def _partition(described: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(each["AttributeName"] for each in described["KeySchema"] if each["KeyType"] == "HASH")
