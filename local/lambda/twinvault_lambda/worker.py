"""One worker: a process, the invocation that it has, and what is true of it in between.

    STARTING ── asks for an invocation ──> IDLE ── is given one ──> BUSY ── answers ──> ANSWERED ── asks again ──> IDLE
        └─────────────── any of them ── the process ends, by itself or killed ──> ENDED

An idle worker is frozen, as Lambda freezes an environment ("Understanding the Lambda execution environment lifecycle"):
what a handler leaves to a thread goes on with the next invocation, or never. A worker that a debugger is attached to is
not: the debugger could not speak to it.

An invocation's outcome is decided here and nowhere else: by the answer, by the error that the handler raised, or by the
end of the process. A process ends when it crashes, when it outlives the function's timeout, and when its memory exceeds
what the function has ("Troubleshoot execution issues in Lambda": Runtime.ExitError, Runtime.OutOfMemory).
"""

import asyncio
import signal
import time
from collections.abc import Callable
from enum import Enum, auto

from twinvault_lambda.config import FunctionConfig
from twinvault_lambda.invocation import Invocation, InvocationOutcome
from twinvault_lambda.platform_log import FunctionLog, Report
from twinvault_lambda.sandbox import Sandbox

# The Runtime API's limit of an answer: 6 MB and 100 bytes, as Lambda's own emulator and its error message have it.
LARGEST_ANSWER = 6 * 1024 * 1024 + 100
_WATCH_SECONDS = 0.1
_OUT_OF_MEMORY = "Runtime.OutOfMemory"
_EXITED = "Runtime.ExitError"
_TIMED_OUT = "Sandbox.Timedout"
_STOPPED = "Sandbox.Stopped"


class WorkerEndedError(Exception):
    """The worker's process is gone; there is nobody left to give an invocation to."""


class Phase(Enum):
    """Where a worker is in the picture above."""

    STARTING = auto()
    IDLE = auto()
    BUSY = auto()
    ANSWERED = auto()
    ENDED = auto()


