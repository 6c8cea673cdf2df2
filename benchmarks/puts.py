"""One record written into partitions of 10 to 10,000 records: python -m benchmarks.puts.

The record is one of 1 KB that is there and is replaced, so that partitions keep their sizes. A write reads the head and
the record, and is one transaction of both, the mark and the audit entry; its cost is to be the same whatever the size.
"""

import argparse
from collections.abc import Sequence
from functools import partial

from benchmarks.place import Bench, fresh, line
from benchmarks.results import Figures, save, say
from benchmarks.timing import alternating, summary

SIZES = (10, 1_000, 10_000)
_BUDGET_SECONDS = 60.0


def main() -> None:
    """Measure, and write puts.json."""
    parser = argparse.ArgumentParser(description="One record written into partitions of several sizes.")
    parser.add_argument("--samples", type=int, default=100, help="samples of each size (default 100)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="records of the partitions")
    given = parser.parse_args()
    with fresh() as bench:
        save("puts", measure(bench, given.sizes, samples=given.samples))


def measure(bench: Bench, sizes: Sequence[int], *, samples: int, budget: float = _BUDGET_SECONDS) -> Figures:
    """The medians, by size."""
    for size in sizes:
        say(f"filling a partition with {size} records")
        bench.fill(f"p{size}", size)
    say("writing one record into each")
    works = {str(size): partial(put, bench, f"p{size}") for size in sizes}
    return {size: summary(one) for size, one in alternating(works, samples=samples, budget=budget).items()}


def put(bench: Bench, name: str) -> None:
    """Replace the first record, in an activity of its own."""
    with bench.partition(name) as partition:
        partition.put(line(1))


if __name__ == "__main__":
    main()
