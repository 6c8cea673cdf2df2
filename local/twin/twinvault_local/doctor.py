"""Checks what this machine has of what the twin needs, and changes nothing."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from twinvault_local.engines import choice, docker, dynamodb, image, workers
from twinvault_local.engines.launcher import AUTO, DOCKER, PROCESS
from twinvault_local.errors import TwinError
from twinvault_local.machine import disk, ports, processes, toolchain
from twinvault_local.machine.system import Machine
from twinvault_local.state import SERVER, StateFolder

_PROBE_SECONDS = 20
_LITTLE_BYTES, _GB = 2_000_000_000, 1e9
_LITTLE_MEMORY = 1_500_000_000  # two engines, two workers for each function


class Grade(StrEnum):
    """How serious one finding is."""

    WELL = "well"
    NOTE = "note"  # it works, and there is something to know
    BAD = "bad"  # `up` would fail


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` says what to type or to install where it is not well."""

    what: str
    grade: Grade
    found: str
    advice: str = ""


def examine(
    state: StateFolder, cache: Path, *, port: int, architecture: str, machine: Machine | None = None
) -> list[Finding]:
    """All findings, in the order in which `up` would need them; `port` is the one that the API is to have.

    `architecture` is the stage's processor, and `machine` what is examined, if not the one that this runs on.
    """
    this = machine or Machine.here()
    fetched = dynamodb.is_fetched(cache)
    by_docker = _docker(state, this)
    in_docker = by_docker.grade is Grade.WELL and choice.fixed(state) != PROCESS
    return [
        Finding("machine", Grade.WELL, f"{this}; the stage's functions are for {architecture}"),
        _tool("Python", toolchain.base_python),
        _tool("Java", lambda: toolchain.find_java(this), needed=not in_docker),
        _tool("Maven", lambda: toolchain.find_maven(this), needed=not (in_docker or fetched)),
        _tool("Node.js", lambda: toolchain.find_node(this)),
        by_docker,
        _functions(architecture, this),
        Finding(
            "DynamoDB Local",
            Grade.WELL if fetched else Grade.NOTE,
            f"{dynamodb.VERSION} in {cache}" if fetched else "not fetched yet",
            "" if fetched else "The first `up` fetches it; or now: make fetch",
        ),
        *_ports(state, port),
        *_room(state, cache),
        *_state(state),
    ]


def _tool(what: str, find: Callable[[], Path], *, needed: bool = True) -> Finding:
    try:
        program = find()
    except TwinError as error:
        grade, spare = (Grade.BAD, "") if needed else (Grade.NOTE, " It is not needed as things are.")
        return Finding(what, grade, error.message + spare, error.next_step)
    return Finding(what, Grade.WELL, f"{_version(program)} ({program})")


def _version(program: Path) -> str:
    option = "-version" if program.name == "java" else "--version"
    try:
        done = subprocess.run([program, option], capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "of no known version"
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "of no known version"


def _functions(architecture: str, machine: Machine) -> Finding:
    try:
        engine = workers.choose(AUTO, architecture, machine=machine)
    except TwinError as error:
        return Finding("functions", Grade.BAD, error.message, error.next_step)
    found = "as processes of this machine" if engine is None else f"in Docker, in {image.LAMBDA}"
    return Finding("functions", Grade.WELL, found)


def _docker(state: StateFolder, machine: Machine) -> Finding:
    try:
        engine = docker.find()
    except TwinError as error:
        if choice.fixed(state) == DOCKER:
            return Finding("Docker", Grade.BAD, f"{error.message} This twin's data lies there.", error.next_step)
        try:
            dynamodb.refuse_other_processors(machine)
        except TwinError as why:
            return Finding("Docker", Grade.BAD, f"{error.message} {why.message}", error.next_step)
        return Finding("Docker", Grade.NOTE, f"{error.message} The engines run as plain processes instead.")
    return Finding("Docker", Grade.WELL, f"{_version(engine.program)} at {engine.host}")


def _ports(state: StateFolder, port: int) -> Iterator[Finding]:
    server = processes.running(state.slot(SERVER))
    if server is not None:
        yield Finding("ports", Grade.WELL, "the twin runs on its own")
    elif ports.is_free(port):
        yield Finding("ports", Grade.WELL, f"{port} is free")
    else:
        who = ports.listener(port) or "another program"
        yield Finding("ports", Grade.BAD, f"{port} is in use: {who}", f"twinvault up --port {ports.next_free(port)}")


def _room(state: StateFolder, cache: Path) -> Iterator[Finding]:
    for what, folder in (("disk of the state folder", state.folder), ("disk of the cache", cache)):
        left = disk.free(folder)
        grade = Grade.WELL if left >= _LITTLE_BYTES else Grade.NOTE
        grade = Grade.BAD if left < disk.NEEDED_BYTES else grade
        advice = "" if grade is Grade.WELL else "Free some space."
        yield Finding(what, grade, f"{left / _GB:.1f} GB free for {folder}", advice)
    memory = psutil.virtual_memory().available
    enough = memory >= _LITTLE_MEMORY
    advice = "" if enough else "End other programs: the engines and the functions take about 1.5 GB."
    yield Finding("memory", Grade.WELL if enough else Grade.NOTE, f"{memory / _GB:.1f} GB available", advice)


def _state(state: StateFolder) -> Iterator[Finding]:
    if not state.folder.exists():
        yield Finding("state folder", Grade.WELL, f"{state.folder}: none yet")
        return
    launcher = choice.fixed(state) or f"{AUTO}, for there is no data yet"
    try:
        state.check()
    except TwinError as error:
        yield Finding("state folder", Grade.BAD, error.message, error.next_step)
        return
    for path, mode in ((state.folder, 0o700), (state.seed, 0o600)):
        if path.exists() and (path.stat().st_mode & 0o777) & ~mode:
            found = f"{path} is open to others ({path.stat().st_mode & 0o777:04o})"
            yield Finding("state folder", Grade.BAD, found, f"chmod {mode:04o} {path}")
        elif path.exists() and not os.access(path, os.R_OK | os.W_OK):
            yield Finding("state folder", Grade.BAD, f"{path} is not yours", f"Own it: sudo chown -R $USER {path}")
    yield Finding("state folder", Grade.WELL, f"{state.folder}, launcher {launcher}")
