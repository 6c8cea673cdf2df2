"""What the head's sum and the mark cost a read and a write: python -m benchmarks.store [--samples N] [--records N].

One partition of 1 KB records on DynamoDB Local, in memory, keys cached, KMS in this process. Contenders alternate. Each
row leaves one thing out of what the store does; whoever left it out for good would lose what it is for.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.timing import medians
from tests.fakes import FakeKms, Recorder
from tests.records.samples import HEAD_FIELDS, LEDGER, SCOPE
from tests.stores import World, make_client, make_world
from twinvault.dynamodb.marks import Marks, head_mark_key
from twinvault.dynamodb.table import Table
from twinvault.dynamodb.transaction import Outcome, Statement
from twinvault.records.changes import Changes
from twinvault.records.freezing import Freezer
from twinvault.records.partition import Snapshot, named_keys, open_partition, open_row, place_rows
from twinvault.records.record import Draft
from twinvault.scope import Scope
from twinvault_local.engines import dynamodb
from twinvault_local.machine import toolchain, waiting
from twinvault_local.machine.ports import LOOPBACK, free_port

_AWS = {"region_name": "eu-central-1", "aws_access_key_id": "BENCH", "aws_secret_access_key": "madeup"}
_MARK_PK = head_mark_key(SCOPE.pk)
_AT_ONCE = 90
_MEMO = "x" * 900


def main() -> None:
    """Print two tables, as Markdown."""
    parser = argparse.ArgumentParser(description="What sum and mark cost a read and a write.")
    parser.add_argument("--samples", type=int, default=60, help="samples of each contender (default 60)")
    parser.add_argument("--records", type=int, default=200, help="records of the partition that is read (default 200)")
    asked = parser.parse_args()
    with _engine() as endpoint:
        world = make_world(make_client(endpoint, _AWS), FakeKms())
        _fill(world, asked.records)
        title = f"A full read of {asked.records} records of 1 KB, ms, medians of {asked.samples}"
        _print(title, medians(_reads(world), samples=asked.samples))
        title = f"A write of one record of 1 KB, ms, medians of {asked.samples}"
        _print(title, medians(_writes(world), samples=asked.samples))


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
            return open_partition(rows, keys, mark=mark(), kind=LEDGER, scope=SCOPE, observer=seen)

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
        before: list[Snapshot | None] = [None]

        def write() -> None:
            event_id = world.audit.event_id()
            changes = Changes(HEAD_FIELDS, [_line(1)])
            frozen = freezer.freeze(scope, changes, kind=LEDGER, before=before[0], event_id=event_id, activity=activity)
            statements = [one for one in frozen.statements if keep(one)]
            wrote = {head_mark_key(scope.pk): frozen.wrote}
            result = world.audit.commit(activity, statements, event_id=event_id, wrote=wrote)
            if result.outcome is not Outcome.COMMITTED:
                raise RuntimeError(result)
            before[0] = frozen.snapshot

        return write

    return {
        "record, head and audit entry": writing("without", lambda one: world.tables.marks not in one.text),
        "and the mark: as it is": writing("with", lambda _one: True),
    }


def _fill(world: World, records: int) -> None:
    partition = world.partition(SCOPE, LEDGER, world.activity(seconds=3600))
    for start in range(1, records + 1, _AT_ONCE):
        lines = [_line(number) for number in range(start, min(start + _AT_ONCE, records + 1))]
        partition.write(lambda _before, lines=lines: Changes(HEAD_FIELDS, lines))


def _line(number: int) -> Draft:
    return Draft("line", f"line#{number:04d}", {"amount": 5, "payee": "Bo", "memo": _MEMO})


def _print(title: str, found: dict[str, float]) -> None:
    least = next(iter(found.values()))
    sys.stdout.write(f"\n{title}\n\n| | ms | to the first |\n|---|---:|---:|\n")
    for name, microseconds in found.items():
        sys.stdout.write(f"| {name} | {microseconds / 1e3:.1f} | {microseconds / least:.2f} |\n")
    sys.stdout.flush()


@contextmanager
def _engine() -> Iterator[str]:
    """DynamoDB Local in memory, ended with the benchmark."""
    engine = dynamodb.ensure(Path(__file__).parent.parent / ".cache", progress=print)
    port = free_port()
    endpoint = f"http://{LOOPBACK}:{port}"
    command = dynamodb.command(toolchain.find_java(), engine, port=port, data=None)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    with subprocess.Popen(command, env={"PATH": os.defpath}, **quiet) as process:  # noqa: S603  # our own command
        try:
            if not waiting.until(lambda: dynamodb.answers(endpoint), seconds=60, alive=lambda: process.poll() is None):
                raise RuntimeError("DynamoDB Local did not start")
            yield endpoint
        finally:
            process.terminate()
            process.wait(10)


if __name__ == "__main__":
    main()
