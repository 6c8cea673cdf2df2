"""The Lambda server: one process and one event loop for the front door, each worker's Runtime API, and the workers."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterable, Iterator

import uvicorn

from twinvault_local.errors import TwinError
from twinvault_local.lambda_runtime.access_log import AccessLog
from twinvault_local.lambda_runtime.config import ServerConfig
from twinvault_local.lambda_runtime.front_door import FrontDoor
from twinvault_local.lambda_runtime.integration import Integration
from twinvault_local.lambda_runtime.workers import WorkerPool

_HOST = "127.0.0.1"
_KEEP_ALIVE_SECONDS = 60
_GRACE_SECONDS = 5  # for requests that are under way when the server is told to stop


class ApiPortError(TwinError):
    """The API's port cannot be listened on."""


class _HttpServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise the signal again after its shutdown; ``serve`` handles signals and exits with 0."""
        yield


async def serve(config: ServerConfig, *, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``on_ready`` gets the URL once each function has a worker, or a failed one.

    Raises:
        ApiPortError: before anything was started.
    """
    listener = _listen(config.api_port)
    pools = {function.name: WorkerPool(config, function) for function in config.functions}
    access_log = AccessLog(config.log_dir, line_format=config.access_log_format)
    http = _HttpServer(
        uvicorn.Config(
            FrontDoor(config, Integration(config, pools), access_log=access_log),
            interface="asgi3",
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
    )
    _stop_on_signals(http)
    announcing = asyncio.create_task(_announce(pools.values(), listener, on_ready))
    try:
        for pool in pools.values():
            pool.start()
        await http.serve(sockets=[listener])
    finally:
        announcing.cancel()
        await asyncio.gather(*(pool.stop() for pool in pools.values()))
        access_log.close()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port), backlog=1024)
    except OSError as error:
        raise ApiPortError(
            f"{_HOST}:{port} cannot be listened on: {error.strerror}", next_step="twinvault up --port <another>"
        ) from error


def _stop_on_signals(http: uvicorn.Server) -> None:
    def stop() -> None:
        http.should_exit = True

    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop)


async def _announce(pools: Iterable[WorkerPool], listener: socket.socket, on_ready: Callable[[str], None]) -> None:
    for pool in pools:
        await pool.settled.wait()
    on_ready(f"http://{_HOST}:{listener.getsockname()[1]}")
