"""One worker's operating system process: started, read from, measured, ended. Linux only, as the workers are."""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # prctl(2)
_LIBC = ctypes.CDLL(None)
_SIGKILL_BIT = 1 << (signal.SIGKILL - 1)
_CHUNK = 65_536
_LONGEST_LINE = (
    262_144  # CloudWatch's limit of one log event ("CloudWatch Logs quotas"); what is longer is broken there
)


class WorkerProcess:
    """A process group of its own, which dies with the server however the server dies.

    ``on_lines`` gets whole lines of stdout and stderr; ``on_exit`` the exit status, once, after the last line.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        on_lines: Callable[[bytes], None],
        on_exit: Callable[[int], None],
    ) -> None:
        self.out_of_memory = False  # whoever watches ``peak_memory_mb`` ends it before the kernel does
        self._on_lines = on_lines
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        self._partial = b""
        self._pipe, write_end = os.pipe()
        os.set_blocking(self._pipe, False)
        server = os.getpid()
        try:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=write_end,
                stderr=write_end,
                start_new_session=True,
                preexec_fn=lambda: _die_with(server),  # noqa: PLW1509  # the server has one thread, so no lock is held
            )
        except OSError:
            os.close(self._pipe)
            raise
        finally:
            os.close(write_end)
        self.pid = self._process.pid
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pipe, self.drain)
        self._loop.add_reader(self._pidfd, self._exited)

    def is_alive(self) -> bool:
        """Asks the kernel, for the loop may not have heard yet; a process that is being killed is not alive."""
        status = self._status()
        pending = int(status.get("SigPnd", "0"), 16) | int(status.get("ShdPnd", "0"), 16)
        return status.get("State", "X")[0] not in "ZX" and not pending & _SIGKILL_BIT

    def kill(self) -> None:
        """End the whole group, a frozen one too; ``on_exit`` follows."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Halt the whole group where it stands: not one more instruction until ``thaw``."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen group go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def peak_memory_mb(self) -> int:
        """The largest resident set so far, 0 for a process that is gone."""
        return int(self._status().get("VmHWM", "0").split()[0]) // 1024

    def _status(self) -> dict[str, str]:
        """The fields of /proc/<pid>/status (proc(5)); none once the process is reaped."""
        if self._process.returncode is not None:
            return {}
        try:
            text = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return {}
        fields = (line.partition(":") for line in text.splitlines())
        return {name: value.strip() for name, _, value in fields}

    def drain(self) -> None:
        """Hand on every line written so far, so that a platform line that follows stands behind them."""
        while True:
            try:
                data = os.read(self._pipe, _CHUNK)
            except BlockingIOError:
                return
            if not data:
                self._loop.remove_reader(self._pipe)
                return
            lines, newline, rest = (self._partial + data).rpartition(b"\n")
            if len(rest) >= _LONGEST_LINE:
                lines, newline, rest = lines + newline + rest, b"\n", b""
            self._partial = rest
            if newline:
                self._on_lines(lines + newline)

    def _exited(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self.kill()  # the leader is not yet reaped, so the group's number is still ours; its children go with it
        status = self._process.wait()
        self.drain()
        if self._partial:
            self._on_lines(self._partial + b"\n")
        self._loop.remove_reader(self._pipe)
        os.close(self._pipe)
        os.close(self._pidfd)
        self._on_exit(status)


def _die_with(server: int) -> None:
    """Have the kernel kill this process with the server; exit if that died already. Runs in the child before exec."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)
