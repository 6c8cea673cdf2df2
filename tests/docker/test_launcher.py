"""The twin with its engines in Docker: from nothing, through faults, to nothing."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from containers import docker, left_behind, published
from samples import canonical, dialogue
from vaults import Vault

from twinvault_local import status
from twinvault_local.artifact.sources import Sources
from twinvault_local.engines import choice, in_docker
from twinvault_local.engines.launcher import AUTO, DOCKER, PROCESS
from twinvault_local.errors import EngineError, NotRunningError, StateError
from twinvault_local.machine import files, processes, waiting
from twinvault_local.machine.ports import LOOPBACK, free_port
from twinvault_local.state import KMS, SERVER, SERVICES
from twinvault_local.status import Health
from twinvault_local.twin import Twin

STOPPED = dict.fromkeys(SERVICES, Health.STOPPED)


def up(twin: Twin, made: Sources, *, launcher: str = AUTO) -> Vault:
    facts, _ = twin.up(lambda _: made, port=free_port(), progress=print, launcher=launcher)
    return Vault(twin, facts, made)


def project(twin: Twin) -> str:
    name = choice.network(twin.state)
    assert name is not None
    return name


def test_the_main_job_runs_and_every_port_is_for_this_machine(vault: Vault) -> None:
    assert vault.facts.launcher == DOCKER
    assert status.look(vault.twin.state).running
    document = dialogue("in-docker", perspectives=3)
    assert vault.load(document).status_code == 201
    assert canonical(vault.export("in-docker").json()) == canonical(document)
    assert set(published(project(vault.twin)).values()) == {LOOPBACK}


def test_keys_come_from_the_state_folder_and_stay_its_owners(vault: Vault) -> None:
    owner = vault.twin.state.folder.stat().st_uid
    kept = [path for folder in (vault.twin.state.kms, vault.twin.state.issuer) for path in folder.iterdir()]
    assert {path.name for path in kept} >= {"journal", "key.pem"}
    assert "seed" not in {path.name for path in kept}, "the state folder's own is used"
    assert {path.stat().st_uid for path in kept} == {owner}
    assert not list(vault.twin.state.dynamodb.iterdir()), "this data lies in the volume"


def test_the_kms_tells_the_functions_roles_apart(vault: Vault) -> None:
    vault.load(dialogue("callers", perspectives=1))
    log = vault.twin.state.slot(KMS).log
    assert waiting.until(lambda: "GenerateDataKey TWINVAULTDEVIMPORTEUCENTRAL1 ok" in log.read_text(), seconds=20)


def test_data_and_keys_survive_down_and_up_and_not_reset(twin: Twin, made: Sources) -> None:
    first = up(twin, made, launcher=DOCKER)
    name, document = project(twin), dialogue("kept", perspectives=2)
    first.load(document)
    assert sorted(twin.down()) == sorted(SERVICES)
    assert left_behind(name) == [f"{name}_dynamodb"]
    assert twin.down() == []
    again = up(twin, made)
    assert again.facts.launcher == DOCKER, "auto goes on as it began"
    assert canonical(again.export("kept").json()) == canonical(document)
    with pytest.raises(StateError, match="in Docker"):
        up(twin, made, launcher=PROCESS)
    twin.reset()
    assert not left_behind(name)
    assert not twin.state.folder.exists()


def test_a_container_that_died_is_told_and_up_starts_it_again(twin: Twin, made: Sources) -> None:
    vault = up(twin, made, launcher=DOCKER)
    document = dialogue("before-the-crash", perspectives=1)
    vault.load(document)
    docker("kill", f"{project(twin)}-kms-1")
    place = twin.state.slot(KMS)
    assert waiting.until(lambda: processes.running(place) is None, seconds=20)
    assert status.look(twin.state).services[KMS] is Health.DIED
    with pytest.raises(NotRunningError, match="kms"):
        status.facts(twin.state)
    again = up(twin, made)
    assert canonical(again.export("before-the-crash").json()) == canonical(document)


def test_a_volume_that_is_gone_is_noticed_and_nothing_is_made_in_its_place(twin: Twin, made: Sources) -> None:
    up(twin, made, launcher=DOCKER)
    twin.down()
    docker("volume", "rm", f"{project(twin)}_dynamodb")
    with pytest.raises(StateError, match="database was replaced"):
        up(twin, made)
    assert dict(status.look(twin.state).services) == STOPPED


def test_a_first_up_that_fails_leaves_nothing_and_fixes_no_launcher(twin: Twin, made: Sources) -> None:
    twin.state.prepare()
    names = []
    remember = choice.remember

    def spy(state, launcher) -> None:
        remember(state, launcher)
        names.append(project(twin))

    with pytest.MonkeyPatch.context() as patch, socket.create_server((LOOPBACK, 0)) as taken:
        patch.setattr(choice, "remember", spy)
        number = taken.getsockname()[1]
        patch.setattr(in_docker.starting, "choose_ports", lambda _: dict.fromkeys(in_docker.starting.LISTENERS, number))
        with pytest.raises(EngineError, match="Docker could not start the engines"):
            up(twin, made, launcher=DOCKER)
    assert names
    assert not left_behind(names[0])
    assert not twin.state.launcher.exists()
    assert choice.fixed(twin.state) is None


def test_containers_of_an_up_that_was_killed_are_ended_by_the_next_down(twin: Twin, made: Sources) -> None:
    up(twin, made, launcher=DOCKER)
    for name in SERVICES:  # as if the command had been killed before it wrote them down
        if name != SERVER:
            twin.state.slot(name).file.unlink()
    assert files.read_json(twin.state.containers)
    twin.down()
    assert left_behind(project(twin)) == [f"{project(twin)}_dynamodb"]


def test_an_up_that_is_told_to_end_leaves_nothing_behind(twin: Twin) -> None:
    twinvault = str(Path(sys.executable).with_name("twinvault"))
    command = [twinvault, "up", "--launcher", "docker", "--port", str(free_port())]
    environment = {**os.environ, "TWINVAULT_STATE": str(twin.state.folder)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as up:
        assert waiting.until(twin.state.containers.exists, seconds=200, alive=lambda: up.poll() is None)
        name = project(twin)
        up.terminate()
        assert up.wait(60) == 143
    assert not left_behind(name)
    assert not twin.state.launcher.exists()
    assert dict(status.look(twin.state).services) == STOPPED


def test_two_twins_in_docker_do_not_meet(vault: Vault, twin: Twin, made: Sources) -> None:
    vault.load(dialogue("of-the-first", perspectives=1))
    other = up(twin, made, launcher=DOCKER)
    assert other.export("of-the-first").status_code == 404
    twin.down()
    assert vault.export("of-the-first").status_code == 200


def test_a_state_folder_with_a_space_in_its_name_will_do(tmp_path: Path, made: Sources) -> None:
    from twinvault_local.state import StateFolder

    spaced = Twin(StateFolder(tmp_path / "my state"), Path(__file__).parents[2] / ".cache")
    try:
        assert up(spaced, made, launcher=DOCKER).facts.launcher == DOCKER
    finally:
        spaced.reset()
