"""Whose twin a state folder holds: it is one project's, and of one of its stages."""

from pathlib import Path

from twinvault_cli.state import project_folder
from twinvault_local.artifact.project import Project
from twinvault_local.errors import StateError
from twinvault_local.machine import files
from twinvault_local.state import StateFolder


def held_by(state: StateFolder) -> Project | None:
    """The project whose twin a state folder holds; None where nothing was started from one."""
    try:
        noted = files.read_json(state.project)
        return Project.read(Path(noted["root"]), stage=noted["stage"])
    except (StateError, KeyError):
        return None


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
    held = held_by(state)
    if held is not None and (held.root, held.stage) != (project.root, project.stage):
        raise StateError(
            f"{state.folder} holds the twin of {held.root}, stage {held.stage}.",
            next_step="Give this one a folder of its own: --state",
        )
