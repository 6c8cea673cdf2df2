"""Starts the real gate before the real DynamoDB Local, on free ports, by the very command that is used elsewhere."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.serving.running import DEADLINE_SECONDS, order, wait_until_healthy
from twinvault_local.machine.ports import free_port

REGION = "eu-central-1"
ACCOUNT = "000000000000"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
NAMESPACE = "TESTNAMESPACE"


def role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def table_arn(name: str) -> str:
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"


@dataclass(slots=True)
class RunningGate:
    """One process of the gate."""

    port: int
    admin_port: int
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)
    clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "gate.log").read_text()

    def client(self, access_key_id: str = "ROOT", *, secret: str = "made-up") -> Any:  # noqa: S107  # made up
        found = self.clients.get((access_key_id, secret))
        if found is None:
            found = client(self.url, access_key_id, secret=secret)
            self.clients[access_key_id, secret] = found
        return found

    def admin(self, method: str, document: object = None, *, path: str = "/faults") -> dict[str, Any]:
        return order(self.admin_port, method, path, document)

    def stop(self) -> None:
        for one in self.clients.values():
            one.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE_SECONDS)


def client(url: str, access_key_id: str, *, secret: str = "made-up", service: str = "dynamodb") -> Any:  # noqa: S107  # made up
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


def command(folder: Path, *, port: int, engine_port: int, with_files: bool = True) -> list[str]:
    options = {"--port": port, "--engine-port": engine_port, "--namespace": NAMESPACE}
    if with_files:
        files = {"--callers": folder / "callers.json", "--policies": folder / "policies.json"}
        options |= {**files, "--provisioner": "ROOT"}
    return [sys.executable, "-m", "twinvault_gate", *(str(part) for option in options.items() for part in option)]


def write_files(folder: Path, *, callers: Mapping[str, object], policies: Mapping[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "callers.json").write_text(json.dumps(callers))
    (folder / "policies.json").write_text(json.dumps(policies))


def start(
    folder: Path, *, engine_port: int, with_files: bool = True, options: Mapping[str, object] | None = None
) -> RunningGate:
    """Start a gate on the files of `folder`, with further options, and wait until it answers."""
    port, admin_port = free_port(), free_port()
    line = [
        *command(folder, port=port, engine_port=engine_port, with_files=with_files),
        *("--admin-port", str(admin_port)),
        *(str(part) for option in (options or {}).items() for part in option),
    ]
    with (folder / "gate.log").open("ab") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log)
    running = RunningGate(port, admin_port, folder, process)
    wait_until_healthy(port, process, log=lambda: running.log)
    return running
