"""A process's first full read, without a key, beside one with keys in memory: python -m benchmarks.cold_reads.

A cold read loads the tenant's register and its mark, asks KMS for the register key and a KEK, and fetches the DEK. It
cannot be measured without the register: nothing is opened without it. Connections are open in both cases.
"""

import argparse
from typing import TYPE_CHECKING

from benchmarks.counting import Counter
from benchmarks.full_reads import read
from benchmarks.place import Bench, fresh
from benchmarks.results import Figures, save, say
from benchmarks.timing import alternating, summary

if TYPE_CHECKING:
    from collections.abc import Callable

_BUDGET_SECONDS = 60.0


def main() -> None:
    """Measure, and write cold_reads.json."""
    parser = argparse.ArgumentParser(description="A read with no key in memory, beside one with all of them.")
    parser.add_argument("--samples", type=int, default=40, help="samples of each (default 40)")
    parser.add_argument("--records", type=int, default=100, help="records of the partition (default 100)")
    given = parser.parse_args()
    with fresh() as bench:
        save("cold_reads", measure(bench, given.records, samples=given.samples))


def measure(bench: Bench, records: int, *, samples: int) -> Figures:
    """Medians of `cold` and `warm`, with the requests and KMS calls of one each."""
    say(f"cold and warm reads of {records} records")
    bench.fill("cold", records)
    works: dict[str, Callable[[], None]] = {
        "cold": lambda: read(bench.cold(), "cold", expected=records),
        "warm": lambda: read(bench, "cold", expected=records),
    }
    found: Figures = {
        name: summary(one) for name, one in alternating(works, samples=samples, budget=_BUDGET_SECONDS).items()
    }
    counter = Counter()
    counter.watch(bench.dynamodb, kms=bench.kms)
    for name, work in works.items():
        with counter.during() as count:
            work()
        found[name] |= count.as_dict()
    return {"records": records, **found}


if __name__ == "__main__":
    main()
