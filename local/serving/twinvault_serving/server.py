"""One process that serves: where it listens, until when, and with which of uvicorn's settings."""

import asyncio
import contextlib
import functools
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping

import uvicorn
from uvicorn.server import ServerState

from twinvault_serving.exchange import Application, Receive, Scope, Send
from twinvault_serving.wire import AwsProtocol

LOOPBACK = "127.0.0.1"
_BACKLOG = 1024


class Server(uvicorn.Server):
    """Serves until SIGTERM or SIGINT, and then ends in good order. `tls`: the ports that speak TLS, and with what."""

    def __init__(self, config: uvicorn.Config, *, tls: Mapping[int, ssl.SSLContext]) -> None:
        super().__init__(config)
        self._tls = tls

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections from here on; uvicorn knows TLS on all of its ports or on none."""
        given = {each: self._tls.get(each.getsockname()[1]) for each in sockets or []}
        await super().startup([each for each, context in given.items() if context is None])
        protocol = functools.partial(
            AwsProtocol, config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        for each, context in given.items():
            if context is not None:
                loop = asyncio.get_running_loop()
                self.servers.append(await loop.create_server(protocol, sock=each, ssl=context, backlog=_BACKLOG))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise the signal again after its shutdown, which would then kill the process."""

        def stop() -> None:
            self.should_exit = True

        for one in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(one, stop)
        yield


def server(
    app: Application,
    *,
    keep_alive_seconds: int,
    grace_seconds: int,
    tls: Mapping[int, ssl.SSLContext] | None = None,
    dates: bool = True,
) -> Server:
    """A server of one ASGI application; an idle connection is closed, and one at work at the end is waited for.

    `tls`: the ports that speak TLS; `dates`: whether answers begin with their date, or the application says it.
    """
    config = _config(app, keep_alive_seconds=keep_alive_seconds, grace_seconds=grace_seconds, dates=dates)
    return Server(config, tls=tls or {})


def protocols(app: Application) -> Callable[[], asyncio.Protocol]:
    """What a listener of the running loop makes of each connection, where a whole server would be too much."""
    config = _config(app)
    config.load()
    return functools.partial(AwsProtocol, config=config, server_state=ServerState(), app_state={})


def on_two_ports(app: Application, other: Application, *, second: int) -> Application:
    """Return one application for two ports: whoever comes in by the second port gets the other one."""

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        await (other if scope["server"][1] == second else app)(scope, receive, send)

    return dispatch


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections from here on; port 0 is any free one.

    Raises:
        OSError: it cannot be listened on there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


def _config(
    app: Application, *, keep_alive_seconds: int = 5, grace_seconds: int | None = None, dates: bool = True
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        loop="uvloop",
        http=AwsProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=dates,
        proxy_headers=False,
        timeout_keep_alive=keep_alive_seconds,
        timeout_graceful_shutdown=grace_seconds,
    )
