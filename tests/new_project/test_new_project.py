"""A project that `twinvault new` wrote passes its own tests and checks at once, in an environment of its own.

Too long for `make test`: it installs the project's environment and starts a twin. `make test-all` runs it.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 1500
KEPT = ("PATH", "HOME", "TMPDIR", "LANG")
NETWORK = ("UV_", "PIP_", "SSL_", "HTTP_", "HTTPS_", "NO_PROXY", "http_", "https_", "no_proxy", "NODE_")


def run(*command: str | Path, cwd: Path) -> str:
    """As a person types it: with nothing of this environment but how the network is reached."""
    bare = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(NETWORK)}
    line = [str(one) for one in command]
    done = subprocess.run(line, cwd=cwd, env=bare, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, f"{' '.join(line)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    run(sys.executable, ROOT / "scripts" / "wheels.py", folder / "dist", cwd=ROOT)
    command = Path(sys.executable).with_name("twinvault")
    run(command, "new", "ward", "--into", folder / "ward", "--wheels", folder / "dist", cwd=folder)
    # The base interpreter: this environment's own would show its packages to nobody, and is still not a bare one.
    run("make", "setup", f"PYTHON={sys._base_executable}", cwd=folder / "ward")
    return folder / "ward"


@pytest.mark.timeout(SECONDS)
def test_its_own_tests_pass_at_once(ward: Path) -> None:
    told = run("make", "test", f"ARGS=-o twinvault_cache={ROOT / '.cache'}", cwd=ward)
    assert "test_api.py ..." in told
    assert " failed" not in told


@pytest.mark.timeout(SECONDS)
def test_its_own_checks_pass(ward: Path) -> None:
    assert "Success: no issues found" in run("make", "check", cwd=ward)


@pytest.mark.timeout(SECONDS)
def test_its_artifact_holds_its_own_code_and_our_library(ward: Path) -> None:
    run("make", "build", cwd=ward)
    names = zipfile.ZipFile(ward / "build" / "functions.zip").namelist()
    assert {"ward/handlers/write.py", "twinvault/compose.py", "twinvault_http/http.py"} <= set(names)
    assert not [
        name
        for name in names
        if name.startswith(("dialogues/", "service/", "twinvault_local/", "twinvault_cdk/", "tests/"))
    ]
