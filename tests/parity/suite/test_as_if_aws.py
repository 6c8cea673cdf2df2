"""The suite against AWS, as far as that goes here: the same checks, told that the twin's endpoints are AWS's.

boto3 finds DynamoDB and KMS of the twin by its own environment variables; CloudFormation, Lambda and STS are told by
`stand_in.py`. What then differs is what docs/differences.md says, and nothing else.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.parity.stages import deployed_stage
from tests.parity.suite.stand_in import answering
from tests.parity.target import Target

pytestmark = pytest.mark.xdist_group("parity")

ROOT = Path(__file__).parents[3]
RUN_SECONDS = 500
WHOLE_RUN = pytest.mark.timeout(RUN_SECONDS + 60)  # one of these tests waits for a whole run of the suite
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--confcutdir=tests/parity", "tests/parity")


def run(*arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*PYTEST, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )


def shell(target: Target, stand_in: str) -> dict[str, str]:
    """What the shell of somebody with an account would hold."""
    return {
        "AWS_REGION": target.region,
        "AWS_DEFAULT_REGION": target.region,
        "AWS_ACCESS_KEY_ID": target.caller["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": target.caller["aws_secret_access_key"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": stand_in,
        "AWS_ENDPOINT_URL_DYNAMODB": target.endpoints["dynamodb"],
        "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": target.endpoints["dynamodbstreams"],
        "AWS_ENDPOINT_URL_KMS": target.endpoints["kms"],
        "TWINVAULT_TOKEN": target.tokens("own"),
        "TWINVAULT_FOREIGN_TOKEN": target.tokens("foreign"),
    }


@pytest.fixture(scope="module")
def found(target: Target, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The evidence of such a run, in which nothing of the twin could be imported."""
    folder = tmp_path_factory.mktemp("evidence")
    with answering(target) as stand_in:
        arguments = (
            "-p",
            "no:twinvault",
            "-p",
            "tests.parity.suite.no_twin",
            "--target",
            "aws",
            "--stage",
            target.stage,
        )
        done = run(*arguments, "--evidence", str(folder), environment=shell(target, stand_in))
    (written,) = folder.iterdir() if any(folder.iterdir()) else pytest.fail(done.stdout + done.stderr)
    evidence: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    assert written.name == f"{evidence['name']}.json"
    return evidence


@WHOLE_RUN
def test_every_check_runs_there_and_none_is_skipped(found: dict[str, Any]) -> None:
    assert found["details"]["counts"].get("skipped", 0) == 0
    assert len(found["details"]["checks"]) > 100


@WHOLE_RUN
def test_what_fails_there_is_what_names_a_difference(found: dict[str, Any]) -> None:
    failed = {check for check, outcome in found["details"]["checks"].items() if outcome == "failed"}
    named = {check for checks in found["details"]["differences"].values() for check in checks}
    assert failed == named


@WHOLE_RUN
def test_its_evidence_is_nobodys_for_aws(target: Target, found: dict[str, Any]) -> None:
    assert found["name"] == "parity-as-if-aws"
    assert found["engines"] == {"dynamodb": target.endpoints["dynamodb"], "kms": target.endpoints["kms"]}
    assert found["artifact_sha256"] == target.artifact
    assert found["passed"] is False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param({"TWINVAULT_TOKEN": "a"}, "needs TWINVAULT_FOREIGN_TOKEN", id="a token"),
        pytest.param({"TWINVAULT_TOKEN": "a", "TWINVAULT_FOREIGN_TOKEN": "b"}, "needs a region", id="the region"),
        pytest.param(
            {
                "TWINVAULT_TOKEN": "a",
                "TWINVAULT_FOREIGN_TOKEN": "b",
                "AWS_DEFAULT_REGION": "eu-central-1",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
                "AWS_MAX_ATTEMPTS": "1",
                "AWS_ACCESS_KEY_ID": "A",
                "AWS_SECRET_ACCESS_KEY": "b",
            },
            "does not tell of the stack Twinvault-dev-Store",
            id="AWS",
        ),
    ],
)
def test_what_is_missing_is_said(given: dict[str, str], said: str) -> None:
    alone = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    with pytest.raises(pytest.UsageError, match=said), deployed_stage("dev", given | alone):
        pass


def test_a_stage_must_be_named() -> None:
    done = run("--target", "aws", environment={})
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--target aws needs --stage" in done.stdout + done.stderr
