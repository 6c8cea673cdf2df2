"""What docs/testing.md says is so."""

import inspect
import re
from pathlib import Path

import boto3
import moto
import pytest
from moto import mock_aws

from twinvault import Clear, Kind, Record, TableNames, open_vault
from twinvault_testing import FaultsByName, OwnStore, RunningTwin, plugin
from twinvault_testing.tables import make_tables

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")


class Note(Record, sk="note"):
    colour: Clear[str]
    text: str


def test_its_example_is_the_one_that_is_run():
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert shown == (ROOT / "examples" / "testing" / "test_contracts.py").read_text(encoding="utf-8")


def test_it_names_every_fixture_and_every_setting():
    fixtures = [name for name, value in vars(plugin).items() if type(value).__name__ == "FixtureFunctionDefinition"]
    assert len(fixtures) > 10
    own = {"twinvault_cache", "twinvault_clock", "twinvault_engines"}  # what the others stand on
    assert [name for name in fixtures if name not in own and f"`{name}`" not in PAGE] == []
    settings = re.findall(r'"(twinvault_\w+)"', inspect.getsource(plugin).split("def ")[0])
    assert len(settings) == 5
    assert [name for name in settings if f"| `{name}` |" not in PAGE] == []


@pytest.mark.parametrize("shown", [OwnStore, FaultsByName, RunningTwin])
def test_it_names_what_they_offer(shown):
    offered = [name for name in vars(shown) if not name.startswith("_") and name not in {"state", "permissions"}]
    assert len(offered) > 8
    assert [name for name in offered if not re.search(rf"[`.]{name}\b", PAGE) and name not in {"close", "clear"}] == []


def test_moto_takes_no_parameters_in_an_insert():
    assert f"moto {moto.__version__}" in PAGE
    caller = {"region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    with mock_aws():
        dynamodb = boto3.client("dynamodb", endpoint_url="https://dynamodb.eu-central-1.amazonaws.com", **caller)
        kms = boto3.client("kms", endpoint_url="https://kms.eu-central-1.amazonaws.com", **caller)
        tables = make_tables(dynamodb, TableNames("records", "keys", "marks", "audit"))
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        vault = open_vault(store="s", dynamodb=dynamodb, kms=kms, tables=tables, root_keys=[key])
        with (
            pytest.raises(TypeError, match=r"Unsupported type .*Variable") as caught,
            vault.acting(tenant="acme", principal="u-1", action="note.put") as acting,
        ):
            acting.partition(Kind("notes", [Note]), "n").put(Note(colour="red", text="x"))
    assert f"TypeError: {caught.value}" in PAGE
