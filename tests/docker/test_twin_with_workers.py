"""A whole twin whose functions are containers: the main job, newer code, and nothing left of it, however it ends."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from containers import docker
from samples import canonical, dialogue
from vaults import ROOT, Vault

from twinvault_local import lambda_server
from twinvault_local.artifact import archive
from twinvault_local.artifact.sources import Sources
from twinvault_local.engines import workers
from twinvault_local.engines.launcher import DOCKER, PROCESS
from twinvault_local.errors import ToolMissingError
from twinvault_local.inner_loop import debugging, reloading
from twinvault_local.machine import processes, waiting
from twinvault_local.machine.ports import free_port
from twinvault_local.state import SERVER, StateFolder
from twinvault_local.twin import Twin


def containers(state: StateFolder) -> list[str]:
    return docker("ps", "--all", "--quiet", "--filter", f"label={workers.label(state)}").split()


def up(twin: Twin, made: Sources) -> Vault:
    facts, _ = twin.up(lambda _: made, port=free_port(), progress=print, launcher=PROCESS, asked_workers=DOCKER)
    return Vault(twin, facts, made)


@pytest.fixture(scope="module")
def contained(tmp_path_factory: pytest.TempPathFactory, made: Sources) -> Iterator[Vault]:
    twin = Twin(StateFolder(tmp_path_factory.mktemp("contained") / "state"), ROOT / ".cache")
    try:
        yield up(twin, made)
    finally:
        twin.reset()
        assert containers(twin.state) == []


def test_the_main_job_runs_in_containers_of_this_twin(contained: Vault) -> None:
    assert contained.facts.workers == DOCKER
    document = dialogue("in-containers", perspectives=20)
    assert contained.load(document).status_code == 201
    assert canonical(contained.export("in-containers").json()) == canonical(document)
    functions = lambda_server.read(contained.twin.state).functions
    assert len(containers(contained.twin.state)) >= len(functions)


def test_newer_code_is_served_by_newer_containers(contained: Vault, tmp_path: Path) -> None:
    state, before = contained.twin.state, set(containers(contained.twin.state))
    (tmp_path / "requirements").mkdir()
    shutil.copy(ROOT / "requirements" / "runtime.txt", tmp_path / "requirements")
    shutil.copytree(ROOT / "functions", tmp_path / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / ".cache").symlink_to(ROOT / ".cache")
    (tmp_path / "functions" / "service" / "__init__.py").write_text('"""Newer."""\n', encoding="utf-8")
    newer = tmp_path / "functions.zip"
    archive.build(tmp_path, newer, python=Path(sys.executable), progress=print)
    facts, changed = reloading.reload(state, newer)
    assert changed
    assert replace(contained.facts, artifact=facts.artifact) == facts
    assert waiting.until(lambda: not before & set(containers(state)), seconds=60)
    assert contained.call("GET", "/dialogues").status_code == 200


def test_a_function_in_a_container_takes_no_debugger(contained: Vault) -> None:
    with pytest.raises(ToolMissingError, match="in a container takes no debugger"):
        debugging.attach(contained.twin.state, ROOT / ".cache", "twinvault-dev-read", port=free_port())


def test_what_a_killed_server_leaves_is_removed_by_down(twin: Twin, made: Sources) -> None:
    up(twin, made)
    pid = processes.running(twin.state.slot(SERVER))
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert waiting.until(lambda: processes.running(twin.state.slot(SERVER)) is None, seconds=20)
    assert containers(twin.state)
    twin.down()
    assert containers(twin.state) == []
    assert not twin.state.workers.exists()
