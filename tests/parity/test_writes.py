"""Conditional writes and transactions, on a table of the suite's own.

DynamoDB API Reference, "PutItem", "ExecuteStatement", "ExecuteTransaction", "TransactWriteItems"; Developer Guide,
"Error handling with DynamoDB".
"""

import uuid

import pytest

from tests.parity.refusals import refused
from tests.parity.rows import Rows
from tests.parity.target import Expectations

pytestmark = pytest.mark.xdist_group("parity")
IN_DYNAMODB = "tests/differences/test_dynamodb.py::"


def test_a_conditional_put_takes_a_place_once_and_tells_what_stands_there(rows: Rows) -> None:
    place = {"TableName": rows.table, "ConditionExpression": "attribute_not_exists(pk)"}
    rows.dynamodb.put_item(Item=rows.item("one", n={"N": "1"}), **place)
    with refused("ConditionalCheckFailedException") as caught:
        rows.dynamodb.put_item(
            Item=rows.item("one", n={"N": "2"}), ReturnValuesOnConditionCheckFailure="ALL_OLD", **place
        )
    assert caught.value.response["Item"] == rows.item("one", n={"N": "1"})
    assert rows.get("one") == rows.item("one", n={"N": "1"})


def test_an_insert_takes_a_place_once(rows: Rows, expect: Expectations) -> None:
    rows.dynamodb.execute_statement(**rows.insert("one", n={"N": "1"}))
    line = f"{IN_DYNAMODB}test_a_duplicate_insert_alone_has_another_code"
    with refused(expect.either(aws="DuplicateItemException", twin="DuplicateItem", line=line)):
        rows.dynamodb.execute_statement(**rows.insert("one", n={"N": "2"}))
    assert rows.get("one") == rows.item("one", n={"N": "1"})


def test_a_duplicate_insert_in_a_transaction_is_told_by_its_position(rows: Rows, expect: Expectations) -> None:
    rows.put("second", n={"N": "1"})
    reasons = rows.cancelled(rows.insert("first"), rows.insert("second"), rows.insert("third"))
    line = f"{IN_DYNAMODB}test_a_duplicate_insert_in_a_transaction_is_a_validation_error_without_the_old_item"
    code, old = expect.either(
        aws=("DuplicateItem", rows.item("second", n={"N": "1"})), twin=("ValidationError", None), line=line
    )
    assert [reason["Code"] for reason in reasons] == ["None", code, "None"]
    assert reasons[1].get("Item") == old
    assert rows.get("first") is None
    assert rows.get("third") is None


def test_a_condition_that_fails_is_told_by_its_position_with_the_old_item(rows: Rows) -> None:
    rows.put("third", n={"N": "1"})
    reasons = rows.cancelled(
        rows.insert("first"), rows.insert("second"), rows.add_one("third", where=" AND n = ?", values=({"N": "9"},))
    )
    assert [reason["Code"] for reason in reasons] == ["None", "None", "ConditionalCheckFailed"]
    assert reasons[2]["Item"] == rows.item("third", n={"N": "1"})
    assert rows.get("first") is None


def test_an_update_of_a_row_that_is_not_there_makes_none(rows: Rows) -> None:
    reasons = rows.cancelled(rows.insert("first"), rows.add_one("missing"))
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert rows.get("missing") is None


def test_two_conditions_that_fail_are_both_told(rows: Rows) -> None:
    rows.put("there", n={"N": "1"})
    item = {"Put": {"TableName": rows.table, "Item": rows.item("there")}}
    item["Put"] |= {"ConditionExpression": "attribute_not_exists(pk)"}
    missing = {"TableName": rows.table, "Key": rows.key("missing"), "ConditionExpression": "attribute_exists(pk)"}
    with refused("TransactionCanceledException") as caught:
        rows.dynamodb.transact_write_items(TransactItems=[item, {"ConditionCheck": missing}])
    codes = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert codes == ["ConditionalCheckFailed"] * 2


def test_an_item_that_is_too_large_cancels_by_its_position(rows: Rows) -> None:
    reasons = rows.cancelled(rows.insert("first"), rows.insert("large", b={"B": b"x" * 410_000}))
    assert [reason["Code"] for reason in reasons] == ["None", "ValidationError"]


def test_a_transaction_that_is_repeated_under_its_token_is_applied_once(rows: Rows) -> None:
    rows.put("one", n={"N": "0"})
    token = str(uuid.uuid4())
    for _ in range(3):
        rows.commit(rows.add_one("one"), rows.insert("other"), token=token)
    assert rows.get("one") == rows.item("one", n={"N": "1"})


def test_a_token_with_another_transaction_is_refused(rows: Rows) -> None:
    rows.put("one", n={"N": "0"})
    token = str(uuid.uuid4())
    rows.commit(rows.add_one("one"), token=token)
    with refused("IdempotentParameterMismatchException"):
        rows.commit(rows.add_one("one"), rows.insert("other"), token=token)
    assert rows.get("one") == rows.item("one", n={"N": "1"})
    assert rows.get("other") is None


def test_a_transaction_takes_100_statements(rows: Rows) -> None:
    rows.commit(*(rows.insert(f"{number:03}") for number in range(100)))
    assert len(rows.all()) == 100


def test_a_transaction_takes_no_101_statements(rows: Rows) -> None:
    with refused("ValidationException"):
        rows.commit(*(rows.insert(f"{number:03}") for number in range(101)))
    assert rows.all() == []


def test_a_transaction_takes_no_more_than_4_mb(rows: Rows) -> None:
    with refused("ValidationException"):
        rows.commit(*(rows.insert(f"{number:03}", b={"B": b"x" * 390_000}) for number in range(11)))
    assert rows.all() == []


def test_a_transaction_takes_an_item_once(rows: Rows) -> None:
    with refused("ValidationException"):
        rows.commit(rows.insert("one"), rows.delete("one"))
    assert rows.get("one") is None


def test_a_transaction_reads_or_writes(rows: Rows) -> None:
    select = f'SELECT * FROM "{rows.table}" WHERE pk = ? AND sk = ?'  # noqa: S608  # our own table
    with refused("ValidationException"):
        rows.commit(rows.insert("one"), {"Statement": select, "Parameters": [rows.pk, {"S": "two"}]})
    assert rows.get("one") is None
