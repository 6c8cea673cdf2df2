"""Engines for all tests: real ones on free ports, one set for each xdist worker, and no way to the real AWS.

`aws`, `aws_import` and `aws_read` are keyword arguments of `boto3.client`: who calls. `dynamodb_endpoint` and
`kms_endpoint` say where the engines listen.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.loaders import JSONFileLoader
from hypothesis import settings

from tests import evidence
from tests.fakes import FakeKms
from tests.faults import Line, line_to
from tests.grants import proving
from tests.serving.running import order
from tests.stores import World, make_client, make_world
from tests.together import pytest_xdist_make_scheduler  # noqa: F401  # a hook, found by its name
from twinvault_local.engines import dynamodb
from twinvault_local.machine import toolchain, waiting
from twinvault_local.machine.ports import LOOPBACK, free_port
from twinvault_serving.callers import DEFAULT_SECRET

ROOT = Path(__file__).parent.parent
REGION = "eu-central-1"
ACCOUNT = "000000000000"
SEED = bytes(range(32)).hex()  # fixed: reproducible runs. The twin draws its own on first `up`
CALLERS = {
    "TESTOPERATOR": f"arn:aws:iam::{ACCOUNT}:root",
    "TESTIMPORT": f"arn:aws:iam::{ACCOUNT}:role/twinvault-dev-import-eu-central-1",
    "TESTREAD": f"arn:aws:iam::{ACCOUNT}:role/twinvault-dev-read-eu-central-1",
}
START_SECONDS = 60

# Wrong answers fail, slow machines do not: by default each example must end within 200 ms.
settings.register_profile("twinvault", deadline=None)
settings.load_profile("twinvault")


pytest_plugins = ["pytester"]  # for projects of somebody else (tests/testing)

found = evidence.found  # a fixture


def pytest_addoption(parser: pytest.Parser) -> None:
    proving.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    proving.configure(config)
    evidence.configure(config)


def pytest_runtest_setup(item: pytest.Item) -> None:
    evidence.announce(item)


@pytest.fixture(scope="session", autouse=True)
def no_way_to_aws() -> Iterator[None]:
    """Nothing of the developer's own AWS settings is seen, and a service that nobody planned for meets a dead port."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("AWS_", "TWINVAULT_")):
                patch.delenv(name)
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{LOOPBACK}:9",  # the discard port: nobody listens
            "AWS_ACCESS_KEY_ID": "TESTENVIRONMENT",
            "AWS_SECRET_ACCESS_KEY": DEFAULT_SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session", autouse=True)
def models_read_once() -> Iterator[None]:
    """What the SDK reads of each service, and parses, is the same for every session that a test makes."""
    with pytest.MonkeyPatch.context() as patch:
        as_it_is = JSONFileLoader().load_file
        once = cache(as_it_is)

        def read(_: JSONFileLoader, path: str) -> Any:
            # Not the endpoints: moto writes into what it is given of them.
            return as_it_is(path) if path.endswith("endpoints") else once(path)

        patch.setattr(JSONFileLoader, "load_file", read)
        yield


def _caller(access_key_id: str) -> dict[str, Any]:
    return {"region_name": REGION, "aws_access_key_id": access_key_id, "aws_secret_access_key": DEFAULT_SECRET}


@pytest.fixture(scope="session")
def aws() -> dict[str, Any]:
    """The operator, who is the account's root: `boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, **aws)`."""
    return _caller("TESTOPERATOR")


@pytest.fixture(scope="session")
def aws_import() -> dict[str, Any]:
    """The role of the function `import` of stage dev."""
    return _caller("TESTIMPORT")


@pytest.fixture(scope="session")
def aws_read() -> dict[str, Any]:
    """The role of the function `read` of stage dev."""
    return _caller("TESTREAD")


@pytest.fixture(scope="session")
def repository_cache() -> Path:
    """The cache that the twin itself uses; its own lock keeps workers apart while they fill it."""
    return ROOT / ".cache"


@pytest.fixture(scope="session")
def dynamodb_endpoint(repository_cache: Path) -> Iterator[str]:
    """DynamoDB Local in memory, empty at first; tests make tables of their own names and may share it."""
    engine = dynamodb.ensure(repository_cache, progress=print)
    port = free_port()
    endpoint = f"http://{LOOPBACK}:{port}"
    with _running(dynamodb.command(toolchain.find_java(), engine, port=port, data=None)) as process:
        assert waiting.until(
            lambda: dynamodb.answers(endpoint), seconds=START_SECONDS, alive=lambda: process.poll() is None
        ), "DynamoDB Local did not start"
        yield endpoint


@pytest.fixture(scope="session")
def client(dynamodb_endpoint: str, aws: dict[str, Any]) -> Iterator[Any]:
    """The shared DynamoDB Local, for its operator."""
    client = make_client(dynamodb_endpoint, aws)
    yield client
    client.close()


@pytest.fixture
def kms() -> FakeKms:
    """A KMS whose answers can be made to fail."""
    return FakeKms()


@pytest.fixture
def world(client: Any, kms: FakeKms) -> World:
    """A store of one's own, with tables of its own, over the shared DynamoDB Local."""
    return make_world(client, kms)


@pytest.fixture
def line(dynamodb_endpoint: str, aws: dict[str, Any]) -> Iterator[Line]:
    """The gate before the engine, told to lose requests and answers."""
    with line_to(dynamodb_endpoint, namespace=aws["aws_access_key_id"]) as line:
        yield line


@pytest.fixture
def faulty(line: Line, world: World, aws: dict[str, Any]) -> Iterator[World]:
    """The world's tables and KMS as an environment at the end of that line sees them."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
    client = boto3.client("dynamodb", endpoint_url=line.endpoint, config=config, **aws)
    yield make_world(client, world.kms, world.tables)
    client.close()


@pytest.fixture(scope="session")
def kms_ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Where the local KMS listens, and where it takes orders: fixed test seed, no keys at first, callers as CALLERS."""
    folder = tmp_path_factory.mktemp("kms")
    seed, callers, data = folder / "seed", folder / "callers.json", folder / "data"
    data.mkdir(mode=0o700)
    seed.touch(mode=0o600)
    seed.write_text(SEED, encoding="ascii")
    callers.write_text(json.dumps(CALLERS), encoding="utf-8")
    port, admin = free_port(), free_port()
    endpoint = f"http://{LOOPBACK}:{port}"
    options = ["--port", str(port), "--admin-port", str(admin)]
    options += ["--data", str(data), "--seed-file", str(seed), "--callers", str(callers)]
    with _running([sys.executable, "-m", "twinvault_kms", *options]) as process:
        assert waiting.until(lambda: _healthy(endpoint), seconds=START_SECONDS, alive=lambda: process.poll() is None), (
            "the local KMS did not start"
        )
        yield port, admin


@pytest.fixture(scope="session")
def kms_endpoint(kms_ports: tuple[int, int]) -> str:
    """The local KMS."""
    return f"http://{LOOPBACK}:{kms_ports[0]}"


@pytest.fixture
def kms_fault(kms_ports: tuple[int, int]) -> Iterator[Callable[..., None]]:
    """Orders a fault of the local KMS, as its admin port takes it; none is left behind."""
    yield lambda **fault: order(kms_ports[1], "POST", "/faults", fault) and None
    order(kms_ports[1], "DELETE", "/faults")


def _healthy(endpoint: str) -> bool:
    try:
        return httpx.get(f"{endpoint}/health", timeout=5, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


@contextmanager
def _running(command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A child process with nothing of this machine's environment, ended with the tests."""
    environment = {"LANG": "C.UTF-8", "PATH": os.defpath}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
