"""What the functions run in: on which machine, in which way, and in which words it is refused."""

from pathlib import Path

import pytest

from twinvault_local import twin
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


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker Desktop on Apple silicon, as its command tells; what it was asked is in the file, what it has in `has`."""
    programs, calls = tmp_path / "programs", tmp_path / "calls"
    programs.mkdir()
    (programs / "docker").write_text(f"""#!/bin/sh
echo "$@" >> {calls}
[ "$1" = --host ] && shift 2
case "$1 $2" in
  "info --format")
    echo '{{"ServerVersion": "28.0", "Architecture": "aarch64", "OperatingSystem": "Docker Desktop"}}' ;;
  "context inspect") echo unix:///Volumes/code/.docker/run/docker.sock ;;
  "compose version") echo 2.40.0 ;;
  "image inspect") case "$4" in *Arch*) read -r has < {tmp_path}/has; echo "$has" ;; *) echo sha256:0123 ;; esac ;;
  "pull --quiet") echo arm64 > {tmp_path}/has ;;
esac
""")
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    return calls


@pytest.mark.parametrize(
    ("has", "pulled"),
    [pytest.param("amd64", True, id="the other one's image"), pytest.param("arm64", False, id="its own")],
)
def test_where_docker_is_a_machine_of_its_own_this_one_has_dockers_name_for_it(
    tmp_path: Path, desktop: Path, *, has: str, pulled: bool
) -> None:
    (tmp_path / "has").write_text(f"{has}\n")
    said: list[str] = []
    state = StateFolder(tmp_path)
    found = workers.prepare(AUTO, "arm64", state=state, cache=tmp_path, machine=APPLE, progress=said.append)
    assert found.containers is not None
    told = found.containers
    assert (told.network, told.host, told.listen) == ("bridge", "host.docker.internal", "127.0.0.1")
    assert (told.platform, str(told.socket)) == ("linux/arm64", "/Volumes/code/.docker/run/docker.sock")
    assert ("pull --quiet --platform linux/arm64" in desktop.read_text()) is pulled
    assert said[-1] == "the functions run in public.ecr.aws/lambda/python:3.13, sha256:0123"


def test_functions_there_call_the_engines_by_that_name_and_compare_the_issuers_own() -> None:
    told = {name: f"http://127.0.0.1:{port}" for name, port in (("dynamodb", 1), ("kms", 2), ("issuer", 3))}
    found = twin._overrides(told, "a" * 64, host=workers.HOST)
    assert found["AWS_ENDPOINT_URL_DYNAMODB"] == "http://host.docker.internal:1"
    assert found["AWS_ENDPOINT_URL_KMS"] == "http://host.docker.internal:2"
    assert found["TWINVAULT_JWKS_URL"] == "http://host.docker.internal:3/.well-known/jwks.json"
    assert found["TWINVAULT_ISSUER"] == "http://127.0.0.1:3"


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
