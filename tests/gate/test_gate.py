"""The gate before the real DynamoDB Local, asked with boto3."""

import http.client
import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.gate.conftest import INDEX, POLICIES, T, allow, policy
from tests.gate.running import (
    RunningGate,
    client,
    command,
    free_port,
    role,
    start,
    table_arn,
    write_files,
)
from tests.serving.running import signed_headers
from twinvault.dynamodb.transaction import delete, insert, replace

KEY = {"pk": {"S": "tenant#a"}, "sk": {"S": "head"}}
OTHERS = {"pk": {"S": "tenant#b"}, "sk": {"S": "head"}}


def refused(call: Any, **parameters: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]


def denied(call: Any, **parameters: Any) -> str:
    error = refused(call, **parameters)
    assert error["Code"] == "AccessDeniedException", error
    return error["Message"]


def test_what_is_allowed_is_answered_by_the_engine(gate: RunningGate, row: dict[str, Any]):
    assert gate.client("READER").get_item(TableName="records", Key=KEY)["Item"] == row


def test_what_no_policy_allows_is_refused_as_aws_refuses_it(gate: RunningGate, row: dict[str, Any]):
    message = denied(gate.client("READER").put_item, TableName="records", Item=row)
    assert message == (
        f"User: {role('reader')} is not authorized to perform: dynamodb:PutItem on resource: {T}"
        " because no identity-based policy allows the dynamodb:PutItem action"
    )
    for name in ("NOBODY", "WRITER"):
        assert role(name.lower()) in denied(gate.client(name).get_item, TableName="records", Key=KEY)


def test_a_refusal_on_the_wire_is_awss(gate: RunningGate):
    status, headers, answer = raw(gate, "NOBODY", "ListTables", b"{}")
    assert status == 400
    assert headers["Content-Type"] == "application/x-amz-json-1.0"
    assert headers["x-amzn-RequestId"]
    assert answer["__type"] == "com.amazon.coral.service#AccessDeniedException"
    assert answer["Message"].startswith("User: ")


def test_the_log_says_what_was_refused_and_no_value(gate: RunningGate):
    secret = {"pk": {"S": "tenant#very-secret"}, "sk": {"S": "x"}}
    denied(gate.client("NOBODY").put_item, TableName="records", Item=secret)
    denied(gate.client("NOBODY").execute_statement, Statement="SELECT * FROM records WHERE pk='very-secret'")
    assert f"dynamodb:PutItem on resource: {T}" in gate.log
    assert re.search(r"PutItem NOBODY AccessDeniedException ", gate.log)
    assert "very-secret" not in gate.log


def test_an_index_needs_its_own_permission(gate: RunningGate, row: dict[str, Any]):
    ask = {
        "TableName": "records",
        "IndexName": "ByList",
        "KeyConditionExpression": "tenant = :t AND kind = :k",
        "ExpressionAttributeValues": {":t": {"S": "a"}, ":k": {"S": "k"}},
    }
    assert gate.client("READER").query(**ask)["Items"] == [row]
    assert INDEX in denied(gate.client("TENANT").query, **ask)


@pytest.mark.parametrize("key", [KEY, OTHERS], ids=["its own", "another's"])
def test_leading_keys_bind_reads_to_a_tenant(gate: RunningGate, row: dict[str, Any], key: dict[str, Any]):
    tenant = gate.client("TENANT")
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": key["pk"]}}
    asks = (
        (tenant.get_item, {"TableName": "records", "Key": key}),
        (tenant.query, {"TableName": "records", **query}),
        (tenant.batch_get_item, {"RequestItems": {"records": {"Keys": [key]}}}),
        (tenant.transact_get_items, {"TransactItems": [{"Get": {"TableName": "records", "Key": key}}]}),
        (
            tenant.execute_statement,
            {"Statement": 'SELECT * FROM "records" WHERE "pk"=?', "Parameters": [key["pk"]]},
        ),
    )
    for call, parameters in asks:
        if key is KEY:
            assert call(**parameters)["ResponseMetadata"]["HTTPStatusCode"] == 200
        else:
            denied(call, **parameters)


def test_a_scan_by_statement_can_be_denied(gate: RunningGate):
    message = denied(gate.client("TENANT").execute_statement, Statement="SELECT * FROM records WHERE sk='head'")
    assert message.endswith("with an explicit deny in an identity-based policy")
    assert gate.client("READER").execute_statement(Statement="SELECT * FROM records")["Items"] is not None


def test_a_table_may_deny_what_everybody_may(gate: RunningGate, row: dict[str, Any]):
    gate.client("WIDE").put_item(TableName="audit", Item=row)
    for name in ("WIDE", "ROOT"):
        message = denied(gate.client(name).delete_item, TableName="audit", Key=KEY)
        assert message.endswith("with an explicit deny in a resource-based policy")
    gate.client("WIDE").delete_item(TableName="records", Key=KEY)


