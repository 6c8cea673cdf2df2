"""Ends what runs in a state folder when the tests are gone, however they went: `python -m twinvault_testing.keeper`.

The twin's processes outlive whoever starts them, on purpose. Tests hold one end of a pipe; when nobody does any more,
for a kill of the test run ends no process but its own, the keeper says `down`.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twinvault_local.state import StateFolder
from twinvault_local.twin import Twin

_END_SECONDS = 60


@contextmanager
def kept(state: StateFolder, cache: Path) -> Iterator[None]:
    """Within, and when it is left, and when this process dies within: nothing of the state folder runs on."""
    command = [sys.executable, "-m", "twinvault_testing.keeper", str(state.folder), str(cache)]
    # A session of its own: Ctrl-C at the terminal is for the tests.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as keeper:
        try:
            yield
        finally:
            try:
                Twin(state, cache).down()
            except BaseException:
                keeper.communicate(timeout=_END_SECONDS)  # it tries once more
                raise
            keeper.kill()


def main(arguments: list[str]) -> int:
    """Wait for the end of standard input, then end the twin or the engines of a state folder."""
    folder, cache = map(Path, arguments)
    sys.stdin.buffer.read()
    Twin(StateFolder(folder), cache).down()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
