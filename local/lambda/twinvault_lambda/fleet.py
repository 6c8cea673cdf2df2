"""The workers of all functions, and their exchange for newer ones while requests go on."""

import asyncio
from collections.abc import Iterable, Mapping

from twinvault_lambda.config import ServerConfig
from twinvault_lambda.standing import LoadResult, Standing
from twinvault_lambda.workers import WorkerPool


class Fleet:
    """One pool for each function. ``pools`` stays the same object; after an exchange it holds other pools."""

    def __init__(self, config: ServerConfig) -> None:
        self.pools = _pools(config)
        self._generation = config.generation
        self._retiring: dict[asyncio.Task[None], WorkerPool] = {}
        self._one_at_a_time = asyncio.Lock()

    async def start(self) -> Standing:
        """Start the workers; how the functions stand once each has a worker, or a failed one."""
        for pool in self.pools.values():
            pool.start()
        return Standing(generation=self._generation, failed=await _failures(self.pools))

    async def exchange(self, config: ServerConfig) -> tuple[LoadResult, Standing]:
        """Send all requests from here on to the functions of ``config``, if each of them starts; else change nothing.

        Nobody's request is lost: what the older workers have, they finish. One worker of each function decides; the
        others follow when it serves already. Routes and whatever else ``config`` holds are not taken.
        """
        async with self._one_at_a_time:
            fresh = _pools(config)
            deciding = {name: pool for name, pool in fresh.items() if not pool.is_debugged}
            for pool in deciding.values():
                pool.start(only=1)
            standing = Standing(generation=config.generation, failed=await _failures(deciding))
            if standing.failed:
                await _stop(fresh.values())
                return "refused", standing
            old = list(self.pools.values())
            self.pools.update(fresh)
            # A debugger's port serves one worker: the one that has it must be gone before the next one comes.
            await _stop(pool for pool in old if pool.is_debugged)
            for pool in old:
                self._retire(pool)
            for pool in fresh.values():
                pool.start()
            return "serving", standing

    async def stop(self) -> None:
        """End every worker and wait until they are gone."""
        await _stop([*self.pools.values(), *self._retiring.values()])

    def _retire(self, pool: WorkerPool) -> None:
        task = asyncio.get_running_loop().create_task(pool.retire())
        self._retiring[task] = pool
        task.add_done_callback(self._retiring.pop)


def _pools(config: ServerConfig) -> dict[str, WorkerPool]:
    return {function.name: WorkerPool(config, function) for function in config.functions}


async def _failures(pools: Mapping[str, WorkerPool]) -> dict[str, str]:
    for pool in pools.values():
        await pool.first_start_done.wait()
    return {name: pool.failure for name, pool in pools.items() if pool.failure}


async def _stop(pools: Iterable[WorkerPool]) -> None:
    await asyncio.gather(*(pool.stop() for pool in pools))
