"""The workers of one function: how many there are, who gets the next invocation, what happens when one ends.

Lambda starts an environment for each request that finds none free; a laptop cannot. So ``min_workers`` are started with
the server. While the oldest waiting request has waited for ``_PATIENCE_SECONDS``, one more is added, up to
``max_workers``; one that was not needed for ``_SPARE_SECONDS`` is ended again. Above the maximum a request waits until
the API's integration limit.

A worker that ends before it asks for its first invocation is started again, after a pause that doubles. From the second
such end in a row on, requests that wait are answered as failed if no other worker is there: Lambda too tries an
initialization that failed once more, for the invocation, and then fails that.
"""

import asyncio
import itertools
import time
from collections import deque
from contextlib import suppress

from twinvault_lambda import sandbox
from twinvault_lambda.config import FunctionConfig, ServerConfig
from twinvault_lambda.environment import function_arn
from twinvault_lambda.invocation import IntegrationTimeoutError, Invocation, InvocationOutcome
from twinvault_lambda.platform_log import FunctionLog
from twinvault_lambda.runtime_api import RuntimeApi
from twinvault_lambda.worker import Phase, Worker

_PATIENCE_SECONDS = 0.25
_GROWTH_SECONDS = 0.05  # between two additions
_SPARE_SECONDS = 60.0
_STARTS_TRIED = 2
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0
_NOT_STARTED = "Runtime.InitError"


