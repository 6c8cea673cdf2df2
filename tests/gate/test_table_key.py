"""The table's KMS key, as DynamoDB uses it in its caller's name.

https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.gate.conftest import allow, policy
from tests.gate.running import ACCOUNT, REGION, ROOT, RunningGate, role, start, table_arn, write_files
from twinvault_gate.errors import SetupError
from twinvault_gate.policies import load_policies

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
VIA = {"kms:ViaService": f"dynamodb.{REGION}.amazonaws.com"}
ITEM = {"pk": {"S": "tenant#a"}, "sk": {"S": "head"}}
type Start = Callable[..., RunningGate]


def decrypt(caller: str, **equals: str) -> dict[str, Any]:
    principal = {"Principal": "*", "Action": "kms:Decrypt", "Resource": "*", "Effect": "Allow"}
    return principal | {"Condition": {"StringEquals": equals, "ArnEquals": {"aws:PrincipalArn": caller}}}


@pytest.fixture
def start_with(engine_port: int, gate: RunningGate, tmp_path: Path) -> Iterator[Start]:
    """A gate of one's own before the tables that there are, with this policy of the key of `records`."""
    running: list[RunningGate] = []

    def begin(*statements: dict[str, Any], identity: tuple[dict[str, Any], ...] = ()) -> RunningGate:
        own = policy(allow("GetItem", "PutItem", "DescribeTable", "BatchExecuteStatement", "PartiQLSelect", on="*"))
        policies = {
            "identity": {role("user"): [own, *([policy(*identity)] if identity else [])]},
            "resource": {},
            "keys": {KEY: policy(*statements)},
            "table_keys": {table_arn("records"): KEY},
        }
        write_files(tmp_path, callers={"USER": role("user"), "ROOT": ROOT}, policies=policies)
        running.append(start(tmp_path, engine_port=engine_port))
        return running[-1]

    assert gate.process.poll() is None  # it has made the tables
    yield begin
    for one in running:
        one.stop()


def get(gate: RunningGate, table: str = "records", caller: str = "USER") -> Any:
    return gate.client(caller).get_item(TableName=table, Key=ITEM)


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param(decrypt(role("user"), **VIA), id="via DynamoDB"),
        pytest.param(decrypt(role("user"), **{"kms:EncryptionContext:aws:dynamodb:tableName": "records"}), id="table"),
        pytest.param(
            decrypt(role("user"), **{"kms:EncryptionContext:aws:dynamodb:subscriberId": ACCOUNT}), id="account"
        ),
        pytest.param(decrypt(role("user"), **{"kms:CallerAccount": ACCOUNT}), id="the caller's account"),
    ],
)
def test_whoever_the_key_lets_through_reads_the_table(start_with: Start, statement: dict[str, Any]):
    get(start_with(statement))


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([decrypt(role("other"), **VIA)], id="another caller"),
        pytest.param([decrypt(role("user"), **{"kms:ViaService": "s3.eu-central-1.amazonaws.com"})], id="a service"),
        pytest.param(
            [decrypt(role("user"), **{"kms:EncryptionContext:aws:dynamodb:tableName": "other"})], id="another table"
        ),
        pytest.param(
            [decrypt(role("user"), **VIA) | {"Action": ["kms:Encrypt", "kms:GenerateDataKey"]}], id="another action"
        ),
        pytest.param(
            [decrypt(role("user"), **VIA), {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}],
            id="an explicit deny",
        ),
        pytest.param(
            [{"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}],
            id="left to the account, whose policies do not allow it",
        ),
    ],
)
def test_whoever_the_key_refuses_is_refused_in_words_of_their_own(start_with: Start, statements: list[dict[str, Any]]):
    gate = start_with(*statements)
    with pytest.raises(ClientError) as caught:
        get(gate)
    error = caught.value.response["Error"]
    assert error["Code"] == "AccessDeniedException"
    begins = "KMS key access denied error: com.amazonaws.services.kms.model.AWSKMSException: User: "
    assert error["Message"].startswith(f"{begins}{role('user')} is not authorized to perform: kms:Decrypt on resource:")
    assert caught.value.response["ResponseMetadata"]["RequestId"] in error["Message"]
    assert f"refused: {begins}" in gate.log


def test_the_key_may_leave_it_to_the_account(start_with: Start):
    left = {"Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"}
    own = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY, "Condition": {"StringEquals": VIA}}
    gate = start_with(left, identity=(own,))
    get(gate)
    get(gate, caller="ROOT")


def test_neither_other_tables_nor_descriptions_need_the_key(start_with: Start):
    gate = start_with(decrypt(role("other"), **VIA))
    get(gate, "audit")
    gate.client("USER").describe_table(TableName="records")


def test_a_batch_of_statements_is_refused_one_by_one(start_with: Start):
    gate = start_with(decrypt(role("other"), **VIA))
    select = "SELECT * FROM {} WHERE pk = 'a' AND sk = 'b'"
    statements = [{"Statement": select.format(table)} for table in ("records", "audit")]
    answers = gate.client("USER").batch_execute_statement(Statements=statements)["Responses"]
    assert answers[0]["Error"]["Code"] == "AccessDenied"
    assert "Error" not in answers[1]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"keys": {}}, id="a key without a policy"),
        pytest.param({"keys": {KEY: policy()}}, id="a policy without a statement"),
        pytest.param({"table_keys": {table_arn("records"): None}}, id="no key"),
        pytest.param({"keys": []}, id="no map of keys"),
        pytest.param({"more": {}}, id="more"),
        pytest.param(
            {
                "keys": {
                    KEY: policy(
                        decrypt(role("user"), **VIA)
                        | {"Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/tables"}}}
                    )
                }
            },
            id="a condition that is not known here",
        ),
    ],
)
def test_a_file_that_would_not_be_enforced_is_refused(tmp_path: Path, change: dict[str, Any]):
    document = {"identity": {}, "resource": {}, "keys": {KEY: policy(decrypt(role("user"), **VIA))}}
    document |= {"table_keys": {table_arn("records"): KEY}} | change
    (tmp_path / "policies.json").write_text(json.dumps(document))
    with pytest.raises(SetupError):
        load_policies(tmp_path / "policies.json")


def test_a_change_of_the_keys_policy_is_in_force_at_once(start_with: Start):
    allowed = start_with(decrypt(role("user"), **VIA))
    get(allowed)
    changed = start_with(decrypt(role("other"), **VIA))
    with pytest.raises(ClientError, match="KMS key access denied error"):
        get(changed)
