"""What an `up` must have before it stops what runs: a refusal then leaves everything as it was."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from twinvault_local.artifact import sources
from twinvault_local.engines import workers
from twinvault_local.engines.launcher import AUTO, Claims, Launcher
from twinvault_local.engines.workers import Sandboxes
from twinvault_local.errors import PortInUseError, TemplateError
from twinvault_local.machine import disk, ports, processes
from twinvault_local.machine.progress import Progress
from twinvault_local.machine.system import Machine
from twinvault_local.provision import callers, functions
from twinvault_local.provision.template import Assembly
from twinvault_local.state import SERVER, StateFolder


@dataclass(frozen=True, slots=True)
class Ready:
    """All that a twin is started from."""

    launcher: Launcher
    port: int
    artifact: Path
    assembly: Assembly
    claims: Claims
    workers: Sandboxes


@dataclass(frozen=True, slots=True)
class Preparation:
    """Who prepares: a state folder, and the cache that all twins of a checkout share."""

    state: StateFolder
    cache: Path

    def make(
        self,
        make: Callable[[Progress], sources.Sources],
        launcher: Launcher,
        *,
        port: int,
        progress: Progress,
        asked_workers: str = AUTO,
    ) -> Ready:
        """Everything fetched, built, and read from the template.

        Raises:
            TwinError: something of it is not to be had; nothing was stopped, nothing was started.
        """
        refuse_used(port, processes.running(self.state.slot(SERVER)))
        disk.refuse_full(self.state.folder)
        launcher.ready(progress)
        made = make(progress)
        assembly = Assembly.load(made.assembly)
        callers.roles(assembly)  # who has a role is told before anybody needs it
        chosen = workers.prepare(
            asked_workers,
            functions.architecture(assembly),
            state=self.state,
            cache=self.cache,
            machine=Machine.here(),
            progress=progress,
        )
        return Ready(
            launcher=launcher,
            port=port,
            artifact=made.artifact,
            assembly=assembly,
            claims=_claims(assembly),
            workers=chosen,
        )


def refuse_used(port: int, own: int | None) -> None:
    """Raise PortInUseError where another program than the process `own` listens on a port, and offer a free one."""
    if ports.is_free(port) or (own is not None and own in ports.listeners(port)):
        return
    who = ports.listener(port) or "another program"
    other = ports.next_free(port)
    raise PortInUseError(
        f"Port {port} is in use: {who} listens on it.",
        next_step=f"End that program, or take a free port: twinvault up --port {other}    or: make demo PORT={other}",
    )


def _claims(assembly: Assembly) -> Claims:
    """The form of the tokens that the functions expect, as the template tells them."""
    variables = ("TWINVAULT_AUDIENCE", "TWINVAULT_TENANT_CLAIM", "TWINVAULT_PERMISSIONS_CLAIM")
    for resource in assembly.resources(functions.FUNCTION):
        declared = resource.properties.get("Environment", {}).get("Variables", {})
        if all(isinstance(declared.get(name), str) for name in variables):
            return Claims(*(declared[name] for name in variables))
    raise TemplateError(f"No function of the template declares {', '.join(variables)}.")
