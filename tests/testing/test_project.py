"""The plugin in a project of somebody else: no conftest of ours, settings of its own, under xdist, and killed."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from twinvault_local.machine import waiting

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "testing" / "test_contracts.py"
END_SECONDS = 60


@pytest.fixture
def project(pytester, repository_cache):
    """A project of one's own, as small as it can be."""
    pytester.makeini(f"[pytest]\ntwinvault_cache = {repository_cache}\nfilterwarnings = error\n")
    return pytester.path


def started_for(folder: Path) -> list[str]:
    """The processes that somebody started for a project's tests: their state folders lie within it."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.pid != os.getpid() and any(part.startswith(str(folder)) for part in command[1:]):
            found.append(" ".join(command)[:200])
    return found


def run(project: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    # The machine's own pytest options and plugins are nobody's business there; basetemp tells its processes apart.
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={project / 'base'}", *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=240
    )


def test_the_example_passes_under_xdist_and_leaves_nothing_running(project):
    shutil.copy(EXAMPLE, project / "test_contracts.py")
    shutil.copy(EXAMPLE, project / "test_contracts_again.py")
    done = run(project, "-n", "2", "--dist", "loadfile")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("[100%]") == 1
    assert "14 passed" in done.stdout
    assert waiting.until(lambda: not started_for(project), seconds=END_SECONDS), started_for(project)


def test_tests_that_are_killed_leave_nothing_running(project):
    project.joinpath("test_killed.py").write_text(
        "import os, signal\n\ndef test_killed(vault):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert run(project).returncode == -signal.SIGKILL
    assert waiting.until(lambda: not started_for(project), seconds=END_SECONDS), started_for(project)


def test_a_project_that_asks_for_nothing_pays_for_nothing(project):
    project.joinpath("test_nothing.py").write_text(
        "import sys\n\ndef test_nothing():\n    assert not {'boto3', 'twinvault', 'httpx'} & set(sys.modules)\n"
    )
    assert run(project).returncode == 0
    assert "--twinvault-app" in run(project, "--help").stdout


def test_a_folder_that_is_no_project_is_said_to_be_none(project):
    project.joinpath("test_api.py").write_text("def test_api(api):\n    pass\n")
    done = run(project, "--twinvault-app", str(project / "nowhere"))
    assert done.returncode == 1
    assert f"{project / 'nowhere'} holds no cdk.json" in done.stdout
