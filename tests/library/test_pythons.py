"""The library runs on every Python that its package promises: the suite on one, its pure part on the older ones."""

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLDER = ["3.12"]
NOT_HERE = 77  # scripts/library: there is no such Python on this machine, and none can be had
SECONDS = 900


def test_the_oldest_python_that_the_package_promises_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={OLDER[0]}"


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("version", OLDER)
def test_the_wheel_runs_on_an_older_python(version: str) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST_", "COV"))
    }
    line = [str(ROOT / "scripts" / "library"), version]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode == NOT_HERE:
        pytest.skip(f"the library was not tested on Python {version}: {done.stderr.splitlines()[0]}")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
