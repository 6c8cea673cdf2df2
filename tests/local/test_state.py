"""The state folder: private, whole, and never somebody else's."""

import subprocess
import sys
from pathlib import Path

import pytest

import twinvault_durable as durable
from twinvault_local.errors import BusyError, StateError
from twinvault_local.machine import files
from twinvault_local.state import FORMAT, StateFolder


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


def as_an_older_version_left_it(folder: Path) -> StateFolder:
    """Tables and keys as the template had them before there were marks and registers, and no word of a format."""
    old = StateFolder(folder)
    for part in (old.folder, old.kms, old.dynamodb, old.issuer, old.artifact, old.logs, old.run):
        part.mkdir(mode=0o700)
    old.seed.write_text(f"{'ab' * 32}\n", encoding="ascii")
    (old.kms / "journal").write_text("", encoding="utf-8")
    (old.dynamodb / "shared-local-instance.db").write_bytes(b"SQLite format 3\x00")
    tables = {f"Twinvault-dev-Tables/{name}": name.lower() for name in ("Records", "Keys", "Audit", "Checkpoints")}
    files.write_json(old.provisioned, {"Twinvault-dev-Keys/RootKey": "11111111-1111-4111-8111-111111111111", **tables})
    files.write_json(old.callers, {})
    files.write_json(old.ports, {"dynamodb": 8000, "kms": 8001, "issuer": 8002})
    return old


def test_data_of_an_older_version_says_so_and_what_to_type(tmp_path: Path) -> None:
    old = as_an_older_version_left_it(tmp_path / "old")
    before = sorted(old.folder.rglob("*"))
    for ask in (old.check, old.prepare):
        with pytest.raises(StateError, match="made by an older twinvault") as caught:
            ask()
        assert "twinvault reset" in caught.value.next_step
        assert "\n" not in caught.value.message
    assert sorted(old.folder.rglob("*")) == before, "nothing is made beside it"
    old.wipe()
    assert not old.folder.exists()
    old.prepare()
    old.check()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param({"format": 0}, "older", id="an older number"),
        pytest.param({}, "older", id="no number"),
        pytest.param({"format": FORMAT + 1}, "newer", id="a newer number"),
        pytest.param({"format": "next"}, "newer", id="a number of another kind"),
    ],
)
def test_data_of_another_format_is_refused(state: StateFolder, content: dict[str, object], says: str) -> None:
    files.write_json(state.provisioned, {"A/B": "c"})
    state.check()
    files.write_json(state.format, content)
    with pytest.raises(StateError, match=f"made by a.? {says}"):
        state.check()


def test_a_folder_without_data_is_of_no_older_format(state: StateFolder) -> None:
    """An `up` that ended before it made anything, whichever version it was of."""
    state.format.unlink()
    state.prepare()
    files.write_json(state.provisioned, {"A/B": "c"})
    state.check()


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
