"""What Docker refuses is said in its own words, with the next command; `docker` here is a program of our own."""

from pathlib import Path

import pytest

from twinvault_local.engines.docker import Docker
from twinvault_local.engines.in_docker import DockerLauncher, new_project
from twinvault_local.engines.launcher import Claims
from twinvault_local.errors import EngineError, FetchError, TwinError
from twinvault_local.machine import files
from twinvault_local.state import StateFolder

CLAIMS = Claims("twinvault", "tenant", "permissions")


def launcher(tmp_path: Path, refuses: str) -> DockerLauncher:
    """A launcher whose Docker has no image, and refuses the command that `refuses` names."""
    program = tmp_path / "docker"
    program.write_text(
        f"""#!/bin/sh
echo "$TWINVAULT_ISSUER_PORT $@" >> {tmp_path}/calls
case "$*" in
  *" image inspect "*) exit {1 if refuses in {"pull", "build"} else 0} ;;
  *" {refuses} "*) echo "it is not to be" >&2; exit 1 ;;
esac
""",
        encoding="utf-8",
    )
    program.chmod(0o755)
    state = StateFolder(tmp_path / "state")
    state.prepare()
    return DockerLauncher(state, Docker(program, "unix:///nowhere", rootless=False), new_project())


@pytest.mark.parametrize(
    ("refuses", "error", "said"),
    [
        pytest.param("pull", FetchError, "could not pull amazon/dynamodb-local:3.3.1", id="no image and no network"),
        pytest.param("build", FetchError, "could not build", id="an image that does not build"),
        pytest.param("up", EngineError, "could not start the engines", id="containers that do not start"),
    ],
)
def test_what_docker_refuses_is_told(tmp_path: Path, refuses: str, error: type[TwinError], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        launcher(tmp_path, refuses).start(CLAIMS, provisioner="PROVISIONER", progress=print)
    assert "it is not to be" in caught.value.message
    assert caught.value.next_step


def test_processes_are_offered_only_while_no_data_lies_in_docker(tmp_path: Path) -> None:
    refused = launcher(tmp_path, "pull")
    with pytest.raises(FetchError) as caught:
        refused.start(CLAIMS, provisioner="PROVISIONER", progress=print)
    assert "--launcher process" in caught.value.next_step
    files.write_json(refused.state.provisioned, {"Stack/Table": "table"})
    with pytest.raises(FetchError) as caught:
        refused.start(CLAIMS, provisioner="PROVISIONER", progress=print)
    assert "--launcher process" not in caught.value.next_step


def test_containers_that_docker_does_not_stop_are_not_forgotten(tmp_path: Path) -> None:
    refused = launcher(tmp_path, "down")
    files.write_json(refused.state.containers, {"project": refused.project})
    with pytest.raises(EngineError, match="could not stop"):
        refused.stop()
    assert refused.state.containers.exists()


def test_every_call_is_about_the_state_folders_own_project(tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        launcher(tmp_path, "up").start(CLAIMS, provisioner="PROVISIONER", progress=print)
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    composed = [call for call in calls if " compose " in call]
    assert composed
    for call in composed:
        port, _, words = call.partition(" ")
        assert port.isdigit(), "the port goes by the environment, on top of the caller's"
        assert "--host unix:///nowhere compose --project-name twinvault-" in words
        assert "docker-compose.yml" in words
        assert "compose.state.yml" in words
