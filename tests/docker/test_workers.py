"""Workers as containers of Lambda's own image: what they answer, how they end, and that none of them is left."""

import json
import secrets
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from containers import docker

from twinvault_lambda import container
from twinvault_lambda.config import (
    ContainerConfig,
    Credentials,
    FunctionConfig,
    PermissionConfig,
    RouteConfig,
    ServerConfig,
    ThrottleConfig,
)
from twinvault_local.engines import image
from twinvault_local.machine import waiting

HANDLERS = """
import os, sys, time

def told(event, context):
    print("said by the handler")
    return {"python": sys.version_info[:2], "env": dict(os.environ), "file": __file__, "uid": os.getuid(),
            "remaining": context.get_remaining_time_in_millis()}

def writes(event, context):
    found = {}
    for folder in ("/var/task", "/tmp", "/"):
        try:
            open(folder + "/x", "w").write("x")
            found[folder] = True
        except OSError:
            found[folder] = False
    return found

def crashes(event, context):
    os._exit(3)

def swells(event, context):
    held = bytearray(600 * 1024 * 1024)
    for at in range(0, len(held), 4096):
        held[at] = 1
    return {}

def lingers(event, context):
    time.sleep(60)

def raises(event, context):
    raise ValueError("no")
"""


@dataclass
class Server:
    config: ServerConfig
    process: "subprocess.Popen[str]"
    client: httpx.Client

    def log(self, name: str) -> str:
        return (self.config.log_dir / f"{name}.log").read_text(encoding="utf-8")

    def containers(self) -> list[str]:
        assert self.config.containers
        return docker("ps", "--all", "--quiet", "--filter", f"label={self.config.containers.label}").split()


def gateway() -> str:
    """Where this machine is for containers of Docker's default network."""
    return docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")


@pytest.fixture(scope="module", params=["host", "bridge"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Lambda server; `bridge` is the way of a Mac, where this machine has another name for a container."""
    started = list(start(tmp_path_factory.mktemp("server"), network=request.param))
    yield started[0]
    started[0].client.close()
    started[0].process.send_signal(signal.SIGTERM)
    assert started[0].process.wait(60) == 0
    assert started[0].containers() == []


def start(folder: Path, *, network: str) -> Iterator[Server]:
    task_root = folder / "task"
    task_root.mkdir()
    (task_root / "app.py").write_text(textwrap.dedent(HANDLERS), encoding="utf-8")
    names = [line[4:].partition("(")[0] for line in HANDLERS.splitlines() if line.startswith("def ")]
    places = {"host": ("127.0.0.1", "127.0.0.1"), "bridge": ("host.docker.internal", gateway())}
    host, listen = places[network]
    config = ServerConfig(
        api_port=0,
        region="eu-central-1",
        account="000000000000",
        python=container.PYTHON,
        task_root=task_root,
        runtime_dir=container.RUNTIME_DIR,
        log_dir=folder / "logs",
        functions=tuple(function(name) for name in names),
        routes=tuple(RouteConfig.from_key(f"GET /{name}", function=name) for name in names),
        permissions=tuple(permission(name) for name in names),
        throttle=ThrottleConfig(rate=1000, burst=1000),
        min_workers=1,
        max_workers=2,
        containers=ContainerConfig(
            image=image.LAMBDA,
            platform="linux/amd64",
            socket=Path("/var/run/docker.sock"),
            user="10001:10001",
            label=f"twinvault.test.{secrets.token_hex(4)}",
            network=network,
            host=host,
            listen=listen,
        ),
    )
    (folder / "server.json").write_text(config.to_json(), encoding="utf-8")
    out = folder / "out"
    with out.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "twinvault_lambda", "--config", str(folder / "server.json")],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            text=True,
        )
    ready = waiting.until(
        lambda: out.read_text().startswith("ready "), seconds=120, alive=lambda: process.poll() is None
    )
    assert ready, out.read_text()
    yield Server(config, process, httpx.Client(base_url=out.read_text().split()[1], timeout=90, trust_env=False))


def function(name: str) -> FunctionConfig:
    return FunctionConfig(
        name=name,
        handler=f"app.{name}",
        timeout_seconds=2 if name == "lingers" else 20,
        memory_mb=256,
        environment={"DECLARED": "by the template"},
        credentials=Credentials(access_key_id=f"AKID{name}", secret_access_key="made", session_token="up"),
    )


def permission(name: str) -> PermissionConfig:
    arn = f"arn:aws:lambda:eu-central-1:000000000000:function:{name}"
    return PermissionConfig(function_arn=arn, principal="apigateway.amazonaws.com")


def test_a_handler_runs_in_lambdas_image_on_what_the_template_declares(server: Server) -> None:
    found = server.client.get("/told").json()
    assert found["python"] == [3, 13]
    assert found["file"] == "/var/task/app.py"
    assert found["env"]["DECLARED"] == "by the template"
    assert found["env"]["AWS_ACCESS_KEY_ID"] == "AKIDtold"
    assert found["env"]["LAMBDA_TASK_ROOT"] == "/var/task"
    assert found["uid"] == 10001
    assert 0 < found["remaining"] <= 20_000
    assert waiting.until(lambda: "said by the handler" in server.log("told"), seconds=20)
    assert "REPORT RequestId" in server.log("told")


def test_the_same_worker_serves_on_and_is_halted_in_between(server: Server) -> None:
    def states() -> set[str]:
        return set(docker("inspect", "--format", "{{.State.Status}}", *server.containers()).split())

    assert waiting.until(lambda: states() == {"paused"}, seconds=30), states()
    before = set(server.containers())
    for _ in range(5):
        assert server.client.get("/told").status_code == 200
    assert before <= set(server.containers())


def test_the_code_cannot_be_written_and_tmp_can(server: Server) -> None:
    assert server.client.get("/writes").json() == {"/var/task": False, "/tmp": True, "/": False}  # noqa: S108  # Lambda's


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("crashes", "Runtime exited with error: exit status 3", id="the process ends"),
        pytest.param("swells", "Runtime.OutOfMemory", id="too much memory"),
        pytest.param("lingers", "Task timed out after 2.00 seconds", id="too long"),
        pytest.param("raises", "ValueError", id="the handler raises"),
    ],
)
def test_what_fails_is_told_as_lambda_tells_it_and_another_worker_follows(server: Server, name: str, says: str) -> None:
    for _ in range(2):
        answer = server.client.get(f"/{name}")
        assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
    assert waiting.until(lambda: says in server.log(name), seconds=20), server.log(name)


def test_a_container_has_few_rights(server: Server) -> None:
    (inspected,) = json.loads(docker("inspect", server.containers()[0]))
    host = inspected["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["Memory"]) == (True, ["ALL"], 256 * 1024 * 1024)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert [(one["Target"], one["ReadOnly"]) for one in host["Mounts"]] == [("/var/task", True)]
