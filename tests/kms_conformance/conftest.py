"""Chooses the KMS under test: ours (default), moto, local-kms (its command on the PATH), aws, or any endpoint's URL.

pytest tests/kms_conformance --kms-endpoint moto
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.kms.running import ACCOUNT, REGION, client, free_port, start
from tests.kms_conformance.moto_misses import miss
from tests.kms_conformance.service import Service

_DEADLINE_SECONDS = 30.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kms-endpoint", default="ours", help="ours, moto, local-kms, aws, or the URL of an endpoint")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = _chosen(config)
    for item in items:
        if "kms_conformance" not in item.path.parts:
            continue
        reason = miss(f"{item.path.stem}::{item.name}")
        if chosen == "moto" and reason:
            item.add_marker(pytest.mark.xfail(reason=f"moto: {reason}", strict=True))
        if chosen == "aws" and item.get_closest_marker("local_only"):
            item.add_marker(pytest.mark.skip(reason="AWS verifies signatures, so hand-written requests prove nothing"))


_REAL_ENVIRONMENT = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    # The tests' own fixtures shut the way to AWS; whoever asks for AWS gets it back as it was (see `_aws`).
    config.stash[_REAL_ENVIRONMENT] = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    config.addinivalue_line("markers", "local_only: sends a request that is signed by nobody")


def _chosen(config: pytest.Config) -> str:
    return str(config.getoption("--kms-endpoint", "ours"))


@pytest.fixture(scope="session")
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    match _chosen(request.config):
        case "ours":
            running = start(tmp_path_factory.mktemp("conformance"))
            yield Service("ours", running.client(), REGION)
            running.stop()
        case "moto":
            yield from _moto()
        case "local-kms":
            yield from _local_kms(tmp_path_factory.mktemp("local-kms"))
        case "aws":
            yield from _aws(request.config.stash[_REAL_ENVIRONMENT])
        case url:
            yield Service("endpoint", client(url), REGION)


def _moto() -> Iterator[Service]:
    port = free_port()
    yield from _peer("moto", [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, {})


def _local_kms(folder: Path) -> Iterator[Service]:
    """The peer of the Go module github.com/nsmithuk/local-kms, which takes its options from the environment."""
    port = free_port()
    options = {"PORT": str(port), "KMS_REGION": REGION, "KMS_ACCOUNT_ID": ACCOUNT, "KMS_DATA_PATH": str(folder)}
    yield from _peer("local-kms", ["local-kms"], port, options)


def _peer(name: str, command: list[str], port: int, options: Mapping[str, str]) -> Iterator[Service]:
    environment = {**os.environ, **options}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not _answers(url):
            assert time.monotonic() < deadline, f"{name}'s server did not start"
            time.sleep(0.1)
        yield Service(name, client(url), REGION)
    finally:
        process.terminate()
        process.wait(_DEADLINE_SECONDS)


def _answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=5)
    except httpx.TransportError:
        return False
    return True


def _aws(environment: dict[str, str]) -> Iterator[Service]:
    """The real one, with the caller's own credentials. Every key is scheduled for deletion at the end."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        region = environment.get("AWS_REGION", REGION)
        real = boto3.session.Session().client("kms", region_name=region, config=Config(parameter_validation=False))
        service = Service("aws", real, region)
        yield service
        for key in service.made:
            if service.state(key) != "PendingDeletion":
                real.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


@pytest.fixture(scope="session")
def shared(service: Service) -> str:
    """A symmetric key that no check changes."""
    return service.key(Description="shared by checks that change nothing")


@pytest.fixture(scope="session")
def other(service: Service) -> str:
    """Another one."""
    return service.key()


@pytest.fixture
def key(service: Service) -> str:
    """A symmetric key for this check alone."""
    return service.key()


@pytest.fixture(scope="session")
def hmac_key(service: Service) -> str:
    return service.key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")


@pytest.fixture(scope="session")
def signing_key(service: Service) -> str:
    return service.key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")


@pytest.fixture(scope="session")
def rsa_key(service: Service) -> str:
    return service.key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")


@pytest.fixture(scope="session")
def blob(service: Service, shared: str) -> bytes:
    """The plaintext b"text" under the shared key, with the context {"a": "bc"}."""
    return service.client.encrypt(KeyId=shared, Plaintext=b"text", EncryptionContext={"a": "bc"})["CiphertextBlob"]


@pytest.fixture
def alias(service: Service, key: str) -> Iterator[str]:
    name = f"alias/conformance-{key[-12:]}"
    service.client.create_alias(AliasName=name, TargetKeyId=key)
    yield name
    if service.name == "aws":
        service.client.delete_alias(AliasName=name)
