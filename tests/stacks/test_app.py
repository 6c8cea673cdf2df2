"""The app itself: run without account, network or Docker, under cdk-nag's eyes, with errors that name themselves."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stacks.sample_stages import context as sample_context

ROOT = Path(__file__).resolve().parents[2]


def messages(assembly, kind):
    """What the assembly's metadata says of one kind, wherever the CDK keeps it."""
    found = set()
    for path in [assembly.folder / "manifest.json", *assembly.folder.glob("*.metadata.json")]:
        texts = re.findall(rf'"type":\s*"{kind}",\s*"data":\s*("(?:[^"\\]|\\.)*")', path.read_text(encoding="utf-8"))
        found |= {json.loads(text) for text in texts}
    return found


@pytest.fixture(scope="module")
def careless(tmp_path_factory, artifact):
    """The same app with somebody who hears the alarms, and a bucket that anyone would object to."""
    folder = tmp_path_factory.mktemp("careless")
    context = sample_context()
    context["stages"]["dev"]["alarm_emails"] = ["ops@acme.org"]
    (folder / "careless.py").write_text(f"""
from aws_cdk import App, Stack, aws_s3
from stacks.application import APPLICATION
from twinvault_cdk import add_deployment
app = App(context={ {**context, "artifact": str(artifact)}!r}, outdir="out")
add_deployment(app, APPLICATION)
aws_s3.Bucket(Stack(app, "Careless"), "Bucket")
app.synth()
""")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),  # where our own stacks are
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
    }
    command = [sys.executable, "careless.py"]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240)
    return run, folder / "out"


def test_cdk_nag_finds_nothing_that_is_not_acknowledged(either):
    """Findings make the synthesis itself fail; that it can is the next test's."""
    report = json.loads((either.folder / "validation-report.json").read_text(encoding="utf-8"))
    assert [plugin for plugin in report["pluginReports"] if plugin["conclusion"] != "success"] == []


def test_a_finding_that_is_not_acknowledged_fails_the_synthesis(careless):
    run, _ = careless
    assert run.returncode != 0
    assert "AwsSolutions-S1" in run.stderr


def test_whoever_the_stage_names_is_subscribed_to_the_alarms(careless, dev):
    _, folder = careless
    template = json.loads((folder / "Twinvault-dev-Api.template.json").read_text(encoding="utf-8"))
    (body,) = (body for body in template["Resources"].values() if body["Type"] == "AWS::SNS::Subscription")
    assert (body["Properties"]["Protocol"], body["Properties"]["Endpoint"]) == ("email", "ops@acme.org")
    assert dev.resources("Api", "AWS::SNS::Subscription") == {}


def test_an_unknown_stage_ends_the_app_with_one_line(tmp_path, synthesize):
    run = synthesize(tmp_path / "out", stage="staging")
    assert run.returncode == 1
    assert run.stderr.strip() == "Unknown stage 'staging': cdk.json has dev, prod."


def test_a_missing_artifact_says_how_to_build_it(tmp_path, synthesize):
    run = synthesize(tmp_path / "out", artifact=str(tmp_path / "nowhere.zip"))
    assert run.returncode == 1
    assert run.stderr.strip().endswith("nowhere.zip. Type: make build")


def test_example_values_are_warned_about_before_a_deployment(prod, dev):
    warnings = " ".join(messages(prod, "aws:cdk:warning"))
    assert "issuer, jwks_url, cors_origins of stage prod are examples" in warnings
    assert "alarm_emails of stage prod is empty" in warnings
    assert messages(dev, "aws:cdk:warning") == set()


def test_the_twins_stage_says_that_it_is_the_twins(dev, prod):
    (info,) = messages(dev, "aws:cdk:info")
    assert "trusts an issuer on this machine" in info
    assert messages(prod, "aws:cdk:info") == set()


def test_the_stacks_name_a_region_and_no_account(either):
    assert {body["environment"] for body in either.stacks().values()} == {"aws://unknown-account/eu-central-1"}


def test_the_api_alone_may_be_torn_down(either):
    protected = {name for name, body in either.stacks().items() if body["properties"].get("terminationProtection")}
    assert protected == {"Store"}


def test_what_outlives_its_stack_has_no_fixed_name_so_that_a_second_try_does_not_meet_it(either):
    for stack in ("Store", "Api"):
        for name, body in either.template(stack)["Resources"].items():
            if body.get("DeletionPolicy") == "Retain":
                assert not {"TableName", "LogGroupName", "AliasName", "TopicName"} & set(body["Properties"]), name


def test_every_acknowledged_finding_has_a_reason():
    text = (ROOT / "constructs" / "twinvault_cdk" / "acknowledgements.py").read_text(encoding="utf-8")
    found = re.findall(r'"(AwsSolutions-[^"]+)",\s*"([^"]+)"', text)
    assert len(found) == text.count('"AwsSolutions-')
    assert [rule for rule, reason in found if len(reason.split()) < 8] == []


def test_the_app_is_short_and_reads_no_environment():
    text = (ROOT / "app.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 30
    assert "environ" not in text
