"""The wheels of the library and of HTTP: what is in them, and that each is imported in an environment of its own."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_NEEDED = {"aws-cdk-lib", "aws-lambda-powertools", "pydantic", "pyjwt", "typer", "twinvault-local", "twinvault-cli"}
SECONDS = 240
ASK = """
import importlib.metadata, json, sys
import twinvault
print(json.dumps({
    "file": twinvault.__file__,
    "names": sorted(twinvault.__all__),
    "installed": sorted(d.metadata["Name"].lower() for d in importlib.metadata.distributions()),
    "imported": sorted({name.partition(".")[0] for name in sys.modules}),
}))
"""

HANDLE = """
import json, twinvault_http
from twinvault import Clear, Kind, Record
class Visit(Record, sk="visit"):
    day: Clear[str]
made = [twinvault_http.keys_handler, twinvault_http.maintenance_handler, twinvault_http.erasure_handler]
routes = [key for make in made for key in make([Kind("clinic", [Visit])]).keys]
print(json.dumps({"file": twinvault_http.__file__, "routes": routes}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", str(cwd)), "UV_SYSTEM_CERTS": "1"}
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))}
    line = [str(one) for one in command]
    done = subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def built_from(project: Path, out: Path) -> Path:
    uv = Path(sys.executable).with_name("uv")
    run(uv, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", out, project, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_from(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def http_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_from(ROOT / "packaging" / "twinvault_http", tmp_path_factory.mktemp("http"))


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"twinvault", "twinvault-0.1.0.dist-info"}
    assert {"twinvault/compose.py", "twinvault/py.typed"} <= set(names)


def test_the_wheel_installs_alone_and_is_imported_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    uv, python = Path(sys.executable).with_name("uv"), tmp_path / "venv" / "bin" / "python"
    run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    # The versions of the artifact: those are in the installer's cache.
    locked = ROOT / "requirements" / "runtime.txt"
    run(uv, "pip", "install", "--quiet", "--python", python, "--constraint", locked, wheel, cwd=tmp_path)
    told = json.loads(run(python, "-I", "-c", ASK, cwd=tmp_path))
    assert Path(told["file"]).is_relative_to(tmp_path)
    assert "open_vault" in told["names"]
    assert not NOT_NEEDED & set(told["installed"])
    assert not {"aws_lambda_powertools", "pydantic", "jwt", "aws_cdk"} & set(told["imported"])


def test_the_wheel_of_http_holds_its_package_and_nothing_else(http_wheel: Path) -> None:
    names = zipfile.ZipFile(http_wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {"twinvault_http", "twinvault_http-0.1.0.dist-info"}
    source = ROOT / "functions" / "twinvault_http"
    code = {f"twinvault_http/{path.relative_to(source)}" for path in source.glob("*") if path.is_file()}
    assert {name for name in names if "dist-info" not in name} == code
    assert "twinvault_http/py.typed" in code


def test_the_wheel_of_http_is_the_same_bytes_each_time(http_wheel: Path, tmp_path: Path) -> None:
    again = built_from(ROOT / "packaging" / "twinvault_http", tmp_path)
    assert again.read_bytes() == http_wheel.read_bytes()


def test_both_wheels_make_handlers_in_a_clean_environment(wheel: Path, http_wheel: Path, tmp_path: Path) -> None:
    uv, python = Path(sys.executable).with_name("uv"), tmp_path / "venv" / "bin" / "python"
    run(uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv", cwd=tmp_path)
    locked = ROOT / "requirements" / "runtime.txt"
    run(uv, "pip", "install", "--quiet", "--python", python, "--constraint", locked, wheel, http_wheel, cwd=tmp_path)
    told = json.loads(run(python, "-I", "-c", HANDLE, cwd=tmp_path))
    assert Path(told["file"]).is_relative_to(tmp_path)
    assert {"GET /keys", "POST /erasures", "POST /maintenance"} <= set(told["routes"])
