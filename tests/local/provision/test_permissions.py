"""Permissions as the template has them: read to the last property, and refused where the front door would guess."""

from collections.abc import Callable
from typing import Any

import pytest
from houses import Templates

from twinvault_lambda.config import PermissionConfig
from twinvault_local.errors import TemplateError
from twinvault_local.provision import callers, functions
from twinvault_local.provision.permissions import permissions
from twinvault_local.provision.template import Assembly

type Load = Callable[[Templates], Assembly]

READ = "arn:aws:lambda:eu-central-1:000000000000:function:small-dev-read"


def read(templates: Templates, load: Load, **properties: Any) -> PermissionConfig:
    templates["Small-Api"]["Resources"]["ReadPermission"]["Properties"] |= properties
    assembly = load(templates)
    return permissions(assembly, {**callers.roles(assembly), **functions.arns(assembly)})[0]


def test_a_permission_names_function_service_and_source(templates: Templates, load: Load) -> None:
    assert read(templates, load) == PermissionConfig(
        function_arn=READ,
        principal="apigateway.amazonaws.com",
        source_arn="arn:aws:execute-api:eu-central-1:000000000000:twinvault/*/*/things*",
    )


def test_a_permission_may_be_for_an_alias(templates: Templates, load: Load) -> None:
    templates["Small-Api"]["Resources"]["Live"] = {
        "Type": "AWS::Lambda::Alias",
        "Properties": {"FunctionName": {"Ref": "ReadFunction"}, "Name": "live", "FunctionVersion": "1"},
    }
    assert read(templates, load, FunctionName={"Ref": "Live"}).function_arn == f"{READ}:live"


@pytest.mark.parametrize("name", [{"Ref": "ReadFunction"}, "small-dev-read", READ], ids=["reference", "name", "ARN"])
def test_a_function_may_be_named_in_every_way(templates: Templates, load: Load, name: Any) -> None:
    assert read(templates, load, FunctionName=name).function_arn == READ


def test_a_rule_may_be_the_source(templates: Templates, load: Load) -> None:
    templates["Small-Api"]["Resources"]["Rule"] = {"Type": "AWS::Events::Rule", "Properties": {"Name": "small"}}
    arn = {"Fn::GetAtt": ["Rule", "Arn"]}
    found = read(templates, load, SourceArn=arn, Principal="events.amazonaws.com", SourceAccount="000000000000")
    assert found.source_arn == "arn:aws:events:eu-central-1:000000000000:rule/small"
    assert (found.principal, found.source_account) == ("events.amazonaws.com", "000000000000")


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        pytest.param({"Action": "lambda:InvokeFunctionUrl"}, "lambda:InvokeFunction", id="another action"),
        pytest.param({"PrincipalOrgID": "o-1234567890"}, "PrincipalOrgID", id="an organization"),
        pytest.param({"EventSourceToken": "x"}, "EventSourceToken", id="a token"),
    ],
)
def test_what_the_front_door_would_not_enforce_is_refused(
    templates: Templates, load: Load, properties: dict[str, Any], says: str
) -> None:
    with pytest.raises(TemplateError, match=says):
        read(templates, load, **properties)


def test_a_route_and_a_rule_say_by_which_alias_they_invoke(templates: Templates, load: Load) -> None:
    resources = templates["Small-Api"]["Resources"]
    resources["Live"] = {
        "Type": "AWS::Lambda::Alias",
        "Properties": {"FunctionName": {"Ref": "ReadFunction"}, "Name": "live", "FunctionVersion": "1"},
    }
    assembly = load(templates)
    known = {**callers.roles(assembly), **functions.arns(assembly)}
    targets = functions.invocable(assembly, known)
    assert targets[READ] == functions.Target("small-dev-read")
    assert targets[f"{READ}:live"] == functions.Target("small-dev-read", "live")
