"""The Lambda server: one process and one event loop for front door, Runtime APIs, workers and schedules."""

import asyncio
import signal
import socket
from collections.abc import Callable

from twinvault_lambda.access_log import AccessLog
from twinvault_lambda.config import ServerConfig
from twinvault_lambda.errors import ApiPortError, LambdaServerError
from twinvault_lambda.fleet import Fleet
from twinvault_lambda.front_door import FrontDoor
from twinvault_lambda.integration import Integration
from twinvault_lambda.permissions import InvokePermissions
from twinvault_lambda.schedules import Schedules
from twinvault_serving.server import LOOPBACK, listen, server

_KEEP_ALIVE_SECONDS = 60
_GRACE_SECONDS = 5  # for requests that are under way when the server is told to stop


async def serve(config: ServerConfig, *, reread: Callable[[], ServerConfig], say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; at SIGHUP, take the functions of the configuration as it then is.

    At SIGUSR1 every schedule calls its function, beside those calls that are due. ``say`` gets `ready URL` once each
    function has a worker, or a failed one, the lines of ``standing``, and those of ``schedules``.

    Raises:
        ApiPortError: before anything was started.
    """
    listener = _listen(config.api_port)
    fleet = Fleet(config)
    access_log = AccessLog(config.log_dir, line_format=config.access_log_format)
    permissions = InvokePermissions(config)
    integration = Integration(config, fleet.pools, permissions=permissions)
    front_door = FrontDoor(config, integration, access_log=access_log)
    http = server(front_door, keep_alive_seconds=_KEEP_ALIVE_SECONDS, grace_seconds=_GRACE_SECONDS)
    schedules = Schedules(config, fleet.pools, permissions=permissions, say=say)
    announcing = asyncio.create_task(_announce(fleet, schedules, listener=listener, say=say))
    exchanges = _exchange_on_signal(fleet, reread, say)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, schedules.fire)
    try:
        await http.serve(sockets=[listener])
    finally:
        for task in (announcing, *exchanges):
            task.cancel()
        await schedules.stop()
        await fleet.stop()
        access_log.close()
        permissions.close()


def _listen(port: int) -> socket.socket:
    try:
        return listen(LOOPBACK, port)
    except OSError as error:
        raise ApiPortError(
            f"{LOOPBACK}:{port} cannot be listened on: {error.strerror}", next_step="twinvault up --port <another>"
        ) from error


def _exchange_on_signal(
    fleet: Fleet, reread: Callable[[], ServerConfig], say: Callable[[str], None]
) -> set[asyncio.Task[None]]:
    """The exchanges that are under way, as SIGHUP brings them."""
    under_way: set[asyncio.Task[None]] = set()

    async def exchange() -> None:
        try:
            result, standing = await fleet.exchange(reread())
        except (LambdaServerError, OSError) as error:
            say(str(error))
        else:
            say(standing.line(result))

    def begin() -> None:
        task = asyncio.get_running_loop().create_task(exchange())
        under_way.add(task)
        task.add_done_callback(under_way.discard)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, begin)
    return under_way


async def _announce(fleet: Fleet, schedules: Schedules, *, listener: socket.socket, say: Callable[[str], None]) -> None:
    """Say so when each function has a worker, or a failed one; the schedules' time runs from then on."""
    standing = await fleet.start()
    say(f"ready http://{LOOPBACK}:{listener.getsockname()[1]}\n{standing.line('serving')}")
    schedules.start()
