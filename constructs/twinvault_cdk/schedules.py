"""The schedules: what a function does by itself, again and again, with nobody asking.

EventBridge calls the alias ``live`` with an event that names nothing. One that is lost or late is not sent again: the
next one comes anyway, and finds whatever there is to do.

Amazon EventBridge User Guide, "Creating a rule that runs on a schedule".
"""

from aws_cdk import CfnResource, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from twinvault_cdk.declarations import FunctionSpec
from twinvault_cdk.names import Names
from twinvault_cdk.releases import LIVE

_LATEST = Duration.minutes(1)  # the least that EventBridge takes


def add_schedule(
    scope: Construct, spec: FunctionSpec, function: lambda_.Function, alias: lambda_.Alias, *, names: Names
) -> None:
    """Calls the function every so many minutes as its spec says, if it says so.

    As the template has it and no further construct: events.Rule names its permission after the stack, and so it would
    be called otherwise in each stage.
    """
    if not spec.every_minutes:
        return
    rule = events.CfnRule(
        scope,
        "Schedule",
        name=names.function(spec.name),
        description=f"Calls {names.function(spec.name)} for what nobody asks for",
        schedule_expression=events.Schedule.rate(Duration.minutes(spec.every_minutes)).expression_string,
        state="ENABLED",
        targets=[
            events.CfnRule.TargetProperty(
                id="live",
                # As for the API's integrations (releases.py): the alias's ARN made of the function's own.
                arn=f"{function.function_arn}:{LIVE}",
                retry_policy=events.CfnRule.RetryPolicyProperty(
                    maximum_retry_attempts=0, maximum_event_age_in_seconds=_LATEST.to_seconds()
                ),
            )
        ],
    )
    live = alias.node.default_child
    assert isinstance(live, CfnResource)  # noqa: S101  # narrows for mypy; an Alias has no other default child
    rule.add_resource_dependency(live)
    alias.add_permission("Scheduled", principal=iam.ServicePrincipal("events.amazonaws.com"), source_arn=rule.attr_arn)
