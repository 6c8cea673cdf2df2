"""From a request to the IAM calls that it means.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.loaders import Loader

from twinvault_gate.calls import Home, IamCall
from twinvault_gate.document import parse_document
from twinvault_gate.errors import DynamoDbError
from twinvault_gate.keys import TableKeys, described_keys
from twinvault_gate.operations import PROVISIONING, iam_calls, tables_of

HOME = Home("000000000000", "eu-central-1")
T = "arn:aws:dynamodb:eu-central-1:000000000000:table/T"
KNOWN = {
    "T": TableKeys(("pk",), {"ByList": ("tenant", "kind"), "ByTime": ("day",)}),
    "U": TableKeys(("id",)),
}
KEY = {"pk": {"S": "a"}, "sk": {"S": "x"}}


def calls(operation: str, document: Mapping[str, Any], *, tables: Any = KNOWN) -> list[IamCall]:
    return iam_calls(
        f"DynamoDB_20120810.{operation}", parse_document(json.dumps(document).encode()), home=HOME, tables=tables
    )


def facts(call: IamCall) -> dict[str, tuple[str, ...]]:
    return {name.removeprefix("dynamodb:"): values for name, values in call.facts.items()}


LEADING_A = {"leadingkeys": ("a",), "firstpartitionkeyvalues": ("a",)}


def test_a_get_names_its_key_its_attributes_and_what_it_selects():
    (call,) = calls("GetItem", {"TableName": "T", "Key": KEY})
    assert (call.action, call.resource) == ("dynamodb:GetItem", T)
    assert facts(call) == LEADING_A | {
        "attributes": ("pk", "sk"),
        "select": ("ALL_ATTRIBUTES",),
        "returnconsumedcapacity": ("NONE",),
    }


def test_a_projection_is_resolved_to_top_level_attributes():
    document = {
        "TableName": "T",
        "Key": KEY,
        "ProjectionExpression": "a.b[0].c, #n.#n, d",
        "ExpressionAttributeNames": {"#n": "name.with.dots"},
    }
    (call,) = calls("GetItem", document)
    assert facts(call)["attributes"] == ("a", "d", "name.with.dots", "pk", "sk")
    assert facts(call)["select"] == ("SPECIFIC_ATTRIBUTES",)


def test_a_put_names_all_that_it_writes():
    document = {"TableName": "T", "Item": KEY | {"x": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(y)"}
    (call,) = calls("PutItem", document | {"ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL"})
    assert facts(call) == LEADING_A | {
        "attributes": ("pk", "sk", "x", "y"),
        "returnvalues": ("ALL_OLD",),
        "returnconsumedcapacity": ("TOTAL",),
    }


def test_an_update_names_all_that_it_touches():
    document = {
        "TableName": "T",
        "Key": KEY,
        "UpdateExpression": "SET a = if_not_exists(b, :z) + :one, c = list_append(d, :l) "
        "REMOVE e[1] ADD f :s DELETE g :s",
        "ConditionExpression": "NOT h BETWEEN :z AND :one OR i IN (:z, j) AND size(k) <> :one",
    }
    (call,) = calls("UpdateItem", document)
    assert call.action == "dynamodb:UpdateItem"
    assert set(facts(call)["attributes"]) == {*"abcdefghijk", "pk", "sk"}


def test_parameters_from_before_expressions_count():
    document = {"TableName": "T", "Key": KEY, "AttributeUpdates": {"a": {}}, "Expected": {"b": {}}}
    (call,) = calls("UpdateItem", document)
    assert facts(call)["attributes"] == ("a", "b", "pk", "sk")
    condition = {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}
    (query,) = calls("Query", {"TableName": "T", "KeyConditions": condition, "AttributesToGet": ["z"]})
    assert facts(query) | LEADING_A == facts(query)
    assert facts(query)["attributes"] == ("pk", "z")


@pytest.mark.parametrize(
    "condition",
    ["pk = :v", "#k = :v", ":v = pk", "pk=:v AND begins_with(sk, :w)", "sk BETWEEN :w AND :w AND (pk = :v)"],
)
def test_a_query_fixes_the_partition_key(condition: str):
    document = {
        "TableName": "T",
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {"#k": "pk"},
        "ExpressionAttributeValues": {":v": {"S": "a"}, ":w": {"S": "w"}},
    }
    (call,) = calls("Query", document)
    assert (call.action, call.resource) == ("dynamodb:Query", T)
    assert facts(call) | LEADING_A == facts(call)
    assert facts(call)["select"] == ("ALL_ATTRIBUTES",)


def test_a_query_of_an_index_with_two_keys_names_both_and_needs_the_index():
    document = {
        "TableName": "T",
        "IndexName": "ByList",
        "KeyConditionExpression": "tenant = :t AND kind = :k",
        "ExpressionAttributeValues": {":t": {"S": "a"}, ":k": {"N": "2"}},
    }
    (call,) = calls("Query", document)
    assert call.resource == f"{T}/index/ByList"
    assert facts(call) | LEADING_A | {"secondpartitionkeyvalues": ("2",)} == facts(call)
    assert facts(call)["select"] == ("ALL_PROJECTED_ATTRIBUTES",)
    assert "thirdpartitionkeyvalues" not in facts(call)


@pytest.mark.parametrize("condition", ["pk > :v", "sk = :v", "pk = :v OR sk = :v", "pk = :w", "pk IN (:v)", "pk = ;"])
def test_a_query_that_leaves_its_key_open_is_refused(condition: str):
    document = {"TableName": "T", "KeyConditionExpression": condition, "ExpressionAttributeValues": {":v": {"S": "a"}}}
    with pytest.raises(DynamoDbError) as caught:
        calls("Query", document)
    assert caught.value.code == "ValidationException"


def test_a_scan_has_no_leading_keys():
    (call,) = calls("Scan", {"TableName": "T", "Select": "COUNT"})
    assert facts(call) == {"select": ("COUNT",), "returnconsumedcapacity": ("NONE",)}


def test_a_batch_needs_its_own_action_once_for_each_table():
    keys = [KEY, {"pk": {"S": "b"}, "sk": {"S": "x"}}]
    document = {"RequestItems": {"T": {"Keys": keys}, "U": {"Keys": [{"id": {"B": "AAE="}}]}}}
    first, second = calls("BatchGetItem", document)
    assert (first.action, first.resource) == ("dynamodb:BatchGetItem", T)
    assert facts(first)["leadingkeys"] == ("a", "b")
    assert (second.resource, facts(second)["leadingkeys"]) == (T.replace("/T", "/U"), ("AAE=",))
    writes = [{"PutRequest": {"Item": KEY | {"y": {"S": "y"}}}}, {"DeleteRequest": {"Key": keys[1]}}]
    (write,) = calls("BatchWriteItem", {"RequestItems": {"T": writes}})
    assert write.action == "dynamodb:BatchWriteItem"
    assert facts(write) == {
        "leadingkeys": ("a", "b"),
        "firstpartitionkeyvalues": ("a", "b"),
        "attributes": ("pk", "sk", "y"),
        "returnconsumedcapacity": ("NONE",),
    }


def test_each_part_of_a_transaction_needs_the_action_of_its_own():
    parts = [
        {"Put": {"TableName": "T", "Item": KEY}},
        {"Update": {"TableName": "T", "Key": KEY, "UpdateExpression": "SET a = :a"}},
        {"Delete": {"TableName": "U", "Key": {"id": {"S": "a"}}}},
        {"ConditionCheck": {"TableName": "T", "Key": KEY, "ConditionExpression": "attribute_exists(b)"}},
    ]
    found = calls("TransactWriteItems", {"TransactItems": parts, "ReturnConsumedCapacity": "TOTAL"})
    assert [call.action.partition(":")[2] for call in found] == [
        *("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
    ]
    assert all(facts(call)["leadingkeys"] == ("a",) for call in found)
    assert [facts(call).get("enclosingoperation") for call in found] == [*[("TransactWriteItems",)] * 3, None]
    assert {facts(call)["returnconsumedcapacity"] for call in found} == {("TOTAL",)}
    reads = calls("TransactGetItems", {"TransactItems": [{"Get": {"TableName": "T", "Key": KEY}}] * 2})
    assert [call.action for call in reads] == ["dynamodb:GetItem"] * 2
    assert facts(reads[0])["enclosingoperation"] == ("TransactGetItems",)


def test_outside_of_a_transaction_there_is_no_enclosing_operation():
    (call,) = calls("PutItem", {"TableName": "T", "Item": KEY})
    assert "enclosingoperation" not in facts(call)
    (stated,) = calls("ExecuteStatement", {"Statement": "INSERT INTO T VALUE {'pk': 'a'}"})
    assert "enclosingoperation" not in facts(stated)


def test_each_statement_is_a_call():
    statements = [
        {"Statement": "INSERT INTO \"T\" VALUE {'pk': ?, 'sk': ?}", "Parameters": [{"S": "a"}, {"S": "x"}]},
        {"Statement": 'UPDATE "T" SET "b"=? WHERE "pk"=? AND "sk"=?', "Parameters": [{"S": "b"}, *KEY.values()]},
        {"Statement": "DELETE FROM \"T\" WHERE pk='a' AND sk='x' RETURNING ALL OLD *"},
        {"Statement": 'SELECT c FROM "T" WHERE pk=? AND sk=?', "Parameters": list(KEY.values())},
    ]
    found = calls("ExecuteTransaction", {"TransactStatements": statements})
    assert [call.action.partition(":")[2] for call in found] == [
        *("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete", "PartiQLSelect")
    ]
    assert {call.resource for call in found} == {T}
    assert facts(found[0]) == LEADING_A | {"attributes": ("pk", "sk"), "enclosingoperation": ("ExecuteTransaction",)}
    assert facts(found[2])["returnvalues"] == ("ALL_OLD",)
    assert facts(found[3])["select"] == ("SPECIFIC_ATTRIBUTES",)
    assert facts(found[3])["fulltablescan"] == ("false",)
    batch = calls("BatchExecuteStatement", {"Statements": statements})
    assert [call.action for call in batch] == [call.action for call in found]
    assert "enclosingoperation" not in facts(batch[0])


@pytest.mark.parametrize(
    ("statement", "index", "scans"),
    [
        ("SELECT * FROM T", "", True),
        ("SELECT * FROM T WHERE sk='a'", "", True),
        ("SELECT * FROM T WHERE pk='a' OR pk='b'", "", False),
        ('SELECT * FROM "T"."ByList" WHERE tenant=1', "/index/ByList", True),
        ('SELECT * FROM "T"."ByList" WHERE tenant=1 AND kind=2', "/index/ByList", False),
    ],
)
def test_a_select_that_scans_says_so_and_names_no_key(statement: str, index: str, scans: bool):  # noqa: FBT001  # a table's column
    (call,) = calls("ExecuteStatement", {"Statement": statement})
    assert call.resource == T + index
    assert facts(call)["fulltablescan"] == (str(scans).lower(),)
    assert ("leadingkeys" in facts(call)) is not scans


def test_a_statement_that_changes_fixes_its_key():
    for statement in ("DELETE FROM T WHERE sk='a'", "UPDATE T SET a=1 WHERE pk>'a'", "INSERT INTO T VALUE {'sk': 'a'}"):
        with pytest.raises(DynamoDbError) as caught:
            calls("ExecuteStatement", {"Statement": statement})
        assert caught.value.code == "ValidationException"


def test_a_statement_that_is_not_understood_is_a_validation_exception():
    with pytest.raises(DynamoDbError) as caught:
        calls("ExecuteStatement", {"Statement": "EXISTS(SELECT * FROM T WHERE pk='secret')"})
    assert caught.value.code == "ValidationException"
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("operation", "document", "resource"),
    [
        ("DescribeTable", {"TableName": "T"}, T),
        ("DescribeTable", {"TableName": T}, T),
        ("CreateTable", {"TableName": "T"}, T),
        ("ListTagsOfResource", {"ResourceArn": T}, T),
        ("ListTables", {}, "*"),
    ],
)
def test_what_is_about_tables_names_the_table(operation: str, document: dict[str, str], resource: str):
    (call,) = calls(operation, document)
    assert (call.action, call.resource, call.facts) == (f"dynamodb:{operation}", resource, {})


def test_what_is_about_a_stream_names_the_stream():
    engines = "arn:aws:dynamodb:ddblocal:000000000000:table/T/stream/2026-11-30T11:00:00.000"
    for operation, document in {
        "DescribeStream": {"StreamArn": engines},
        "GetRecords": {"ShardIterator": f"000|{engines}|AAAA"},
    }.items():
        target = f"DynamoDBStreams_20120810.{operation}"
        (call,) = iam_calls(target, document, home=HOME, tables={})
        assert (call.action, call.resource) == (f"dynamodb:{operation}", f"{T}/stream/2026-11-30T11:00:00.000")


@pytest.mark.parametrize("operation", ["", "Nothing", "ExportTableToPointInTime", "GetRecords", "SearchVectors"])
def test_an_operation_that_nobody_thought_about_is_refused(operation: str):
    with pytest.raises(DynamoDbError) as caught:
        calls(operation, {"TableName": "T"})
    assert caught.value.code == "UnknownOperationException"


def test_every_operation_of_the_service_model_is_understood_or_refused():
    model = Loader().load_service_model("dynamodb", "service-2")
    assert set(model["operations"]) >= PROVISIONING
    for operation in model["operations"]:
        try:
            assert calls(operation, {"TableName": "T", "ResourceArn": T, "Statement": "SELECT * FROM T"}) is not None
        except DynamoDbError as error:
            assert error.code in {"UnknownOperationException", "ValidationException", "SerializationException"}  # noqa: PT017  # both ends are right


@pytest.mark.parametrize(
    ("operation", "document"),
    [
        pytest.param("GetItem", {"TableName": 1, "Key": KEY}, id="a table that is a number"),
        pytest.param("GetItem", {"Key": KEY}, id="no table"),
        pytest.param("GetItem", {"TableName": "T", "Key": []}, id="a key that is a list"),
        pytest.param("GetItem", {"TableName": "T", "Key": {"sk": {"S": "x"}}}, id="a key without its partition"),
        pytest.param("GetItem", {"TableName": "T", "Key": {"pk": {"M": {}}}}, id="a key that is a map"),
        pytest.param("GetItem", {"TableName": "T", "Key": {"pk": {"S": "a", "N": "1"}}}, id="a key of two types"),
        pytest.param(
            "GetItem", {"TableName": T.replace("0:table", "1:table"), "Key": KEY}, id="another account's table"
        ),
        pytest.param("GetItem", {"TableName": T.replace("eu-", "us-"), "Key": KEY}, id="another region's table"),
        pytest.param("GetItem", {"TableName": "T", "Key": KEY, "ProjectionExpression": "#a"}, id="an unknown name"),
        pytest.param("GetItem", {"TableName": "T", "Key": KEY, "ProjectionExpression": "a;b"}, id="no expression"),
        pytest.param("BatchWriteItem", {"RequestItems": {"T": [{"Other": {}}]}}, id="an unknown request"),
        pytest.param(
            "BatchWriteItem",
            {"RequestItems": {"T": [{"PutRequest": {"Item": KEY}, "DeleteRequest": {"Key": KEY}}]}},
            id="two requests in one",
        ),
        pytest.param("TransactWriteItems", {"TransactItems": [{"Get": {"TableName": "T"}}]}, id="a get that writes"),
        pytest.param(
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "T", "Item": KEY}, "Delete": {"TableName": "T", "Key": KEY}}]},
            id="two parts in one",
        ),
        pytest.param("ExecuteStatement", {"Statement": "SELECT * FROM T WHERE pk=?"}, id="no parameter"),
        pytest.param("ExecuteStatement", {"Statement": 'SELECT * FROM "arn:aws:x"'}, id="a statement on an ARN"),
        pytest.param("ExecuteTransaction", {"TransactStatements": {}}, id="statements that are no list"),
    ],
)
def test_a_malformed_request_is_refused(operation: str, document: dict[str, Any]):
    with pytest.raises(DynamoDbError) as caught:
        calls(operation, document)
    assert caught.value.code in {"ValidationException", "SerializationException"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"TableName": "T", "TableName": "U"}', id="a name that stands twice"),
        pytest.param(b'{"Item": {"pk": {"S": "a"}, "pk": {"S": "b"}}}', id="a key that stands twice"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b'{"a": NaN}', id="no number"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"[" * 100_000, id="nested without end"),
    ],
)
def test_a_body_that_could_be_read_in_two_ways_is_refused(body: bytes):
    with pytest.raises(DynamoDbError) as caught:
        parse_document(body)
    assert caught.value.code == "SerializationException"


def test_the_tables_of_a_request_are_named_before_it_is_understood():
    parts = [{"Put": {"TableName": "T"}}, {"Delete": {"TableName": "U"}}]
    assert tables_of("DynamoDB_20120810.TransactWriteItems", {"TransactItems": parts}) == {"T", "U"}
    assert tables_of("DynamoDB_20120810.BatchGetItem", {"RequestItems": {"T": {}}}) == {"T"}
    assert tables_of("DynamoDB_20120810.ExecuteStatement", {"Statement": "SELECT * FROM T"}) == {"T"}
    assert tables_of("DynamoDB_20120810.ListTables", {}) == set()


def test_keys_are_read_from_a_description():
    schema = [{"AttributeName": "a", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}]
    two = [schema[0], {"AttributeName": "b", "KeyType": "HASH"}, schema[1]]
    described = described_keys({"KeySchema": schema, "GlobalSecondaryIndexes": [{"IndexName": "I", "KeySchema": two}]})
    assert (described.of(None), described.of("I"), described.of("J")) == (("a",), ("a", "b"), ())
