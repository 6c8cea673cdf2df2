"""Newer code in a running twin: exchanged in one step, or not at all, while the engines go on."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from houses import House, Templates

from twinvault_lambda.config import ServerConfig
from twinvault_local import status
from twinvault_local.errors import LoadError, NotRunningError
from twinvault_local.inner_loop import loading, reloading


@pytest.fixture(scope="module")
def up(
    build: Callable[[Path, Templates], House],
    fresh_templates: Callable[[], Templates],
    tmp_path_factory: pytest.TempPathFactory,
) -> House:
    """A twin that is up; tests that use it leave it up."""
    house = build(tmp_path_factory.mktemp("up"), fresh_templates())
    house.up()
    return house


def edited(house: House, old: str, new: str) -> Path:
    """The house's artifact with its handlers edited."""
    with zipfile.ZipFile(house.made.artifact) as file:
        content = {name: file.read(name).decode() for name in file.namelist()}
    content["small/handlers.py"] = content["small/handlers.py"].replace(old, new)
    made = house.made.artifact.with_name("edited.zip")
    with zipfile.ZipFile(made, "w") as file:
        for name, text in content.items():
            file.writestr(zipfile.ZipInfo(name), text)
    return made


def test_newer_code_serves_and_no_engine_stops(up: House) -> None:
    before, pids = status.facts(up.state), up.pids()
    facts, changed = reloading.reload(up.state, edited(up, '"statusCode": 201', '"statusCode": 202'))
    assert changed
    assert httpx.post(f"{facts.url}/things").status_code == 202
    assert up.pids() == pids
    assert facts == status.facts(up.state)
    assert facts.artifact != before.artifact
    answer = httpx.get(f"{facts.url}/things/7").json()
    assert answer["file"].startswith(str(up.state.artifact / facts.artifact))
    assert answer["environment"]["TWINVAULT_ARTIFACT"] == facts.artifact, "an entry must not name code that is gone"
    again, changed = reloading.reload(up.state, up.made.artifact.with_name("edited.zip"))
    assert (again, changed) == (facts, False)


def test_code_that_cannot_start_is_refused_with_what_it_said_and_the_older_goes_on(up: House) -> None:
    facts, config = status.facts(up.state), up.state.server.read_text()
    before = httpx.post(f"{facts.url}/things").status_code
    with pytest.raises(LoadError, match="small-dev-read cannot start") as caught:
        reloading.reload(up.state, edited(up, "import os", "import no_such_module"))
    assert "No module named 'no_such_module'" in caught.value.message
    assert "goes on serving" in caught.value.message
    assert "twinvault reload" in caught.value.next_step
    assert httpx.post(f"{facts.url}/things").status_code == before
    assert status.facts(up.state) == facts
    assert facts.artifact in {path.name for path in up.state.artifact.iterdir()}
    assert len(list(up.state.artifact.iterdir())) <= 2, "what was refused is not kept"
    assert ServerConfig.from_json(config).task_root == ServerConfig.from_json(up.state.server.read_text()).task_root
    assert reloading.reload(up.state, edited(up, '"statusCode": 201', '"statusCode": 203'))[1]
    assert httpx.post(f"{facts.url}/things").status_code == 203


def test_a_function_that_fails_at_its_first_load_is_named_and_a_reload_mends_it(house: House) -> None:
    good = house.made.artifact
    house.made = type(house.made)(house.made.assembly, edited(house, "import os", "import no_such_module"))
    facts = house.up()
    failed = loading.failed(house.state)
    assert set(failed) == {"small-dev-read", "small-dev-write"}
    assert "no_such_module" in loading.error(house.state, failed, what_holds="").message
    assert httpx.post(f"{facts.url}/things").status_code == 500
    reloading.reload(house.state, good)
    assert not loading.failed(house.state)
    assert httpx.post(f"{facts.url}/things").status_code == 201


def test_without_a_twin_there_is_nothing_to_reload(house: House) -> None:
    with pytest.raises(NotRunningError, match="twinvault up"):
        reloading.reload(house.state, house.made.artifact)
