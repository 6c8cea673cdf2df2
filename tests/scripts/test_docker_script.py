"""scripts/test_docker.py: without an engine nothing was tested; a failure, unless somebody said that there is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "test_docker.py"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({}, 1, id="not told"),
        pytest.param({"ALLOW_NO_DOCKER": ""}, 1, id="told nothing"),
        pytest.param({"ALLOW_NO_DOCKER": "1"}, 0, id="told that there may be none"),
    ],
)
def test_without_an_engine_it_fails_unless_there_may_be_none(tmp_path: Path, given: dict[str, str], code: int) -> None:
    environment = {"PATH": str(tmp_path), "HOME": os.environ.get("HOME", str(tmp_path)), **given}
    run = subprocess.run([sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == code
    assert "There is no `docker` on PATH." in run.stdout
    assert "were not tested" in run.stdout
