"""Which launcher starts a state folder's engines: fixed once there is data, which lies where that launcher keeps it."""

from pathlib import Path

from twinvault_local.engines import docker
from twinvault_local.engines.as_processes import ProcessLauncher
from twinvault_local.engines.in_docker import DockerLauncher, new_project, require_images
from twinvault_local.engines.launcher import AUTO, DOCKER, IN_WORDS, PROCESS, Launcher
from twinvault_local.errors import EngineError, StateError, ToolMissingError
from twinvault_local.machine import files
from twinvault_local.machine.progress import Progress
from twinvault_local.state import StateFolder


def fixed(state: StateFolder) -> str | None:
    """The name of the launcher that this state folder's data was made with; None while there is no data."""
    if not state.provisioned.exists():
        return None
    return PROCESS if _project(state) is None else DOCKER


def choose(state: StateFolder, cache: Path, *, asked: str, progress: Progress) -> Launcher:
    """The launcher to start with: the fixed one; else the one that is asked for; else Docker where an engine answers.

    Raises:
        StateError: the data was made with another launcher than the one that is asked for.
        ToolMissingError: Docker is asked for and no engine answers.
        EngineError: the data lies in Docker and no engine answers.
    """
    refuse_other(state, asked)
    name = fixed(state) or asked
    if name == PROCESS:
        return ProcessLauncher(state, cache)
    try:
        require_images()
        engine = docker.find()
    except ToolMissingError as error:
        if fixed(state) == DOCKER:
            raise EngineError(
                f"{error.message} This twin's data lies there.", next_step=error.next_step or docker.INSTALL
            ) from None
        if name == DOCKER:
            raise
        progress(f"{error.message} So the engines run as plain processes")
        return ProcessLauncher(state, cache)
    return DockerLauncher(state, engine, _project(state) or new_project())


def refuse_other(state: StateFolder, asked: str) -> None:
    """Refuse a launcher other than the one that this state folder's data was made with (StateError)."""
    now = fixed(state)
    if now is not None and asked not in {AUTO, now}:
        raise StateError(
            f"The engines of {state.folder} run {IN_WORDS[now]} since its first `up`, and its data lies there.",
            next_step="Go on so: twinvault up    Begin anew without its data and keys: twinvault reset",
        )


def stop(state: StateFolder, cache: Path) -> list[str]:
    """End the engines, whichever launcher started them; the names of those that had been running.

    Raises:
        EngineError: they are in Docker, and no engine answers or it refuses.
    """
    if _project(state) is not None and not state.containers.exists():
        return []  # nothing was started there since it was stopped: no matter whether Docker answers
    return _current(state, cache).stop()


def wipe(state: StateFolder, cache: Path) -> None:
    """Delete for good what lies outside the state folder (raises as `stop`)."""
    _current(state, cache).wipe()


def forget(state: StateFolder, cache: Path) -> None:
    """Drop a launcher with which nothing was made: what failed on the first `up` fixes nothing."""
    if fixed(state) is None and state.launcher.exists():
        wipe(state, cache)
        state.launcher.unlink()


def remember(state: StateFolder, launcher: Launcher) -> None:
    """Write the launcher down, before it starts anything."""
    project = {"project": launcher.project} if isinstance(launcher, DockerLauncher) else {}
    files.write_json(state.launcher, {"launcher": launcher.name, **project})


def network(state: StateFolder) -> str | None:
    """The name of the Docker network that the engines are on; None where they are plain processes."""
    return _project(state)


def _current(state: StateFolder, cache: Path) -> Launcher:
    project = _project(state)
    if project is None:
        return ProcessLauncher(state, cache)
    try:
        return DockerLauncher(state, docker.find(), project)
    except ToolMissingError as error:
        raise EngineError(
            f"{error.message} The engines of this twin, and its data, are there.", next_step=error.next_step
        ) from None


def _project(state: StateFolder) -> str | None:
    """The name of the containers' project in Docker; None where the engines are plain processes."""
    written = files.read_json(state.launcher) or files.read_json(state.former_launcher)
    project = written.get("project")
    return str(project) if project else None
