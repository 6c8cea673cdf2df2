"""The twin that the end-to-end tests share."""

from collections.abc import Iterator

import pytest
from vaults import ROOT, Vault, make_sources

from twinvault_local.artifact.sources import Sources
from twinvault_local.twin import Twin
from twinvault_testing import RunningTwin


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """What the twins of these tests are brought up from."""
    return make_sources(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def somebodys_shell() -> Iterator[pytest.MonkeyPatch]:
    """As if the twin was brought up from a shell in which somebody worked with the real AWS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "realsecretrealsecret")
        yield patch


@pytest.fixture(scope="session")
def twin(somebodys_shell: pytest.MonkeyPatch, twin: RunningTwin) -> RunningTwin:
    """The plugin's own, up from that shell."""
    somebodys_shell.undo()
    return twin


@pytest.fixture(scope="session")
def vault(twin: RunningTwin, made: Sources) -> Vault:
    """The twin that these tests share; each uses dialogue ids or tenants of its own."""
    return Vault(Twin(twin.state, ROOT / ".cache"), twin.facts, made)
