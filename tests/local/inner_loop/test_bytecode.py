"""Compiled modules are carried to the next artifact: of what is the same, and of nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twinvault_local.inner_loop import bytecode


def write(folder: Path, **modules: str) -> Path:
    folder.mkdir()
    for name, content in modules.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    return folder


def run(folder: Path, prefix: Path) -> str:
    """What the modules print; compiled ones are read and written below the prefix."""
    command = [sys.executable, "-X", f"pycache_prefix={prefix}", "-v", "-c", "import same, other"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, env={"PATH": os.defpath})
    return done.stdout + "".join(line for line in done.stderr.splitlines(keepends=True) if "matches" in line)


def test_what_is_the_same_is_compiled_once_and_what_changed_runs_as_it_is_now(tmp_path: Path) -> None:
    prefix = tmp_path / "bytecode"
    old = write(tmp_path / "old", same="print('same')", other="print('older')")
    new = write(tmp_path / "new", same="print('same')", other="print('newer')")  # of the same size
    run(old, prefix)
    assert bytecode.carry(old, new, prefix=prefix) == 1
    printed = run(new, prefix)
    assert printed.startswith("same\nnewer\n")
    assert "same.cpython" in printed
    assert "other.cpython" not in printed


def test_a_second_time_carries_nothing_and_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    prefix = tmp_path / "bytecode"
    old = write(tmp_path / "old", same="print('same')", other="")
    new = write(tmp_path / "new", same="print('same')", other="")
    run(old, prefix)
    assert bytecode.carry(old, new, prefix=prefix) == 2
    assert bytecode.carry(old, new, prefix=prefix) == 0
    bytecode.forget(old, prefix=prefix)
    assert sorted(path.name.partition(".")[0] for path in prefix.rglob(f"{tmp_path.name}/**/*.pyc")) == [
        "other",
        "same",
    ]
    assert bytecode.carry(old, new, prefix=prefix) == 0


@pytest.mark.parametrize("missing", [pytest.param("old", id="the older"), pytest.param("new", id="the newer")])
def test_a_module_that_only_one_artifact_has_is_not_carried(tmp_path: Path, missing: str) -> None:
    prefix = tmp_path / "bytecode"
    folders = {name: write(tmp_path / name, same="", other="") for name in ("old", "new")}
    run(folders["old"], prefix)
    (folders[missing] / "other.py").unlink()
    assert bytecode.carry(folders["old"], folders["new"], prefix=prefix) == 1


def test_a_module_that_was_compiled_onto_a_full_disk_is_swept_away(tmp_path: Path) -> None:
    prefix = tmp_path / "bytecode"
    folder = write(tmp_path / "old", same="print('same')", other="")
    run(folder, prefix)
    (half,) = prefix.rglob("same.*.pyc")
    half.write_bytes(half.read_bytes()[:-5])
    assert bytecode.sweep(prefix) == 1
    assert bytecode.sweep(prefix) == 0
    assert run(folder, prefix).startswith("same\n")
