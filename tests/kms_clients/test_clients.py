"""A matrix of clients: each makes the same twenty calls, over HTTP and over TLS, and the same must come of them.

Their SDKs come from the registries, locked, into .cache/kms_clients: make test-all.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import boto3
import pytest

from tests.kms.running import RunningKms, start

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CACHE = ROOT / ".cache" / "kms_clients"
SECONDS = 600
SERIAL = 2_000
GO = pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
pytestmark = [pytest.mark.xdist_group("kms_clients"), pytest.mark.timeout(1800)]

EXPECTED = {
    "CreateKey": "Enabled",
    "DescribeKey": "twenty calls",
    "CreateAlias": "done",
    "ListAliases": 1,
    "Encrypt": "done",
    "Decrypt": "text",
    "Decrypt with another context": "InvalidCiphertextException",
    "GenerateDataKey": 32,
    "ReEncrypt": "text",
    "GenerateRandom": 24,
    "ListResourceTags": "by",
    "EnableKeyRotation": "done",
    "GetKeyRotationStatus": 90,
    "CreateGrant": "done",
    "ListGrants": "one",
    "CreateKey that signs": "ECDSA_SHA_256",
    "Sign": "done",
    "Verify": True,
    "DisableKey": "done",
    "Encrypt with a disabled key": "DisabledException",
}


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trusted") / "kms.pem"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKms]:
    running = start(tmp_path_factory.mktemp("plain"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, trusted: Path) -> Iterator[RunningKms]:
    running = start(tmp_path_factory.mktemp("secure"), options=["--tls-self-signed", str(trusted)], trusted=trusted)
    yield running
    running.stop()


@pytest.fixture(params=["http", "https"])
def place(request: pytest.FixtureRequest, trusted: Path) -> tuple[str, dict[str, str], list[str]]:
    """URL, environment and further argument with which a client is served."""
    name = "plain" if request.param == "http" else "secure"
    kms: RunningKms = request.getfixturevalue(name)
    url = f"{request.param}://localhost:{kms.port}"
    if name == "plain":
        return url, {}, []
    return url, {"NODE_EXTRA_CA_CERTS": str(trusted), "SSL_CERT_FILE": str(trusted)}, [str(trusted)]


def run(*command: str | Path, environment: dict[str, str] | None = None, folder: Path = HERE) -> str:
    done = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


@cache
def python() -> Path:
    """A Python with the locked clients of requirements/clients.txt."""
    venv, locked = CACHE / "venv", ROOT / "requirements" / "clients.txt"
    if _changed(venv, locked):
        run(sys.executable, "-m", "venv", "--clear", "--without-pip", venv)
        uv = ROOT / ".venv" / "bin" / "uv"
        run(uv, "pip", "install", "--python", venv / "bin" / "python", "--require-hashes", "-r", locked)
        _done(venv, locked)
    return venv / "bin" / "python"


@cache
def javascript() -> Path:
    """A folder with the program and the locked SDK."""
    folder, locked = CACHE / "js", HERE / "js" / "package-lock.json"
    if _changed(folder, locked):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(HERE / "js", folder)
        run("npm", "ci", "--ignore-scripts", folder=folder)
        _done(folder, locked)
    shutil.copy(HERE / "js" / "calls.mjs", folder)
    return folder


@cache
def go() -> Path:
    """The Go program, built."""
    built = CACHE / "kmsclients"
    run("go", "build", "-o", built, ".", folder=HERE / "go")
    return built


def _changed(folder: Path, locked: Path) -> bool:
    CACHE.mkdir(parents=True, exist_ok=True)
    installed = folder / ".installed"
    return not installed.exists() or installed.read_bytes() != locked.read_bytes()


def _done(folder: Path, locked: Path) -> None:
    (folder / ".installed").write_bytes(locked.read_bytes())


def test_boto3(place: tuple[str, dict[str, str], list[str]]):
    url, _, trusted = place
    assert json.loads(run(sys.executable, HERE / "calls.py", url, *trusted)) == EXPECTED


def test_the_aws_cli(place: tuple[str, dict[str, str], list[str]]):
    url, _, trusted = place
    assert json.loads(run(python(), HERE / "cli.py", url, *trusted)) == EXPECTED


def test_javascript(place: tuple[str, dict[str, str], list[str]]):
    url, environment, _ = place
    found = run("node", "calls.mjs", url, environment=environment, folder=javascript())
    assert json.loads(found) == EXPECTED


@GO
def test_go(place: tuple[str, dict[str, str], list[str]]):
    url, environment, _ = place
    assert json.loads(run(go(), "twenty", url, environment=environment)) == EXPECTED


@GO
def test_thousands_of_calls_by_go_one_after_the_other_fail_never_and_make_no_key_twice(plain: RunningKms):
    """With head and body in two writes aws-sdk-go-v2 lost some of them, and its retries made keys twice."""
    kms = plain.client()
    before = sum(len(page["Keys"]) for page in kms.get_paginator("list_keys").paginate())
    assert run(go(), "serial", plain.url, str(SERIAL)) == "0"
    after = sum(len(page["Keys"]) for page in kms.get_paginator("list_keys").paginate())
    assert after - before == 1 + SERIAL // 4


def test_mongodbs_client_side_encryption(secure: RunningKms, trusted: Path):
    """libmongocrypt compares the names of headers by case, and speaks TLS alone."""
    kms = boto3.client(
        "kms",
        endpoint_url=f"https://localhost:{secure.port}",
        region_name="eu-central-1",
        aws_access_key_id="ROOT",
        aws_secret_access_key="made-up",
        verify=str(trusted),
    )
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    found = run(python(), HERE / "mongodb.py", f"127.0.0.1:{secure.port}", arn, trusted)
    assert json.loads(found) == {"opened": "a secret", "sealed": True, "by": "aws"}
