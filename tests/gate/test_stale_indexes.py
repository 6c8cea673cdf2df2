"""An index that lags behind, by order: new hits left out, old ones shown as they were.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html ("Data synchronization between tables and
Global Secondary Indexes": "your applications need to anticipate and handle situations where a query on a global
secondary index returns results that are not up to date")
"""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.gate.running import RunningGate
from tests.serving.running import order
from twinvault_gate.expressions import key_condition_holds
from twinvault_local.machine import waiting

LONG = 600
ORDER = {"table": "records", "index": "ByList", "behind_seconds": LONG}


@pytest.fixture
def kind() -> str:
    """Of rows that no other test looks for."""
    return uuid.uuid4().hex


@pytest.fixture
def lag(gate: RunningGate) -> Iterator[Any]:
    def begin(**changed: Any) -> None:
        order(gate.admin_port, "POST", "/stale-indexes", ORDER | changed)

    yield begin
    order(gate.admin_port, "DELETE", "/stale-indexes")


def item(kind: str, sk: str = "a", **more: Any) -> dict[str, Any]:
    return {"pk": {"S": f"t#{kind}"}, "sk": {"S": sk}, "tenant": {"S": "a"}, "kind": {"S": kind}, **more}


def key(kind: str, sk: str = "a") -> dict[str, Any]:
    return {name: item(kind, sk)[name] for name in ("pk", "sk")}


def hits(gate: RunningGate, kind: str, **more: Any) -> list[str]:
    condition = {"KeyConditionExpression": "tenant = :t AND kind = :k"}
    values = {"ExpressionAttributeValues": {":t": {"S": "a"}, ":k": {"S": kind}}}
    answer = gate.client("WIDE").query(TableName="records", IndexName="ByList", **condition, **values, **more)
    assert answer["Count"] == len(answer["Items"])
    return [one["sk"]["S"] + one.get("state", {"S": ""})["S"] for one in answer["Items"]]


def put(gate: RunningGate, *items: dict[str, Any]) -> None:
    for one in items:
        gate.client("WIDE").put_item(TableName="records", Item=one)


def test_what_is_written_from_then_on_is_left_out(gate: RunningGate, lag: Any, kind: str):
    put(gate, item(kind, "a"))
    lag()
    put(gate, item(kind, "b"))
    assert hits(gate, kind) == ["a"]
    assert gate.client("WIDE").get_item(TableName="records", Key=key(kind, "b"))["Item"] == item(kind, "b")


def test_what_is_deleted_is_still_shown(gate: RunningGate, lag: Any, kind: str):
    put(gate, item(kind, "a"), item(kind, "b"), item(kind, "c"))
    lag()
    gate.client("WIDE").delete_item(TableName="records", Key=key(kind, "b"))
    assert sorted(hits(gate, kind)) == ["a", "b", "c"]
    assert "Item" not in gate.client("WIDE").get_item(TableName="records", Key=key(kind, "b"))


def test_what_is_changed_is_shown_as_it_was(gate: RunningGate, lag: Any, kind: str):
    put(gate, item(kind, "a", state={"S": "-old"}))
    lag()
    put(gate, item(kind, "a", state={"S": "-new"}), item(kind, "a", state={"S": "-newer"}))
    assert hits(gate, kind) == ["a-old"]


def test_a_row_that_leaves_the_index_is_still_in_it(gate: RunningGate, lag: Any, kind: str):
    put(gate, item(kind, "a"))
    lag()
    put(gate, {name: value for name, value in item(kind, "a").items() if name != "tenant"})
    assert hits(gate, kind) == ["a"]


@pytest.mark.parametrize("way", ["statement", "transaction of statements", "batch", "transaction"])
def test_writes_are_seen_in_every_form(gate: RunningGate, lag: Any, kind: str, way: str):
    put(gate, item(kind, "a"))
    lag()
    client, new = gate.client("WIDE"), item(kind, "b")
    insert = {"Statement": "INSERT INTO records VALUE {'pk': ?, 'sk': ?, 'tenant': ?, 'kind': ?}"}
    insert = insert | {"Parameters": list(new.values())}
    delete = {"Statement": "DELETE FROM records WHERE pk = ? AND sk = ?", "Parameters": list(key(kind).values())}
    if way == "statement":
        client.execute_statement(**insert)
        client.execute_statement(**delete)
    elif way == "transaction of statements":
        client.execute_transaction(TransactStatements=[insert, delete])
    elif way == "batch":
        requests = [{"PutRequest": {"Item": new}}, {"DeleteRequest": {"Key": key(kind)}}]
        client.batch_write_item(RequestItems={"records": requests})
    else:
        parts = [{"Put": {"TableName": "records", "Item": new}}]
        client.transact_write_items(TransactItems=[*parts, {"Delete": {"TableName": "records", "Key": key(kind)}}])
    assert hits(gate, kind) == ["a"]


