"""Processes that outlive the command that started them, found again by a file and never mistaken for another.

A process is known by its pid and by when it started. The start is counted in kernel ticks since a boot, which
its id names: the wall clock may be set while a laptop sleeps, and pids begin anew after a reboot.
"""

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from twinvault_local.machine import files, waiting

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_START_FIELD = 19  # proc(5): starttime is field 22; three stand before the split at the closing parenthesis
_KEEP_LOG_BYTES = 8_000_000
GRACE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one process: the file that remembers it and the log that it writes."""

    name: str
    run: Path
    logs: Path

    @property
    def file(self) -> Path:
        """Pid and start time, as JSON."""
        return self.run / f"{self.name}.json"

    @property
    def log(self) -> Path:
        """Standard output and error."""
        return self.logs / f"{self.name}.log"


def start(slot: Slot, command: Sequence[str], *, environment: Mapping[str, str]) -> int:
    """Start `command` in a session of its own, with exactly `environment`, and remember it; the pid.

    A log that has grown large is set aside once, as `<name>.log.1`.
    """
    if slot.log.exists() and slot.log.stat().st_size > _KEEP_LOG_BYTES:
        slot.log.replace(slot.log.with_suffix(".log.1"))
    log_from = slot.log.stat().st_size if slot.log.exists() else 0
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        command[0],
        list(command),
        dict(environment),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(slot.log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,  # a Ctrl-C at the terminal is not for the engines
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP],  # a shell's background job ignores SIGINT
    )
    files.write_json(slot.file, {"pid": pid, "started": started(pid), "log_from": log_from})
    return pid


def started(pid: int) -> str | None:
    """When the process `pid` started, as a text that no other process of this machine ever has; None if it is dead."""
    try:
        if _BOOT.exists():
            ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            return None if ticks[0] in "ZX" else f"{_BOOT.read_text(encoding='ascii').strip()}:{ticks[_START_FIELD]}"
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except (OSError, IndexError, psutil.Error):
        return None


def remembered(slot: Slot) -> bool:
    """Whether the slot remembers a process, alive or not."""
    return slot.file.exists()


def running(slot: Slot) -> int | None:
    """The pid of the slot's process, if that very process is alive."""
    note = files.read_json(slot.file)
    pid, when = note.get("pid"), note.get("started")
    return pid if isinstance(pid, int) and when is not None and started(pid) == when else None


def stop(slot: Slot) -> bool:
    """End the slot's process and forget it; whether it had been alive. A process that only has its pid is left alone.

    SIGTERM first, and where that does not help, SIGKILL to the whole session.
    """
    pid = running(slot)
    if pid is not None:
        _signal(pid, signal.SIGTERM)
        if not waiting.until(lambda: _gone(slot, pid), seconds=GRACE_SECONDS):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            waiting.until(lambda: _gone(slot, pid), seconds=GRACE_SECONDS)
    slot.file.unlink(missing_ok=True)
    return pid is not None


def output(slot: Slot) -> str:
    """What the slot's process has written since it was started; nothing of what ran here before it."""
    if not slot.log.exists():
        return ""
    with slot.log.open("rb") as file:
        file.seek(int(files.read_json(slot.file).get("log_from", 0)))
        return file.read().decode(errors="replace")


def last_words(slot: Slot, *, lines: int = 5) -> str:
    """The end of what the slot's process wrote, for a message about a process that died."""
    return "\n".join(output(slot).splitlines()[-lines:])


def _gone(slot: Slot, pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # where this very command started it, it is ours to reap
    return running(slot) is None


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
