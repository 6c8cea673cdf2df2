"""Every finding of cdk-nag that we know and accept, each with its reason. Anything else fails the synthesis."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge_api(api: IConstruct) -> None:
    """Accepts what cdk-nag finds about the HTTP API."""
    _acknowledge(
        api,
        "AwsSolutions-APIG4",
        "Tokens are verified inside the function, so that the laptop runs the very same check as production.",
    )


def acknowledge_function(role: IConstruct, function: IConstruct) -> None:
    """Accepts what cdk-nag finds about a function and its role."""
    _acknowledge(
        role,
        "AwsSolutions-IAM5[Resource::*]",
        "xray:PutTraceSegments and xray:PutTelemetryRecords know no resource; nothing else in the role has a wildcard.",
    )
    _acknowledge(
        function,
        "AwsSolutions-L1",
        "python3.13 is pinned: the twin's workers and the artifact's wheels are of exactly that version.",
    )


def acknowledge_deployer(role: IConstruct) -> None:
    """Accepts what cdk-nag finds about the role of CodeDeploy."""
    _acknowledge(
        role,
        "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]",
        "CodeDeploy alone assumes this role, and AWS keeps the policy at what CodeDeploy calls; it reads no data.",
    )


def _acknowledge(construct: IConstruct, finding: str, reason: str) -> None:
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
