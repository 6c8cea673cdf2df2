"""What the head's sum and the mark cost a read and a write: python -m benchmarks.sum_and_mark.

One partition of 1 KB records on DynamoDB Local, in memory, keys cached, KMS in this process. Contenders alternate. Each
row leaves one thing out of what the store does; whoever left it out for good would lose what it is for.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

from benchmarks.results import Figures, save, say
from benchmarks.running import dynamodb_local
from benchmarks.timing import medians
from tests.fakes import FakeKms, Recorder
from tests.records.samples import HEAD_FIELDS, LEDGER, SCOPE, puts
from tests.stores import World, make_client, make_world
from twinvault.dynamodb.marks import Marks, head_mark_key
from twinvault.dynamodb.table import Table
from twinvault.dynamodb.transaction import Outcome, Statement
from twinvault.records.changes import Changes
from twinvault.records.freezing import Freezer
from twinvault.records.partition import Look, Opening, Snapshot, named_keys, open_row, place_rows
from twinvault.records.record import Draft
from twinvault.scope import Scope

_AWS = {"region_name": "eu-central-1", "aws_access_key_id": "BENCH", "aws_secret_access_key": "made-up"}
_MARK_PK = head_mark_key(SCOPE.pk)
_AT_ONCE = 90
_MEMO = "x" * 900


def main() -> None:
    """Measure, and write sum_and_mark.json."""
    parser = argparse.ArgumentParser(description="What sum and mark cost a read and a write.")
    parser.add_argument("--samples", type=int, default=60, help="samples of each contender (default 60)")
    parser.add_argument("--records", type=int, default=200, help="records of the partition that is read (default 200)")
    asked = parser.parse_args()
    with dynamodb_local() as endpoint:
        world = make_world(make_client(endpoint, _AWS), FakeKms())
        save("sum_and_mark", measure(world, asked.records, samples=asked.samples))


def measure(world: World, records: int, *, samples: int) -> Figures:
    """The medians in milliseconds: `read` of so many records, and `write` of one."""
    _fill(world, records)
    found: Figures = {"records": records, "samples": samples}
    for name, works in {"read": _reads(world), "write": _writes(world)}.items():
        say(f"sum and mark: {name}")
        found[name] = {of: time / 1e3 for of, time in medians(works, samples=samples).items()}
    return found


def _reads(world: World) -> dict[str, Callable[[], object]]:
    reader, table = world.vault.reader, world.vault.records
    marks = Marks(Table(world.client, world.tables.marks, sleep=time.sleep))
    activity = world.activity(seconds=3600)
    keys = {name: world.keys.dek(SCOPE, name, observer=activity) for name in _names(world)}
    newest = marks.newest(_MARK_PK)
    seen = Recorder()

    def whole(mark: Callable[[], Any]) -> Callable[[], Snapshot | None]:
        def read() -> Snapshot | None:
            rows = place_rows(table.query(SCOPE.pk), scope=SCOPE, lowest_format=1)
            opening = Opening(SCOPE, LEDGER, observer=seen)
            opening.take(rows, keys)
            return opening.whole(mark())

        return read

    def rows_alone() -> object:
        rows = place_rows(table.query(SCOPE.pk), scope=SCOPE, lowest_format=1)
        return [open_row(row, keys, kind=LEDGER, observer=seen) for row in rows]

    return {
        "rows opened, no sum and no mark": rows_alone,
        "and the sum": whole(lambda: newest),
        "and the mark, asked for afterwards": whole(lambda: marks.newest(_MARK_PK)),
        "and the mark, asked for meanwhile: as it is": lambda: reader.read(SCOPE, LEDGER, activity=activity),
    }


def _names(world: World) -> list[str]:
    items = world.vault.records.query(SCOPE.pk)
    return named_keys(place_rows(items, scope=SCOPE, lowest_format=1), scope=SCOPE)


def _writes(world: World) -> dict[str, Callable[[], object]]:
    def writing(partition: str, keep: Callable[[Statement], bool]) -> Callable[[], None]:
        scope = Scope("acme", "ledger", partition)
        freezer = Freezer(world.keys, world.tables, now=lambda: "2026-11-30T09:00:00.000000Z", randomness=os.urandom)
        activity = world.activity(seconds=3600)
        before: list[Look | None] = [None]

        def write() -> None:
            event_id = world.audit.event_id()
            changes = Changes(HEAD_FIELDS, [_line(1)])
            frozen = freezer.freeze(scope, changes, kind=LEDGER, before=before[0], event_id=event_id, activity=activity)
            statements = [one for one in frozen.statements if keep(one)]
            wrote = {head_mark_key(scope.pk): frozen.wrote}
            result = world.audit.commit(activity, statements, event_id=event_id, wrote=wrote)
            if result.outcome is not Outcome.COMMITTED:
                raise RuntimeError(result)
            before[0] = frozen.after

        return write

    return {
        "record, head and audit entry": writing("without", lambda one: world.tables.marks not in one.text),
        "and the mark: as it is": writing("with", lambda _one: True),
    }


def _fill(world: World, records: int) -> None:
    partition = world.partition(SCOPE, LEDGER, world.activity(seconds=3600))
    for start in range(1, records + 1, _AT_ONCE):
        lines = [_line(number) for number in range(start, min(start + _AT_ONCE, records + 1))]
        partition.write(puts(*lines))


def _line(number: int) -> Draft:
    return Draft("line", f"line#{number:04d}", {"amount": 5, "payee": "Bo", "memo": _MEMO})


if __name__ == "__main__":
    main()
