"""The twin that the end-to-end tests share."""

from collections.abc import Iterator

import pytest
from vaults import Vault, bring_up, make_sources

from twinvault_local.artifact.sources import Sources


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """What the twins of these tests are brought up from."""
    return make_sources(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory, made: Sources) -> Iterator[Vault]:
    """The twin that these tests share; each uses dialogue ids or tenants of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL")  # as if in the caller's shell
        patch.setenv("AWS_SECRET_ACCESS_KEY", "realsecretrealsecret")
        up = bring_up(tmp_path_factory.mktemp("vault") / "state", made)
    yield up
    up.twin.down()
