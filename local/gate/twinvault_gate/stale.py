"""Indexes that lag behind, by order: a query of one sees the table as it was some seconds ago.

A global index is eventually consistent: what was written a moment ago may be missing from it, and what was deleted or
changed may still stand there as it was. DynamoDB Local's indexes are always up to date. While an index is ordered to
lag, the gate remembers each item that is written through it, as it stood before. Not imitated: queries that count,
filter or project (of them new hits are left out, and no old ones shown), and PartiQL's SELECT.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from twinvault_gate.document import JsonObject, mapping, optional_text, text
from twinvault_gate.engine import LocalEngine
from twinvault_gate.expressions import key_condition_holds, sort_value
from twinvault_gate.writes import written_keys
from twinvault_serving.exchange import HttpResponse

_API = "DynamoDB_20120810."
_QUERIES = frozenset({"Query", "Scan"})
_NARROWED = ("FilterExpression", "ProjectionExpression", "KeyConditions", "QueryFilter", "AttributesToGet")
_OK = 200


@dataclass(frozen=True, slots=True)
class StaleIndex:
    """An order: this index of a table shows it as it was `behind_seconds` ago."""

    table: str
    index: str
    behind_seconds: float


class _Schema(NamedTuple):
    """The keys of a table and of its indexes, what orders each index, and what it holds (None: everything)."""

    primary: tuple[str, ...]
    indexes: Mapping[str, tuple[str, ...]]
    ordered_by: Mapping[str, tuple[str, ...]]
    held: Mapping[str, frozenset[str] | None]


class _Before(NamedTuple):
    """An item as it stood before a write, or None; `key` is its key's JSON."""

    table: str
    key: str
    image: Mapping[str, Any] | None