class Worker:
    """Holds at most one invocation. ``on_idle`` and ``on_ended`` tell the pool."""

    def __init__(
        self,
        function: FunctionConfig,
        *,
        log: FunctionLog,
        on_idle: Callable[["Worker"], None],
        on_ended: Callable[["Worker"], None],
    ) -> None:
        self.phase = Phase.STARTING
        self.served = 0
        self.initialised = False
        self.failure = ""  # why it ended before it asked for its first invocation
        self._function = function
        self._log = log
        self._on_idle = on_idle
        self._on_ended = on_ended
        self._process: Sandbox | None = None
        self._invocation: Invocation | None = None
        self._next: asyncio.Future[Invocation] | None = None
        self._since = time.monotonic()
        self._init_ms: float | None = None
        self._highest_mb = 0
        self._end_reason = ""  # the error type of an end that we brought about
        self._init_error = ""
        self._watch: asyncio.TimerHandle | None = None

    def adopt(self, process: Sandbox) -> None:
        """Take `process`, which has just been started, as this worker's, and watch its time and memory."""
        self._process = process
        self._keep_watch()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs at this very moment."""
        return self._process is not None and self._process.is_alive()

    async def next(self) -> Invocation:
        """The next invocation, as soon as there is one.

        Raises:
            WorkerEndedError: the process ended meanwhile.
        """
        if self.phase in {Phase.BUSY, Phase.ENDED}:
            raise WorkerEndedError  # a busy one is being killed for its memory, and only asks on
        if self.phase is Phase.STARTING:
            self._init_ms = (time.monotonic() - self._since) * 1000
            self.initialised = True
        idle_already = self.phase is Phase.IDLE
        if self._next is not None:
            self._next.cancel()
        waiting: asyncio.Future[Invocation] = asyncio.get_running_loop().create_future()
        self._next = waiting
        self._stop_watch()
        self.phase = Phase.IDLE
        if not idle_already:
            self._on_idle(self)
        if self.phase is Phase.IDLE and self._process is not None and self._function.debug is None:
            self._process.freeze()
        try:
            return await waiting
        except asyncio.CancelledError as error:
            raise WorkerEndedError from error

    def give(self, invocation: Invocation) -> None:
        """Hand the invocation to this worker, which must be idle (WorkerEndedError)."""
        if self.phase is not Phase.IDLE or self._next is None:
            raise WorkerEndedError
        if self._process is not None:
            self._process.thaw()
        self._drain()
        self._log.start(invocation.request_id)
        self.phase, self._invocation, self._since = Phase.BUSY, invocation, time.monotonic()
        waiting, self._next = self._next, None
        waiting.set_result(invocation)
        self._keep_watch()

    def answer(self, request_id: str, payload: bytes) -> int:
        """The handler returned. The status that the Runtime API gives: 202, 400 for another's id, 413 if too large."""
        if not self._has(request_id):
            return 400
        if self._exceeds_memory():
            return 202  # the process is being killed, and its end is the outcome
        if len(payload) > LARGEST_ANSWER:
            self._drain()
            self._log.line(
                f"Response payload size ({len(payload)} bytes) exceeded maximum allowed payload size"
                f" ({LARGEST_ANSWER} bytes)."
            )
            self._finish(InvocationOutcome(error_type="Function.ResponseSizeTooLarge"), status="error")
            return 413
        self._finish(InvocationOutcome(payload=payload))
        return 202

    def fail(self, request_id: str, error_type: str) -> int:
        """The handler raised; the runtime client has logged it. The status that the Runtime API gives."""
        if not self._has(request_id):
            return 400
        self._finish(InvocationOutcome(error_type=error_type or "Runtime.Unknown"), status="error")
        return 202

    def init_failed(self, error_type: str) -> None:
        """Note the error type of a failed initialization; the runtime client reports it before it exits."""
        self._init_error = error_type

    def stop(self) -> None:
        """End the process on purpose, whatever it does."""
        self._end(_STOPPED)

    def ended(self, status: int) -> None:
        """The process has exited with `status` (negative: a signal's number), and its last lines are in the log."""
        was, self.phase = self.phase, Phase.ENDED
        self._stop_watch()
        if self._process is not None and self._process.out_of_memory:
            self._end_reason = self._end_reason or _OUT_OF_MEMORY
        if self._next is not None:
            self._next.cancel()
        if was is Phase.BUSY:
            self._lose_invocation(status)
        elif was is Phase.STARTING and self._end_reason != _STOPPED:
            self.failure = self._init_error or self._end_reason or _EXITED
            self._log.init_failed(init_ms=self._elapsed_ms(), error_type=self.failure)
        self._on_ended(self)

    def _has(self, request_id: str) -> bool:
        return self.phase is Phase.BUSY and self._invocation is not None and self._invocation.request_id == request_id

    def _lose_invocation(self, status: int) -> None:
        if self._invocation is None:
            return
        request_id = self._invocation.request_id
        if self._end_reason == _TIMED_OUT:
            self._log.timed_out(request_id, self._function.timeout_seconds)
            self._finish(InvocationOutcome(error_type=_TIMED_OUT), status="timeout")
        else:
            error_type = self._end_reason or _EXITED
            self._log.exited(request_id, cause=_cause(status), error_type=error_type)
            self._finish(InvocationOutcome(error_type=error_type), status="error", error_type=error_type)
        self.phase = Phase.ENDED

    def _finish(self, outcome: InvocationOutcome, *, status: str = "", error_type: str = "") -> None:
        self._drain()
        self._stop_watch()
        if self._invocation is None:
            return
        report = Report(
            request_id=self._invocation.request_id,
            duration_ms=self._elapsed_ms(),
            memory_mb=self._function.memory_mb,
            used_mb=min(self._peak_mb(), self._function.memory_mb),
            init_ms=self._init_ms,
            status=status,
            error_type=error_type,
        )
        self._log.end(report)
        self._init_ms = None
        self.served += 1
        self.phase = Phase.ANSWERED
        invocation, self._invocation = self._invocation, None
        invocation.complete(outcome)

    def _keep_watch(self) -> None:
        """Looks at time and memory while the process works; an idle one is left alone, as a frozen one would be."""
        if self._elapsed_ms() > self._function.limit_seconds * 1000:
            self._end(_TIMED_OUT)
        elif not self._exceeds_memory():
            self._watch = asyncio.get_running_loop().call_later(_WATCH_SECONDS, self._keep_watch)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _exceeds_memory(self) -> bool:
        """Whether the process has more than the function's memory, and then kill it.

        Lambda counts the whole sandbox, we the process's own peak of resident memory.
        """
        if self._peak_mb() <= self._function.memory_mb:
            return False
        self._end(_OUT_OF_MEMORY)
        return True

    def _end(self, why: str) -> None:
        self._end_reason = why
        if self._process is not None:
            self._process.kill()

    def _peak_mb(self) -> int:
        if self._process is not None:
            self._highest_mb = max(self._highest_mb, self._process.peak_memory_mb())
        return self._highest_mb

    def _elapsed_ms(self) -> float:
        return (time.monotonic() - self._since) * 1000

    def _drain(self) -> None:
        if self._process is not None and self.phase is not Phase.ENDED:
            self._process.drain()


def _cause(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    return f"signal: {signal.strsignal(-status) or -status}".lower()