def test_a_write_that_failed_changes_nothing(gate: RunningGate, lag: Any, kind: str):
    put(gate, item(kind, "a"))
    lag()
    with pytest.raises(gate.client("WIDE").exceptions.ConditionalCheckFailedException):
        gate.client("WIDE").delete_item(
            TableName="records", Key=key(kind), ConditionExpression="attribute_not_exists(pk)"
        )
    assert hits(gate, kind) == ["a"]


def test_old_hits_stand_where_they_stood_on_the_pages(gate: RunningGate, lag: Any, kind: str):
    names = [f"{number:02d}" for number in range(8)]
    put(gate, *(item(kind, name) for name in names))
    lag()
    for name in names[1:4]:
        gate.client("WIDE").delete_item(TableName="records", Key=key(kind, name))
    found: list[str] = []
    start: dict[str, Any] = {}
    condition = {"KeyConditionExpression": "tenant = :t AND kind = :k"}
    values = {"ExpressionAttributeValues": {":t": {"S": "a"}, ":k": {"S": kind}}}
    while True:
        answer = gate.client("WIDE").query(
            TableName="records", IndexName="ByList", Limit=2, **condition, **values, **start
        )
        found += [one["sk"]["S"] for one in answer["Items"]]
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert sorted(found) == names


def test_of_what_a_filter_narrows_new_hits_are_left_out(gate: RunningGate, lag: Any, kind: str):
    put(gate, item(kind, "a"))
    lag()
    put(gate, item(kind, "b"))
    assert hits(gate, kind, FilterExpression="attribute_exists(pk)") == ["a"]


def test_a_scan_of_the_index_lags_too(gate: RunningGate, lag: Any, kind: str):
    lag()
    put(gate, item(kind, "a"))
    scanned = gate.client("WIDE").scan(TableName="records", IndexName="ByList")["Items"]
    assert kind not in {one["kind"]["S"] for one in scanned}


def test_after_the_lag_the_index_has_caught_up(gate: RunningGate, lag: Any, kind: str):
    lag(behind_seconds=0.2)
    put(gate, item(kind, "a"))
    assert waiting.until(lambda: hits(gate, kind) == ["a"], seconds=30)


@pytest.mark.parametrize("change", [{"index": "Other"}, {"table": "audit"}], ids=["another index", "another table"])
def test_nothing_else_lags(gate: RunningGate, lag: Any, kind: str, change: dict[str, str]):
    lag(**change)
    put(gate, item(kind, "a"))
    assert hits(gate, kind) == ["a"]


def test_orders_are_told_and_end(gate: RunningGate, lag: Any, kind: str):
    lag()
    put(gate, item(kind, "a"))
    assert order(gate.admin_port, "GET", "/stale-indexes") == {"stale_indexes": [ORDER]}
    assert order(gate.admin_port, "DELETE", "/stale-indexes") == {"stale_indexes": []}
    assert hits(gate, kind) == ["a"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"behind_seconds": -1}, id="negative"),
        pytest.param({"table": 1}, id="no name"),
        pytest.param({"more": 1}, id="unknown field"),
    ],
)
def test_an_order_that_says_nothing_is_refused(gate: RunningGate, wrong: dict[str, Any]):
    answer = httpx.post(f"http://127.0.0.1:{gate.admin_port}/stale-indexes", json=ORDER | wrong)
    assert answer.status_code == 400


NUMBERS = {":low": {"N": "2"}, ":high": {"N": "10"}, ":p": {"S": "ab"}}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("n = :high", True),
        ("n > :low", True),
        ("n < :low", False),
        ("n <= :high AND begins_with(s, :p)", True),
        ("n >= :high AND begins_with (#s, :p)", True),
        ("(n BETWEEN :low AND :high) AND s = :p", False),
        ("n BETWEEN :high AND :low", False),
        ("missing = :p", False),
    ],
)
def test_a_key_condition_holds_for_an_item_or_not(expression: str, holds: bool):  # noqa: FBT001  # a table's column
    row = {"n": {"N": "10"}, "s": {"S": "abc"}}
    assert key_condition_holds(expression, row, names={"#s": "s"}, values=NUMBERS) is holds
