"""The releases' promises: what the API calls is a version of the tested artifact, and an alarm takes it back."""

import base64
import hashlib
import json
import re

import pytest

from tests.stacks.conftest import Assembly
from twinvault_cdk.alarms import GATES
from twinvault_cdk.rollout import Rollout
from twinvault_cdk.stage import StageError


def by_function(assembly, kind):
    """The resources of one type by the logical id of the function that they are of."""
    found = assembly.resources("Api", kind).items()
    return {body["Properties"]["FunctionName"].strip("${}"): (name, body["Properties"]) for name, body in found}


def functions(assembly):
    return assembly.resources("Api", "AWS::Lambda::Function")


def test_lambda_publishes_a_version_of_the_artifact_and_of_nothing_else(either, artifact):
    digest = base64.b64encode(hashlib.sha256(artifact.read_bytes()).digest()).decode()
    versions = by_function(either, "AWS::Lambda::Version")
    assert versions.keys() == functions(either).keys()
    assert {properties["CodeSha256"] for _, properties in versions.values()} == {digest}


def test_a_version_is_kept_to_go_back_to_unless_its_release_was_rolled_back(either):
    versions = either.resources("Api", "AWS::Lambda::Version").values()
    assert {body["DeletionPolicy"] for body in versions} == {"RetainExceptOnCreate"}
    assert {body["UpdateReplacePolicy"] for body in versions} == {"Retain"}


@pytest.fixture(scope="module")
def released(synthesized):
    """The same commit, synthesized for a deployment that has a name."""
    return synthesized("prod", release="2026-11-30.2")


def test_a_named_release_of_the_same_commit_is_another_function_and_so_another_version(prod, released):
    names = {body["Properties"].get("Description") for body in functions(released).values()}
    assert names == {"Release 2026-11-30.2"}
    before, after = (set(one.resources("Api", "AWS::Lambda::Version")) for one in (prod, released))
    assert len(before) == len(after) == len(functions(prod))
    assert not before & after