def test_a_transaction_is_refused_whole(gate: RunningGate, direct: Any):
    item = {"pk": {"S": "tenant#t"}, "sk": {"S": "1"}, "key_commitment": {"B": b"c"}}
    put, gone = insert("records", item), delete("records", pk="tenant#t", sk="1", commitment=b"c")
    writer = gate.client("WRITER")
    both = [{"Statement": each.text, "Parameters": list(each.parameters)} for each in (put, gone)]
    assert "PartiQLDelete" in denied(writer.execute_transaction, TransactStatements=both)
    assert "Item" not in direct.get_item(TableName="records", Key={"pk": item["pk"], "sk": item["sk"]})
    writer.execute_transaction(TransactStatements=both[:1])
    change = replace("records", item | {"n": {"N": "2"}}, remove=[], commitment=b"c")
    writer.execute_transaction(TransactStatements=[{"Statement": change.text, "Parameters": list(change.parameters)}])
    stored = direct.get_item(TableName="records", Key={"pk": item["pk"], "sk": item["sk"]})
    assert stored["Item"]["n"] == {"N": "2"}


def test_a_batch_of_statements_is_refused_one_by_one(gate: RunningGate, direct: Any, row: dict[str, Any]):
    statements = [
        {"Statement": 'SELECT * FROM "records" WHERE "pk"=? AND "sk"=?', "Parameters": [key["pk"], key["sk"]]}
        for key in (OTHERS, KEY)
    ]
    statements += [{"Statement": "SELECT * FROM nowhere WHERE pk='x'"}, {"Statement": "no statement"}]
    answer = gate.client("TENANT").batch_execute_statement(Statements=statements)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    first, second, third, fourth = answer["Responses"]
    assert first["Error"]["Code"] == "AccessDenied"
    assert "dynamodb:PartiQLSelect" in first["Error"]["Message"]
    assert second["Item"] == row
    assert third["Error"]["Code"] == "AccessDenied"
    assert fourth["Error"]["Code"] == "ValidationError"
    none = gate.client("NOBODY").batch_execute_statement(Statements=statements[:1])
    assert [each["Error"]["Code"] for each in none["Responses"]] == ["AccessDenied"]
    all_ = gate.client("READER").batch_execute_statement(Statements=statements[1:2])
    assert all_["Responses"] == [{"TableName": "records", "Item": row}]


