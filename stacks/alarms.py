"""The alarms: what must never happen, and whoever the stage names hears of it at once."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.functions import FunctionSpec
from stacks.stage import Stage

NAMESPACE = "Twinvault"

ALARMS = {
    "OpenFailed": "A record or key did not open: it was changed, moved or removed behind the store's back, or is "
    "damaged. The audit log says which and why.",
    "AuditAppendFailed": "An audit entry could not be made durable, so the answer it belongs to was withheld.",
}


def add_alarms(scope: Construct, spec: FunctionSpec, *, stage: Stage) -> None:
    """Adds an alarm for each metric of a function that is zero in a healthy system."""
    name = spec.physical_name(stage)
    for metric, meaning in ALARMS.items():
        alarm = cloudwatch.Alarm(
            scope,
            metric,
            alarm_description=f"{name}: {meaning}",
            metric=cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name=metric,
                dimensions_map={"service": name},
                statistic="Sum",
                period=Duration.minutes(1),
            ),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if stage.alarm_topic_arn:
            topic = sns.Topic.from_topic_arn(scope, f"{metric}Topic", stage.alarm_topic_arn)
            alarm.add_alarm_action(actions.SnsAction(topic))
