"""What benchmarks run against, ended with them: DynamoDB Local, the local KMS, and a twin from the artifact."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.results import ROOT, say
from twinvault_local import tokens
from twinvault_local.artifact import sources
from twinvault_local.artifact.project import Project
from twinvault_local.engines import dynamodb
from twinvault_local.machine import toolchain, waiting
from twinvault_local.machine.ports import LOOPBACK, free_port
from twinvault_local.state import StateFolder
from twinvault_local.twin import Twin

_CACHE = ROOT / ".cache"
_START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Running:
    """A twin that is up."""

    url: str
    state: StateFolder

    def token(self, tenant: str) -> str:
        """A bearer token of one of its tenants, with all permissions."""
        return tokens.mint_token(self.state, tenant=tenant)


@contextmanager
def dynamodb_local() -> Iterator[str]:
    """The endpoint of a DynamoDB Local in memory."""
    engine = dynamodb.ensure(_CACHE, progress=say)
    port = free_port()
    endpoint = f"http://{LOOPBACK}:{port}"
    with _process(dynamodb.command(toolchain.find_java(), engine, port=port, data=None)) as process:
        _await(process, lambda: dynamodb.answers(endpoint))
        yield endpoint


@contextmanager
def kms_local() -> Iterator[str]:
    """The endpoint of a local KMS without keys."""
    port = free_port()
    endpoint = f"http://{LOOPBACK}:{port}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "twinvault_kms", "--data", folder, "--port", str(port)]
        with _process(command) as process:
            _await(process, lambda: _answers(f"{endpoint}/health"))
            yield endpoint


@contextmanager
def twin() -> Iterator[Running]:
    """A twin of the checkout as it is now, on ports and in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        made = sources.ensure(Project.read(ROOT), environ=os.environ, progress=say)
        up = Twin(StateFolder(Path(folder) / "state"), _CACHE)
        facts, _ = up.up(lambda _: made, port=free_port(), progress=say)
        try:
            yield Running(facts.url, up.state)
        finally:
            up.down()


@contextmanager
def _process(command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A child with nothing of this machine's environment."""
    environment, nothing = {"LANG": "C.UTF-8", "PATH": os.defpath}, subprocess.DEVNULL
    with subprocess.Popen(  # noqa: S603  # our own command
        command, env=environment, stdin=nothing, stdout=nothing, stderr=nothing
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def _await(process: "subprocess.Popen[bytes]", answers: Callable[[], bool]) -> None:
    if not waiting.until(answers, seconds=_START_SECONDS, alive=lambda: process.poll() is None):
        raise RuntimeError(f"{process.args!r} did not start")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False
