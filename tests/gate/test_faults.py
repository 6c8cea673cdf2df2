"""Faults of AWS by order, and what our own transactions make of them on the real engine.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

import json
import re
import socket
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.gate.running import REGION, RunningGate, table_arn
from twinvault.dynamodb.transaction import Outcome, Statement, Transactor, insert

KEY = {"pk": {"S": "tenant#a"}, "sk": {"S": "head"}}


@pytest.fixture
def orders(gate: RunningGate) -> Iterator[RunningGate]:
    yield gate
    gate.admin("DELETE")


def cancelled(*codes: str) -> dict[str, Any]:
    return {
        "operation": "ExecuteTransaction",
        "error": "TransactionCanceledException",
        "message": "Transaction cancelled",
        "details": {"CancellationReasons": [{"Code": code, "Message": "by order"} for code in codes]},
    }


def execute(gate: RunningGate, *statements: Statement) -> Any:
    transactor = Transactor(
        gate.client("WRITER"), new_token=lambda: str(uuid.uuid4()), monotonic=time.monotonic, sleep=time.sleep
    )
    return transactor.execute(statements, deadline=time.monotonic() + 30)


def signed_request(operation: str, document: Any, gate: RunningGate) -> bytes:
    """As it goes over the wire, where a client would hide how an answer ends."""
    url, body = gate.url + "/", json.dumps(document).encode()
    headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Length": str(len(body))}
    request = AWSRequest("POST", url, headers | {"Content-Type": "application/x-amz-json-1.0"}, body)
    SigV4Auth(Credentials("READER", "made-up"), "dynamodb", REGION).add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    host = url.removeprefix("http://").strip("/")
    return "\r\n".join(["POST / HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode() + body


@pytest.fixture
def new_row() -> dict[str, Any]:
    return {"pk": {"S": "tenant#f"}, "sk": {"S": uuid.uuid4().hex}, "key_commitment": {"B": b"c"}}


def stored(direct: Any, row: dict[str, Any]) -> Any:
    return direct.get_item(TableName="records", Key={"pk": row["pk"], "sk": row["sk"]}).get("Item")


def test_throttling_comes_with_its_reasons(orders: RunningGate, row: dict[str, Any]):
    reasons = [{"reason": "TableReadKeyRangeThroughputExceeded", "resource": table_arn("records")}]
    order = {"error": "ProvisionedThroughputExceededException", "details": {"ThrottlingReasons": reasons}}
    orders.admin("POST", order | {"operation": "GetItem", "times": 2})
    reader = orders.client("READER")
    for _ in range(2):
        with pytest.raises(ClientError) as caught:
            reader.get_item(TableName="records", Key=KEY)
        assert caught.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
        assert caught.value.response["ThrottlingReasons"] == reasons
    assert reader.get_item(TableName="records", Key=KEY)["Item"] == row


@pytest.mark.parametrize(("error", "status"), [("InternalServerError", 500), ("ServiceUnavailable", 503)])
def test_a_fault_may_have_a_status(orders: RunningGate, error: str, status: int):
    orders.admin("POST", {"operation": "*", "error": error, "status": status})
    with pytest.raises(ClientError) as caught:
        orders.client("READER").get_item(TableName="records", Key=KEY)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert caught.value.response["Error"]["Code"] == error


def test_a_fault_may_be_of_a_statement_by_its_name_in_policies(orders: RunningGate, new_row: dict[str, Any]):
    orders.admin("POST", {"operation": "PartiQLInsert", "error": "ThrottlingException", "times": 2})
    writer = orders.client("WRITER")
    select = {"Statement": 'SELECT pk FROM "records" WHERE pk=? AND sk=?', "Parameters": list(KEY.values())}
    orders.client("READER").execute_statement(**select)
    insert = "INSERT INTO \"records\" VALUE {'pk': ?, 'sk': ?, 'key_commitment': ?}"
    row: dict[str, Any] = {"Statement": insert, "Parameters": list(new_row.values())}
    for ask in (writer.execute_statement, lambda **one: writer.execute_transaction(TransactStatements=[one])):
        with pytest.raises(ClientError) as caught:
            ask(**row)
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    writer.execute_statement(**row)


def test_a_refused_request_uses_no_fault_up(orders: RunningGate):
    orders.admin("POST", {"operation": "GetItem", "error": "ThrottlingException"})
    with pytest.raises(ClientError) as caught:
        orders.client("NOBODY").get_item(TableName="records", Key=KEY)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    assert len(orders.admin("GET")["faults"]) == 1


@pytest.mark.parametrize(("moment", "is_stored"), [("before", False), ("after", True)])
def test_a_dropped_connection_loses_the_request_or_its_answer(
    orders: RunningGate,
    direct: Any,
    new_row: dict[str, Any],
    moment: str,
    is_stored: bool,  # noqa: FBT001  # a table's column
):
    orders.admin("POST", {"operation": "PutItem", "drop": moment})
    with pytest.raises(ConnectionClosedError):
        orders.client("WRITER").put_item(TableName="records", Item=new_row)
    assert (stored(direct, new_row) is not None) is is_stored


def test_within_an_answer_half_of_it_arrives(orders: RunningGate, row: dict[str, Any]):
    orders.admin("POST", {"operation": "GetItem", "drop": "within"})
    with socket.create_connection(("127.0.0.1", orders.port), timeout=10) as connection:
        connection.sendall(signed_request("GetItem", {"TableName": "records", "Key": KEY}, orders))
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    (length,) = re.findall(rb"Content-Length: (\d+)", head)
    assert head.startswith(b"HTTP/1.1 200")
    assert len(body) == int(length) // 2 > 0


def test_an_error_may_be_answered_although_it_was_done(orders: RunningGate, direct: Any, new_row: dict[str, Any]):
    orders.admin("POST", {"operation": "PutItem", "error": "InternalServerError", "status": 500, "applied": True})
    with pytest.raises(ClientError) as caught:
        orders.client("WRITER").put_item(TableName="records", Item=new_row)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert stored(direct, new_row) == new_row


def test_a_delayed_operation_still_answers(orders: RunningGate, row: dict[str, Any]):
    orders.admin("POST", {"operation": "GetItem", "delay_seconds": 0.05})
    assert orders.client("READER").get_item(TableName="records", Key=KEY)["Item"] == row


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(cancelled("TransactionConflict"), id="another transaction"),
        pytest.param(cancelled("ThrottlingError"), id="throttled within"),
        pytest.param(cancelled("ProvisionedThroughputExceeded"), id="too much for a partition"),
        pytest.param({"operation": "ExecuteTransaction", "error": "ThrottlingException"}, id="throttled"),
        pytest.param({"operation": "ExecuteTransaction", "error": "TransactionInProgressException"}, id="in progress"),
        pytest.param(
            {"operation": "ExecuteTransaction", "error": "InternalServerError", "status": 500}, id="an internal error"
        ),
        pytest.param({"operation": "ExecuteTransaction", "drop": "before"}, id="the request lost"),
        pytest.param({"operation": "ExecuteTransaction", "drop": "after"}, id="the answer lost"),
    ],
)
def test_a_transaction_waits_out_what_passes(
    orders: RunningGate, direct: Any, new_row: dict[str, Any], order: dict[str, Any]
):
    orders.admin("POST", order | {"times": 2})
    assert execute(orders, insert("records", new_row)).outcome is Outcome.COMMITTED
    assert stored(direct, new_row) == new_row
    assert orders.admin("GET") == {"faults": []}


def test_a_cancelled_statement_is_named_whatever_else_was_busy(
    orders: RunningGate, direct: Any, new_row: dict[str, Any]
):
    orders.admin("POST", cancelled("ConditionalCheckFailed", "TransactionConflict"))
    other = insert("records", new_row | {"sk": {"S": "other"}})
    result = execute(orders, insert("records", new_row), other)
    assert (result.outcome, result.failed) == (Outcome.CANCELLED, frozenset({0}))
    assert stored(direct, new_row) is None


def test_what_iam_refuses_is_not_waited_for(orders: RunningGate, new_row: dict[str, Any]):
    assert execute(orders, insert("audit", new_row)).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"times": 0}, id="no times"),
        pytest.param({"drop": "sometimes"}, id="no such moment"),
        pytest.param({"delay_seconds": -1}, id="negative delay"),
        pytest.param({"details": []}, id="details that are no object"),
        pytest.param({"nothing": 1}, id="unknown field"),
        pytest.param({"applied": True}, id="applied, and no error"),
        pytest.param({"applied": "yes", "error": "InternalServerError"}, id="applied that is no flag"),
        pytest.param([], id="not an object"),
    ],
)
def test_an_order_that_says_nothing_is_refused(orders: RunningGate, order: Any):
    answer = httpx.post(f"http://127.0.0.1:{orders.admin_port}/faults", json=order)
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_a_page_in_a_browser_cannot_order_faults(orders: RunningGate):
    answer = httpx.post(f"http://127.0.0.1:{orders.admin_port}/faults", content='{"operation": "*"}')
    assert answer.status_code == 400


def test_the_api_takes_no_orders(orders: RunningGate):
    assert httpx.get(f"{orders.url}/faults").status_code == 400
