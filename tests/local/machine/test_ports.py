"""Ports: free or not, and who listens."""

import os
import socket

import psutil
import pytest

from twinvault_local.machine import ports


def test_a_listened_port_is_not_free_and_its_listener_is_named() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert not ports.is_free(port)
        assert str(os.getpid()) in ports.listener(port)
    assert ports.is_free(port)
    assert not ports.listener(port)


def test_a_free_port_is_free() -> None:
    assert ports.is_free(ports.free_port())


def test_where_only_root_sees_all_of_them_ones_own_listeners_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS."""

    def refused(**_: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refused)
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        assert ports.listeners(server.getsockname()[1]) == {os.getpid()}
