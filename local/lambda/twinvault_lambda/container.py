"""A worker as a container of AWS's own Lambda image, on a machine that cannot run the artifact itself.

The image's runtime client asks our Runtime API over the network that the configuration names; the code is mounted where
Lambda has it, read-only. A container outlives a server that is killed: it bears a label, by which `down` finds it.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from twinvault_lambda.config import ContainerConfig
from twinvault_lambda.docker_engine import DockerEngine, EngineRefusedError

TASK_ROOT, RUNTIME_DIR, PYTHON = Path("/var/task"), Path("/var/runtime"), Path("/var/lang/bin/python3.13")
"""Where the image has what a worker of this machine has elsewhere."""
_NOT_RUN = 125  # the status with which `docker run` says that it was not the program that failed
_SIGNALLED = 128
_MB = 1024 * 1024
_TMP_MB = 512  # Lambda's own size of /tmp
_THREADS = 1024  # Lambda's limit of processes and threads ("Lambda quotas")


class ContainerProcess:
    """What ``WorkerProcess`` is, as a container. All that Docker does takes a moment: calls say what is wanted."""

    def __init__(
        self,
        settings: ContainerConfig,
        *,
        handler: str,
        environment: Mapping[str, str],
        code: Path,
        memory_mb: int,
        on_lines: Callable[[bytes], None],
        on_exit: Callable[[int], None],
    ) -> None:
        self.out_of_memory = False
        self._settings = settings
        self._created = _created(settings, handler=handler, environment=environment, code=code, memory_mb=memory_mb)
        self._on_lines = on_lines
        self._on_exit = on_exit
        self._killed = self._frozen = self._over = False
        self._used_mb = 0
        self._changed = asyncio.Event()
        self._life = asyncio.get_running_loop().create_task(self._live())

    def is_alive(self) -> bool:
        """Whether it has neither ended nor is about to."""
        return not (self._killed or self._over)

    def kill(self) -> None:
        """End it, a frozen one too; ``on_exit`` follows."""
        self._killed = True
        self._changed.set()

    def freeze(self) -> None:
        """Halt it, unless ``thaw`` comes first."""
        self._frozen = True
        self._changed.set()

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self._frozen = False
        self._changed.set()

    def peak_memory_mb(self) -> int:
        """What it had when it was last frozen: before that Docker is not asked, for it takes its time."""
        return self._used_mb

    def drain(self) -> None:
        """Nothing: what a container writes comes by Docker's engine, a moment later."""

    async def _live(self) -> None:
        status = _NOT_RUN
        try:
            async with DockerEngine(self._settings.socket) as engine:
                status = await self._run(engine)
        except (httpx.HTTPError, EngineRefusedError) as error:
            self._on_lines(f"Docker could not run the function: {error}\n".encode(errors="replace"))
        self._over = True
        self._on_exit(_SIGNALLED - status if status > _SIGNALLED else status)

    async def _run(self, engine: DockerEngine) -> int:
        """From the container's making to its removal; its exit status."""
        container = await engine.create(self._created, platform=self._settings.platform)
        steering = None
        try:
            await engine.start(container)
            steering = asyncio.create_task(self._steer(engine, container))
            async for lines in engine.output(container):
                self._on_lines(lines)
            ended = await engine.ended(container)
            self.out_of_memory = ended.out_of_memory
            return ended.status
        finally:
            if steering is not None:
                steering.cancel()
            await engine.remove(container)

    async def _steer(self, engine: DockerEngine, container: str) -> None:
        """Bring the container to what is wanted of it, again and again; of what changes meanwhile, the last counts."""
        is_frozen = False
        while True:
            await self._changed.wait()
            self._changed.clear()
            with contextlib.suppress(EngineRefusedError, httpx.HTTPError):  # it has ended, and _run hears of it
                if is_frozen and (self._killed or not self._frozen):
                    await engine.unpause(container)
                    is_frozen = False
                if self._killed:
                    await engine.kill(container)
                elif self._frozen and not is_frozen:
                    await engine.pause(container)
                    is_frozen = True
                    self._used_mb = max(self._used_mb, await engine.memory_mb(container))


def _created(
    settings: ContainerConfig, *, handler: str, environment: Mapping[str, str], code: Path, memory_mb: int
) -> dict[str, Any]:
    """What Docker makes the container of: few rights, the memory that the function has, and its code to read."""
    return {
        "Image": settings.image,
        "Cmd": [handler],
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "User": settings.user,
        "Labels": {settings.label: handler},
        "HostConfig": {
            "NetworkMode": settings.network,
            # Docker's own names know it on a Mac, this line on Linux.
            "ExtraHosts": [] if settings.network == "host" else [f"{settings.host}:host-gateway"],
            "Mounts": [{"Type": "bind", "Source": str(code), "Target": str(TASK_ROOT), "ReadOnly": True}],
            "Tmpfs": {"/tmp": f"rw,mode=1777,size={_TMP_MB}m"},  # noqa: S108  # Lambda's one folder that can be written
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "Memory": memory_mb * _MB,
            "MemorySwap": memory_mb * _MB,
            "PidsLimit": _THREADS,
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "8m", "max-file": "1"}},
        },
    }
