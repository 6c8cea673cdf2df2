"""What the twin asks of a launcher, whichever it is: `--launcher` of the command chooses one."""

from dataclasses import dataclass
from typing import Protocol

from twinvault_local.machine.progress import Progress

AUTO, DOCKER, PROCESS = "auto", "docker", "process"
IN_WORDS = {DOCKER: "in Docker", PROCESS: "as plain processes"}


@dataclass(frozen=True, slots=True)
class Claims:
    """The form of the tokens that the functions expect."""

    audience: str
    tenant_claim: str
    permissions_claim: str


class Launcher(Protocol):
    """Starts and stops the engines, the gate among them. They answer alike, whichever launcher started them."""

    @property
    def name(self) -> str:
        """As `--launcher` spells it."""

    def ready(self, progress: Progress) -> None:
        """Fetch what is missing, and start nothing.

        Raises:
            ToolMissingError, FetchError: it is not to be had.
        """

    def start(self, claims: Claims, *, provisioner: str, progress: Progress) -> dict[str, str]:
        """Fetch what is still missing and start the engines; where they answer on this machine (`starting.endpoints`).

        `provisioner` is the access key id that the gate lets make tables.

        Raises:
            ToolMissingError, FetchError, EngineError: and something may have started; `stop` ends it.
        """

    def stop(self) -> list[str]:
        """End the engines, whatever half of them runs; the names of those that had been running."""

    def wipe(self) -> None:
        """Delete for good what lies outside the state folder; the engines are stopped."""
