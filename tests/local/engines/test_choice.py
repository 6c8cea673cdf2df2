"""Which launcher starts the engines, on machines with every kind of Docker; `docker` here is a program of our own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from twinvault_local.engines import choice, docker
from twinvault_local.engines.as_processes import ProcessLauncher
from twinvault_local.engines.in_docker import DockerLauncher
from twinvault_local.engines.launcher import AUTO, DOCKER, PROCESS
from twinvault_local.errors import EngineError, StateError, ToolMissingError
from twinvault_local.machine import files
from twinvault_local.state import StateFolder

type Install = Callable[..., Path]

WELL = '{"ServerVersion": "28.0", "SecurityOptions": ["name=seccomp"]}'
ROOTLESS = '{"ServerVersion": "28.0", "SecurityOptions": ["name=seccomp", "name=rootless"]}'
HERE = "unix:///var/run/docker.sock"


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    made = StateFolder(tmp_path / "state")
    made.prepare()
    return made


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """A `docker` that is the only program on PATH beside the shell's, and says what it is told to."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def installed(*, info: str = WELL, host: str = HERE, compose: str = "2.40.0", complaint: str = "") -> Path:
        calls = tmp_path / "calls"
        program = programs / "docker"
        program.write_text(
            f"""#!/bin/sh
echo "$@" >> {calls}
case "$1 $2" in
  "info --format") echo '{complaint}' >&2; echo '{info}' ;;
  "context inspect") echo {host} ;;
  "compose version") echo {compose} ;;
esac
""",
            encoding="utf-8",
        )
        program.chmod(0o755)
        return calls

    return installed


def fix(state: StateFolder, launcher: str) -> None:
    """As after a first `up` with this launcher."""
    files.write_json(
        state.launcher, {"launcher": launcher, **({"project": "twinvault-0123abcd"} if launcher == DOCKER else {})}
    )
    files.write_json(state.provisioned, {"Stack/Table": "table"})


def test_docker_is_chosen_where_an_engine_answers(state: StateFolder, install: Install, tmp_path: Path) -> None:
    install()
    for asked in (AUTO, DOCKER):
        chosen = choice.choose(state, tmp_path, asked=asked, progress=print)
        assert isinstance(chosen, DockerLauncher)
        assert chosen.project.startswith("twinvault-")
    assert choice.fixed(state) is None, "choosing fixes nothing"


def test_processes_can_be_asked_for_where_an_engine_answers(
    state: StateFolder, install: Install, tmp_path: Path
) -> None:
    calls = install()
    assert isinstance(choice.choose(state, tmp_path, asked=PROCESS, progress=print), ProcessLauncher)
    assert not calls.exists(), "Docker is not even asked"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(None, "no `docker` on PATH", id="no docker"),
        pytest.param({"info": "", "complaint": "Cannot connect"}, "Cannot connect", id="no engine"),
        pytest.param(
            {"info": '{"ServerVersion": ""}', "complaint": "permission denied"}, "permission", id="not allowed"
        ),
        pytest.param({"host": "tcp://10.0.0.7:2375"}, "not on this machine", id="an engine elsewhere"),
        pytest.param({"compose": "1.29.2"}, "no Compose", id="an old Compose"),
        pytest.param({"compose": ""}, "no Compose", id="no Compose"),
    ],
)
def test_without_a_usable_engine_processes_are_chosen_and_it_is_said(
    state: StateFolder, install: Install, tmp_path: Path, options: dict[str, str] | None, said: str
) -> None:
    if options is not None:
        install(**options)
    steps: list[str] = []
    assert isinstance(choice.choose(state, tmp_path, asked=AUTO, progress=steps.append), ProcessLauncher)
    (step,) = steps
    assert said in step
    assert "plain processes" in step
    with pytest.raises(ToolMissingError, match=said):
        choice.choose(state, tmp_path, asked=DOCKER, progress=print)


@pytest.mark.parametrize(("launcher", "other"), [(PROCESS, DOCKER), (DOCKER, PROCESS)])
def test_a_launcher_stays_as_the_data_was_made(
    state: StateFolder, install: Install, tmp_path: Path, launcher: str, other: str
) -> None:
    install()
    fix(state, launcher)
    assert choice.choose(state, tmp_path, asked=AUTO, progress=print).name == launcher
    with pytest.raises(StateError, match="its data lies there") as caught:
        choice.choose(state, tmp_path, asked=other, progress=print)
    assert "twinvault reset" in caught.value.next_step


def test_data_made_before_there_were_launchers_is_of_plain_processes(
    state: StateFolder, install: Install, tmp_path: Path
) -> None:
    install()
    files.write_json(state.provisioned, {"Stack/Table": "table"})
    assert isinstance(choice.choose(state, tmp_path, asked=AUTO, progress=print), ProcessLauncher)


def test_data_in_docker_does_not_seem_to_vanish_when_docker_is_gone(state: StateFolder, tmp_path: Path) -> None:
    fix(state, DOCKER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(EngineError, match="data lies there"):
            choice.choose(state, tmp_path, asked=AUTO, progress=print)
        assert choice.stop(state, tmp_path) == [], "nothing was started there"
        files.write_json(state.containers, {})
        for command in (choice.stop, choice.wipe):
            with pytest.raises(EngineError, match="are there") as caught:
                command(state, tmp_path)
            assert "Docker" in caught.value.next_step


def test_a_first_up_that_failed_fixes_no_launcher(state: StateFolder, install: Install, tmp_path: Path) -> None:
    install()
    choice.remember(state, choice.choose(state, tmp_path, asked=PROCESS, progress=print))
    choice.forget(state, tmp_path)
    assert not state.launcher.exists()
    fix(state, PROCESS)
    choice.forget(state, tmp_path)
    assert state.launcher.exists(), "what holds data is not forgotten"


@pytest.mark.parametrize(("info", "rootless"), [(WELL, False), (ROOTLESS, True)])
def test_a_rootless_engine_is_known(install: Install, info: str, rootless: bool) -> None:  # noqa: FBT001  # a parameter
    install(info=info)
    found = docker.find()
    assert (found.rootless, found.host) == (rootless, HERE)
    assert found.command("ps")[1:] == ["--host", HERE, "ps"]


@pytest.mark.parametrize(
    ("former", "launcher"),
    [
        pytest.param({"route": PROCESS}, PROCESS, id="plain processes"),
        pytest.param({"route": DOCKER, "project": "twinvault-0123abcd"}, DOCKER, id="Docker"),
    ],
)
def test_a_folder_of_an_earlier_version_still_has_its_launcher(
    state: StateFolder, install: Install, tmp_path: Path, former: dict[str, str], launcher: str
) -> None:
    install()
    fix(state, launcher)
    state.launcher.unlink()
    files.write_json(state.folder / "route.json", former)
    state.check()
    assert choice.choose(state, tmp_path, asked=AUTO, progress=print).name == launcher
    assert choice.network(state) == former.get("project")
    state.wipe()
    assert not state.folder.exists()


def test_an_installed_twin_has_no_images_to_make_and_runs_processes(
    state: StateFolder, tmp_path: Path, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    monkeypatch.setattr("twinvault_local.engines.in_docker._COMPOSE_FILES", (tmp_path / "docker-compose.yml",))
    said: list[str] = []
    assert isinstance(choice.choose(state, tmp_path, asked=AUTO, progress=said.append), ProcessLauncher)
    assert "from a checkout of Twinvault alone" in said[0]
    with pytest.raises(ToolMissingError, match="from a checkout of Twinvault alone"):
        choice.choose(state, tmp_path, asked=DOCKER, progress=said.append)