def test_a_release_changes_nothing_but_the_functions_their_versions_and_what_names_these(prod, released):
    def others(assembly):
        template = json.dumps(assembly.template("Api")["Resources"], sort_keys=True)
        resources = json.loads(re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1", template))
        for body in resources.values():
            if body["Type"] == "AWS::Lambda::Function":
                body["Properties"].pop("Description", None)
        return resources

    assert others(prod) == others(released)
    assert all(prod.template(stack) == released.template(stack) for stack in ("Store",))


def test_nothing_of_a_release_is_drawn_at_synthesis(prod, synthesize, tmp_path):
    assert {body["Properties"].get("Description") for body in functions(prod).values()} == {None}
    assert synthesize(tmp_path / "again", stage="prod").returncode == 0
    again = Assembly(stage="prod", folder=tmp_path / "again")
    assert all(again.template(stack) == prod.template(stack) for stack in ("Store", "Api"))


@pytest.mark.parametrize("value", ["", "a b", "-c", "x" * 64, 7, "2026\n"])
def test_a_wrong_release_names_itself_and_its_rule(value):
    with pytest.raises(StageError, match=r"-c release is .*: it must be 1 to 63 letters"):
        Rollout.read({"release": value}.get)


def test_every_function_is_live_at_its_current_version(either):
    versions, aliases = by_function(either, "AWS::Lambda::Version"), by_function(either, "AWS::Lambda::Alias")
    assert aliases.keys() == functions(either).keys()
    for function, (_, alias) in aliases.items():
        assert (alias["Name"], alias["FunctionVersion"]) == ("live", f"${{{versions[function][0]}.Version}}")


def test_the_api_calls_the_alias_and_may_call_nothing_else(either):
    aliases = {f"${{{name}}}" for name in either.resources("Api", "AWS::Lambda::Alias")}
    permissions = either.resources("Api", "AWS::Lambda::Permission").values()
    assert {body["Properties"]["FunctionName"] for body in permissions} == aliases
    uris = {
        body["Properties"]["IntegrationUri"]
        for body in either.resources("Api", "AWS::ApiGatewayV2::Integration").values()
    }
    assert uris == {f"${{{name}.Arn}}:live" for name in functions(either)}


def test_an_integration_waits_for_the_alias_that_it_calls(either):
    """Its ARN is made of the function's, which `sam local` understands; CloudFormation sees no alias in it."""
    alias_of = {name: alias for name, (alias, _) in by_function(either, "AWS::Lambda::Alias").items()}
    for body in either.resources("Api", "AWS::ApiGatewayV2::Integration").values():
        function = body["Properties"]["IntegrationUri"].removeprefix("${").removesuffix(".Arn}:live")
        assert alias_of[function] in body["DependsOn"]


def test_codedeploy_moves_each_alias_a_tenth_first(either):
    groups = either.resources("Api", "AWS::CodeDeploy::DeploymentGroup")
    moved = [
        body["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"].strip("${}")
        for body in either.resources("Api", "AWS::Lambda::Alias").values()
    ]
    assert sorted(moved) == sorted(groups)
    config = {body["Properties"]["DeploymentConfigName"] for body in groups.values()}
    assert config == {"CodeDeployDefault.LambdaCanary10Percent5Minutes"}


def test_an_alarm_takes_a_deployment_back(either):
    alarms = either.resources("Api", "AWS::CloudWatch::Alarm")
    for group in either.resources("Api", "AWS::CodeDeploy::DeploymentGroup").values():
        properties = group["Properties"]
        assert properties["AutoRollbackConfiguration"]["Enabled"] is True
        assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"]
        assert properties["AlarmConfiguration"]["Enabled"] is True
        gates = [
            alarms[alarm["Name"].strip("${}")]["Properties"] for alarm in properties["AlarmConfiguration"]["Alarms"]
        ]
        function = f"twinvault-{either.stage}-{properties['DeploymentGroupName']}"
        assert {gate["MetricName"]: dimensions(gate) for gate in gates} == gates_of(either, function)


def dimensions(alarm):
    return {each["Name"]: each["Value"] for each in alarm["Dimensions"]}


def gates_of(assembly, function):
    """What a deployment of a function must not raise: its new version's own failures, whatever else goes on."""
    ids = {body["Properties"]["FunctionName"]: name for name, body in functions(assembly).items()}
    version = f"${{{by_function(assembly, 'AWS::Lambda::Version')[ids[function]][0]}.Version}}"
    return {
        "FailedAnswers": {"service": function, "version": version},
        "Errors": {"FunctionName": function, "Resource": f"{function}:live", "ExecutedVersion": version},
    }


def test_a_gate_is_named_after_its_version_so_that_nothing_before_it_can_have_raised_it(either):
    named = [
        (body["Properties"]["AlarmName"], dimensions(body["Properties"]))
        for body in either.resources("Api", "AWS::CloudWatch::Alarm").values()
        if body["Properties"]["AlarmName"].split("-")[3] in GATES
    ]
    assert len(named) == len(GATES) * len(functions(either))
    for name, found in named:
        assert name.endswith("-" + found.get("version", found.get("ExecutedVersion")))


def test_neither_a_crowd_nor_data_takes_a_release_back(either):
    alarms = either.resources("Api", "AWS::CloudWatch::Alarm")
    gating = {
        alarms[alarm["Name"].strip("${}")]["Properties"]["MetricName"]
        for group in either.resources("Api", "AWS::CodeDeploy::DeploymentGroup").values()
        for alarm in group["Properties"]["AlarmConfiguration"]["Alarms"]
    }
    assert not gating & {"5xx", "Throttles", "OpenFailed", "AuditAppendFailed", "KmsErrors"}


def test_the_gates_of_a_release_are_in_force_before_it_is_deployed(either):
    for body in either.resources("Api", "AWS::Lambda::Alias").values():
        assert (
            body["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"].strip("${}") in body["DependsOn"]
        )


def test_an_emergency_deploys_at_once_and_no_alarm_takes_it_back(prod, synthesized):
    emergency = synthesized("prod", gates="off")
    for group in emergency.resources("Api", "AWS::CodeDeploy::DeploymentGroup").values():
        assert group["Properties"]["DeploymentConfigName"] == "CodeDeployDefault.LambdaAllAtOnce"
        assert group["Properties"]["AlarmConfiguration"]["Enabled"] is False
    kinds = ("AWS::CloudWatch::Alarm", "AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::IAM::Role")
    assert all(emergency.resources("Api", kind) == prod.resources("Api", kind) for kind in kinds)


@pytest.mark.parametrize("value", ["", "no", True])
def test_gates_are_on_or_off(value):
    with pytest.raises(StageError, match=r"-c gates is .*: it must be on or off"):
        Rollout.read({"gates": value}.get)


def test_the_deployers_role_is_codedeploys_alone(either):
    groups = either.resources("Api", "AWS::CodeDeploy::DeploymentGroup").values()
    (arn,) = {group["Properties"]["ServiceRoleArn"] for group in groups}
    role = either.resources("Api", "AWS::IAM::Role")[arn.removeprefix("${").removesuffix(".Arn}")]["Properties"]
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "codedeploy.amazonaws.com"}
    assert "Policies" not in role
