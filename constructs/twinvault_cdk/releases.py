"""Releases: what the API calls is the alias ``live``, and CodeDeploy moves it to a new version, or back.

A version is frozen code and configuration. Lambda publishes one only if the code's hash is the artifact's: a zip that
is not the tested one stops the deployment. Ten percent of the requests go to it for five minutes; an alarm about that
very version in that time sends them all back to the version before. ``-c gates=off`` is for emergencies: all at once.

AWS CodeDeploy User Guide, "Deployment configurations on an AWS Lambda compute platform".
"""

import base64
from collections.abc import Sequence

from aws_cdk import CfnResource, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from twinvault_cdk.acknowledgements import acknowledge_deployer
from twinvault_cdk.declarations import FunctionSpec
from twinvault_cdk.names import Names

LIVE = "live"


class Deployer(Construct):
    """What all functions of a stage are deployed by: one CodeDeploy application under one role."""

    def __init__(self, scope: Construct, construct_id: str, *, names: Names) -> None:
        super().__init__(scope, construct_id)
        self.application = codedeploy.LambdaApplication(self, "Application", application_name=names.prefix)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"))
        acknowledge_deployer(self.role)


def version_options(digest: str) -> lambda_.VersionOptions:
    """Returns how versions are published: of the artifact with this sha256 alone, and kept, to go back to.

    That of a release which is rolled back goes with it (``RetainExceptOnCreate``): were it kept, the same commit could
    not be deployed again, for Lambda publishes no second version of a function that is as it was at the last one.
    AWS CloudFormation Template Reference, "DeletionPolicy attribute"; AWS Lambda API Reference, "PublishVersion".
    """
    return lambda_.VersionOptions(
        code_sha256=base64.b64encode(bytes.fromhex(digest)).decode(),
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    )


def release(
    scope: Construct,
    spec: FunctionSpec,
    function: lambda_.Function,
    *,
    deployer: Deployer,
    alarms: Sequence[cloudwatch.IAlarm],
    gated: bool,
) -> lambda_.Alias:
    """Publishes the function as a version, points the alias at it, and lets CodeDeploy move the alias from then on."""
    alias = lambda_.Alias(scope, "Live", alias_name=LIVE, version=function.current_version)
    configs = codedeploy.LambdaDeploymentConfig
    group = codedeploy.LambdaDeploymentGroup(
        scope,
        "Deployment",
        application=deployer.application,
        alias=alias,
        role=deployer.role,
        deployment_group_name=spec.name,
        deployment_config=configs.CANARY_10_PERCENT_5_MINUTES if gated else configs.ALL_AT_ONCE,
        alarms=list(alarms),
        ignore_alarm_configuration=not gated,
        auto_rollback=codedeploy.AutoRollbackConfig(
            failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
        ),
    )
    # What this release says of gates is in force before it is deployed.
    moved, by = alias.node.default_child, group.node.default_child
    assert isinstance(moved, CfnResource)  # noqa: S101  # narrows for mypy; an Alias has no other default child
    assert isinstance(by, CfnResource)  # noqa: S101  # likewise
    moved.add_resource_dependency(by)
    return alias


def add_routes(api: apigatewayv2.HttpApi, spec: FunctionSpec, function: lambda_.Function, alias: lambda_.Alias) -> None:
    """Leads the function's routes to its alias."""
    name = f"{spec.name.capitalize()}Integration"
    integration = integrations.HttpLambdaIntegration(
        name, alias, payload_format_version=apigatewayv2.PayloadFormatVersion.VERSION_2_0
    )
    routes = [
        route
        for method, path in spec.routes
        for route in api.add_routes(path=path, methods=[apigatewayv2.HttpMethod[method]], integration=integration)
    ]
    # The CDK writes the alias's ARN as a Ref, which `sam local` resolves to a logical id and then finds no function in.
    # The same ARN made of the function's own is understood by both.
    resource = routes[0].node.find_child(name).node.default_child
    target = alias.node.default_child
    assert isinstance(resource, apigatewayv2.CfnIntegration)  # noqa: S101  # narrows for mypy; it has no other default child
    assert isinstance(target, CfnResource)  # noqa: S101  # likewise
    resource.integration_uri = f"{function.function_arn}:{LIVE}"
    resource.add_resource_dependency(target)  # which the Ref had implied
