"""A lock is of the file that has the name now: its holder may remove it, with the folder that it is in."""

import shutil
import threading
from pathlib import Path

import pytest

import twinvault_durable as durable


def test_a_second_one_is_refused(tmp_path: Path) -> None:
    with durable.held(tmp_path / "lock", wait=False), pytest.raises(durable.HeldError):
        durable.held(tmp_path / "lock", wait=False).__enter__()


def test_who_waited_for_a_lock_that_was_removed_holds_the_one_of_that_name(tmp_path: Path) -> None:
    path, waited = tmp_path / "state" / "lock", threading.Event()

    def wait() -> None:
        with durable.held(path, wait=True):
            waited.set()
            released.wait(30)

    released = threading.Event()
    with durable.held(path, wait=False):
        thread = threading.Thread(target=wait)
        thread.start()
        shutil.rmtree(path.parent)
    assert waited.wait(30)
    with pytest.raises(durable.HeldError):
        durable.held(path, wait=False).__enter__()
    released.set()
    thread.join(30)
