"""A full read of a partition beside what it must ask DynamoDB for anyhow: python -m benchmarks.full_reads.

The partitions hold 10, 100, 1,000 and 10,000 records of 1 KB, keys are in memory. The plain contender asks with boto3
for the very same rows, the newest mark, and one append of an entry as long as a read's, one after the other.
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks import asked
from benchmarks.place import Bench, fresh
from benchmarks.results import Figures, save, say
from benchmarks.timing import alternating, summary

SIZES = (10, 100, 1_000, 10_000)
_BUDGET_SECONDS = 150.0
"""Of one size. 10,000 records take seconds a sample."""


def main() -> None:
    """Measure, and write full_reads.json."""
    parser = argparse.ArgumentParser(description="A full read beside what it must ask DynamoDB for anyhow.")
    parser.add_argument("--samples", type=int, default=40, help="samples of each contender (default 40)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="records of the partitions")
    given = parser.parse_args()
    with fresh() as bench:
        save("full_reads", measure(bench, given.sizes, samples=given.samples))


def measure(bench: Bench, sizes: Sequence[int], *, samples: int, budget: float = _BUDGET_SECONDS) -> Figures:
    """The medians of every size: `read`, `asked`, all that it must ask for, and `rows`, the Query of the rows."""
    found: Figures = {}
    for size in sizes:
        say(f"full read of {size} records")
        name = f"n{size}"
        bench.fill(name, size)
        pk, append = asked.partition_key(name), asked.Append(bench, name)
        works: dict[str, Callable[[], object]] = {
            "rows": partial(asked.rows, bench, pk),
            "asked": partial(_ask, bench, pk, append),
            "read": partial(read, bench, name, expected=size),
        }
        found[str(size)] = {of: summary(one) for of, one in alternating(works, samples=samples, budget=budget).items()}
    return found


def read(bench: Bench, name: str, *, expected: int) -> None:
    """One full read, audited, in an activity of its own."""
    with bench.partition(name) as partition:
        snapshot = partition.read()
    if snapshot is None or len(snapshot.records) != expected:
        raise RuntimeError(f"{name} has not the {expected} records that were written")


def _ask(bench: Bench, pk: str, append: asked.Append) -> None:
    asked.rows(bench, pk)
    asked.newest_mark(bench, pk)
    append()


if __name__ == "__main__":
    main()