def test_tables_are_provisioned_by_the_provisioner_alone(gate: RunningGate):
    keys = {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    table = keys | {"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}
    for name in ("WIDE", "OPERATOR"):
        assert "provisioner alone" in denied(gate.client(name).create_table, TableName="other", **table)
    gate.client().create_table(TableName="other", **table)
    gate.client("WIDE").put_item(TableName="other", Item={"a": {"S": "x"}})
    gate.client().delete_table(TableName="other")
    gate.client().create_table(
        TableName="other",
        KeySchema=[{"AttributeName": "b", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "b", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    gate.client("WIDE").put_item(TableName="other", Item={"b": {"S": "x"}})
    gate.client().delete_table(TableName="other")


def test_a_table_that_there_is_not_is_not_found(gate: RunningGate):
    assert refused(gate.client("WIDE").get_item, TableName="none", Key=KEY)["Code"] == "ResourceNotFoundException"
    denied(gate.client("READER").get_item, TableName="none", Key=KEY)


def test_an_error_of_the_engine_comes_through_unchanged(gate: RunningGate, direct: Any, row: dict[str, Any]):
    ask = {"TableName": "records", "Item": row, "ConditionExpression": "attribute_not_exists(pk)"}
    ask["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    for one in (gate.client("WRITER"), direct):
        with pytest.raises(ClientError) as caught:
            one.put_item(**ask)
        assert caught.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
        assert caught.value.response["Item"] == row


def test_callers_share_the_namespace_of_the_gate(gate: RunningGate, engine_port: int, row: dict[str, Any]):
    outside = client(f"http://127.0.0.1:{engine_port}", "ANOTHER")
    assert outside.list_tables()["TableNames"] == []
    outside.close()
    assert "records" in gate.client("WIDE").list_tables()["TableNames"]
    assert gate.client("READER").get_item(TableName="records", Key=KEY)["Item"] == row


@pytest.mark.parametrize(
    ("access_key_id", "secret", "code"),
    [
        ("UNKNOWN", "made-up", "UnrecognizedClientException"),
        ("ROOT", "another", "InvalidSignatureException"),
        ("OWN", "made-up", "InvalidSignatureException"),
        ("OWN", "its own", None),
    ],
)
def test_a_signature_is_verified(gate: RunningGate, access_key_id: str, secret: str, code: str | None):
    ask = gate.client(access_key_id, secret=secret).list_tables
    if code is None:
        assert ask()["TableNames"]
    else:
        assert refused(ask)["Code"] == code


def test_a_stale_signature_is_refused(gate: RunningGate):
    status, _, answer = raw(gate, "ROOT", "ListTables", b"{}", when=datetime.now(UTC) - timedelta(minutes=6))
    assert status == 400
    assert answer["__type"] == "com.amazon.coral.service#InvalidSignatureException"
    assert answer["message"].startswith("Signature expired: ")


def test_no_signature_is_refused(gate: RunningGate):
    connection = http.client.HTTPConnection("127.0.0.1", gate.port)
    connection.request("POST", "/", b"{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["__type"] == "com.amazon.coral.service#MissingAuthenticationTokenException"


@pytest.mark.parametrize("operation", ["ExportTableToPointInTime", "Nothing"])
def test_an_operation_that_is_not_known_is_refused(gate: RunningGate, operation: str):
    _, _, answer = raw(gate, "ROOT", operation, b"{}")
    assert answer["__type"] == "com.amazon.coral.service#UnknownOperationException"


def test_a_statement_that_is_not_understood_is_refused(gate: RunningGate):
    error = refused(gate.client("WIDE").execute_statement, Statement="SELECT * FROM records r")
    assert error["Code"] == "ValidationException"


def test_many_ask_at_once(gate: RunningGate, row: dict[str, Any]):
    reader = gate.client("READER")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: reader.get_item(TableName="records", Key=KEY)["Item"], range(64)))
    assert found == [row] * 64


def test_without_an_engine_nothing_is_answered(tmp_path: Path):
    write_files(tmp_path, callers={"WIDE": role("wide")}, policies=POLICIES)
    lonely = start(tmp_path, engine_port=free_port())
    error = refused(lonely.client("WIDE").list_tables)
    lonely.stop()
    assert error["Code"] == "ServiceUnavailable"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"more": {}}, id="something else beside them"),
        pytest.param({"identity": {role("a"): {}}, "resource": {}}, id="policies that are no list"),
        pytest.param(
            {"identity": {role("a"): [policy(allow("GetItem", Condition={"Nothing": {"dynamodb:Select": "x"}}))]}},
            id="an unknown operator",
        ),
        pytest.param(
            {"identity": {role("a"): [policy(allow("GetItem", Condition={"Bool": {"dynamodb:Other": "true"}}))]}},
            id="an unknown key",
        ),
        pytest.param({"identity": {role("a"): [policy(allow("GetItem", Other=1))]}}, id="an unknown element"),
        pytest.param({"resource": {table_arn("a"): policy(allow("GetItem"))}}, id="a table's policy for nobody"),
    ],
)
def test_a_policy_that_would_not_be_enforced_keeps_the_gate_from_starting(tmp_path: Path, wrong: dict[str, Any]):
    write_files(tmp_path, callers={}, policies=POLICIES | wrong)
    line = command(tmp_path, port=free_port(), engine_port=1)
    done = subprocess.run(line, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "polic" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_policies_and_callers_are_enforced_once_the_files_are_read_anew(engine_port: int, tmp_path: Path):
    write_files(tmp_path, callers={"WIDE": role("wide")}, policies={"identity": {}, "resource": {}})
    one = start(tmp_path, engine_port=engine_port)
    try:
        denied(one.client("WIDE").list_tables)
        write_files(tmp_path, callers={"WIDE": role("wide"), "NEW": role("wide")}, policies=POLICIES)
        denied(one.client("WIDE").list_tables)
        one.admin("POST", {}, path="/reload")
        for name in ("WIDE", "NEW"):
            one.client(name).list_tables()
        write_files(tmp_path, callers={}, policies={"identity": {role("wide"): [policy({})]}, "resource": {}})
        with pytest.raises(AssertionError, match="would not be enforced"):
            one.admin("POST", {}, path="/reload")
        one.client("WIDE").list_tables()
    finally:
        one.stop()


def test_without_files_everyone_is_the_accounts_root(engine_port: int, tmp_path: Path):
    one = start(tmp_path, engine_port=engine_port, with_files=False)
    try:
        anybody = one.client("ANYBODY", secret="whatever")
        anybody.create_table(
            TableName="anybodys",
            KeySchema=[{"AttributeName": "b", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "b", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        anybody.delete_table(TableName="anybodys")
        assert "no callers file" in one.log
    finally:
        one.stop()


def raw(
    gate: RunningGate, access_key_id: str, operation: str, body: bytes, *, when: datetime | None = None
) -> tuple[int, dict[str, str], dict[str, Any]]:
    """A request as no SDK sends it: an unknown operation, an old date."""
    headers = signed_headers(
        gate.url, f"DynamoDB_20120810.{operation}", body, access_key_id=access_key_id, service="dynamodb", when=when
    )
    connection = http.client.HTTPConnection("127.0.0.1", gate.port)
    connection.request("POST", "/", body, headers)
    response = connection.getresponse()
    answer = response.status, dict(response.getheaders()), json.loads(response.read())
    connection.close()
    return answer
