"""Twins of a small app, in state folders and on ports of their own, and what they were brought up from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from twinvault_local import status
from twinvault_local.artifact.sources import Sources
from twinvault_local.machine import processes
from twinvault_local.machine.ports import free_port
from twinvault_local.state import SERVICES, StateFolder
from twinvault_local.status import Facts, Health
from twinvault_local.twin import Twin

type Templates = dict[str, dict[str, Any]]

WELL = dict.fromkeys(SERVICES, Health.WELL)
STOPPED = dict.fromkeys(SERVICES, Health.STOPPED)


@dataclass
class House:
    """A twin with what it is brought up from.

    Attributes:
        said: the progress it told.
        hears: is told the same, while it waits: a test may act in between.
    """

    twin: Twin
    made: Sources
    port: int = field(default_factory=free_port)
    said: list[str] = field(default_factory=list)
    hears: Callable[[str], None] = lambda _said: None

    @property
    def state(self) -> StateFolder:
        return self.twin.state

    def up(self) -> Facts:
        return self.twin.up(lambda _: self.made, port=self.port, progress=self._hear)[0]

    def _hear(self, said: str) -> None:
        self.said.append(said)
        self.hears(said)

    def services(self) -> dict[str, Health]:
        return dict(status.look(self.state).services)

    def pids(self) -> dict[str, int]:
        found = {name: processes.running(self.state.slot(name)) for name in SERVICES}
        return {name: pid for name, pid in found.items() if pid}


@pytest.fixture(scope="module")
def build(
    repository_cache: Path, write_sources: Callable[[Path, Templates], Sources]
) -> Iterator[Callable[[Path, Templates], House]]:
    """Houses; whatever still runs in one at the end is stopped."""
    houses: list[House] = []

    def house(folder: Path, templates: Templates) -> House:
        houses.append(House(Twin(StateFolder(folder / "state"), repository_cache), write_sources(folder, templates)))
        return houses[-1]

    yield house
    for one in houses:
        one.twin.down()


@pytest.fixture
def house(build: Callable[[Path, Templates], House], templates: Templates, tmp_path: Path) -> House:
    """A twin that is not up yet."""
    return build(tmp_path, templates)
