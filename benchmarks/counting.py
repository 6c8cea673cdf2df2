"""What requests cost, counted from the requests themselves: write units, read units, and calls of KMS.

botocore's own event hooks show each request and its answer. DynamoDB Local reports no capacity for an
ExecuteTransaction, so units are counted by AWS's rules, of item sizes as AWS counts them:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

WRITE_UNIT, READ_UNIT = 1024, 4096  # bytes
_TRANSACTIONAL = 2
_OURS = "benchmarks.params"
_ATTRIBUTE = re.compile(r"['\"]([a-z_0-9]+)['\"]\s*[:=]\s*\?")
_TABLE = re.compile(r'^(INSERT INTO|UPDATE|DELETE FROM) "([^"]+)"')
_NESTED = 3  # bytes of a list or map, beside one for each element

type Item = Mapping[str, Mapping[str, Any]]
type Key = tuple[str, str, str]
"""Table, pk and sk."""


@dataclass(slots=True)
class Count:
    """What was asked for."""

    write_units: float = 0
    read_units: float = 0
    requests: int = 0
    kms_calls: int = 0

    def as_dict(self) -> dict[str, float]:
        """As JSON."""
        return asdict(self)


class Counter:
    """Counts what clients ask for, from when it is told to watch them; safe for threads.

    It remembers the sizes of items that it saw, for a write is charged by the larger of the item before and after, and
    a DELETE does not say how large the item was.
    """

    def __init__(self) -> None:
        self._count = Count()
        self._sizes: dict[Key, int] = {}
        self._lock = threading.Lock()

    def watch(self, *dynamodb: Any, kms: Any) -> None:  # noqa: ANN401  # boto3's own clients
        """Count all that these clients ask for from now on."""
        for client in dynamodb:
            client.meta.events.register("provide-client-params.dynamodb.*", self._asked)
            client.meta.events.register("after-call.dynamodb.*", self._answered)
        kms.meta.events.register("before-send.kms.*", self._sent)

    @contextmanager
    def during(self) -> Iterator[Count]:
        """What is asked for within the block; to be read after it."""
        with self._lock:
            self._count = counted = Count()
        yield counted
        with self._lock:
            self._count = Count()

    def _sent(self, **_about: object) -> None:
        with self._lock:
            self._count.kms_calls += 1

    def _asked(self, params: Mapping[str, Any], context: dict[str, Any], **_about: object) -> None:
        context[_OURS] = params

    def _answered(self, model: Any, parsed: Mapping[str, Any], context: dict[str, Any], **_about: object) -> None:  # noqa: ANN401  # botocore's
        if "Error" in parsed:
            return
        with self._lock:
            self._count.requests += 1
            _RULES[model.name](self, context[_OURS], parsed)

    def remember(self, key: Key, size: int) -> int:
        """The larger of an item's size before and now."""
        before = self._sizes.get(key, 0)
        self._sizes[key] = size
        return max(before, size)

    def write(self, key: Key, size: int, *, times: int = 1) -> None:
        """Count one write of an item that is of this size afterwards."""
        self._count.write_units += times * units(self.remember(key, size), WRITE_UNIT)

    def read(self, items: Sequence[Item], *, table: str) -> list[int]:
        """The sizes of items that were read."""
        sizes = [size_of(item) for item in items]
        for item, size in zip(items, sizes, strict=True):
            self.remember((table, item["pk"]["S"], item["sk"]["S"]), size)
        return sizes

    def add_read_units(self, number: float) -> None:
        """Count read units."""
        self._count.read_units += number


def units(size: int, unit: int) -> int:
    """How many units are begun; one at least."""
    return max(1, -(-size // unit))


def size_of(item: Item) -> int:
    """An item's size as AWS counts it: names and values."""
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Mapping[str, Any]) -> int:
    """One value's size. A number takes a byte for each two significant digits, and one more; sets do not occur."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            digits = content.lstrip("-").partition("e")[0].replace(".", "").strip("0")
            return (len(digits) + 1) // 2 + 1
        case "S":
            return len(content.encode())
        case "B":
            return len(content)
        case "L":
            return _NESTED + sum(1 + value_size(one) for one in content)
        case "M":
            return _NESTED + sum(1 + len(name.encode()) + value_size(one) for name, one in content.items())
        case _:  # NULL and BOOL
            return 1


def _transaction(counter: Counter, params: Mapping[str, Any], _answer: Mapping[str, Any]) -> None:
    for statement in params["TransactStatements"]:
        key, size = stated(statement["Statement"], statement["Parameters"])
        counter.write(key, size, times=_TRANSACTIONAL)


def stated(text: str, parameters: Sequence[Mapping[str, Any]]) -> tuple[Key, int]:
    """The key of the item that a statement of ours writes, and the item's size afterwards."""
    found = _TABLE.match(text)
    if found is None:
        raise ValueError("this is no statement that writes")
    verb, table = found.groups()
    changed, _, condition = text.partition(" WHERE ")
    written = _ATTRIBUTE.findall(changed)
    item = dict(zip(written, parameters, strict=False))
    # What stands behind WHERE are the keys and the commitment before.
    item |= dict(list(zip(_ATTRIBUTE.findall(condition), parameters[len(written) :], strict=True))[:2])
    size = 0 if verb == "DELETE FROM" else size_of(item)
    return (table, item["pk"]["S"], item["sk"]["S"]), size


def _put(counter: Counter, params: Mapping[str, Any], _answer: Mapping[str, Any]) -> None:
    item = params["Item"]
    counter.write((params["TableName"], item["pk"]["S"], item["sk"]["S"]), size_of(item))


def _delete(counter: Counter, params: Mapping[str, Any], _answer: Mapping[str, Any]) -> None:
    counter.write((params["TableName"], params["Key"]["pk"]["S"], params["Key"]["sk"]["S"]), 0)


def _query(counter: Counter, params: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """All items of a page together are rounded up once."""
    if "IndexName" in params:
        sizes, share = [size_of(item) for item in answer["Items"]], 0.5
    else:
        sizes, share = counter.read(answer["Items"], table=params["TableName"]), _consistency(params)
    counter.add_read_units(share * units(sum(sizes), READ_UNIT))


def _get(counter: Counter, params: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    items = [answer["Item"]] if "Item" in answer else []
    (size,) = counter.read(items, table=params["TableName"]) or [0]
    counter.add_read_units(_consistency(params) * units(size, READ_UNIT))


def _batch_get(counter: Counter, params: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    for table, asked in params["RequestItems"].items():
        sizes = counter.read(answer["Responses"].get(table, []), table=table)
        missing = len(asked["Keys"]) - len(sizes)
        counter.add_read_units(_consistency(asked) * (missing + sum(units(size, READ_UNIT) for size in sizes)))


def _transact_get(counter: Counter, params: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    for asked, found in zip(params["TransactItems"], answer["Responses"], strict=True):
        items = [found["Item"]] if "Item" in found else []
        (size,) = counter.read(items, table=asked["Get"]["TableName"]) or [0]
        counter.add_read_units(_TRANSACTIONAL * units(size, READ_UNIT))


def _consistency(params: Mapping[str, Any]) -> float:
    return 1 if params.get("ConsistentRead") else 0.5


_RULES: dict[str, Callable[[Counter, Mapping[str, Any], Mapping[str, Any]], None]] = {
    "ExecuteTransaction": _transaction,
    "PutItem": _put,
    "DeleteItem": _delete,
    "Query": _query,
    "GetItem": _get,
    "BatchGetItem": _batch_get,
    "TransactGetItems": _transact_get,
}
