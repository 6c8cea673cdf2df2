"""What our way of measuring finds is what coverage finds by itself: the same lines, the same ways out of a branch."""

import json
import subprocess
import sys
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import threading
from contextlib import suppress


def one_way(value):
    if value:
        return 1
    return 2


def both_ways(value):
    return 1 if value else 2


def never():
    return 3


def loops(values):
    for value in values:
        if value == 1:
            continue
        if value == 9:
            break
    else:
        return "all"
    while values:
        values.pop()
    return [value for value in (1, 2) if value]


def draws(limit):
    for value in range(limit):
        yield value
        if value > 5:
            return


def matched(value):
    match value:
        case {"a": 1}:
            return "a"
        case [first, *_] if first:
            return "list"
        case _:
            return None


def falls(depth):
    try:
        with suppress(KeyError):
            if not depth:
                raise ValueError
            falls(depth - 1)
            raise KeyError
    except ValueError:
        if depth > 5:
            return "deep"
    finally:
        if depth:
            depth = 0
    assert depth == 0 or depth is None
    return depth and never()


def in_a_thread():
    if threading.current_thread() is threading.main_thread():
        return "main"
    return "another"


one_way(1)
both_ways(0), both_ways(1)
loops([1, 2]), loops([9])
list(draws(3)), next(draws(9))
matched({"a": 1}), matched([0]), matched([1])
falls(2)
thread = threading.Thread(target=in_a_thread)
thread.start()
thread.join()
"""


def measured(folder: Path, *, plugin: str) -> dict[str, object]:
    """What coverage reports of the program."""
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    settings = f"[run]\nbranch = true\nsource = {folder}\n{plugin}\n"
    (folder / "coveragerc").write_text(settings, encoding="utf-8")
    tool = [sys.executable, "-m", "coverage"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "COVERAGE_FILE": str(folder / "data")}
    for command in (["run", "--rcfile=coveragerc", "program.py"], ["json", "--rcfile=coveragerc", "-qo", "told.json"]):
        subprocess.run([*tool, *command], cwd=folder, env=environment, check=True, timeout=60)
    told = json.loads((folder / "told.json").read_text(encoding="utf-8"))["files"]["program.py"]
    wanted = ("executed_lines", "missing_lines", "executed_branches", "missing_branches")
    return {name: sorted(told[name]) for name in wanted}


def test_it_finds_what_coverage_finds(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    ours = measured(tmp_path / "ours", plugin="plugins = tests.branches")
    assert ours == measured(tmp_path / "theirs", plugin="")
    assert ours["missing_branches"]
    assert ours["missing_lines"]


def test_the_suite_is_measured_so(pytestconfig: pytest.Config) -> None:
    """Else it takes twice the CPU, and nobody would see why."""
    measuring = pytestconfig.pluginmanager.get_plugin("_cov")
    if measuring is None or measuring.cov_controller is None:
        config = coverage.Coverage(config_file=str(ROOT / "pyproject.toml"))
        assert config.get_option("run:plugins") == ["tests.branches"]
    else:
        assert measuring.cov_controller.cov._collector.tracer_name() in {"Branches", "SysMonitor"}
