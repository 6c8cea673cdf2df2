"""What the functions' workers are: processes of this machine, or containers of Lambda's own image.

They run on the stage's processor or not at all. An emulated one is neither this machine's nor Lambda's, so a Docker
engine of another processor will not do either (docs/adr/0030).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twinvault_lambda import container
from twinvault_lambda.config import ContainerConfig
from twinvault_local.engines import docker, image
from twinvault_local.engines.docker import Docker
from twinvault_local.engines.launcher import DOCKER, PROCESS
from twinvault_local.errors import EngineError, FetchError, ToolMissingError
from twinvault_local.machine import files, toolchain
from twinvault_local.machine.ports import LOOPBACK
from twinvault_local.machine.progress import Progress
from twinvault_local.machine.system import LINUX, Machine
from twinvault_local.state import StateFolder

HOST = "host.docker.internal"
"""What this machine is called by containers that do not share its network: Docker Desktop's own name for it."""
_PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
_OTHER_PROCESSOR = "Go to such a machine; or give the stages of cdk.json this one's processor (docs/laptops.md)."


@dataclass(frozen=True, slots=True)
class Sandboxes:
    """What the Lambda server is told of them; `engine` where they are containers."""

    name: str
    python: Path
    runtime: Path
    containers: ContainerConfig | None = None
    engine: Docker | None = None

    @property
    def host(self) -> str:
        """This machine's name where the workers are."""
        return LOOPBACK if self.containers is None else self.containers.host


def choose(
    asked: str, architecture: str, *, machine: Machine, find: Callable[[], Docker] = docker.find
) -> Docker | None:
    """The engine in which workers for `architecture` run, or None where they are processes of this machine.

    Raises:
        ToolMissingError: this machine runs nothing for that processor, or not in the way that is `asked` for.
    """
    fits = machine == Machine(LINUX, architecture)
    if fits and asked != DOCKER:
        toolchain.base_python()
        return None
    if machine.architecture != architecture:
        raise ToolMissingError(
            f"The stage is for {architecture} and this is {machine}: its functions run on their own processor or"
            " not at all.",
            next_step=_OTHER_PROCESSOR,
        )
    if asked == PROCESS:
        raise ToolMissingError(
            f"Functions run as plain processes on Linux alone, and this is {machine}.",
            next_step="In Docker: twinvault up --workers docker",
        )
    try:
        engine = find()
    except ToolMissingError as error:
        why = "" if asked == DOCKER else f" Functions run in Docker on {machine}."
        raise ToolMissingError(f"{error.message}{why}", next_step=error.next_step) from None
    if engine.architecture != architecture:
        raise ToolMissingError(
            f"The stage is for {architecture} and Docker's engine here is of {engine.architecture}: functions run on"
            " their own processor or not at all.",
            next_step=_OTHER_PROCESSOR,
        )
    return engine


def prepare(
    asked: str, architecture: str, *, state: StateFolder, cache: Path, machine: Machine, progress: Progress
) -> Sandboxes:
    """All that workers for `architecture` need, fetched where it is missing; none is started.

    Raises:
        ToolMissingError: as `choose`.
        FetchError: Lambda's runtime client, or its image, is not to be had.
    """
    engine = choose(asked, architecture, machine=machine)
    if engine is None:
        python = toolchain.base_python()
        return Sandboxes(PROCESS, python, toolchain.ensure_lambda_runtime(cache, python))
    which = _ensure_image(engine, architecture, progress)
    progress(f"the functions run in {image.LAMBDA}, {which}")
    containers = ContainerConfig(
        image=image.LAMBDA,
        platform=_PLATFORMS[architecture],
        socket=Path(engine.host.removeprefix("unix://")),
        user=_owner(state, engine),
        label=label(state),
        network="bridge" if engine.apart else "host",
        host=HOST if engine.apart else LOOPBACK,
    )
    return Sandboxes(DOCKER, container.PYTHON, container.RUNTIME_DIR, containers, engine)


def label(state: StateFolder) -> str:
    """The label that the workers of this state folder bear as containers, and nothing else does."""
    return f"twinvault.workers.{hashlib.sha256(str(state.folder).encode()).hexdigest()[:16]}"


def remember(state: StateFolder, workers: Sandboxes) -> None:
    """Write down, before any is started, that containers of this twin's workers may run."""
    if workers.containers is not None:
        files.write_json(state.workers, {"label": workers.containers.label})


def remove(state: StateFolder) -> None:
    """End what is left of workers in containers: a Lambda server that was killed leaves them behind.

    Where no engine answers none of them runs; they are removed by the next call.

    Raises:
        EngineError: Docker refuses.
    """
    if not state.workers.exists():
        return
    try:
        engine = docker.find()
    except ToolMissingError:
        return
    listed = engine.run("ps", "--all", "--quiet", "--filter", f"label={files.read_json(state.workers)['label']}")
    left = listed.stdout.split()
    done = engine.run("rm", "--force", "--volumes", *left) if left else listed
    if done.returncode != 0:
        raise EngineError(
            f"Docker could not remove the functions' containers:\n{docker.tail(done)}",
            next_step="Mend what Docker says, then type the command again.",
        )
    state.workers.unlink()


def _owner(state: StateFolder, engine: Docker) -> str:
    """Who reads the unpacked code; a rootless engine's root is the user that runs it."""
    if engine.rootless:
        return "0:0"
    there = next(one for one in (state.folder, *state.folder.parents) if one.exists()).stat()
    return f"{there.st_uid}:{there.st_gid}"


def _ensure_image(engine: Docker, architecture: str, progress: Progress) -> str:
    """Which image it is that bears the name, by its digest; pulled where it is missing or for another processor."""
    if _image(engine, "{{.Architecture}}") != _PLATFORMS[architecture].partition("/")[2]:
        progress(f"pulling {image.LAMBDA} for {architecture} (once)")
        done = engine.run("pull", "--quiet", "--platform", _PLATFORMS[architecture], image.LAMBDA)
        if done.returncode != 0:
            raise FetchError(
                f"Docker could not pull {image.LAMBDA}:\n{docker.tail(done)}",
                next_step="Check the network, then type the command again.",
            )
    return _image(engine, "{{.Id}}")


def _image(engine: Docker, what: str) -> str:
    return engine.run("image", "inspect", "--format", what, image.LAMBDA).stdout.strip()
