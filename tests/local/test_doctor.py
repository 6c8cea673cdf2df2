"""What `doctor` says on machines that are not this one: of each, what is missing and where to go."""

from collections.abc import Callable
from pathlib import Path

import pytest

from twinvault_local import doctor
from twinvault_local.doctor import Finding, Grade
from twinvault_local.machine.ports import free_port
from twinvault_local.machine.system import LINUX, MAC, Machine
from twinvault_local.state import StateFolder

APPLE, ARM = Machine(MAC, "arm64"), Machine(LINUX, "arm64")

type Examine = Callable[..., dict[str, Finding]]


@pytest.fixture
def examine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Findings by what was looked at, on a machine that has no program but a Docker of this processor, or none."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def examined(machine: Machine, architecture: str, *, docker_is: str | None = None) -> dict[str, Finding]:
        if docker_is:
            (programs / "docker").write_text(f"""#!/bin/sh
case "$1 $2" in
  "info --format") echo '{{"ServerVersion": "28.0", "Architecture": "{docker_is}"}}' ;;
  "context inspect") echo unix:///Users/me/.docker/run/docker.sock ;;
  "compose version") echo 2.40.0 ;;
  *) echo 28.0 ;;
esac
""")
            (programs / "docker").chmod(0o755)
        state = StateFolder(tmp_path / "state")
        found = doctor.examine(state, tmp_path, port=free_port(), architecture=architecture, machine=machine)
        return {one.what: one for one in found}

    return examined


def test_a_mac_without_anything_is_told_what_to_get_and_where(examine: Examine) -> None:
    found = examine(APPLE, "arm64")
    assert found["machine"].found == "macOS on arm64; the stage's functions are for arm64"
    assert found["Python"].grade is Grade.WELL
    assert {what for what, one in found.items() if one.grade is Grade.BAD} >= {"Java", "Node.js", "Docker", "functions"}
    assert "https://adoptium.net/" in found["Java"].advice
    assert "https://nodejs.org/" in found["Node.js"].advice
    assert "https://docs.docker.com/" in found["Docker"].advice
    assert "DynamoDB Local 3.3.1 runs as a plain process on x86_64 alone" in found["Docker"].found
    assert "Functions run in Docker on macOS on arm64" in found["functions"].found
    assert not any("apt-get" in one.advice for one in found.values())


def test_a_mac_with_docker_needs_neither_java_nor_maven_for_an_up(examine: Examine) -> None:
    found = examine(APPLE, "arm64", docker_is="aarch64")
    assert found["functions"].grade is Grade.WELL
    assert found["functions"].found == "in Docker, in public.ecr.aws/lambda/python:3.13"
    assert {found["Java"].grade, found["Maven"].grade} == {Grade.NOTE}


def test_a_mac_is_told_that_the_stage_is_for_another_processor(examine: Examine) -> None:
    found = examine(APPLE, "x86_64", docker_is="aarch64")["functions"]
    assert found.grade is Grade.BAD
    assert "The stage is for x86_64 and this is macOS on arm64" in found.found
    assert "docs/laptops.md" in found.advice


def test_a_linux_of_the_stages_processor_runs_the_functions_itself(examine: Examine) -> None:
    found = examine(ARM, "arm64", docker_is="aarch64")["functions"]
    assert (found.grade, found.found) == (Grade.WELL, "as processes of this machine")