class StaleIndexes:
    """All orders, and what must be remembered for them. `clock` is monotonic, in seconds."""

    def __init__(self, engine: LocalEngine, *, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock
        self._orders: dict[tuple[str, str], StaleIndex] = {}
        self._schemas: dict[str, _Schema] = {}
        self._written: list[tuple[float, _Before]] = []

    def order(self, order: StaleIndex) -> None:
        """Let an index lag from here on; the newest order for an index counts."""
        self._orders[order.table, order.index] = order

    def clear(self) -> None:
        """Every index is up to date again."""
        self._orders.clear()
        self._schemas.clear()
        self._written.clear()

    def orders(self) -> list[StaleIndex]:
        """Return the orders that stand."""
        return list(self._orders.values())

    async def before(self, operation: str, document: JsonObject, *, region: str) -> list[_Before]:
        """Look at the items that a request is about to write, where an order asks for it."""
        if not self._orders:
            return []
        names = {table: (await self._schema(table, region)).primary for table, _ in self._orders}
        found = []
        for table, key in written_keys(operation, document, names):
            answer = await self._ask("GetItem", {"TableName": table, "Key": key, "ConsistentRead": True}, region)
            found.append(_Before(table, _name(key, names[table]), answer.get("Item")))
        return found

    def after(self, looked: list[_Before]) -> None:
        """Remember what a write has replaced, now that it is done."""
        self._written += [(self._clock(), each) for each in looked]

    async def seen(self, operation: str, document: JsonObject, response: HttpResponse, *, region: str) -> HttpResponse:
        """The answer to a query as the index, lagging behind, would give it."""
        if not self._orders or operation not in _QUERIES or response.status != _OK:
            return response
        table, index = text(document, "TableName"), optional_text(document, "IndexName") or ""
        order = self._orders.get((table, index))
        answer = json.loads(response.body)
        if order is None or "Items" not in answer:
            return response
        lag = _Lag(await self._schema(table, region), index, self._unseen(order))
        answer["Items"] = lag.items(document, answer)
        answer["Count"] = len(answer["Items"])
        kept = tuple((name, value) for name, value in response.headers if name != "x-amz-crc32")
        return HttpResponse(status=_OK, headers=kept, body=json.dumps(answer, separators=(",", ":")).encode())

    def _unseen(self, order: StaleIndex) -> dict[str, Mapping[str, Any] | None]:
        """What was written within the lag, by key: each item as it stood before the first such write."""
        longest = max(each.behind_seconds for each in self._orders.values())
        now = self._clock()
        self._written = [(at, each) for at, each in self._written if now - at <= longest]
        unseen: dict[str, Mapping[str, Any] | None] = {}
        for at, each in self._written:
            if each.table == order.table and now - at <= order.behind_seconds:
                unseen.setdefault(each.key, each.image)
        return unseen

    async def _schema(self, table: str, region: str) -> _Schema:
        if table not in self._schemas:
            description = (await self._ask("DescribeTable", {"TableName": table}, region)).get("Table", {})
            indexes = description.get("GlobalSecondaryIndexes", [])
            self._schemas[table] = _Schema(
                _attributes(description.get("KeySchema", [])),
                {each["IndexName"]: _attributes(each["KeySchema"]) for each in indexes},
                {each["IndexName"]: _attributes(each["KeySchema"], "RANGE") for each in indexes},
                {each["IndexName"]: _held(each) for each in indexes},
            )
        return self._schemas[table]

    async def _ask(self, operation: str, document: Mapping[str, object], region: str) -> dict[str, Any]:
        response = await self._engine.send(_API + operation, json.dumps(document).encode(), region=region)
        return dict(json.loads(response.body)) if response.status == _OK else {}


@dataclass(frozen=True, slots=True)
class _Lag:
    """One index, and what of its table it does not see yet."""

    schema: _Schema
    index: str
    unseen: Mapping[str, Mapping[str, Any] | None] = field(repr=False)

    def items(self, document: JsonObject, answer: JsonObject) -> list[Mapping[str, Any]]:
        """The hits of a page: without those that are too new, with those that were there before.

        Where pages have no order among themselves, a scan's, the first shows all that was there before.
        """
        hits: list[Mapping[str, Any]] = [item for item in answer["Items"] if not self._is_new(item)]  # type: ignore[attr-defined]  # an answer's Items are a list
        if any(name in document for name in _NARROWED):
            return hits
        older = [self._shown(image) for image in self.unseen.values() if image and self._is_hit(image, document)]
        backwards = document.get("ScanIndexForward") is False
        by = () if "KeyConditionExpression" not in document else self.schema.ordered_by[self.index]
        first, last = (mapping(document, "ExclusiveStartKey"), mapping(answer, "LastEvaluatedKey"))
        low, high = (last, first) if backwards else (first, last)
        within = [
            each
            for each in older
            if (not low or _place(each, by) > _place(low, by)) and (not high or _place(each, by) <= _place(high, by))
        ]
        return sorted([*hits, *within], key=lambda each: _place(each, by), reverse=backwards) if within else hits

    def _is_new(self, item: Mapping[str, Any]) -> bool:
        return all(name in item for name in self.schema.primary) and _name(item, self.schema.primary) in self.unseen

    def _is_hit(self, image: Mapping[str, Any], document: JsonObject) -> bool:
        if not all(name in image for name in self.schema.indexes[self.index]):
            return False  # the index is sparse
        expression = optional_text(document, "KeyConditionExpression")
        names, values = mapping(document, "ExpressionAttributeNames"), mapping(document, "ExpressionAttributeValues")
        return expression is None or key_condition_holds(expression, image, names=names, values=values)

    def _shown(self, image: Mapping[str, Any]) -> Mapping[str, Any]:
        held = self.schema.held[self.index]
        keys = {*self.schema.primary, *self.schema.indexes[self.index]}
        return image if held is None else {name: value for name, value in image.items() if name in held | keys}


def _place(item: Mapping[str, Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(sort_value(item[name]) for name in names)


def _attributes(key_schema: list[Mapping[str, str]], *kinds: str) -> tuple[str, ...]:
    return tuple(each["AttributeName"] for each in key_schema if not kinds or each["KeyType"] in kinds)


def _held(index: Mapping[str, Any]) -> frozenset[str] | None:
    projection = index.get("Projection", {})
    return None if projection.get("ProjectionType") == "ALL" else frozenset(projection.get("NonKeyAttributes", ()))


def _name(item: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return json.dumps([item[name] for name in names])
