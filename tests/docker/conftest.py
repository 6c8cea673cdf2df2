"""One twin for all tests here, its engines in Docker: `make test-docker` runs them, only where an engine answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from vaults import ROOT, Vault, make_sources

from twinvault_local.artifact.sources import Sources
from twinvault_local.engines.launcher import DOCKER
from twinvault_local.machine.ports import free_port
from twinvault_local.state import StateFolder
from twinvault_local.twin import Twin


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """What the twins of these tests are brought up from."""
    return make_sources(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory, made: Sources) -> Iterator[Vault]:
    """A twin whose engines are containers; wiped at the end."""
    twin = Twin(StateFolder(tmp_path_factory.mktemp("vault") / "state"), ROOT / ".cache")
    try:
        facts, _ = twin.up(lambda _: made, port=free_port(), progress=print, launcher=DOCKER)
        yield Vault(twin, facts, made)
    finally:
        twin.reset()


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Twin]:
    """A twin that is not up yet; wiped at the end."""
    one = Twin(StateFolder(tmp_path / "state"), ROOT / ".cache")
    yield one
    one.reset()
