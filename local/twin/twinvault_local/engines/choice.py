"""Which route a state folder is on. It is fixed once data is made there: the data lies where that route keeps it."""

from pathlib import Path

from twinvault_local.engines import docker
from twinvault_local.engines.as_processes import ProcessLauncher
from twinvault_local.engines.in_docker import DockerLauncher, new_project
from twinvault_local.engines.launcher import AUTO, DOCKER, IN_WORDS, PROCESS, Launcher, Progress
from twinvault_local.errors import EngineError, StateError, ToolMissingError
from twinvault_local.machine import files
from twinvault_local.state import State


def fixed(state: State) -> str | None:
    """The name of the route that this state folder's data was made on; None while there is no data."""
    if not state.provisioned.exists():
        return None
    return str(files.read_json(state.route).get("route", PROCESS))


def choose(state: State, cache: Path, *, wanted: str, progress: Progress) -> Launcher:
    """The route to start on: the fixed one; else the one that is wanted; else Docker where an engine answers.

    Raises:
        StateError: the folder is on another route than the one that is wanted.
        ToolMissingError: Docker is wanted and no engine answers.
        EngineError: the data lies in Docker and no engine answers.
    """
    refuse_other(state, wanted)
    name = fixed(state) or wanted
    if name == PROCESS:
        return ProcessLauncher(state, cache)
    try:
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


def refuse_other(state: State, wanted: str) -> None:
    """Refuse a route that is not the one this state folder is on (StateError)."""
    now = fixed(state)
    if now is not None and wanted not in {AUTO, now}:
        raise StateError(
            f"The engines of {state.folder} run {IN_WORDS[now]} since its first `up`, and its data lies there.",
            next_step="Go on so: twinvault up    Begin anew without its data and keys: twinvault reset",
        )


def stop(state: State, cache: Path) -> list[str]:
    """End the engines on whichever route they were started; the names of those that had been running.

    Raises:
        EngineError: they are in Docker, and no engine answers or it refuses.
    """
    if _project(state) is not None and not state.containers.exists():
        return []  # nothing was started there since it was stopped: no matter whether Docker answers
    return _current(state, cache).stop()


def wipe(state: State, cache: Path) -> None:
    """Delete for good what lies outside the state folder (raises as `stop`)."""
    _current(state, cache).wipe()


def forget(state: State, cache: Path) -> None:
    """Drop a route on which nothing was made: what failed on the first `up` fixes nothing."""
    if fixed(state) is None and state.route.exists():
        wipe(state, cache)
        state.route.unlink()


def remember(state: State, route: Launcher) -> None:
    """Write the route down, before anything starts on it."""
    project = {"project": route.project} if isinstance(route, DockerLauncher) else {}
    files.write_json(state.route, {"route": route.name, **project})


def network(state: State) -> str | None:
    """The name of the Docker network that the engines are on; None where they are plain processes."""
    return _project(state)


def _current(state: State, cache: Path) -> Launcher:
    project = _project(state)
    if project is None:
        return ProcessLauncher(state, cache)
    try:
        return DockerLauncher(state, docker.find(), project)
    except ToolMissingError as error:
        raise EngineError(
            f"{error.message} The engines of this twin, and its data, are there.", next_step=error.next_step
        ) from None


def _project(state: State) -> str | None:
    project = files.read_json(state.route).get("project")
    return str(project) if project else None
