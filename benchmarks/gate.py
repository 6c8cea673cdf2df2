"""The price of the gate: python -m benchmarks.gate [--seconds 6] [--samples 400].

The same requests at DynamoDB Local and at the gate before it, taking turns: the median of a GetItem and of a
transaction of five statements, and the throughput of 8 clients that read. Policies, a table key and a ledger are in
force, of the size that a function of the service has. The client is http.client on kept connections, its signatures
made beforehand; it shares the machine with both, so the figures are for comparing.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.results import Figures, save, say
from benchmarks.running import dynamodb_local
from benchmarks.timing import alternating, summary
from twinvault_local.machine import waiting
from twinvault_local.machine.ports import LOOPBACK, free_port

CLIENTS = 8
ROUNDS = 2
REGION, ACCOUNT, ID, SECRET = "eu-central-1", "000000000000", "BENCH", "made-up"
TABLES = ("records", "marks", "audit")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/bench"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
_VALUE = "x" * 1_000  # of a record, in bytes
_SIGNED_FOR_SECONDS = 200  # of the five minutes for which a signature counts


@dataclass(slots=True)
class Client:
    """One connection; each request is signed once, and again when its signature grows old."""

    endpoint: str
    _signed: dict[str, tuple[float, Mapping[str, str]]] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def call(self, operation: str, body: str) -> bytes:
        """The answer's body."""
        connection = self._connection or http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=60)
        self._connection = connection
        connection.request("POST", "/", body, self._headers(operation, body))
        response = connection.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"{operation}: {response.status} {content[:200].decode()}")
        return content

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()

    def _headers(self, operation: str, body: str) -> Mapping[str, str]:
        at, headers = self._signed.get(operation, (0.0, {}))
        if not headers or time.monotonic() - at > _SIGNED_FOR_SECONDS:
            named = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0"}
            request = AWSRequest("POST", f"{self.endpoint}/", named, body)
            SigV4Auth(Credentials(ID, SECRET), "dynamodb", REGION).add_auth(request)
            headers = dict(request.headers.items())
            self._signed[operation] = (time.monotonic(), headers)
        return headers


def main() -> None:
    """Measure, and write gate.json."""
    parser = argparse.ArgumentParser(description="The price of the gate.")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each round of the clients (default 6)")
    parser.add_argument("--samples", type=int, default=400, help="of each operation (default 400)")
    given = parser.parse_args()
    with dynamodb_local() as direct, gate_before(direct) as gate:
        make_rows(direct)
        save("gate", measure({"direct": direct, "gate": gate}, samples=given.samples, seconds=given.seconds))


def measure(endpoints: Mapping[str, str], *, samples: int, seconds: float) -> Figures:
    """By operation: milliseconds with the gate and without; and how many reads 8 clients are given a second."""
    bodies = {"GetItem": a_read(), "ExecuteTransaction": a_transaction()}
    clients = {name: Client(endpoint) for name, endpoint in endpoints.items()}
    found: Figures = {}
    for operation, body in bodies.items():
        say(operation)
        for client in clients.values():
            for _ in range(samples // 4):
                client.call(operation, body)
        works = {name: _work(client, operation, body) for name, client in clients.items()}
        times = alternating(works, samples=samples, budget=60)
        found[operation] = {name: summary(taken) for name, taken in times.items()}
    for client in clients.values():
        client.close()
    say(f"{CLIENTS} clients")
    counts: dict[str, float] = dict.fromkeys(endpoints, 0.0)
    for _ in range(ROUNDS):
        for name, endpoint in endpoints.items():
            counts[name] += crowd(endpoint, "GetItem", bodies["GetItem"], seconds=seconds) / ROUNDS
    found["per_second"] = counts
    return found


def crowd(endpoint: str, operation: str, body: str, *, seconds: float) -> float:
    """How many answers a second 8 clients get together."""
    counts = [0] * CLIENTS
    until = time.perf_counter() + seconds

    def ask(number: int) -> None:
        client = Client(endpoint)
        while time.perf_counter() < until:
            client.call(operation, body)
            counts[number] += 1
        client.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


@contextmanager
def gate_before(endpoint: str) -> Iterator[str]:
    """The gate before an engine, with callers, policies and a ledger in force."""
    port, engine_port = free_port(), urlsplit(endpoint).port
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "callers.json").write_text(json.dumps({ID: {"arn": ROLE, "secret": SECRET, "name": "bench"}}))
        (folder / "policies.json").write_text(json.dumps(policies()))
        files = [f"--{each}={folder / each}.json" for each in ("callers", "policies")]
        options = [
            f"--port={port}",
            f"--engine-port={engine_port}",
            f"--namespace={ID}",
            f"--ledger={folder / 'ledger'}",
        ]
        command = [sys.executable, "-m", "twinvault_gate", *files, *options]
        with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:  # noqa: S603  # our own command
            if not waiting.until(lambda: _answers(port), seconds=30, alive=lambda: process.poll() is None):
                raise RuntimeError((folder / "log").read_text())
            yield f"http://{LOOPBACK}:{port}"
            process.terminate()


def policies() -> dict[str, Any]:
    """As many statements as a function that writes has, and the key of its tables."""
    arns = {name: f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}" for name in TABLES}
    actions = ("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete", "Query", "GetItem", "BatchGetItem")
    mine = [_allow(*(f"dynamodb:{action}" for action in actions), on=arn) for arn in arns.values()]
    via = {"kms:ViaService": f"dynamodb.{REGION}.amazonaws.com", "kms:CallerAccount": ACCOUNT}
    condition = {"StringEquals": via, "ArnEquals": {"aws:PrincipalArn": [ROLE]}}
    use = {**_allow("kms:Decrypt", on="*"), "Principal": "*", "Condition": condition}
    deny = {"Effect": "Deny", "Principal": "*", "Action": ["dynamodb:PutItem", "dynamodb:DeleteItem"], "Resource": "*"}
    return {
        "identity": {ROLE: [_document(*mine, _allow("dynamodb:Query", on=f"{arns['records']}/index/*"))]},
        "resource": {arns["marks"]: _document(deny), arns["audit"]: _document(deny)},
        "keys": {KEY: _document(use)},
        "table_keys": dict.fromkeys(arns.values(), KEY),
    }


def make_rows(endpoint: str) -> None:
    """The tables, and the rows that are read and written."""
    client = boto3.client(
        "dynamodb", endpoint_url=endpoint, region_name=REGION, aws_access_key_id=ID, aws_secret_access_key=SECRET
    )
    for table in TABLES:
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
    for number in range(5):
        item = {"pk": {"S": "tenant#bench"}, "sk": {"S": f"row#{number}"}, "value": {"S": _VALUE}}
        client.put_item(TableName="records", Item=item)
    client.close()


def a_read() -> str:
    """A consistent GetItem of a record."""
    key = {"pk": {"S": "tenant#bench"}, "sk": {"S": "row#0"}}
    return json.dumps({"TableName": "records", "Key": key, "ConsistentRead": True})


def a_transaction() -> str:
    """Five rows, changed together."""
    update = 'UPDATE "records" SET "value"=? SET "again"=? WHERE "pk"=? AND "sk"=?'
    statements = [
        {
            "Statement": update,
            "Parameters": [{"S": _VALUE}, {"S": "again"}, {"S": "tenant#bench"}, {"S": f"row#{number}"}],
        }
        for number in range(5)
    ]
    return json.dumps({"TransactStatements": statements})


def _allow(*actions: str, on: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on}


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _work(client: Client, operation: str, body: str) -> Callable[[], object]:
    return lambda: client.call(operation, body)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
