"""The JavaScript implementation in envelope-js/, as its tests run it: node, and the one package that it needs."""

import fcntl
import shutil
import subprocess
from functools import cache
from pathlib import Path

ENVELOPE_JS = Path(__file__).parent.parent / "envelope-js"
_SECONDS = 120


def run_node(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Runs node in envelope-js/, with `given` on its standard input."""
    _install()
    return _run("node", *arguments, given=given)


@cache
def _install() -> None:
    """`npm ci`, unless what is installed is what the lock file says; one worker of the tests at a time."""
    lock, installed = ENVELOPE_JS / "package-lock.json", ENVELOPE_JS / "node_modules" / ".installed"
    with (ENVELOPE_JS / "package.json").open() as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if installed.exists() and installed.read_bytes() == lock.read_bytes():
            return
        done = _run("npm", "ci", "--ignore-scripts")
        assert done.returncode == 0, done.stderr
        installed.write_bytes(lock.read_bytes())


def _run(command: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    # Node 20 is a requirement of the project (README): its absence is a failure, not a skip.
    path = shutil.which(command)
    assert path, f"{command} is not on PATH; install Node 20 or newer"
    return subprocess.run(
        [path, *arguments], cwd=ENVELOPE_JS, check=False, input=given, capture_output=True, text=True, timeout=_SECONDS
    )
