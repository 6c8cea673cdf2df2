"""Limits of keys, items, numbers, pages and tokens, on a table of the suite's own.

DynamoDB Developer Guide, "Quotas in Amazon DynamoDB" and "DynamoDB item sizes and formats"; API Reference,
"AttributeValue", "Query".
"""

from typing import Any

import pytest

from tests.parity.refusals import refused
from tests.parity.rows import Rows
from tests.parity.target import Expectations

pytestmark = pytest.mark.xdist_group("parity")

MOST_PK, MOST_SK, MOST_ITEM = 2048, 1024, 400 * 1024
PAGE = 1024 * 1024


@pytest.mark.parametrize(
    ("name", "most"), [pytest.param("pk", MOST_PK, id="partition key"), pytest.param("sk", MOST_SK, id="sort key")]
)
@pytest.mark.parametrize("letter", [pytest.param("x", id="letters"), pytest.param("ü", id="letters of two bytes")])
def test_a_key_has_its_most_bytes_and_not_one_more(rows: Rows, name: str, most: int, letter: str) -> None:
    largest = letter * (most // len(letter.encode()))
    for text, fits in ((largest, True), (largest + "x", False)):
        item = rows.item("one") | {name: {"S": text}}
        if fits:
            rows.dynamodb.put_item(TableName=rows.table, Item=item)
        else:
            with refused("ValidationException"):
                rows.dynamodb.put_item(TableName=rows.table, Item=item)


@pytest.mark.parametrize("name", ["pk", "sk"])
@pytest.mark.parametrize(
    "value",
    [pytest.param({"S": ""}, id="empty"), pytest.param({"N": "1"}, id="a number"), pytest.param(None, id="none")],
)
def test_a_key_is_a_text_that_is_not_empty(rows: Rows, name: str, value: dict[str, str] | None) -> None:
    item = rows.item("one") | {name: value}
    with refused("ValidationException"):
        rows.dynamodb.put_item(TableName=rows.table, Item={key: one for key, one in item.items() if one is not None})


def test_other_values_may_be_empty(rows: Rows) -> None:
    rows.put("one", text={"S": ""}, raw={"B": b""}, listed={"L": []}, mapped={"M": {}})
    assert rows.get("one") == rows.item("one", text={"S": ""}, raw={"B": b""}, listed={"L": []}, mapped={"M": {}})


def test_an_item_has_400_kb_names_included_and_not_one_byte_more(rows: Rows) -> None:
    rest = sum(len(name) + len(value["S"]) for name, value in rows.item("one").items()) + len("raw")
    rows.put("one", raw={"B": b"x" * (MOST_ITEM - rest)})
    with refused("ValidationException"):
        rows.put("one", raw={"B": b"x" * (MOST_ITEM - rest + 1)})


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("1" * 38, "1" * 38, id="38 digits"),
        pytest.param("-0." + "1" * 38, "-0." + "1" * 38, id="38 digits below one"),
        pytest.param("1.500", "1.5", id="zeros at the end"),
        pytest.param("1E2", "100", id="an exponent"),
        pytest.param("-0", "0", id="minus zero"),
        pytest.param(f"{'9' * 38}E+88", "9" * 38 + "0" * 88, id="the largest"),
        pytest.param("1E-130", "0." + "0" * 129 + "1", id="the smallest"),
    ],
)
def test_a_number_is_kept_in_one_form(rows: Rows, given: str, kept: str) -> None:
    rows.put("one", n={"N": given})
    assert rows.get("one") == rows.item("one", n={"N": kept})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("1" * 39, id="39 digits"),
        pytest.param("1E126", id="too large"),
        pytest.param("-1E126", id="too large, negative"),
        pytest.param("1E-131", id="too small"),
        pytest.param("NaN", id="NaN"),
        pytest.param("Infinity", id="Infinity"),
        pytest.param("one", id="a word"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_number_of_dynamodbs_is_refused(rows: Rows, given: str) -> None:
    with refused("ValidationException"):
        rows.put("one", n={"N": given})
    assert rows.get("one") is None


def test_a_query_of_more_than_1_mb_comes_in_pages_that_miss_nothing(rows: Rows) -> None:
    size, number = 200_000, 12
    for one in range(number):
        rows.put(f"{one:02}", raw={"B": b"x" * size})
    pages = rows.pages()
    assert [item["sk"]["S"] for page in pages for item in page["Items"]] == [f"{one:02}" for one in range(number)]
    assert len(pages) >= number * size // PAGE
    assert all(page["LastEvaluatedKey"] == rows.key(page["Items"][-1]["sk"]["S"]) for page in pages[:-1])
    assert all(len(page["Items"]) * size <= PAGE + size for page in pages)


@pytest.mark.parametrize(
    ("operation", "most"),
    [pytest.param("write", 25, id="BatchWriteItem"), pytest.param("read", 100, id="BatchGetItem")],
)
def test_a_batch_has_its_most_items_and_not_one_more(rows: Rows, operation: str, most: int) -> None:
    def ask(number: int) -> dict[str, Any]:
        keys = [rows.key(f"{one:03}") for one in range(number)]
        if operation == "read":
            answer: dict[str, Any] = rows.dynamodb.batch_get_item(RequestItems={rows.table: {"Keys": keys}})
        else:
            puts = [{"PutRequest": {"Item": key}} for key in keys]
            answer = rows.dynamodb.batch_write_item(RequestItems={rows.table: puts})
        return answer

    ask(most)
    with refused("ValidationException"):
        ask(most + 1)


def test_a_token_of_a_transaction_has_36_characters(rows: Rows, expect: Expectations) -> None:
    rows.commit(rows.insert("36"), token="x" * 28 + rows.pk["S"][-8:])
    line = "tests/differences/test_dynamodb.py::test_a_transactions_token_may_be_longer_than_36_characters"
    if expect.either(aws=True, twin=False, line=line):
        with refused("ValidationException"):
            rows.commit(rows.insert("37"), token="x" * 29 + rows.pk["S"][-8:])
    else:
        rows.commit(rows.insert("37"), token="x" * 29 + rows.pk["S"][-8:])
