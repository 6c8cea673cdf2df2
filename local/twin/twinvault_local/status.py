"""Whether a twin runs, and what it tells of itself."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from twinvault_local.engines import starting
from twinvault_local.errors import NotRunningError, StateError
from twinvault_local.machine import files, processes
from twinvault_local.state import SERVER, SERVICES, StateFolder


class Health(StrEnum):
    """How one service does."""

    WELL = "well"  # its process lives and it answers
    SILENT = "silent"  # its process lives and it does not answer
    DIED = "died"  # it was started and its process is gone
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Facts:
    """What others need to know of a twin that came up; the first part of `twinvault status --json`.

    `endpoints` names the gate `dynamodb`, and DynamoDB Local itself, which serves the tables to `engine_access_key_id`
    without asking any policy, `dynamodb_engine`.
    """

    url: str
    launcher: str
    endpoints: Mapping[str, str]
    engine_access_key_id: str
    tables: Mapping[str, str]
    region: str
    artifact: str
    workers: str = "process"  # of the functions; a twin of an earlier version had no others

    @property
    def port(self) -> int:
        """The API's."""
        return int(self.url.rpartition(":")[2])

    def address(self, service: str) -> str:
        """Where a service answers."""
        return self.url if service == SERVER else self.endpoints[starting.ENDPOINT_OF[service]]


@dataclass(frozen=True, slots=True)
class Status:
    """How a twin does: its facts, where it came up, and each of its services."""

    facts: Facts | None
    services: Mapping[str, Health]

    @property
    def running(self) -> bool:
        """Whether everything is well."""
        return self.facts is not None and all(health is Health.WELL for health in self.services.values())

    @property
    def stopped(self) -> bool:
        """Whether nothing runs, and nothing died."""
        return all(health is Health.STOPPED for health in self.services.values())

    def as_json(self) -> dict[str, Any]:
        """One flat object, the facts first."""
        known = asdict(self.facts) if self.facts else {}
        return {**known, "running": self.running, "services": dict(self.services)}


def facts(state: StateFolder) -> Facts:
    """The facts of the twin that runs in this state folder.

    Raises:
        NotRunningError: none does, or a part of it died.
    """
    recorded = _recorded(state)
    alive = [processes.running(state.slot(name)) is not None for name in SERVICES]
    if recorded is None or not any(alive):
        raise NotRunningError(f"No twin runs in {state.folder}.", next_step="Start it: twinvault up")
    if not all(alive):
        died = ", ".join(name for name, lives in zip(SERVICES, alive, strict=True) if not lives)
        raise NotRunningError(f"A part of the twin died: {died}.", next_step="Start it again: twinvault up")
    return recorded


def look(state: StateFolder) -> Status:
    """How the twin in this state folder does; each living service is asked."""
    recorded = _recorded(state)
    return Status(recorded, {name: _health(state, name, recorded) for name in SERVICES})


def remember(state: StateFolder, recorded: Facts) -> None:
    """Write the facts down: from here on the twin counts as up."""
    files.write_json(state.twin, asdict(recorded))


def _recorded(state: StateFolder) -> Facts | None:
    content = files.read_json(state.twin)
    try:
        return Facts(**content) if content else None
    except TypeError:
        raise StateError(f"{state.twin} is of another version.", next_step="twinvault down && twinvault up") from None


def _health(state: StateFolder, name: str, recorded: Facts | None) -> Health:
    place = state.slot(name)
    if processes.running(place) is None:
        return Health.DIED if processes.remembered(place) else Health.STOPPED
    if recorded is None:
        return Health.SILENT
    return Health.WELL if starting.answers(name, recorded.address(name)) else Health.SILENT
