"""Where a full read's processor time goes, a record of 1 KB: python -m benchmarks.opening.

CPU time of this process alone, the least of several rounds over all rows of a partition: what the engine takes and what
others on the machine do is not in it.
"""

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks import asked
from benchmarks.full_reads import read
from benchmarks.place import TENANT, Bench, fresh
from benchmarks.record import LEDGER
from benchmarks.results import Figures, save, say
from tests.fakes import Recorder
from twinvault import Scope
from twinvault.envelope.item import open_found
from twinvault.records.partition import named_keys, open_row, place_rows
from twinvault.records.payload import decode_payload
from twinvault.records.record import label_at

if TYPE_CHECKING:
    from twinvault.envelope.item import Found
    from twinvault.records.partition import Keys

_ROUNDS = 9
_NAME = "opening"
_SEEN = Recorder()
QUERY, READ = "Query through boto3, all of it", "full read, all of it"


def main() -> None:
    """Measure, and write opening.json."""
    parser = argparse.ArgumentParser(description="Where a full read's processor time goes.")
    parser.add_argument("--records", type=int, default=1_000, help="records of the partition (default 1,000)")
    given = parser.parse_args()
    with fresh() as bench:
        save("opening", measure(bench, given.records))


def measure(bench: Bench, records: int) -> Figures:
    """Microseconds of CPU a record, by part."""
    say(f"the parts of a full read of {records} records")
    bench.fill(_NAME, records)
    scope = Scope(TENANT, LEDGER.kind, _NAME)
    items = asked.rows(bench, scope.pk)
    rows = place_rows(items, scope=scope, lowest_format=1)
    with bench.partition(_NAME) as partition:
        names = named_keys(rows, scope=scope)
        keys: Keys = {name: bench.vault.keys.dek(scope, name, observer=partition.activity) for name in names}
        snapshot = partition.read()
    if snapshot is None:
        raise RuntimeError("what was written is not there")
    state, opened = snapshot.state, [record.row for record in snapshot.records.values()]
    payloads = [_open(row, keys) for row in rows]
    works: dict[str, Callable[[], object]] = {
        QUERY: lambda: asked.rows(bench, scope.pk),
        READ: lambda: read(bench, _NAME, expected=records),
        "steps 0 to 4: form, clear attributes, AAD": lambda: place_rows(items, scope=scope, lowest_format=1),
        "steps 5 to 7: commitment, AES-GCM, padding, digest": lambda: [_open(row, keys) for row in rows],
        "step 8: JSON": lambda: [decode_payload(payload) for payload in payloads],
        "steps 5 to 8, with declaration and record": lambda: [_record(row, keys) for row in rows[1:]],
        "step 9: terms and sum": lambda: state.mismatch(opened),
    }
    return {"records": records, "parts": {name: _cpu(work) / records * 1e6 for name, work in works.items()}}


def _open(row: "Found", keys: "Keys") -> bytes:
    key = keys[row.context.key_id]
    return open_found(row, key=key.kdf, label=label_at(row.context.sk)).plaintext


def _record(row: "Found", keys: "Keys") -> object:
    return open_row(row, keys, kind=LEDGER, observer=_SEEN)


def _cpu(work: Callable[[], object]) -> float:
    """The least CPU seconds of a round."""
    taken = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken)


if __name__ == "__main__":
    main()
