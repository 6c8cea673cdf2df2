"""One DynamoDB Local, and one gate before it, for the whole folder."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gate.running import NAMESPACE, ROOT, RunningGate, client, role, start, table_arn, write_files
from twinvault_local.engines import dynamodb
from twinvault_local.machine import toolchain
from twinvault_local.machine.ports import free_port

T, INDEX = table_arn("records"), table_arn("records") + "/index/ByList"
PLAIN = table_arn("plain")
CALLERS = {
    "ROOT": ROOT,
    "OPERATOR": ROOT,
    "READER": role("reader"),
    "WRITER": role("writer"),
    "TENANT": role("tenant"),
    "WIDE": role("wide"),
    "NOBODY": role("nobody"),
    "OWN": {"arn": role("wide"), "secret": "its own"},
}


def allow(*actions: str, on: Any = T, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": [f"dynamodb:{action}" for action in actions], "Resource": on, **more}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


LEADING = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["tenant#a"]}}
POLICIES = {
    "identity": {
        role("reader"): [
            policy(allow("GetItem", "Query", "PartiQLSelect"), allow("Query", on=INDEX)),
            policy({"Effect": "Allow", "Action": ["logs:PutLogEvents", "xray:*"], "Resource": "*"}),
        ],
        role("writer"): [policy(allow("PartiQLInsert", "PartiQLUpdate", "PutItem", on=[T, PLAIN]))],
        role("tenant"): [
            policy(
                allow("GetItem", "Query", "PartiQL*", "BatchGetItem", Condition=LEADING),
                {
                    "Effect": "Deny",
                    "Action": "dynamodb:PartiQLSelect",
                    "Resource": "*",
                    "Condition": {"Bool": {"dynamodb:FullTableScan": "true"}},
                },
            )
        ],
        role("wide"): [policy({"Effect": "Allow", "Action": "*", "Resource": "*"})],
    },
    "resource": {
        table_arn("audit"): policy(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["dynamodb:PartiQLDelete", "dynamodb:DeleteItem"],
                "Resource": "*",
            }
        ),
    },
}


@pytest.fixture(scope="session")
def engine_port(repository_cache: Path) -> Iterator[int]:
    port = free_port()
    engine = dynamodb.ensure(repository_cache, progress=print)
    line = dynamodb.command(toolchain.find_java(), engine, port=port, data=None)
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not dynamodb.answers(f"http://127.0.0.1:{port}"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield port
        process.terminate()


@pytest.fixture(scope="session")
def direct(engine_port: int) -> Iterator[Any]:
    """The engine itself, in the gate's namespace: for looking at what was done, past the gate."""
    one = client(f"http://127.0.0.1:{engine_port}", NAMESPACE)
    yield one
    one.close()


@pytest.fixture(scope="session")
def gate(engine_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGate]:
    folder = tmp_path_factory.mktemp("gate")
    write_files(folder, callers=CALLERS, policies=POLICIES)
    running = start(folder, engine_port=engine_port)
    try:
        make_tables(running.client())
        yield running
    finally:
        running.stop()


def make_tables(root: Any) -> None:
    names = ("pk", "sk", "tenant", "kind")
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    by_list = [{"AttributeName": name, "KeyType": "HASH"} for name in ("tenant", "kind")]
    for name in ("records", "audit"):
        root.create_table(
            TableName=name,
            KeySchema=keys,
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in names],
            GlobalSecondaryIndexes=[
                {"IndexName": "ByList", "KeySchema": by_list, "Projection": {"ProjectionType": "ALL"}}
            ],
            BillingMode="PAY_PER_REQUEST",
        )


@pytest.fixture
def row(direct: Any, gate: RunningGate) -> dict[str, Any]:
    """A row of tenant a."""
    item = {"pk": {"S": "tenant#a"}, "sk": {"S": "head"}, "tenant": {"S": "a"}, "kind": {"S": "k"}, "n": {"N": "1"}}
    direct.put_item(TableName="records", Item=item)
    return item
