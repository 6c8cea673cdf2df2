"""`twinvault env`: a shell that calls the twin in a function's name, and never the real AWS, whatever it was before."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from samples import dialogue
from vaults import Vault

pytestmark = pytest.mark.xdist_group("end_to_end")

BIN = Path(sys.executable).parent
PAGE = (Path(__file__).parents[2] / "docs" / "environment.md").read_text(encoding="utf-8")
NAMES = {
    *("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_KMS", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("TWINVAULT_RECORDS_TABLE", "TWINVAULT_KEYS_TABLE", "TWINVAULT_AUDIT_TABLE", "TWINVAULT_MARKS_TABLE"),
    *("TWINVAULT_ROOT_KEYS", "TWINVAULT_ISSUER", "TWINVAULT_URL"),
}
# What boto3 makes of the shell's variables: where it would go, what it is answered, and by what open_vault opens.
PROGRAM = """
import boto3, json, os
from botocore.exceptions import BotoCoreError, ClientError

def said(call, **arguments):
    try:
        return sorted(call(**arguments))
    except ClientError as error:
        return error.response["Error"]["Code"]
    except BotoCoreError as error:
        return type(error).__name__

names = ("dynamodb", "dynamodbstreams", "kms", "s3", "sts", "sqs", "lambda")
clients = {name: boto3.client(name) for name in names}
told = {"addresses": {name: client.meta.endpoint_url for name, client in clients.items()}}
told["region"] = clients["kms"].meta.region_name
records = os.environ.get("TWINVAULT_RECORDS_TABLE", "records")
dynamodb, key = clients["dynamodb"], {"pk": {"S": "nothing"}, "sk": {"S": "head"}}
if os.environ.get("ASK"):
    told["get"] = said(dynamodb.get_item, TableName=records, Key=key)
    told["put"] = said(dynamodb.put_item, TableName=records, Item=key)
    told["make"] = said(dynamodb.delete_table, TableName=records)
    told["streams"] = said(clients["dynamodbstreams"].list_streams)
    told["key"] = said(clients["kms"].generate_data_key, KeyId=os.environ["TWINVAULT_ROOT_KEYS"], NumberOfBytes=32)
    told["s3"] = said(clients["s3"].list_buckets)
    told["sts"] = said(clients["sts"].get_caller_identity)
