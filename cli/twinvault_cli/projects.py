"""Whose twin a state folder holds: it is one project's, and of one of its stages."""

from pathlib import Path

from twinvault_cli.state import project_folder
from twinvault_local.artifact.project import Project
from twinvault_local.errors import ProjectError, StateError
from twinvault_local.machine import files
from twinvault_local.state import StateFolder


def held_by(state: StateFolder) -> Project | None:
    """The project whose twin a state folder holds; None where nothing was started from one."""
    root, stage = _noted(state)
    try:
        return Project.read(root, stage=stage) if root else None
    except ProjectError:
        return None  # it was moved, or its stage is called otherwise now


def cache_of(state: StateFolder) -> Path:
    """The cache that a state folder's twin was started with; nothing of the project is read, which may be gone."""
    root, _ = _noted(state)
    return (root if root and root.is_dir() else project_folder()) / ".cache"


def _noted(state: StateFolder) -> tuple[Path | None, str]:
    try:
        noted = files.read_json(state.project)
        return Path(noted["root"]), noted["stage"]
    except (StateError, KeyError, TypeError):
        return None, ""


def project_of(state: StateFolder) -> Project:
    """The same; of a folder that holds none, the project that the caller is in.

    Raises:
        ProjectError: the caller is in none.
    """
    return held_by(state) or Project.read(project_folder())


def note(project: Project, state: StateFolder) -> None:
    """Remember whose twin this state folder holds."""
    files.write_json(state.project, {"root": str(project.root), "stage": project.stage})


def refuse_another(project: Project, state: StateFolder) -> None:
    """Refuse a state folder whose tables and keys are another project's, or another stage's (StateError)."""
    root, stage = _noted(state)
    moved = root is not None and not root.is_dir() and state.folder.parent == project.root
    if root is not None and not moved and (root, stage) != (project.root, project.stage):
        raise StateError(
            f"{state.folder} holds the twin of {root}, stage {stage}.",
            next_step="Give this one a folder of its own: --state",
        )
