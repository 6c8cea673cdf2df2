"""Ports: free or not, and who listens."""

import os
import socket

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
