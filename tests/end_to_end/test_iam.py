"""What a twin's ledgers say after real requests: what each function did with what it is granted."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samples import dialogue
from vaults import Vault

from twinvault_local.state import LEDGERS

pytestmark = pytest.mark.xdist_group("end_to_end")

TWINVAULT = Path(sys.executable).with_name("twinvault")
IMPORT, READ = "twinvault-dev-import", "twinvault-dev-read"


def iam(vault: Vault, *options: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    line = [str(TWINVAULT), "iam", "--state", str(vault.twin.state.folder), *options]
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def functions(vault: Vault) -> dict[str, Any]:
    assert vault.load(dialogue("iam-1")).status_code < 300
    assert vault.export("iam-1").status_code == 200
    told = json.loads(iam(vault, "--json").stdout)
    assert told["recorded_under_other_policies"] == 0
    return dict(told["functions"])


def actions(functions: dict[str, Any], name: str, what: str) -> set[tuple[str, str]]:
    return {(one["action"], one["resource"]) for one in functions[name][what]}


def test_what_a_request_needs_is_used(functions: dict[str, Any]) -> None:
    used = actions(functions, IMPORT, "used")
    assert {("dynamodb:PartiQLInsert", table) for table in ("Records", "Keys", "Marks", "Audit")} <= used
    assert {("kms:GenerateDataKey", "RootKey"), ("kms:Decrypt", "TableKey")} <= used
    assert ("dynamodb:PartiQLInsert", "Audit") in actions(functions, READ, "used")
    invoked = {resource for action, resource in used if action == "lambda:InvokeFunction"}
    assert invoked == {f"apigateway.amazonaws.com > {IMPORT}:live"}


def test_used_and_never_used_are_all_that_is_granted(functions: dict[str, Any]) -> None:
    for name in functions:
        granted, used, never = (actions(functions, name, what) for what in ("granted", "used", "never_used"))
        assert granted == used | never
        assert granted, name


def test_for_people_it_is_a_list_by_function(vault: Vault, functions: dict[str, Any]) -> None:
    lines = iam(vault).stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == list(functions)
    assert any(line.split()[:3] == ["used", "dynamodb:PartiQLInsert", "Audit"] for line in lines)


def test_the_ledgers_are_their_owners_alone(vault: Vault, functions: dict[str, Any]) -> None:
    assert functions
    paths = [vault.twin.state.ledger_of(service) for service in LEDGERS]
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
