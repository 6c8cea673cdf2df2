"""Ports of this machine: which are free, who listens on which."""

import socket

import psutil

from twinvault_serving.server import LOOPBACK

__all__ = ["LOOPBACK", "free_port", "is_free", "listener"]


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


def listener(port: int) -> str:
    """Who listens on `port`, in words for a message; empty where this user may not see it."""
    try:
        connections = psutil.net_connections(kind="tcp")
        pids = {c.pid for c in connections if c.status == psutil.CONN_LISTEN and c.laddr and c.laddr.port == port}
        return ", ".join(f"{psutil.Process(pid).name()} (pid {pid})" for pid in sorted(filter(None, pids)))
    except psutil.Error:
        return ""
