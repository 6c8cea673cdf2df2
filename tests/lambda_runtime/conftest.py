"""A real Lambda server on a free port, with handlers that the test itself writes."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from twinvault_lambda.config import (
    Credentials,
    FunctionConfig,
    PermissionConfig,
    RouteConfig,
    ServerConfig,
    ThrottleConfig,
)
from twinvault_local.machine import toolchain, waiting

START_SECONDS = 60
END_SECONDS = 20
SERVICES = ("apigateway", "events")


@dataclass
class Server:
    """One running server; ``url`` is set once it is ready."""

    config: ServerConfig
    process: "subprocess.Popen[str]"
    url: str
    client: httpx.Client = field(init=False)

    def __post_init__(self):
        self.client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def log(self, name: str) -> str:
        return (self.config.log_dir / f"{name}.log").read_text(encoding="utf-8")

    def workers(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children()
        return [one for one in children if one.status() != psutil.STATUS_ZOMBIE]

    def stop(self) -> int:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_SECONDS)


type Serve = Callable[..., Server]


@pytest.fixture(scope="session")
def base_python() -> Path:
    return toolchain.base_python()


@pytest.fixture(scope="session")
def runtime_dir(repository_cache: Path, base_python: Path) -> Path:
    return toolchain.ensure_lambda_runtime(repository_cache, base_python)


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory, base_python: Path, runtime_dir: Path) -> Iterator[Serve]:
    """``serve(source)``: each public function of ``source`` is a Lambda function, at ``ANY /<its name>/{proxy+}``."""
    running: list[Server] = []

    def start(source: str, *, shell: dict[str, str] | None = None, limits=(), **changes) -> Server:
        folder = tmp_path_factory.mktemp("server")
        task_root = folder / "task"
        task_root.mkdir()
        text = textwrap.dedent(source)
        (task_root / "app.py").write_text(text, encoding="utf-8")
        names = [line[4:].partition("(")[0] for line in text.splitlines() if line.startswith("def ")]
        functions = tuple(_function(name, **dict(limits)) for name in names if not name.startswith("_"))
        values = {
            "api_port": 0,
            "region": "eu-central-1",
            "account": "000000000000",
            "python": base_python,
            "task_root": task_root,
            "runtime_dir": runtime_dir,
            "log_dir": folder / "logs",
            "functions": functions,
            "routes": tuple(
                RouteConfig.from_key(f"ANY /{one.name}/{{proxy+}}", function=one.name) for one in functions
            ),
            "permissions": tuple(_permission(one.name, service) for one in functions for service in SERVICES),
            "throttle": ThrottleConfig(rate=10_000, burst=10_000),
            "min_workers": 1,
        }
        config = ServerConfig(**(values | changes))
        server = launch(config, folder, shell=shell or {})
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


def _function(name: str, *, timeout_seconds=20, memory_mb=256, environment=()) -> FunctionConfig:
    return FunctionConfig(
        name=name,
        handler=f"app.{name}",
        timeout_seconds=timeout_seconds,
        memory_mb=memory_mb,
        environment={"DECLARED": "by the template", **dict(environment)},
        credentials=Credentials(access_key_id=f"AKID{name}", secret_access_key="made", session_token="up"),
    )


def _permission(function: str, service: str) -> PermissionConfig:
    """Whatever the test is about, the service may invoke the function."""
    arn = f"arn:aws:lambda:eu-central-1:000000000000:function:{function}"
    return PermissionConfig(function_arn=arn, principal=f"{service}.amazonaws.com")


def launch(config: ServerConfig, folder: Path, *, shell: dict[str, str]) -> Server:
    file = folder / "server.json"
    file.write_text(config.to_json(), encoding="utf-8")
    out, errors = folder / "out", folder / "errors"
    with out.open("w") as stdout, errors.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "twinvault_lambda", "--config", str(file)],
            env={"PATH": os.defpath, "LANG": "C.UTF-8", **shell},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )
    ready = waiting.until(
        lambda: out.read_text().startswith("ready "), seconds=START_SECONDS, alive=lambda: process.poll() is None
    )
    assert ready, errors.read_text()
    return Server(config=config, process=process, url=out.read_text().split()[1])
