"""The state folder: private, whole, and never somebody else's."""

import subprocess
import sys
from pathlib import Path

import pytest

import twinvault_durable as durable
from twinvault_local.errors import BusyError, StateError
from twinvault_local.machine import files
from twinvault_local.state import StateFolder


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    state = StateFolder(tmp_path / "state")
    state.prepare()
    return state


def test_everything_is_the_owners_alone(state: StateFolder) -> None:
    assert state.folder.stat().st_mode & 0o777 == 0o700
    assert state.seed.stat().st_mode & 0o777 == 0o600
    for folder in (state.kms, state.dynamodb, state.issuer, state.logs, state.run, state.artifact):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_the_seed_is_drawn_once(state: StateFolder, tmp_path: Path) -> None:
    seed = state.seed.read_text(encoding="ascii")
    state.prepare()
    assert state.seed.read_text(encoding="ascii") == seed
    other = StateFolder(tmp_path / "other")
    other.prepare()
    assert other.seed.read_text(encoding="ascii") != seed


def test_a_folder_that_is_not_a_twins_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(StateError, match="thesis"):
        StateFolder(tmp_path).prepare()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_damaged_seed_is_refused(state: StateFolder) -> None:
    state.seed.write_text("half", encoding="ascii")
    with pytest.raises(StateError, match="damaged"):
        state.prepare()


def test_data_without_its_seed_is_refused_and_no_other_seed_is_drawn(state: StateFolder) -> None:
    files.write_json(state.provisioned, {"A/B": "c"})
    state.seed.unlink()
    with pytest.raises(StateError, match="gone"):
        state.prepare()
    assert not state.seed.exists()


def test_wiping_deletes_the_twins_own_and_nothing_else(state: StateFolder) -> None:
    (state.folder / "thesis.txt").write_text("years of work", encoding="utf-8")
    (state.kms / "journal").write_text("x", encoding="utf-8")
    (state.folder / ".seed.halfwritten").write_text("x", encoding="utf-8")
    state.wipe()
    assert [path.name for path in state.folder.iterdir()] == ["thesis.txt"]


def test_wiping_an_unmixed_folder_removes_it(state: StateFolder) -> None:
    state.wipe()
    assert not state.folder.exists()


def test_a_second_command_is_refused_and_told_why(state: StateFolder) -> None:
    with state.lock(), pytest.raises(BusyError, match="at work"), state.lock():
        pytest.fail("both hold it")
    with state.lock():
        pass


def test_a_command_that_was_killed_holds_nothing(state: StateFolder) -> None:
    script = (
        "import os, pathlib, sys; from twinvault_local.state import StateFolder\n"
        "with StateFolder(pathlib.Path(sys.argv[1])).lock(): os._exit(7)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(state.folder)], check=False).returncode == 7
    with state.lock():
        pass


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    files.write_json(file, {"old": 1})
    with pytest.raises(TypeError):
        files.write_json(file, {"new": object()})
    with pytest.raises(TypeError):
        durable.write(file, "text")  # type: ignore[arg-type]  # a write that fails half way
    assert files.read_json(file) == {"old": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("content", [pytest.param("{", id="not JSON"), pytest.param("[]", id="no object")])
def test_a_damaged_file_names_itself(tmp_path: Path, content: str) -> None:
    file = tmp_path / "twin.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(StateError, match=r"twin\.json"):
        files.read_json(file)
