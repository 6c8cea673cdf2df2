"""Which project a command is about, and that a state folder holds one project's twin."""

import json
from pathlib import Path

import pytest

from twinvault_cli import projects
from twinvault_cli.state import ROOT, project_folder, state_folder
from twinvault_local.artifact.project import Project
from twinvault_local.errors import StateError
from twinvault_local.state import StateFolder


def project(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    said = {
        "app": "false",
        "context": {"stage": "one", "stages": {name: {"architecture": "x86_64"} for name in ("one", "two")}},
    }
    (folder / "cdk.json").write_text(json.dumps(said))
    return folder


def test_within_a_project_no_option_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWINVAULT_APP", raising=False)
    root = project(tmp_path / "clinic")
    (root / "functions" / "clinic").mkdir(parents=True)
    monkeypatch.chdir(root / "functions" / "clinic")
    assert project_folder() == root
    assert state_folder(None).folder == root / ".twinvault"


def test_elsewhere_it_is_named_or_this_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TWINVAULT_APP", raising=False)
    assert project_folder() == ROOT
    assert project_folder(Path("clinic")) == tmp_path / "clinic"
    monkeypatch.setenv("TWINVAULT_APP", str(tmp_path / "other"))
    assert project_folder() == tmp_path / "other"


def test_a_state_folder_remembers_whose_twin_it_holds_and_takes_no_other(tmp_path: Path) -> None:
    state, root = StateFolder(tmp_path / "state"), project(tmp_path / "clinic")
    one = Project.read(root)
    assert projects.held_by(state) is None
    projects.refuse_another(one, state)
    state.folder.mkdir()
    projects.note(one, state)
    assert projects.held_by(state) == projects.project_of(state) == one
    projects.refuse_another(one, state)
    for other in (Project.read(project(tmp_path / "other")), Project.read(root, stage="two")):
        with pytest.raises(StateError, match=f"holds the twin of {root}, stage one"):
            projects.refuse_another(other, state)


def test_a_project_that_was_moved_is_still_stopped_and_goes_on_at_its_new_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project(tmp_path / "clinic")
    state = StateFolder(root / ".twinvault")
    state.folder.mkdir()
    projects.note(Project.read(root), state)
    monkeypatch.chdir(root.rename(tmp_path / "moved"))
    moved = StateFolder(Path.cwd() / ".twinvault")
    assert projects.held_by(moved) is None
    assert projects.cache_of(moved) == Path.cwd() / ".cache"
    projects.refuse_another(Project.read(Path.cwd()), moved)


def test_a_cdk_json_that_anybody_can_write_is_nobodys_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its `app` would be run: a folder above may be one of all users, as /tmp is."""
    monkeypatch.delenv("TWINVAULT_APP", raising=False)
    (project(tmp_path) / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert project_folder() == tmp_path
    (tmp_path / "cdk.json").chmod(0o666)
    assert project_folder() == ROOT
