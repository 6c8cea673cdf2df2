"""Newer code in a running twin: unpacked, loaded beside the older, exchanged for it if it starts. No engine stops."""

import os
import shutil
import signal
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from twinvault_lambda import standing
from twinvault_lambda.config import ServerConfig
from twinvault_local import lambda_server, status
from twinvault_local.artifact import archive
from twinvault_local.errors import EngineError, NotRunningError
from twinvault_local.inner_loop import loading
from twinvault_local.machine import processes, waiting
from twinvault_local.state import SERVER, StateFolder
from twinvault_local.status import Facts

EXCHANGE_SECONDS = 60
ARTIFACT = "TWINVAULT_ARTIFACT"
"""The variable that tells a function, and its audit entries, the sha256 of what it runs."""


def reload(state: StateFolder, zipped: Path) -> tuple[Facts, bool]:
    """Let the running twin serve the artifact at `zipped`; its facts, and whether it served another one before.

    Raises:
        NotRunningError: no twin runs in this state folder.
        StateError: what the folder holds was made by an older twinvault, and newer code could not open it.
        LoadError: a function of the newer code cannot start; the older code goes on serving.
        EngineError: the Lambda server did not answer in time.
    """
    with state.lock():
        facts = status.facts(state)
        state.check()
        config = lambda_server.read(state)
        if archive.sha256(zipped) == config.task_root.name and not loading.failed(state):
            return facts, False
        task_root = archive.unpack(zipped, state.artifact)
        forget_others(state, [task_root, config.task_root])  # an older worker may still be at work there
        try:
            exchange(state, _serving(config, task_root))
        except BaseException:
            if task_root != config.task_root:
                shutil.rmtree(task_root)
            raise
        facts = replace(facts, artifact=task_root.name)
        status.remember(state, facts)
        return facts, True


def _serving(config: ServerConfig, task_root: Path) -> ServerConfig:
    """The configuration with another artifact."""
    functions = tuple(
        replace(one, environment={**one.environment, ARTIFACT: task_root.name}) if ARTIFACT in one.environment else one
        for one in config.functions
    )
    return replace(config, task_root=task_root, functions=functions)


def exchange(state: StateFolder, config: ServerConfig) -> None:
    """Let the running server take the functions of `config`. The caller holds the state folder's lock.

    Raises:
        LoadError, EngineError: as `reload`; the server's configuration is as it was.
    """
    before = lambda_server.read(state)
    # The number is spent, whatever becomes of it: the next exchange must not find this one's answer.
    generation = before.generation + 1
    lambda_server.write(state, replace(config, generation=generation))
    try:
        _ask(state, generation)
    except BaseException:
        lambda_server.write(state, replace(before, generation=generation))
        raise


def _ask(state: StateFolder, generation: int) -> None:
    slot = state.slot(SERVER)
    pid = processes.running(slot)
    if pid is None:
        raise NotRunningError("The Lambda server died.", next_step="Start it again: twinvault up")
    os.kill(pid, signal.SIGHUP)

    def answer() -> tuple[standing.LoadResult, standing.Standing] | None:
        return standing.read(processes.output(slot), generation=generation)

    waiting.until(
        lambda: answer() is not None, seconds=EXCHANGE_SECONDS, alive=lambda: processes.running(slot) is not None
    )
    match answer():
        case None:
            raise EngineError(
                f"The Lambda server did not take the newer functions. It said:\n{processes.last_words(slot)}",
                next_step="Start it again: twinvault down && twinvault up",
            )
        case "refused", functions:
            raise loading.error(state, functions.failed, what_holds="The code of before goes on serving.")


def forget_others(state: StateFolder, kept: Collection[Path]) -> None:
    """Delete the unpacked artifacts but for those that are `kept`."""
    for older in state.artifact.iterdir():
        if older not in kept:
            shutil.rmtree(older)