print(json.dumps(told))
"""


@pytest.fixture
def polluted(tmp_path: Path) -> dict[str, str]:
    """The variables of a shell in which somebody worked with the real AWS."""
    (tmp_path / "config").write_text(
        "[default]\nregion = us-west-2\nendpoint_url = https://example.com\n"
        "[profile prod]\nregion = us-west-2\nservices = prod\nignore_configured_endpoint_urls = true\n"
        "[services prod]\ndynamodb =\n  endpoint_url = https://dynamodb.us-west-2.amazonaws.com\n",
        encoding="utf-8",
    )
    (tmp_path / "credentials").write_text(
        "[prod]\naws_access_key_id = AKIAREALREALREALREAL\naws_secret_access_key = real\n", encoding="utf-8"
    )
    return {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_PROFILE": "prod",
        "AWS_DEFAULT_PROFILE": "prod",
        "AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_REGION": "us-west-2",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_ENDPOINT_URL_DYNAMODB": "https://dynamodb.us-west-2.amazonaws.com",
        "AWS_ENDPOINT_URL_S3": "https://s3.us-west-2.amazonaws.com",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }


def shell(vault: Vault, script: str, environment: dict[str, str]) -> str:
    known = {**environment, "TWINVAULT_STATE": str(vault.twin.state.folder), "PROGRAM": PROGRAM}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=known, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.denies("read", "dynamodb:PutItem")
@pytest.mark.denies("read", "dynamodb:DeleteTable")
@pytest.mark.denies("read", "dynamodb:ListStreams")
@pytest.mark.denies("read", "kms:GenerateDataKey")
def test_a_polluted_shell_calls_the_twin_in_a_functions_name_and_the_real_aws_never(
    vault: Vault, polluted: dict[str, str]
) -> None:
    before: dict[str, Any] = json.loads(shell(vault, 'python -c "$PROGRAM"', polluted))
    assert all(address.endswith((".com", ".aws")) for address in before["addresses"].values()), (
        "this shell is to lead to AWS"
    )
    told: dict[str, Any] = json.loads(
        shell(vault, 'eval "$(twinvault env --as read)"; ASK=yes python -c "$PROGRAM"', polluted)
    )
    gate, kms = vault.facts.endpoints["dynamodb"], vault.facts.endpoints["kms"]
    addresses = {"dynamodb": gate, "dynamodbstreams": gate, "kms": kms}
    assert told["addresses"] == dict.fromkeys(told["addresses"], "http://127.0.0.1:9") | addresses
    assert told["region"] == vault.facts.region
    assert told["get"] == ["ResponseMetadata"]
    assert {told[name] for name in ("put", "make", "streams", "key")} == {"AccessDeniedException"}
    assert {told[name] for name in ("s3", "sts")} == {"EndpointConnectionError"}
    said = shell(vault, "twinvault logs read", polluted).replace("\n", " ")
    role = "arn:aws:iam::000000000000:role/twinvault-dev-read-eu-central-1"
    refused = f"WARNING refused: User: {role} is not authorized to perform: "
    for action in ("dynamodb:PutItem", "dynamodb:DeleteTable", "dynamodb:ListStreams", "kms:GenerateDataKey"):
        assert refused + action in said


def test_without_a_function_there_are_endpoints_and_names_alone(vault: Vault, polluted: dict[str, str]) -> None:
    told = json.loads(shell(vault, "twinvault env --json", polluted))
    whole = json.loads(shell(vault, "twinvault env --as import --json", polluted))
    assert {name for name, value in whole.items() if value} >= NAMES
    assert whole.keys() - told.keys() == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert {name: whole[name] for name in told} == told
    assert whole["AWS_ACCESS_KEY_ID"] == "TWINVAULTDEVIMPORTEUCENTRAL1"
    assert told["TWINVAULT_MARKS_TABLE"] == vault.facts.tables["marks"]
    assert {name for name, value in told.items() if value is None} == {
        *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"),
        *("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"),
    }


@pytest.mark.denies("read", "dynamodb:Query")
def test_the_command_itself_is_refused_what_the_function_is_refused(vault: Vault, polluted: dict[str, str]) -> None:
    assert vault.load(dialogue("by-env", perspectives=1), tenant="demo").status_code == 201
    raw = 'eval "$(twinvault env --as {})"; twinvault raw "$ID"'
    key = vault.call("GET", "/dialogues/by-env", tenant="demo").json()["stored"]["partition_key"]
    assert json.loads(shell(vault, raw.format("keys"), {**polluted, "ID": key}))
    elsewhere = (
        f'eval "$(twinvault env --as read)"; twinvault raw "$ID" --table {vault.facts.tables["audit"]} 2>&1 || true'
    )
    assert "AccessDenied" in shell(vault, elsewhere, {**polluted, "ID": key})


def test_a_function_that_there_is_not_is_named_among_those_that_there_are(
    vault: Vault, polluted: dict[str, str]
) -> None:
    said = shell(vault, "twinvault env --as nobody 2>&1 || echo code $?", polluted)
    assert "nobody" in said
    assert "twinvault-dev-read" in said
    assert "code 2" in said


def test_the_pages_program_runs_as_it_stands(vault: Vault, polluted: dict[str, str], tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    script = tmp_path / "page.py"
    script.write_text(program, encoding="utf-8")
    told = shell(vault, f'eval "$(twinvault env --as import)"; python {shlex.quote(str(script))}', polluted)
    assert told == "initech\n"


def test_the_pages_file_of_variables_holds_what_is_set(
    vault: Vault, polluted: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = re.findall(r"^ {4}(twinvault env .* > build/twin\.env)$", PAGE, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build").mkdir()
    shell(vault, line, polluted)
    written = dict(one.split("=", 1) for one in (tmp_path / "build" / "twin.env").read_text().splitlines())
    whole: dict[str, str | None] = json.loads(shell(vault, "twinvault env --as import --json", polluted))
    assert written == {name: value for name, value in whole.items() if value is not None}
    assert [name for name in whole if not name.startswith("AWS_ENDPOINT_URL_S3") and f"`{name}`" not in PAGE] == []
