"""A bounded run of each fuzzer."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("atheris", reason="the fuzzer ships for Linux on x86_64 alone")

ROOT = Path(__file__).parent.parent.parent


def test_fifty_thousand_items_open_or_are_refused(tmp_path):
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz.fuzz_open",
            "-runs=10000",
            "-max_total_time=60",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    assert "DONE" in run.stderr
