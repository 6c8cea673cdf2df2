"""How often KMS is asked, per 1,000 operations: python -m benchmarks.kms_calls.

Counted from the requests that leave the process. Warm, one process does 1,000 operations: reads, gets, pages and puts
in turn, over the partitions of one tenant or of many; its first operations, which find no key, are counted too. Cold,
each operation is the first of its process.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import cycle, islice

from benchmarks.counting import Counter
from benchmarks.place import Bench, fresh, line
from benchmarks.record import SK_FORM
from benchmarks.results import Figures, save, say

_OPERATIONS = 1_000
_PARTITIONS, _RECORDS = 10, 10
_MANY_TENANTS = 100

type Operation = Callable[[Bench, str, str], None]
"""One operation of this tenant, on this partition."""


def main() -> None:
    """Count, and write kms_calls.json."""
    parser = argparse.ArgumentParser(description="How often KMS is asked.")
    parser.add_argument("--operations", type=int, default=_OPERATIONS, help="operations (default 1,000)")
    parser.add_argument("--tenants", type=int, default=_MANY_TENANTS, help="tenants of the second count (default 100)")
    given = parser.parse_args()
    with fresh() as bench:
        save("kms_calls", measure(bench, given.operations, tenants=given.tenants))


def measure(bench: Bench, operations: int, *, tenants: int) -> Figures:
    """Calls per 1,000 operations: of a process that goes on, with one tenant and with many, and of fresh ones."""
    counter = Counter()
    counter.watch(bench.dynamodb, kms=bench.kms)
    one, many = _filled(bench, 1), _filled(bench, tenants)
    found: Figures = {"operations": operations, "tenants": tenants}
    for name, places in {"one tenant": one, "many tenants": many}.items():
        say(f"KMS calls of {operations} operations, {name}")
        process = bench.cold()
        with counter.during() as count:
            _run(operations, cycle([process]), places)
        found[name] = count.kms_calls * _OPERATIONS / operations
    cold = max(1, operations // 10)
    say(f"KMS calls of {cold} processes with one operation each")
    with counter.during() as count:
        _run(cold, iter(bench.cold, None), one)
    found["cold"] = count.kms_calls * _OPERATIONS / cold
    return found


def _filled(bench: Bench, tenants: int) -> list[tuple[str, str]]:
    """Partitions of so many tenants, as (tenant, partition)."""
    places = [(f"of-{tenants}-{number % tenants}", f"p{number}") for number in range(max(tenants, _PARTITIONS))]
    for tenant, name in places:
        bench.fill(name, _RECORDS, tenant=tenant)
    return places


def _run(operations: int, processes: Iterator[Bench], places: list[tuple[str, str]]) -> None:
    turns = zip(processes, cycle(_OPERATIONS_IN_TURN), cycle(places), strict=False)
    for process, operation, (tenant, name) in islice(turns, operations):
        operation(process, tenant, name)


def _read(bench: Bench, tenant: str, name: str) -> None:
    with bench.partition(name, tenant=tenant) as partition:
        partition.read()


def _get(bench: Bench, tenant: str, name: str) -> None:
    with bench.partition(name, tenant=tenant) as partition:
        partition.get(SK_FORM.format(1))


def _page(bench: Bench, tenant: str, name: str) -> None:
    with bench.partition(name, tenant=tenant) as partition:
        partition.query(limit=5)


def _put(bench: Bench, tenant: str, name: str) -> None:
    with bench.partition(name, tenant=tenant) as partition:
        partition.put(line(2))


_OPERATIONS_IN_TURN: tuple[Operation, ...] = (_read, _get, _read, _page, _read, _put, _get)

if __name__ == "__main__":
    main()
