"""A thread that serves: gate and KMS run in the tests' own process, where their clock and keys are at hand."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self

from twinvault_serving.exchange import Application
from twinvault_serving.server import LOOPBACK, protocols

_SECONDS = 20


class ServingThread:
    """An event loop in a thread, and what it serves, each on a free port of 127.0.0.1."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="twinvault-testing", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close all connections, end what a test let hang, and the thread."""
        self.wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def wait[Result](self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do this in the thread and return what comes of it, or raise it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)

    def call[Result](self, work: Callable[[], Result]) -> Result:
        """Likewise a function: nothing else is done there meanwhile."""

        async def once() -> Result:
            return work()

        return self.wait(once())

    def serve(self, application: Application) -> str:
        """Serve an ASGI application from here on; where."""

        async def start() -> int:
            server = await self._loop.create_server(protocols(application), LOOPBACK, 0)
            self._servers.append(server)
            port: int = server.sockets[0].getsockname()[1]
            return port

        return f"http://{LOOPBACK}:{self.wait(start())}"

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
            server.close_clients()
        hanging = asyncio.all_tasks() - {asyncio.current_task()}
        for one in hanging:
            one.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()
