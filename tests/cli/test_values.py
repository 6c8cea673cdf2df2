"""What values complete to, and what the command says of a table and an AWS that are not there."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from dialogues.reading import STATUSES
from tests.cli.calling import Call
from tests.cli.service import Service
from tests.stores import make_tables
from twinvault import JOBS
from twinvault_cli import completing

TWINVAULT = Path(sys.executable).with_name("twinvault")


def completed(typed: str, **environment: str) -> set[str]:
    known = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TWINVAULT_STATE": "/nowhere", **environment}
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)}
    known |= {"_TWINVAULT_COMPLETE": "complete_bash", **words}
    done = subprocess.run([str(TWINVAULT)], env=known, capture_output=True, text=True, check=False)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        pytest.param("twinvault list --status conv", {"converging", "converged"}, id="statuses"),
        pytest.param("twinvault maintain start re", {"rewrite", "reindex", "reencrypt"}, id="works"),
        pytest.param("twinvault maintain start rewrite d", {"dialogue"}, id="kinds"),
        pytest.param("twinvault verify-deploy --stage p", {"prod"}, id="stages"),
        pytest.param("twinvault up --launcher p", {"process"}, id="launchers"),
    ],
)
def test_a_shell_completes_values(typed: str, values: set[str]) -> None:
    assert completed(typed) == values


def test_the_last_of_several_permissions_is_completed() -> None:
    assert completing.complete_permissions("dialogues:read,keys:ro") == ["dialogues:read,keys:rotate"]


def test_what_the_service_knows_is_asked_of_it_and_nobody_waits_for_one_that_is_not_there(service: Service) -> None:
    service.answers["/dialogues"] = (200, {"dialogues": [{"id": "ab"}, {"id": "b"}, {}], "cursor": None})
    known = {"TWINVAULT_URL": service.url, "TWINVAULT_TOKEN": "t"}
    assert completed("twinvault show a", **known) == {"ab"}
    assert completed("twinvault show a", **{**known, "TWINVAULT_URL": "http://127.0.0.1:9"}) == set()
    assert completed("twinvault show a") == set()


def test_the_values_are_those_of_the_service() -> None:
    assert set(completing.STATUSES) == set(STATUSES)
    assert {job.name for job in JOBS} <= set(completing.WORKS)


def test_raw_of_nothing_is_the_callers_fault(
    call: Call, dynamodb_endpoint: str, aws: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynamodb_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", aws["aws_access_key_id"])
    client = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, **aws)
    tables = make_tables(client)
    place = ("--table", tables.records, "--region", aws["region_name"])
    done = call("raw", "tenant#demo#dialogue#nothing", *place)
    assert (done.code, done.out) == (2, "")
    assert "has no items of tenant#demo#dialogue#nothing" in done.err
    assert json.loads(call("raw", "tenant#demo#", *place, "--json").out)["error"]["exit_code"] == 2
    client.put_item(TableName=tables.records, Item={"pk": {"S": "tenant#demo#"}, "sk": {"S": "a"}})
    assert call("raw", "tenant#demo#", *place).code == 0


def test_verify_deploy_without_a_network_is_a_dependency(call: Call, tmp_path: Path) -> None:
    zipped = tmp_path / "functions.zip"
    zipped.write_bytes(b"zip")
    place = ("--stage", "prod", "--artifact", str(zipped), "--templates", str(tmp_path))
    done = call("verify-deploy", *place)
    assert (done.code, "AWS does not answer" in done.err) == (4, True), done.err


def test_verify_deploy_without_a_region_is_the_callers_fault(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    zipped = tmp_path / "functions.zip"
    zipped.write_bytes(b"zip")
    done = call("verify-deploy", "--stage", "nowhere", "--artifact", str(zipped), "--templates", str(tmp_path))
    assert (done.code, "--region" in done.err) == (2, True), done.err
