"""Ports of this machine: which are free, who listens on which."""

import socket

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
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return set()
    listening = (c for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port)
    return {c.pid for c in listening if c.pid}


def listener(port: int) -> str:
    """Who listens on `port`, in words for a message; empty where this user may not see it."""
    try:
        return ", ".join(f"{psutil.Process(pid).name()} (pid {pid})" for pid in sorted(listeners(port)))
    except psutil.Error:
        return ""
