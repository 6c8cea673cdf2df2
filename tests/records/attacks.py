"""What an attacker who can write the tables may do to a partition: set rows aside, put back, move and plant them.

`Moments` remembers every row of both tables at every moment of a partition's history, as somebody with the table's
backups does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.records.samples import LEDGER, SCOPE
from tests.stores import World
from twinvault.records.partition import Snapshot
from twinvault.records.store import PartitionStore
from twinvault.scope import Scope

type RowKey = tuple[str, str, str]
"""Logical table, pk and sk."""
type Rows = dict[RowKey, dict[str, Any]]


def partition(world: World, scope: Scope = SCOPE, *, seconds: float = 20.0) -> PartitionStore:
    return world.partition(scope, LEDGER, world.activity(scope.tenant, seconds=seconds))


@dataclass(frozen=True)
class Moment:
    """A state that a write left: what a reader finds, and every row behind it."""

    snapshot: Snapshot | None
    rows: Rows


@dataclass
class Moments:
    """The tables of one world, and what they held at each moment."""

    world: World
    past: list[Moment] = field(default_factory=list)

    def now(self) -> Moment:
        """Remembers how everything is, and what an honest reader finds."""
        self.past.append(Moment(partition(self.world.another_environment()).read(), self.rows()))
        return self.past[-1]

    def rows(self) -> Rows:
        """Every row of the tables `records` and `keys`."""
        tables = {"records": self.world.tables.records, "keys": self.world.tables.keys}
        return {
            (table, item["pk"]["S"], item["sk"]["S"]): item
            for table, name in tables.items()
            for item in self.world.items(name)
        }

    def become(self, rows: Rows) -> None:
        """Makes the two tables hold exactly these rows, whatever it takes. Marks and audit stay as they are."""
        there = self.rows()
        for place in there.keys() - rows.keys():
            self.delete(place)
        for place, item in rows.items():
            if there.get(place) != item:
                self.put(place, item)

    def delete(self, place: RowKey) -> None:
        table, pk, sk = place
        self.world.client.delete_item(TableName=self._name(table), Key={"pk": {"S": pk}, "sk": {"S": sk}})

    def put(self, place: RowKey, item: dict[str, Any]) -> None:
        """The item at this place: its keys are made to fit, all else stays."""
        table, pk, sk = place
        self.world.client.put_item(TableName=self._name(table), Item={**item, "pk": {"S": pk}, "sk": {"S": sk}})

    def _name(self, table: str) -> str:
        return {"records": self.world.tables.records, "keys": self.world.tables.keys}[table]


def record(sk: str, scope: Scope = SCOPE) -> RowKey:
    return ("records", scope.pk, sk)


def key(sk: str, tenant: str = "acme") -> RowKey:
    return ("keys", f"tenant#{tenant}", sk)


def without(rows: Rows, unwanted: Callable[[RowKey], bool]) -> Rows:
    return {place: item for place, item in rows.items() if not unwanted(place)}
