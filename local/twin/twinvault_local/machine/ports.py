"""Ports of this machine: which are free, who listens on which."""

import socket
from collections.abc import Iterator
from typing import Any

import psutil

from twinvault_serving.server import LOOPBACK

__all__ = ["LOOPBACK", "free_port", "is_free", "listener", "listeners", "next_free"]


_LAST = 65535


def free_port() -> int:
    """A port that was free a moment ago on every interface (DynamoDB Local binds them all)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a server may listen on `port`: a closed connection's TIME_WAIT does not count, a listener does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def next_free(port: int) -> int:
    """The first free port after `port`, among the next hundred; else any."""
    following = range(port + 1, min(port + 101, _LAST + 1))
    return next((one for one in following if is_free(one)), None) or free_port()


def listeners(port: int) -> set[int]:
    """The ids of the processes that listen on `port`, as far as this user may see them."""
    try:
        connections = [(one.pid, one) for one in psutil.net_connections(kind="tcp")]
    except psutil.Error:  # macOS tells root alone of all of them
        connections = list(_of_this_user())
    listening = (pid for pid, c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port)
    return {pid for pid in listening if pid}


def _of_this_user() -> Iterator[tuple[int, Any]]:
    """The connections of the processes that may be asked one by one: this user's own."""
    for process in psutil.process_iter():
        try:
            yield from ((process.pid, one) for one in process.net_connections(kind="tcp"))
        except psutil.Error:
            continue


def listener(port: int) -> str:
    """Who listens on `port`, in words for a message; empty where this user may not see it."""
    try:
        return ", ".join(f"{psutil.Process(pid).name()} (pid {pid})" for pid in sorted(listeners(port)))
    except psutil.Error:
        return ""
