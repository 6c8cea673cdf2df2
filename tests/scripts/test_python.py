"""scripts/python: finds a Python 3.13 that works, not a name that claims to be one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "python"
REAL = sys._base_executable


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def find(folder, *version, **environment):
    """Runs the script where nothing is on PATH but the shell's own tools and what the test put into folder/bin."""
    tools = folder / "tools"
    tools.mkdir()
    for tool in ("bash", "awk", "cat", "sh", "env"):
        (tools / tool).symlink_to(next(Path(d, tool) for d in os.defpath.split(":") if Path(d, tool).exists()))
    given = {"PATH": f"{folder / 'bin'}:{tools}", "HOME": str(folder), **environment}
    return subprocess.run([str(SCRIPT), *version], env=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["python3.13", "python3", "python"])
def test_one_on_path_is_taken_under_any_of_its_names(tmp_path, name):
    program(tmp_path / "bin" / name, f'exec {REAL} "$@"')
    assert find(tmp_path).stdout.strip() == REAL


def test_a_shim_that_fails_is_passed_over_for_pyenvs_versions(tmp_path):
    program(tmp_path / "bin" / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    program(tmp_path / ".pyenv" / "versions" / "3.13.0" / "bin" / "python3.13", f'exec {REAL} "$@"')
    assert find(tmp_path).stdout.strip() == REAL


def test_pyenv_may_be_anywhere(tmp_path):
    program(tmp_path / "elsewhere" / "versions" / "3.13.9" / "bin" / "python3.13", f'exec {REAL} "$@"')
    assert find(tmp_path, PYENV_ROOT=str(tmp_path / "elsewhere")).stdout.strip() == REAL


def test_another_version_is_not_taken_and_the_message_says_how_to_get_one(tmp_path):
    program(tmp_path / "bin" / "python3", "exit 1")
    run = find(tmp_path)
    assert run.returncode == 1
    assert run.stdout == ""
    assert "There is no Python 3.13 on this machine" in run.stderr
    assert "uv python install 3.13" in run.stderr


def test_uv_installs_one_where_there_is_none(tmp_path):
    done = tmp_path / "installed"
    program(
        tmp_path / "bin" / "uv",
        f'case "$2" in install) : > {done};; find) [ -e {done} ] && echo {REAL};; esac',
    )
    assert find(tmp_path).stdout.strip() == REAL
    assert done.exists()


def test_uv_that_cannot_install_leaves_the_message(tmp_path):
    program(tmp_path / "bin" / "uv", 'case "$2" in install) echo "no network" >&2; exit 2;; *) exit 1;; esac')
    run = find(tmp_path)
    assert run.returncode == 1
    assert "no network" in run.stderr
    assert "There is no Python 3.13" in run.stderr


def test_one_that_is_named_is_taken_or_refused(tmp_path):
    program(tmp_path / "mine", f'exec {REAL} "$@"')
    assert find(tmp_path, PYTHON=str(tmp_path / "mine")).stdout.strip() == REAL


def test_a_named_one_that_is_wrong_is_refused(tmp_path):
    run = find(tmp_path, PYTHON="/bin/false")
    assert run.returncode == 1
    assert "PYTHON=/bin/false is not a Python 3.13" in run.stderr


def test_another_version_can_be_asked_for_and_is_not_mistaken(tmp_path):
    program(tmp_path / "bin" / "python3.12", f'exec {REAL} "$@"')
    run = find(tmp_path, "3.12")
    assert run.returncode == 1
    assert "There is no Python 3.12 on this machine" in run.stderr
