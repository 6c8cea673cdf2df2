"""Work that would hold up everybody else's requests: it runs in worker threads, and then its request is looked at anew.

An operation says what it needs done (`slowly`); the engine has it done beside the loop and asks the operation again,
with what came of it. So whatever was checked before the work is checked after it, on the store as it is then, and no
operation is half way through while another one changes the store.

Making keys and using them have threads of their own: who signs does not wait behind those who make RSA-4096 pairs,
each of which takes about a second.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from twinvault_kms.call import Call

_YIELDING = 10  # how far below the loop's threads those that make keys stand, in the system's own measure


class KeyWork(StrEnum):
    """What work is about; each has its threads."""

    MAKING = "making"
    USING = "using"


class SlowError(Exception):
    """Not an error: an operation cannot go on before this work is done."""

    def __init__(self, kind: KeyWork, run: Callable[[], object]) -> None:
        super().__init__(kind)
        self.kind = kind
        self.run = run


def slowly[T](call: Call, kind: KeyWork, run: Callable[[], T]) -> T:
    """Return what `run` returns. An operation does this at most once, when nothing else can refuse the request.

    Raises:
        SlowError: It was not run yet: the engine has it run, and asks the operation again.
    """
    if call.made is None:
        raise SlowError(kind, run)
    return cast("T", call.made[0])


@dataclass(frozen=True, slots=True)
class Workers:
    """The threads: to use keys, as many as there are cores; to make them, one fewer, for the loop needs one."""

    cores: int = field(default_factory=lambda: os.process_cpu_count() or 1)
    _pools: dict[KeyWork, Executor] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Makes the pools; a thread starts with its first work."""
        making = max(1, self.cores - 1)
        self._pools[KeyWork.MAKING] = ThreadPoolExecutor(making, "kms-making", initializer=_stand_back)
        self._pools[KeyWork.USING] = ThreadPoolExecutor(self.cores, "kms-using")

    async def done(self, work: SlowError) -> object:
        """What the work returns, when a thread had time for it; its errors are raised here."""
        return await asyncio.get_running_loop().run_in_executor(self._pools[work.kind], work.run)

    def close(self) -> None:
        """Begin nothing any more. A key that is being made is made to its end before the process ends."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


def _stand_back() -> None:
    """Have the system prefer the loop to this thread. Only Linux knows priorities of threads."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _YIELDING)
