"""What an operation costs in write units, read units, KMS calls and money: python -m benchmarks.costs.

Counted from the requests themselves (`counting`), with keys in memory, of records of 1 KB; beside the same fields as
plain items, by PutItem, DeleteItem, GetItem and Query. Prices are those of prices.json.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from benchmarks import asked
from benchmarks.counting import Count, Counter
from benchmarks.full_reads import read
from benchmarks.place import SIZE, Bench, fresh, line
from benchmarks.record import SK_FORM, record
from benchmarks.results import Figures, save, say
from twinvault.records.batches import MAX_DRAFTS

PRICES = Path(__file__).with_name("prices.json")
_MILLION, _KMS_LOT = 1_000_000, 10_000
_SMALL_RECORDS, _LARGE_RECORDS = 100, 1_000
_NEW, _SMALL, _LARGE = "cost-new", "cost-small", "cost-large"
_PLAIN = "plain#{}"

type Work = Callable[[], object]


def main() -> None:
    """Count, and write costs.json."""
    with fresh() as bench:
        save("costs", measure(bench, small=_SMALL_RECORDS, large=_LARGE_RECORDS))


def measure(bench: Bench, *, small: int, large: int) -> Figures:
    """By operation: what it costs here and without encryption, and the prices that both were multiplied with."""
    say("units and KMS calls of each operation")
    for name, size in ((_SMALL, small), (_LARGE, large)):
        bench.fill(name, size)
        for number in range(1, size + 1):
            _put_plain(bench, name, number)
    prices = json.loads(PRICES.read_text(encoding="utf-8"))
    counter = Counter()
    counter.watch(bench.dynamodb, bench.plain, kms=bench.kms)
    # Both are seen once, for a write is charged by the item before it too.
    for name, size in ((_SMALL, small), (_LARGE, large)):
        read(bench, name, expected=size)
        asked.rows(bench, _PLAIN.format(name))
    found: Figures = {}
    for name, (ours, plain) in _operations(bench, small=small, large=large).items():
        pair = {}
        for of, work in {"ours": ours, "plain": plain}.items():
            with counter.during() as count:
                work()
            pair[of] = count.as_dict() | {"usd_per_million": price(count, prices)}
        found[name] = pair
    return {"prices": prices, "operations": found}


def price(count: Count, prices: Mapping[str, Any]) -> float:
    """What a million such operations cost."""
    return float(
        count.write_units * prices["write_request_units_per_million"]
        + count.read_units * prices["read_request_units_per_million"]
        + count.kms_calls * prices["kms_requests_per_10000"] * _MILLION / _KMS_LOT
    )


def _operations(bench: Bench, *, small: int, large: int) -> dict[str, tuple[Work, Work]]:
    """Each operation, ours and plain, in an order in which each finds what it needs."""
    several = range(small + 2, small + 2 + MAX_DRAFTS)
    return {
        "first record of a new partition": (_add(bench, _NEW, [1]), _plain_puts(bench, _NEW, [1])),
        "add a record": (_add(bench, _SMALL, [small + 1]), _plain_puts(bench, _SMALL, [small + 1])),
        f"add {MAX_DRAFTS} records": (_add(bench, _SMALL, several), _plain_puts(bench, _SMALL, several)),
        "put over a record": (_with(bench, lambda p: p.put(line(1))), _plain_puts(bench, _SMALL, [1])),
        "update a field": (
            _with(bench, lambda p: p.update(SK_FORM.format(2), {"label": "Slower"})),
            _plain_puts(bench, _SMALL, [2]),
        ),
        "delete a record": (
            _with(bench, lambda p: p.delete(SK_FORM.format(3))),
            lambda: bench.dynamodb.delete_item(TableName=bench.tables.records, Key=_plain_key(_SMALL, 3)),
        ),
        "get a record": (
            _with(bench, lambda p: p.get(SK_FORM.format(1))),
            lambda: bench.dynamodb.get_item(
                TableName=bench.tables.records, Key=_plain_key(_SMALL, 1), ConsistentRead=True
            ),
        ),
        f"a page of {small}": (_with(bench, lambda p: p.query(limit=small), name=_LARGE), _plain_page(bench, small)),
        f"read {large} records": (
            lambda: read(bench, _LARGE, expected=large),
            lambda: asked.rows(bench, _PLAIN.format(_LARGE)),
        ),
        f"read {large} records, no key in memory": (
            lambda: read(bench.cold(), _LARGE, expected=large),
            lambda: asked.rows(bench, _PLAIN.format(_LARGE)),
        ),
    }


def _with(bench: Bench, work: Callable[[Any], object], *, name: str = _SMALL) -> Work:
    def run() -> None:
        with bench.partition(name) as partition:
            work(partition)

    return run


def _add(bench: Bench, name: str, numbers: "range | list[int]") -> Work:
    return _with(bench, lambda partition: partition.add(*map(line, numbers)), name=name)


def _plain_puts(bench: Bench, name: str, numbers: "range | list[int]") -> Work:
    def run() -> None:
        for number in numbers:
            _put_plain(bench, name, number)

    return run


def _put_plain(bench: Bench, name: str, number: int) -> None:
    fields = {field: TypeSerializer().serialize(value) for field, value in record(SIZE).items()}
    bench.dynamodb.put_item(TableName=bench.tables.records, Item={**_plain_key(name, number), **fields})


def _plain_page(bench: Bench, limit: int) -> Work:
    return lambda: bench.dynamodb.query(
        TableName=bench.tables.records,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": _PLAIN.format(_LARGE)}},
        ConsistentRead=True,
        Limit=limit,
    )


def _plain_key(name: str, number: int) -> dict[str, dict[str, Any]]:
    return {"pk": {"S": _PLAIN.format(name)}, "sk": {"S": SK_FORM.format(number)}}


if __name__ == "__main__":
    main()
