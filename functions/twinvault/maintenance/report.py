"""What mending a partition did, or would do, as whoever asked is told. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from twinvault.dynamodb.marks import Mark
from twinvault.records.spec import HEAD
from twinvault.records.surveying import Survey
from twinvault.scope import Scope

MAX_NAMED = 1000
"""How many rows of one sort a report names; it counts all of them."""
MAX_NAMED_BYTES = 1 << 18
"""And of how many bytes of JSON their names are: an answer has a limit."""


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What was found of a partition, and how it ended.

    Attributes:
        partition: its id.
        done: whether it is whole: a full read gives it.
        version: of its head now; 0 where none was written.
        of: the version of the head that it is made of; None: no head opens there.
        mark: the version that its newest mark named; None: it has none.
        kept: how many rows open, and are kept.
        refused: by sort key, which check each row failed that does not open, the head among them.
        refused_count: how many those are.
        lost: how many of them are records, and no head: what has to be given up to mend it.
        unaccounted: how many records, at least, are not there as the head counts them (`Survey.unaccounted`): what has
            to be given up as well, though nobody can name it.
        replaced: the sort keys of rows that open, and that a backup has otherwise or not at all.
        replaced_count: how many those are.
        returned_count: how many rows come back: those that are kept, and are not there as they are.
        removed_count: how many rows go: those that are there, and nothing is kept in their place.
    """

    partition: str
    done: bool
    version: int
    of: int | None
    mark: int | None
    kept: int
    refused: dict[str, str] = field(repr=False)
    refused_count: int
    lost: int
    unaccounted: int
    replaced: list[str] = field(repr=False)
    replaced_count: int
    returned_count: int
    removed_count: int

    @property
    def is_cut(self) -> bool:
        """Whether more rows do not open than are named."""
        return len(self.refused) < self.refused_count

    @property
    def lost_versions(self) -> tuple[int, int] | None:
        """From which version to which the partition was written, and is not any more; None: not at all.

        What those wrote, nobody knows.
        """
        if self.mark is None or (self.of is not None and self.mark <= self.of):
            return None
        return (self.of or 0) + 1, self.mark


def report_of(living: Survey, source: Survey, *, mark: Mark | None, scope: Scope) -> RecoveryReport:
    """What is to be told of a partition before it is mended."""
    refused = {sk: source.refused[sk].check for sk in sorted(source.refused)}
    rows, same = set(living.rows), set(source.rows)
    replaced = sorted(row.sk for row in rows - same)
    return RecoveryReport(
        partition=scope.partition,
        done=False,
        version=0,
        of=source.head[0].version if source.head else None,
        mark=mark.version if mark else None,
        kept=len(source.records),
        refused={sk: refused[sk] for sk in _named(refused)},
        refused_count=len(refused),
        lost=len(source.lost),
        unaccounted=source.unaccounted(mark),
        replaced=_named(replaced),
        replaced_count=len(replaced),
        returned_count=len(same - rows),
        removed_count=len(living.items.keys() - source.records.keys() - {HEAD}),
    )


def counted(count: int, *, one: str, many: str) -> str:
    """A number and what it is of: `1 row`, `2 rows`."""
    return f"{count} {one if count == 1 else many}"


def _named(sks: Iterable[str]) -> list[str]:
    """The first of these sort keys, as many as a report names."""
    named, size = list[str](), 0
    for sk in sks:
        size += len(json.dumps(sk)) + len('{"row": , "check": ""}, ') + 64
        if len(named) == MAX_NAMED or size > MAX_NAMED_BYTES:
            break
        named.append(sk)
    return named
