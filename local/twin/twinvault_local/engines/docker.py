"""Docker as a launcher: which engine answers, and its words where it refuses.

Source: Docker CLI reference, `docker info`, `docker context inspect`, `docker compose version`.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinvault_local.errors import ToolMissingError
from twinvault_local.machine import system
from twinvault_local.machine.system import Machine

INSTALL = "Start Docker, or install it with Compose (https://docs.docker.com/engine/install/)"
_COMPOSE_AT_LEAST = 2
_PROBE_SECONDS = 20
_WORK_SECONDS = 900
_TAIL_LINES = 8


@dataclass(frozen=True, slots=True)
class Docker:
    """One engine on this machine that answered, and the command that speaks to it."""

    program: Path
    host: str
    rootless: bool
    architecture: str = "x86_64"  # of its kernel, as Lambda calls it
    apart: bool = False  # whether it runs in a machine of its own, as Docker Desktop does: 127.0.0.1 there is not ours

    def run(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run `docker ARGUMENTS` with `variables` on top of the caller's environment."""
        setting = ["env", *(f"{name}={value}" for name, value in variables.items())] if variables else []
        return _run([*setting, *self.command(*arguments)], seconds=_WORK_SECONDS)

    def command(self, *arguments: str) -> list[str]:
        """The command line of `docker ARGUMENTS` to this engine, whatever the environment says."""
        return [str(self.program), "--host", self.host, *arguments]

    def has_image(self, name: str) -> bool:
        """Whether the engine holds this image."""
        return self.run("image", "inspect", "--format", "ok", name).returncode == 0


def find() -> Docker:
    """The engine that `docker` speaks to.

    Raises:
        ToolMissingError: there is no `docker`, no engine of this machine answers, or it has no Compose.
    """
    program = shutil.which("docker")
    if program is None:
        raise ToolMissingError("There is no `docker` on PATH.", next_step=f"{INSTALL}.")
    info = _run([program, "info", "--format", "{{json .}}"], seconds=_PROBE_SECONDS)
    engine = _parse(info.stdout)
    if not engine.get("ServerVersion"):
        reason = last_line(info.stderr) or "it says nothing"
        raise ToolMissingError(f"No Docker engine answers: {reason}", next_step=f"{INSTALL}.")
    where = _run(
        [program, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], seconds=_PROBE_SECONDS
    ).stdout.strip()
    if not where.startswith("unix://"):
        # Its 127.0.0.1 is not ours, and it cannot see the state folder.
        raise ToolMissingError(
            f"Docker's engine is not on this machine ({where}).", next_step="Choose one that is: docker context use"
        )
    compose = _run([program, "compose", "version", "--short"], seconds=_PROBE_SECONDS).stdout.strip().lstrip("v")
    if not compose.partition(".")[0].isdigit() or int(compose.partition(".")[0]) < _COMPOSE_AT_LEAST:
        raise ToolMissingError("Docker has no Compose of version 2 or later.", next_step=f"{INSTALL}.")
    return Docker(
        Path(program),
        where,
        rootless=any("rootless" in one for one in engine.get("SecurityOptions") or ()),
        architecture=system.lambdas(str(engine.get("Architecture"))),
        apart=Machine.here().system != system.LINUX or engine.get("OperatingSystem") == "Docker Desktop",
    )


def tail(done: "subprocess.CompletedProcess[str]") -> str:
    """The end of what a command wrote, for a message."""
    return "\n".join((done.stdout + done.stderr).strip().splitlines()[-_TAIL_LINES:])


def last_line(text: str) -> str:
    """The last line of `text` that is not empty."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _parse(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _run(command: list[str], *, seconds: int) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"`docker` did not end within {seconds} s.")
