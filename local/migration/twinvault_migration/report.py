"""What a migration did and did not: counts, and what was refused by rule and field; no value of the source."""

import dataclasses
from dataclasses import asdict, dataclass
from typing import Any

from twinvault_migration.errors import ItemRefused

MOST_POSITIONS = 5


@dataclass(slots=True)
class Tally:
    """Items that were refused for one reason.

    Attributes:
        count: how many.
        first: the positions of the first ones.
    """

    reason: str
    entity: str
    field: str
    count: int = 0
    first: list[str] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class MigrationReport:
    """What became of the items.

    Attributes:
        items: how many the source gave.
        skipped: those that the mapping leaves out.
        records: the records that the others become; of a function an item may become several.
        written: records that were written.
        already: those that stood there already as they should be: of an earlier call, or of another item.
        compared: records that were read back and compared.
        refused: what did not become a record, by reason.
        different: what is not in the store as the source has it, by reason.
    """

    items: int = 0
    skipped: int = 0
    records: int = 0
    written: int = 0
    already: int = 0
    compared: int = 0
    refused: list[Tally] = dataclasses.field(default_factory=list)
    different: list[Tally] = dataclasses.field(default_factory=list)

    def refuse(self, position: str, error: ItemRefused) -> None:
        """Notes that an item, or one of its records, was refused."""
        _note(self.refused, position, error)

    def differs(self, position: str, error: ItemRefused) -> None:
        """Notes that a record is not in the store as the source has it."""
        _note(self.different, position, error)

    def counts(self) -> tuple[int, int]:
        """How many were refused, and how many differ."""
        return sum(one.count for one in self.refused), sum(one.count for one in self.different)

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return asdict(self)

    @staticmethod
    def of(document: dict[str, Any]) -> "MigrationReport":
        """The report that `document` gave."""
        lists = {name: [Tally(**one) for one in document[name]] for name in ("refused", "different")}
        return MigrationReport(**{**document, **lists})


def _note(refusals: list[Tally], position: str, error: ItemRefused) -> None:
    for one in refusals:
        if (one.reason, one.entity, one.field) == (error.reason, error.entity, error.field):
            break
    else:
        one = Tally(error.reason, error.entity, error.field)
        refusals.append(one)
    one.count += 1
    if len(one.first) < MOST_POSITIONS:
        one.first.append(position)