class WorkerPool:
    """All workers of one function. One event loop, no locks."""

    def __init__(self, config: ServerConfig, function: FunctionConfig) -> None:
        self.first_start_done = asyncio.Event()  # the first worker is ready, or it could not start
        self.failure = ""  # why it could not start, while no worker of it ever did
        self._config = config
        self._function = function
        self.is_debugged = function.debug is not None  # one debugger, one worker
        self._fewest, self._most = (1, 1) if self.is_debugged else (config.min_workers, config.max_workers)
        self._log = FunctionLog(config.log_dir / f"{function.name}.log")
        self._workers: dict[Worker, RuntimeApi] = {}
        self._idle: list[Worker] = []
        self._queue: deque[Invocation] = deque()
        self._numbers = itertools.count(1)
        self._failures = 0  # starts that failed, one after the other
        self._growth: asyncio.TimerHandle | None = None
        self._stopping = self._retiring = False
        self._empty = asyncio.Event()
        self._starts: set[asyncio.Task[None]] = set()

    def start(self, *, only: int | None = None) -> None:
        """Start the workers that are always there, or `only` so many of them for now."""
        while len(self._workers) < (self._fewest if only is None else only):
            self._start_worker()
        if self.is_debugged:
            self.first_start_done.set()  # it waits for a debugger; nobody need wait for it

    async def stop(self) -> None:
        """End every worker and wait until they are gone."""
        self._stopping = True
        self._fail_queue()
        for worker in list(self._workers):
            worker.stop()
        if self._workers:
            await self._empty.wait()
        self._log.close()

    async def retire(self) -> None:
        """End each worker as soon as nothing is left for it to do; returns when all are gone."""
        self._retiring = True
        for worker in [one for one in self._workers if one.phase in {Phase.STARTING, Phase.IDLE}]:
            self._end_if_done(worker)
        while self._workers or self._queue:
            self._empty.clear()
            await self._empty.wait()
        self._log.close()

    async def invoke(self, payload: bytes, *, trace_id: str, limit_seconds: float) -> InvocationOutcome:
        """Run the function once.

        Raises:
            IntegrationTimeoutError: there was no outcome within ``limit_seconds``; a debugged function has all day.
        """
        if self.is_debugged:
            limit_seconds = self._function.limit_seconds
        loop = asyncio.get_running_loop()
        if self._stopping:
            return InvocationOutcome(error_type=_NOT_STARTED)
        invocation = Invocation(payload=payload, trace_id=trace_id, outcome=loop.create_future())
        self._queue.append(invocation)
        self._dispatch()
        self._grow_later()
        done, _ = await asyncio.wait({invocation.outcome}, timeout=limit_seconds)
        if not done:
            with suppress(ValueError):  # a worker has it, and goes on with it as a Lambda function would
                self._queue.remove(invocation)
            raise IntegrationTimeoutError
        return invocation.outcome.result()

    def _dispatch(self) -> None:
        """Give the oldest invocation to the worker that was last at work: its caches are the warmest, as in Lambda."""
        while self._queue and self._idle:
            worker = self._idle.pop()
            if worker.is_alive:  # a dead one will say so itself; nobody's request is spent on finding out
                worker.give(self._queue.popleft())

    def _grow_later(self) -> None:
        if self._queue and self._growth is None:
            ripe = max(self._queue[0].born + _PATIENCE_SECONDS - time.monotonic(), _GROWTH_SECONDS)
            self._growth = asyncio.get_running_loop().call_later(ripe, self._grow)

    def _grow(self) -> None:
        self._growth = None
        starting = sum(worker.phase is Phase.STARTING for worker in self._workers)
        ripe = self._queue and time.monotonic() - self._queue[0].born >= _PATIENCE_SECONDS
        room = len(self._workers) < self._most and len(self._queue) > starting
        if ripe and room and not self._failures:
            self._start_worker()
        self._grow_later()

    def _start_worker(self) -> None:
        if self._stopping or (self._retiring and not self._queue):
            return
        function = self._function
        worker = Worker(function, log=self._log, on_idle=self._worker_idle, on_ended=self._worker_ended)
        api = RuntimeApi(
            worker,
            function_arn=function_arn(self._config, function.name),
            timeout_seconds=function.limit_seconds,
            containers=self._config.containers,
        )
        stream = f"worker-{next(self._numbers)}"
        try:
            process = sandbox.start(
                self._config,
                function,
                runtime_api=api.address,
                log_stream=stream,
                on_lines=self._log.write,
                on_exit=worker.ended,
            )
        except OSError:
            api.close()
            raise
        self._workers[worker] = api
        self._empty.clear()
        worker.adopt(process)
        task = asyncio.get_running_loop().create_task(api.open())
        self._starts.add(task)
        task.add_done_callback(self._starts.discard)

    def _worker_idle(self, worker: Worker) -> None:
        self._failures = 0
        self.failure = ""
        self.first_start_done.set()
        self._idle.append(worker)
        self._dispatch()
        self._end_if_done(worker)
        if len(self._workers) > self._fewest:
            asyncio.get_running_loop().call_later(_SPARE_SECONDS, self._retire, worker, worker.served)

    def _retire(self, worker: Worker, served: int) -> None:
        if worker.phase is Phase.IDLE and worker.served == served and len(self._workers) > self._fewest:
            self._idle.remove(worker)
            worker.stop()

    def _end_if_done(self, worker: Worker) -> None:
        if self._retiring and not self._queue and worker.phase in {Phase.STARTING, Phase.IDLE}:
            with suppress(ValueError):
                self._idle.remove(worker)
            worker.stop()

    def _worker_ended(self, worker: Worker) -> None:
        self._workers.pop(worker).close()
        with suppress(ValueError):
            self._idle.remove(worker)
        if not self._workers:
            self._empty.set()
        if self._stopping or (self._retiring and not self._queue):
            return
        if not worker.initialised:
            self._failures += 1
            if not any(other.initialised for other in self._workers):
                self.failure = worker.failure
            self.first_start_done.set()
            if self._failures >= _STARTS_TRIED and not any(other.initialised for other in self._workers):
                self._fail_queue()
        pause = min(_FIRST_PAUSE_SECONDS * 2**self._failures, _LONGEST_PAUSE_SECONDS)
        asyncio.get_running_loop().call_later(0 if worker.served else pause, self._replace)

    def _replace(self) -> None:
        if len(self._workers) < self._fewest:
            self._start_worker()

    def _fail_queue(self) -> None:
        while self._queue:
            self._queue.popleft().complete(InvocationOutcome(error_type=_NOT_STARTED))
