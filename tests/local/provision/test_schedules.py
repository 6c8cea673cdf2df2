"""Schedules as the template has them: read to the last property, and refused where the twin would guess."""

from collections.abc import Callable
from typing import Any

import pytest
from houses import Templates

from twinvault_lambda.config import ScheduleConfig
from twinvault_local.errors import TemplateError
from twinvault_local.provision import callers, functions
from twinvault_local.provision.schedules import schedules
from twinvault_local.provision.template import Assembly

type Load = Callable[[Templates], Assembly]


def rule(**properties: Any) -> dict[str, Any]:
    target = {"Id": "live", "Arn": {"Fn::GetAtt": ["ReadFunction", "Arn"]}, "RetryPolicy": {"MaximumRetryAttempts": 0}}
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {"Name": "small", "ScheduleExpression": "rate(5 minutes)", "Targets": [target], **properties},
    }


def read(templates: Templates, load: Load, **properties: Any) -> tuple[ScheduleConfig, ...]:
    templates["Small-Api"]["Resources"]["Rule"] = rule(**properties)
    assembly = load(templates)
    return schedules(assembly, {**callers.roles(assembly), **functions.arns(assembly)})


def test_a_template_without_rules_has_no_schedules(templates: Templates, load: Load) -> None:
    assembly = load(templates)
    assert schedules(assembly, {}) == ()


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(1 hour)", 3600), ("rate(2 days)", 172_800)],
)
def test_a_rule_calls_its_function_so_often(templates: Templates, load: Load, expression: str, seconds: int) -> None:
    found = read(templates, load, ScheduleExpression=expression)
    assert found == (ScheduleConfig(name="small", function="small-dev-read", every_seconds=seconds),)


def test_a_rule_may_name_an_alias_of_its_function(templates: Templates, load: Load) -> None:
    templates["Small-Api"]["Resources"]["Live"] = {
        "Type": "AWS::Lambda::Alias",
        "Properties": {"FunctionName": {"Ref": "ReadFunction"}, "Name": "live", "FunctionVersion": "1"},
    }
    arn = {"Fn::Join": ["", [{"Fn::GetAtt": ["ReadFunction", "Arn"]}, ":live"]]}
    (found,) = read(templates, load, Targets=[{"Id": "live", "Arn": arn}])
    assert found.function == "small-dev-read"


def test_a_rule_that_is_disabled_calls_nobody(templates: Templates, load: Load) -> None:
    assert read(templates, load, State="DISABLED") == ()


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({"ScheduleExpression": "cron(0 12 * * ? *)"}, id="cron"),
        pytest.param({"ScheduleExpression": "rate(0 minutes)"}, id="never"),
        pytest.param({"ScheduleExpression": "rate(5 weeks)"}, id="weeks"),
        pytest.param({"ScheduleExpression": None}, id="no schedule"),
        pytest.param({"EventPattern": {"source": ["aws.s3"]}}, id="on events"),
        pytest.param({"Targets": []}, id="no target"),
        pytest.param({"Targets": [{"Id": "x", "Arn": "arn:aws:sqs:eu-central-1:0:q"}]}, id="no function of ours"),
        pytest.param(
            {"Targets": [{"Id": "x", "Arn": {"Fn::GetAtt": ["ReadFunction", "Arn"]}, "Input": "{}"}]},
            id="an event of its own",
        ),
    ],
)
def test_what_the_twin_would_have_to_guess_is_refused(
    templates: Templates, load: Load, properties: dict[str, Any]
) -> None:
    with pytest.raises(TemplateError, match="Small-Api/Rule"):
        read(templates, load, **properties)
