"""What the functions run in: on which machine, in which way, and in which words it is refused."""

from pathlib import Path

import pytest

from twinvault_local.engines import docker, workers
from twinvault_local.engines.docker import Docker
from twinvault_local.engines.launcher import AUTO, DOCKER, PROCESS
from twinvault_local.errors import ToolMissingError
from twinvault_local.machine.system import LINUX, MAC, Machine
from twinvault_local.state import StateFolder

INTEL, ARM = Machine(LINUX, "x86_64"), Machine(LINUX, "arm64")
APPLE, INTEL_MAC = Machine(MAC, "arm64"), Machine(MAC, "x86_64")


def engine(architecture: str) -> Docker:
    return Docker(Path("/bin/docker"), "unix:///run/docker.sock", rootless=False, architecture=architecture)


def chosen(machine: Machine, asked: str, architecture: str, *, docker_is: str | None = None) -> str:
    """`process`, or the processor of the engine."""

    def find() -> Docker:
        if docker_is is None:
            raise ToolMissingError("No Docker engine answers: none", next_step=f"{docker.INSTALL}.")
        return engine(docker_is)

    found = workers.choose(asked, architecture, machine=machine, find=find)
    return PROCESS if found is None else found.architecture


@pytest.mark.parametrize(
    ("machine", "asked", "architecture", "expected"),
    [
        pytest.param(INTEL, AUTO, "x86_64", PROCESS, id="linux of the stage's processor needs no docker"),
        pytest.param(ARM, AUTO, "arm64", PROCESS, id="arm linux too"),
        pytest.param(INTEL, PROCESS, "x86_64", PROCESS, id="asked for"),
        pytest.param(INTEL, DOCKER, "x86_64", "x86_64", id="docker, though it need not be"),
        pytest.param(APPLE, AUTO, "arm64", "arm64", id="apple silicon"),
        pytest.param(INTEL_MAC, AUTO, "x86_64", "x86_64", id="an intel mac"),
        pytest.param(APPLE, DOCKER, "arm64", "arm64", id="apple silicon, asked for"),
    ],
)
def test_workers_run_where_the_stages_processor_is(
    machine: Machine, asked: str, architecture: str, expected: str
) -> None:
    assert chosen(machine, asked, architecture, docker_is=machine.architecture) == expected


@pytest.mark.parametrize(
    ("machine", "asked", "architecture", "docker_is", "says"),
    [
        pytest.param(INTEL, AUTO, "arm64", "x86_64", "for arm64 and this is Linux on x86_64", id="an arm stage on x86"),
        pytest.param(INTEL, PROCESS, "arm64", "x86_64", "for arm64 and this is Linux", id="asked for as processes"),
        pytest.param(INTEL, DOCKER, "arm64", "arm64", "for arm64 and this is Linux", id="asked for in docker"),
        pytest.param(
            APPLE, AUTO, "x86_64", "arm64", "for x86_64 and this is macOS on arm64", id="an x86 stage on a mac"
        ),
        pytest.param(APPLE, PROCESS, "arm64", "arm64", "on Linux alone, and this is macOS", id="processes on a mac"),
        pytest.param(APPLE, AUTO, "arm64", None, "No Docker engine answers: none Functions run in", id="no docker"),
        pytest.param(APPLE, AUTO, "arm64", "x86_64", "engine here is of x86_64", id="a docker that emulates"),
    ],
)
def test_else_they_run_not_at_all_and_it_is_said(
    machine: Machine, asked: str, architecture: str, docker_is: str | None, says: str
) -> None:
    with pytest.raises(ToolMissingError, match=says) as caught:
        chosen(machine, asked, architecture, docker_is=docker_is)
    assert caught.value.next_step


def test_two_state_folders_have_two_labels(tmp_path: Path) -> None:
    labels = {workers.label(StateFolder(tmp_path / name)) for name in ("one", "two")}
    assert len(labels) == 2


def test_without_docker_what_is_left_there_is_left_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateFolder(tmp_path)
    workers.remove(state)
    state.workers.parent.mkdir(parents=True)
    state.workers.write_text('{"label": "twinvault.workers.0"}')
    monkeypatch.setenv("PATH", str(tmp_path))
    workers.remove(state)
    assert state.workers.exists()
