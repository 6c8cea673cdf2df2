"""What a full read of 10,000 records holds in memory at its peak: python -m benchmarks.memory.

Each figure is of a child process of its own, which has read a small partition before: `resident` is by how much its
resident size grew at most (the kernel's own high-water mark, set back before: proc_pid_clear_refs(5)), `traced` the
greatest sum of Python's own allocations (tracemalloc).
"""

import argparse
import json
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

from benchmarks import asked
from benchmarks.counting import size_of
from benchmarks.full_reads import read
from benchmarks.place import Address, Bench, fresh, opened
from benchmarks.results import ROOT, Figures, save, say

_NAME, _SMALL = "memory", "memory-before"
_SMALL_RECORDS = 10
_KIB = 1024
WAYS = ("read", "rows")


def main() -> None:
    """Measure, and write memory.json; or be the child."""
    parser = argparse.ArgumentParser(description="The peak of a full read.")
    parser.add_argument("--records", type=int, default=10_000, help="records of the partition (default 10,000)")
    parser.add_argument("--child", nargs=3, metavar=("ADDRESS", "WAY", "HOW"), help="what the parent starts")
    given = parser.parse_args()
    if given.child:
        address, way, how = given.child
        peak = measure_here(opened(Address.from_json(address)), given.records, way=way, traced=how == "traced")
        sys.stdout.write(json.dumps(peak))
        return
    with fresh() as bench:
        save("memory", measure(bench, given.records))


def measure(bench: Bench, records: int) -> Figures:
    """Peak bytes of a full read and of a plain Query of the same rows, and how large the rows are in the table."""
    say(f"peak memory of a full read of {records} records")
    fill(bench, records)
    found: Figures = {
        way: {how: in_child(bench.address, records, way=way, how=how) for how in ("resident", "traced")} for way in WAYS
    }
    stored = sum(map(size_of, asked.rows(bench, asked.partition_key(_NAME))))
    return {"records": records, "stored": stored, **found}


def fill(bench: Bench, records: int) -> None:
    """Write what is to be read."""
    bench.fill(_SMALL, _SMALL_RECORDS)
    bench.fill(_NAME, records)


def measure_here(bench: Bench, records: int, *, way: str, traced: bool) -> int:
    """The peak of this process, in bytes."""
    _do(bench, _SMALL, _SMALL_RECORDS, way=way)
    if traced:
        tracemalloc.start()
        _do(bench, _NAME, records, way=way)
        return tracemalloc.get_traced_memory()[1]
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _peak()
    _do(bench, _NAME, records, way=way)
    return _peak() - before


def _peak() -> int:
    """The greatest resident size since the mark was set back, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kibibytes,) = re.findall(r"VmHWM:\s+([0-9]+) kB", status)
    return int(kibibytes) * _KIB


def _do(bench: Bench, name: str, records: int, *, way: str) -> None:
    if way == "read":
        read(bench, name, expected=records)
    else:
        asked.rows(bench, asked.partition_key(name))


def in_child(address: Address, records: int, *, way: str, how: str) -> int:
    """The peak of a child process that does the same, in bytes."""
    options = ["--records", str(records), "--child", address.to_json(), way, how]
    command = [sys.executable, "-m", "benchmarks.memory", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603  # our own command
    return int(done.stdout)


if __name__ == "__main__":
    main()
