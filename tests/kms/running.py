"""Starts the real KMS process for tests: free ports, a folder of its own, and the very command that users type."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import boto3
from botocore.config import Config
from mypy_boto3_kms.client import KMSClient

from tests.serving.running import DEADLINE_SECONDS, order, wait_until_healthy

SEED = "00" * 31 + "2a"
REGION = "eu-central-1"
ACCOUNT = "000000000000"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"


@dataclass(slots=True)
class RunningKms:
    """One KMS process."""

    port: int
    admin_port: int
    data: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.data.parent / "kms.log").read_text()

    def client(
        self,
        access_key_id: str = "ROOT",
        *,
        region: str = REGION,
        secret: str = "made-up",  # noqa: S107  # made up
    ) -> KMSClient:
        return client(self.url, access_key_id, region=region, secret=secret)

    def admin(self, method: str, path: str, document: object = None) -> dict[str, object]:
        return order(self.admin_port, method, path, document)

    def stop(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(DEADLINE_SECONDS)


def client(url: str, access_key_id: str = "ROOT", *, region: str = REGION, secret: str = "made-up") -> KMSClient:  # noqa: S107  # made up
    return boto3.client(
        "kms",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret,
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    folder: Path,
    *,
    callers: Mapping[str, object] | None = None,
    seed: str = SEED,
    options: Sequence[str] = (),
    trusted: Path | None = None,
) -> RunningKms:
    """Start a KMS on `folder`/data and wait until it answers; with `trusted`, over TLS."""
    folder.mkdir(parents=True, exist_ok=True)
    seed_file = folder / "seed"
    seed_file.write_text(seed)
    seed_file.chmod(0o600)
    port, admin_port = free_port(), free_port()
    command = [sys.executable, "-m", "twinvault_kms", "--port", str(port), "--admin-port", str(admin_port)]
    command += ["--data", str(folder / "data"), "--seed-file", str(seed_file)]
    if callers is not None:
        (folder / "callers.json").write_text(json.dumps(callers))
        command += ["--callers", str(folder / "callers.json")]
    command += options
    with (folder / "kms.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    running = RunningKms(port, admin_port, folder / "data", process)
    wait_until_healthy(port, process, log=lambda: running.log, trusted=trusted)
    return running
