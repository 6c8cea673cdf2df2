"""What a worker runs in: a process of this machine, or a container where the configuration says so."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from twinvault_lambda import container
from twinvault_lambda.config import FunctionConfig, ServerConfig
from twinvault_lambda.environment import worker_command, worker_environment
from twinvault_lambda.process import WorkerProcess

_IMAGES_OWN = ("PATH", "PYTHONPATH")  # what the image knows better


class Sandbox(Protocol):
    """A started worker. ``on_lines`` and ``on_exit`` were given to whoever started it."""

    out_of_memory: bool
    """Whether it ended for want of memory, where it is not us who watch that."""

    def is_alive(self) -> bool:
        """Whether it runs at this very moment."""

    def kill(self) -> None:
        """End it, whatever it does."""

    def freeze(self) -> None:
        """Halt it until ``thaw``."""

    def thaw(self) -> None:
        """Let it go on."""

    def peak_memory_mb(self) -> int:
        """The most memory that it is known to have had."""

    def drain(self) -> None:
        """Hand on what it has written, as far as that is here."""


def start(
    config: ServerConfig,
    function: FunctionConfig,
    *,
    runtime_api: str,
    log_stream: str,
    on_lines: Callable[[bytes], None],
    on_exit: Callable[[int], None],
) -> Sandbox:
    """Start a worker that asks the Runtime API at ``runtime_api``.

    Raises:
        OSError: a process could not be started; what keeps a container from starting is its end.
    """
    if config.containers is None:
        return WorkerProcess(
            worker_command(config, function),
            environment=worker_environment(config, function, runtime_api=runtime_api, log_stream=log_stream),
            folder=config.task_root,
            on_lines=on_lines,
            on_exit=on_exit,
        )
    inside = replace(config, task_root=container.TASK_ROOT, runtime_dir=container.RUNTIME_DIR)
    environment = worker_environment(inside, function, runtime_api=runtime_api, log_stream=log_stream)
    return container.ContainerProcess(
        config.containers,
        handler=function.handler,
        environment={name: value for name, value in environment.items() if name not in _IMAGES_OWN},
        code=config.task_root,
        memory_mb=function.memory_mb,
        on_lines=on_lines,
        on_exit=on_exit,
    )
