"""The schedules of a running twin, made to call now: nobody waits five minutes to see what one does."""

import os
import signal

from twinvault_lambda import schedules
from twinvault_lambda.schedules import Fired
from twinvault_local import lambda_server
from twinvault_local.errors import EngineError, NotRunningError
from twinvault_local.machine import processes, waiting
from twinvault_local.state import SERVER, StateFolder

_CALL_SECONDS = 120


def tick(state: StateFolder) -> list[Fired]:
    """Let every schedule of the running twin call its function; how the calls ended, when all have.

    Raises:
        NotRunningError: no twin runs in this state folder.
        EngineError: a call did not end in time.
    """
    slot = state.slot(SERVER)
    pid = processes.running(slot)
    if pid is None:
        raise NotRunningError("No twin runs here.", next_step="Start it: twinvault up")
    wanted = len(lambda_server.read(state).schedules)
    before = len(_fired(state))
    os.kill(pid, signal.SIGUSR1)
    waiting.until(
        lambda: len(_fired(state)) >= before + wanted,
        seconds=_CALL_SECONDS,
        alive=lambda: processes.running(slot) is not None,
    )
    found = _fired(state)[before : before + wanted]
    if len(found) < wanted:
        raise EngineError("A schedule's call has not ended.", next_step="See what it does: twinvault logs")
    return found


def _fired(state: StateFolder) -> list[Fired]:
    return schedules.read(processes.output(state.slot(SERVER)))
