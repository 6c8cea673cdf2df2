"""What the gate writes into its ledger: what other policies would have to be asked."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.gate.conftest import CALLERS, POLICIES, T
from tests.gate.running import ROOT, RunningGate, role, start, table_arn, write_files
from twinvault_gate.process import GateOptions, serve
from twinvault_serving.ledger import RecordedCall, recorded

ITEM = {"pk": {"S": "tenant#a"}, "sk": {"S": "head"}}
KEY = "arn:aws:kms:eu-central-1:000000000000:key/11111111-2222-3333-4444-555555555555"


@pytest.fixture
def writing(engine_port: int, gate: RunningGate, tmp_path: Path) -> Iterator[RunningGate]:
    """A gate that writes a ledger, before the session's tables; `audit` is encrypted under a key of its own."""
    assert gate.process.poll() is None
    statement = {"Effect": "Allow", "Principal": {"AWS": role("writer")}, "Action": "kms:Decrypt", "Resource": "*"}
    keys = {"keys": {KEY: {"Version": "2012-10-17", "Statement": statement}}, "table_keys": {table_arn("audit"): KEY}}
    write_files(tmp_path, callers=CALLERS, policies=POLICIES | keys)
    running = start(tmp_path, engine_port=engine_port, options={"--ledger": tmp_path / "ledger" / "gate.jsonl"})
    yield running
    running.stop()


def written(gate: RunningGate) -> list[RecordedCall]:
    return list(recorded(gate.folder / "ledger" / "gate.jsonl"))


def attempt(operation: Any, **parameters: Any) -> None:
    with contextlib.suppress(ClientError):
        operation(**parameters)


def test_what_is_allowed_stands_there_once_with_its_facts(writing: RunningGate):
    for _ in range(3):
        writing.client("READER").get_item(TableName="records", Key=ITEM)
    assert written(writing) == [
        RecordedCall(
            caller="reader",
            principal=role("reader"),
            action="dynamodb:GetItem",
            resource=T,
            facts={
                "dynamodb:attributes": ("pk", "sk"),
                "dynamodb:firstpartitionkeyvalues": ("tenant#a",),
                "dynamodb:leadingkeys": ("tenant#a",),
                "dynamodb:returnconsumedcapacity": ("NONE",),
                "dynamodb:select": ("ALL_ATTRIBUTES",),
            },
            verdict="allow",
            by="identity",
        )
    ]


def test_each_statement_of_a_transaction_is_a_call_of_its_own(writing: RunningGate):
    insert = {"Statement": "INSERT INTO records VALUE {'pk': ?, 'sk': ?}", "Parameters": [{"S": "x"}, {"S": "y"}]}
    update = {
        "Statement": "UPDATE records SET n = ? WHERE pk = ? AND sk = ?",
        "Parameters": [{"N": "1"}, {"S": "x"}, {"S": "z"}],
    }
    attempt(writing.client("WRITER").execute_transaction, TransactStatements=[insert, update])
    assert [(one.action, one.verdict) for one in written(writing)] == [
        ("dynamodb:PartiQLInsert", "allow"),
        ("dynamodb:PartiQLUpdate", "allow"),
    ]
    assert all(one.facts["dynamodb:enclosingoperation"] == ("ExecuteTransaction",) for one in written(writing))


@pytest.mark.parametrize(
    ("caller", "operation", "parameters", "said"),
    [
        pytest.param("READER", "put_item", {"Item": ITEM}, ("deny", "identity"), id="nothing allows"),
        pytest.param("ROOT", "get_item", {"Key": ITEM}, ("allow", "root"), id="the account"),
        pytest.param(
            "ROOT", "delete_item", {"Key": ITEM, "TableName": "audit"}, ("deny", "resource"), id="the table denies"
        ),
        pytest.param("WIDE", "delete_table", {}, ("deny", "gate"), id="provisioning"),
    ],
)
def test_what_decided_stands_there(
    writing: RunningGate,
    caller: str,
    operation: str,
    parameters: dict[str, Any],
    said: tuple[str, str],
):
    attempt(getattr(writing.client(caller), operation), **{"TableName": "records"} | parameters)
    (call,) = written(writing)
    arn = CALLERS[caller]
    assert (call.principal, call.verdict, call.by) == (arn, *said)
    assert arn != ROOT or "aws:principalarn" not in call.facts


def test_the_tables_key_is_a_call_of_its_own(writing: RunningGate):
    attempt(writing.client("WIDE").get_item, TableName="audit", Key=ITEM)
    asked, of_the_key = written(writing)
    assert (asked.action, asked.verdict) == ("dynamodb:GetItem", "allow")
    assert (of_the_key.principal, of_the_key.action, of_the_key.resource) == (role("wide"), "kms:Decrypt", KEY)
    assert (of_the_key.verdict, of_the_key.by) == ("deny", "key")
    assert of_the_key.facts["kms:viaservice"] == ("dynamodb.eu-central-1.amazonaws.com",)


def test_a_ledger_that_is_none_keeps_the_gate_from_starting(tmp_path: Path):
    write_files(tmp_path, callers=CALLERS, policies=POLICIES)
    (tmp_path / "gate.jsonl").write_text("nothing of ours\n")
    options = GateOptions(
        port=0,
        engine_port=1,
        callers=tmp_path / "callers.json",
        policies=tmp_path / "policies.json",
        ledger=tmp_path / "gate.jsonl",
    )
    with pytest.raises(Exception, match="line 1"):
        serve(options)
