"""The Lambda server: one process and one event loop for the front door, each worker's Runtime API, and the workers."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from twinvault_lambda.access_log import AccessLog
from twinvault_lambda.config import ServerConfig
from twinvault_lambda.errors import ApiPortError, LambdaServerError
from twinvault_lambda.fleet import Fleet
from twinvault_lambda.front_door import FrontDoor
from twinvault_lambda.integration import Integration

_HOST = "127.0.0.1"
_KEEP_ALIVE_SECONDS = 60
_GRACE_SECONDS = 5  # for requests that are under way when the server is told to stop


class _HttpServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise the signal again after its shutdown; ``serve`` handles signals and exits with 0."""
        yield


async def serve(config: ServerConfig, *, reread: Callable[[], ServerConfig], say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; at SIGHUP, take the functions of the configuration as it then is.

    ``say`` gets `ready URL` once each function has a worker, or a failed one, and the lines of ``standing``.

    Raises:
        ApiPortError: before anything was started.
    """
    listener = _listen(config.api_port)
    fleet = Fleet(config)
    access_log = AccessLog(config.log_dir, line_format=config.access_log_format)
    http = _HttpServer(
        uvicorn.Config(
            FrontDoor(config, Integration(config, fleet.pools), access_log=access_log),
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
    announcing = asyncio.create_task(_announce(fleet, listener, say))
    exchanges = _exchange_on_signal(fleet, reread, say)
    try:
        await http.serve(sockets=[listener])
    finally:
        for task in (announcing, *exchanges):
            task.cancel()
        await fleet.stop()
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


def _exchange_on_signal(
    fleet: Fleet, reread: Callable[[], ServerConfig], say: Callable[[str], None]
) -> set[asyncio.Task[None]]:
    """The exchanges that are under way, as SIGHUP brings them."""
    under_way: set[asyncio.Task[None]] = set()

    async def exchange() -> None:
        try:
            verdict, standing = await fleet.exchange(reread())
        except (LambdaServerError, OSError) as error:
            say(str(error))
        else:
            say(standing.line(verdict))

    def begin() -> None:
        task = asyncio.get_running_loop().create_task(exchange())
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, begin)
    return under_way


async def _announce(fleet: Fleet, listener: socket.socket, say: Callable[[str], None]) -> None:
    standing = await fleet.start()
    say(f"ready http://{_HOST}:{listener.getsockname()[1]}\n{standing.line('serving')}")
