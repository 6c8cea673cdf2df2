"""A function under a debugger: one worker that waits for it, with debugpy on that worker's path alone."""

import importlib.util
from dataclasses import replace
from pathlib import Path

from twinvault_lambda.config import DebugConfig
from twinvault_local import lambda_server, status
from twinvault_local.errors import EngineError, PortInUseError, ToolMissingError
from twinvault_local.inner_loop import reloading
from twinvault_local.machine import ports, processes, waiting
from twinvault_local.state import SERVER, StateFolder

DEFAULT_PORT = 5678  # debugpy's own; editors propose it
_START_SECONDS = 30


def functions(state: StateFolder) -> list[str]:
    """The names of the functions that the twin of this state folder serves; none where it never came up."""
    if not state.server.exists():
        return []
    return sorted(one.name for one in lambda_server.read(state).functions)


def attach(state: StateFolder, cache: Path, name: str, *, port: int) -> None:
    """Let the function `name` of the running twin wait for a debugger on `port`, and no other one.

    Its workers give way to a single one that is neither frozen nor timed out. A reload keeps it so; `down` ends it.

    Raises:
        NotRunningError: no twin runs in this state folder.
        ToolMissingError: debugpy is not installed, or the functions run in containers.
        PortInUseError: somebody else listens on `port`.
        EngineError: debugpy did not come to listen.
    """
    folder = _debugpy(cache)
    with state.lock():
        status.facts(state)
        config = lambda_server.read(state)
        if config.containers is not None:
            raise ToolMissingError(
                "A function in a container takes no debugger yet.",
                next_step="On Linux of the stage's processor: twinvault down && twinvault up --workers process",
            )
        if not ports.is_free(port) and port not in {one.debug.port for one in config.functions if one.debug}:
            raise PortInUseError(
                f"Port {port} is in use: {ports.listener(port) or 'another program'} listens on it.",
                next_step=f"Choose another port: twinvault up --debug {name} --debug-port {port + 1}",
            )
        debug = DebugConfig(port=port, folder=folder)
        changed = tuple(replace(one, debug=debug if one.name == name else None) for one in config.functions)
        reloading.exchange(state, replace(config, functions=changed))
    if not waiting.until(lambda: not ports.is_free(port), seconds=_START_SECONDS):
        raise EngineError(
            f"debugpy does not listen on port {port} after {_START_SECONDS} s. The server said:\n"
            f"{processes.last_words(state.slot(SERVER))}",
            next_step=f"See what the function says: twinvault logs {name}",
        )


def _debugpy(cache: Path) -> Path:
    """A folder in which debugpy is and nothing else of this environment: a link to it."""
    found = importlib.util.find_spec("debugpy")
    if found is None or not found.submodule_search_locations:
        raise ToolMissingError("debugpy is not installed in this environment.", next_step="make setup")
    package = Path(found.submodule_search_locations[0])
    folder = cache / "debugpy"
    link = folder / "debugpy"
    if not link.is_symlink() or link.readlink() != package:
        folder.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(package)
    return folder
