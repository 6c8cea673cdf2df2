"""The plugin that pytest finds by itself: options, and the fixtures `twin`, `vault`, `api`, `token` and their kin.

Nothing but pytest is imported before a fixture is asked for: a run that uses none pays for none.
"""
# ruff: noqa: PLC0415

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from twinvault import Vault
    from twinvault_testing.clock import MovableClock
    from twinvault_testing.engines import OwnEngines
    from twinvault_testing.faults import FaultsByName
    from twinvault_testing.store import OwnStore
    from twinvault_testing.twins import RunningTwin

_APP, _STAGE, _CACHE = "twinvault_app", "twinvault_stage", "twinvault_cache"
_STORE, _PERMISSIONS = "twinvault_store", "twinvault_permissions"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of docs/testing.md."""
    group = parser.getgroup("twinvault")
    group.addoption("--twinvault-app", metavar="PATH", help="the project whose twin is tested: a folder with cdk.json")
    parser.addini(_APP, "the project whose twin is tested: a folder with cdk.json (default: rootdir's)", "string", "")
    group.addoption("--twinvault-stage", metavar="NAME", help="the stage of its cdk.json")
    parser.addini(_STAGE, "the stage of its cdk.json (default: the one that it names)", "string", "")
    parser.addini(_CACHE, "where the engines are kept (default: .cache of the project)", "string", "")
    parser.addini(_STORE, "the logical name of the stores of `store` and `vault`", "string", "testing")
    parser.addini(_PERMISSIONS, "what a token permits where a test does not say (default: all of dialogues)", "args")


def project_of(config: pytest.Config) -> Path:
    """The project that is tested: the option's, else the setting's, else the one that rootdir lies in."""
    from twinvault_local.machine.checkout import project_above

    given, root = str(config.getoption("--twinvault-app") or config.getini(_APP)), config.rootpath
    if given:
        return (root / given).resolve()
    return project_above(root) or root


@pytest.fixture(scope="session")
def twinvault_cache(pytestconfig: pytest.Config) -> Path:
    """Where the engines are kept, fetched once; shared, for nothing that runs writes there."""
    given = pytestconfig.getini(_CACHE)
    found = (pytestconfig.rootpath / given).resolve() if given else project_of(pytestconfig) / ".cache"
    found.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture(scope="session")
def twinvault_clock() -> "MovableClock":
    """The one clock of a session; tests ask for `clock`, which nobody finds moved."""
    from twinvault_testing.clock import MovableClock

    return MovableClock()


@pytest.fixture(scope="session")
def twinvault_engines(
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
    twinvault_cache: Path,
    twinvault_clock: "MovableClock",
) -> "Iterator[OwnEngines]":
    """DynamoDB Local, one for the session (with xdist, for each worker), and the stores over it."""
    from twinvault_testing.engines import running_engines

    folder, name = tmp_path_factory.mktemp("twinvault"), str(pytestconfig.getini(_STORE))
    with running_engines(folder, twinvault_cache, name=name, clock=twinvault_clock) as engines:
        yield engines


@pytest.fixture
def store(twinvault_engines: "OwnEngines") -> "Iterator[OwnStore]":
    """An empty store of the test's own: tables, keys, vault, faults, clock, snapshots."""
    with twinvault_engines.store() as own:
        yield own


@pytest.fixture
def vault(store: "OwnStore") -> "Vault":
    """A `twinvault.Vault` over an empty store of the test's own."""
    return store.vault


@pytest.fixture(scope="session")
def session_store(twinvault_engines: "OwnEngines") -> "Iterator[OwnStore]":
    """One store for all tests that ask for it; what one puts there, the next finds."""
    with twinvault_engines.store() as own:
        yield own


@pytest.fixture(scope="session")
def session_vault(session_store: "OwnStore") -> "Vault":
    """A vault over the session's store."""
    return session_store.vault


@pytest.fixture
def faults(store: "OwnStore") -> "FaultsByName":
    """What goes wrong with the test's own store, by name. A twin's are `twin.faults`."""
    return store.faults


@pytest.fixture
def clock(twinvault_clock: "MovableClock") -> "Iterator[MovableClock]":
    """The time of day of vaults, their KMS and tokens; the machine's own again after the test."""
    yield twinvault_clock
    twinvault_clock.reset()


@pytest.fixture(scope="session")
def twin(
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
    twinvault_cache: Path,
    twinvault_clock: "MovableClock",
) -> "Iterator[RunningTwin]":
    """The whole twin of the project, up: API, workers, gate, KMS, issuer; beside any `twinvault up`."""
    from twinvault_local.artifact.project import Project
    from twinvault_local.tokens import ALL_PERMISSIONS
    from twinvault_testing.twins import running_twin

    stage = pytestconfig.getoption("--twinvault-stage") or pytestconfig.getini(_STAGE) or None
    project, folder = Project.read(project_of(pytestconfig), stage=stage), tmp_path_factory.mktemp("twinvault")
    permissions = pytestconfig.getini(_PERMISSIONS) or ALL_PERMISSIONS
    with running_twin(
        project, folder, cache=twinvault_cache, clock=twinvault_clock, permissions=permissions
    ) as running:
        yield running


@pytest.fixture
def tenant() -> str:
    """A tenant that no other test has, so that tests may share a twin."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def token(twin: "RunningTwin", tenant: str) -> Callable[..., str]:
    """Makes bearer tokens of the twin: `token(permissions=[...], subject=..., tenant=..., expires_in=...)`."""

    def made(**options: Any) -> str:  # noqa: ANN401  # as `RunningTwin.token` types them
        return twin.token(**{"tenant": tenant, **options})

    return made


@pytest.fixture
def api(twin: "RunningTwin", token: Callable[..., str]) -> "Iterator[httpx.Client]":
    """A client of the twin's API, with its URL and a token of the test's tenant: `api.get("/dialogues")`."""
    with twin.client(token()) as client:
        yield client
