"""The local KMS installs alone: its wheel, and those that it needs, in an environment with nothing else of ours."""

import json
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.kms.running import client, free_port
from tests.library.test_wheel import run
from tests.serving.running import healthy

ROOT = Path(__file__).parents[2]
PACKAGES = ("durable", "iam", "serving", "kms")
DEADLINE_SECONDS = 60
ASK = """
import importlib.metadata, json
print(json.dumps(sorted(d.metadata["Name"].lower() for d in importlib.metadata.distributions())))
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    out = tmp_path_factory.mktemp("wheels")
    uv = Path(sys.executable).with_name("uv")
    for name in PACKAGES:
        built = ("--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", out)
        run(uv, "build", *built, ROOT / "local" / name, cwd=out)
    return sorted(out.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment in which the wheels are installed."""
    folder = tmp_path_factory.mktemp("environment")
    uv, python = Path(sys.executable).with_name("uv"), folder / "venv" / "bin" / "python"
    run(uv, "venv", "--quiet", "--python", sys.executable, folder / "venv", cwd=folder)
    # The versions of the image of the KMS: those are in the installer's cache.
    locked = ROOT / "requirements" / "engines.txt"
    run(uv, "pip", "install", "--quiet", "--python", python, "--constraint", locked, *wheels, cwd=folder)
    return python


def test_each_wheel_holds_its_package_alone(wheels: list[Path]) -> None:
    packages = {wheel: {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()} for wheel in wheels}
    assert len(packages) == len(PACKAGES)
    for wheel, tops in packages.items():
        package, version = wheel.name.split("-")[:2]
        assert tops == {package, f"{package}-{version}.dist-info"}


def test_the_environment_has_the_kms_and_nothing_of_the_twin(python: Path, tmp_path: Path) -> None:
    installed = set(json.loads(run(python, "-I", "-c", ASK, cwd=tmp_path)))
    ours = {name for name in installed if name.startswith("twinvault")}
    assert ours == {f"twinvault-{name}" for name in PACKAGES}
    assert not {"boto3", "httpx", "psutil", "pydantic", "typer"} & installed


def test_the_installed_kms_serves(python: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [python, "-I", "-m", "twinvault_kms", "--port", str(port), "--data", str(tmp_path / "data")]
    with subprocess.Popen(command, cwd=tmp_path, env={"PATH": os.defpath}, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + DEADLINE_SECONDS
            while not healthy(port):
                assert process.poll() is None, "the installed KMS does not start"
                assert time.monotonic() < deadline, "the installed KMS does not answer"
                time.sleep(0.02)
            kms = client(f"http://127.0.0.1:{port}")
            key = kms.create_key()["KeyMetadata"]["KeyId"]
            blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
            assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
        finally:
            process.terminate()
    assert process.returncode == 0
