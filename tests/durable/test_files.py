"""A file is the old or the new one, and a lock ends with its process."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import twinvault_durable as durable

_HOLD = """
import pathlib, sys
import twinvault_durable as durable
with durable.held(pathlib.Path(sys.argv[1]), wait=False):
    print(flush=True)
    sys.stdin.read()
"""


def test_a_write_replaces_the_whole_file_and_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a longer content than the next one")
    file.chmod(0o644)
    durable.write(file, b"new")
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_can_be_for_others_to_read(tmp_path: Path) -> None:
    durable.write(tmp_path / "file", b"x", mode=0o644)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("put", [durable.write, durable.create])
def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, put) -> None:
    with pytest.raises(TypeError):
        put(tmp_path / "file", "no bytes")
    assert list(tmp_path.iterdir()) == []


def test_what_exists_is_not_created_again(tmp_path: Path) -> None:
    durable.create(tmp_path / "file", b"first")
    with pytest.raises(FileExistsError):
        durable.create(tmp_path / "file", b"second")
    assert (tmp_path / "file").read_bytes() == b"first"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_lock_is_refused_while_another_process_holds_it_and_free_once_that_one_was_killed(tmp_path: Path) -> None:
    lock = tmp_path / "folder" / "lock"
    command = [sys.executable, "-c", _HOLD, lock]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(durable.HeldError), durable.held(lock, wait=False):
            pytest.fail("it was held")
        other.send_signal(signal.SIGKILL)
    with durable.held(lock, wait=False):
        assert lock.stat().st_mode & 0o777 == 0o600


def test_an_error_of_the_holder_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), durable.held(tmp_path / "lock", wait=False):
        raise BlockingIOError
