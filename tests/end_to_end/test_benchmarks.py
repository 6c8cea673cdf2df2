"""The benchmarks that need a whole twin run against one, with tiny sizes."""

import pytest
from vaults import Vault

from benchmarks import front_door, imports, tables
from benchmarks.running import Running
from twinvault_cli.client import Client

pytestmark = pytest.mark.xdist_group("end_to_end")


def test_clients_at_the_front_door_are_all_answered(vault: Vault):
    path = front_door.import_example(Client(vault.facts.url, vault.token("bench")))
    found = front_door.measure(vault.facts.url + path, vault.token("bench"), [1, 3], seconds=0.2)
    assert [one["errors"] for one in found.values()] == [{}, {}]
    assert all(one["requests"] > 0 for one in found.values())
    assert tables.front_door(found).count("none") == 2


def test_an_answer_that_is_no_success_is_counted_as_an_error(vault: Vault):
    found = front_door.measure(f"{vault.facts.url}/dialogues/nothing", vault.token("bench"), [1], seconds=0.1)
    assert list(found["1"]["errors"]) == ["404"]


def test_imports_over_http(vault: Vault):
    found = imports.measure("http", imports.by_http(Running(vault.facts.url, vault.twin.state)), [120], samples=1)
    assert found["120"]["requests"] == 1
