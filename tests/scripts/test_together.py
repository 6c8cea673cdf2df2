"""Tests that share a group run in one worker, wherever they stand."""

import os
import subprocess
import sys
from pathlib import Path

from tests.together import group

ROOT = Path(__file__).parents[2]
MODULE = """
import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("shared")


@pytest.mark.parametrize("number", range(4))
def test_where(number):
    Path(f"{__name__}-{number}.where").write_text(os.environ["PYTEST_XDIST_WORKER"])
"""


def test_every_test_of_a_group_runs_in_one_worker(tmp_path: Path) -> None:
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(MODULE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist=loadgroup", "-p", "tests.together", "."]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr
    where = [path.read_text(encoding="utf-8") for path in tmp_path.glob("*.where")]
    assert len(where) == 8
    assert len(set(where)) == 1


def test_every_mark_of_a_group_is_one_that_is_read() -> None:
    named = [
        path for path in ROOT.glob("tests/**/test_*.py") if "mark.xdist_group(" in path.read_text(encoding="utf-8")
    ]
    assert len(named) > 15
    assert [path.name for path in named if group(path) is None and path != Path(__file__)] == []


def test_all_that_shares_the_parity_suites_twin_is_one_group() -> None:
    assert {group(path) for path in (ROOT / "tests" / "parity").rglob("test_*.py")} == {"parity"}
