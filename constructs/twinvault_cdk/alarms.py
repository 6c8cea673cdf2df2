"""The alarms: what must not happen, and the encrypted topic through which people hear of it at once.

Two more look at one version alone, and take back a deployment that is under way (``releases.py``): its answers of 500
and above, and its crashes. No other alarm does. What data raises (a changed row that somebody asks for again and again)
would stop every release, also the one that mends it; what a crowd raises is no fault of the code.
"""

from collections.abc import Mapping

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from twinvault_cdk.declarations import FunctionSpec
from twinvault_cdk.keys import from_our_alarms
from twinvault_cdk.names import Names
from twinvault_cdk.outputs import say
from twinvault_cdk.stage import Stage

NAMESPACE = "Twinvault"
SERVER_ERRORS = 5  # answers of 500 and above within a minute

# The functions' own metrics. Each is zero in a healthy system.
OWN = {
    "OpenFailed": "A record or key did not open: it was changed, moved or removed behind the store's back, or is "
    "damaged. The audit log says which and why.",
    "AuditAppendFailed": "An audit entry could not be made durable, so the answer it belongs to was withheld.",
    "StoreErrors": "DynamoDB refused a request's call or did not answer it until its deadline. StoreErrorsThrottled, "
    "Denied, TableKey, Missing, Silent and Other count why; the log names operation, code and AWS's request id.",
    "KmsErrors": "KMS refused a call or did not answer it, after the SDK's own retries. Keys in memory serve on until "
    "their TTL, unless KMS refused.",
}
# Lambda's metrics (AWS Lambda Developer Guide, "Viewing metrics for Lambda functions").
LAMBDAS = {
    "Errors": "An invocation crashed or ran out of time. Errors that the code foresees are answers, not this.",
    "Throttles": "Lambda had no room for an invocation: the account's concurrency is used up.",
}
# The gates: of one version each, and so named after it. While it is deployed they send every request back.
GATES = {
    "FailedAnswers": "This version answered 500 or above, and neither for stored data that does not open nor for load.",
    "VersionErrors": "An invocation of this version crashed or ran out of time.",
}


def make_topic(scope: Construct, stage: Stage, *, names: Names, key: kms.IKey) -> sns.Topic:
    """Makes the topic of all alarms. CloudWatch may publish to it, for alarms of this stage, and nobody else.

    A topic with a policy of its own has no default policy, so that CloudWatch must be named.
    """
    topic = sns.Topic(scope, "Alarms", display_name=names.prefix, master_key=key, enforce_ssl=True)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="LetOurAlarmsPublish",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions=from_our_alarms(names),
        )
    )
    for address in stage.alarm_emails:
        topic.add_subscription(subscriptions.EmailSubscription(address))
    say(scope, "AlarmTopicArn", topic.topic_arn)
    return topic


def add_api_alarm(scope: Construct, names: Names, topic: sns.ITopic, *, api_id: str) -> cloudwatch.Alarm:
    """Adds the alarm on answers of 500 and above, whoever gave them: a function, or the API itself.

    API Gateway Developer Guide, "HTTP API metrics": ``5xx`` by ``ApiId``.
    """
    metric = _each_minute("AWS/ApiGateway", "5xx", {"ApiId": api_id})
    meaning = f"{SERVER_ERRORS} answers of 500 and above within a minute. The access log says on which routes."
    return _alarm(
        scope, "ServerErrors", metric, names=names, about="api", meaning=meaning, topic=topic, threshold=SERVER_ERRORS
    )


def add_function_alarms(
    scope: Construct, spec: FunctionSpec, function: lambda_.IFunction, *, names: Names, topic: sns.ITopic
) -> None:
    """Adds an alarm for each of a function's metrics."""
    # The functions' telemetry names its dimension so (twinvault_http, telemetry.py).
    by_service = {"service": names.function(spec.name)}
    by_function = {"FunctionName": function.function_name}
    watched = [(NAMESPACE, OWN, by_service), ("AWS/Lambda", LAMBDAS, by_function)]
    for space, meanings, which in watched:
        for name, meaning in meanings.items():
            metric = _each_minute(space, name, which)
            _alarm(scope, name, metric, names=names, about=spec.name, meaning=meaning, topic=topic)


def add_gates(
    scope: Construct, spec: FunctionSpec, version: lambda_.Version, *, live: str, names: Names, topic: sns.ITopic
) -> list[cloudwatch.Alarm]:
    """Adds the alarms that a deployment of this version to the alias ``live`` must not raise, and returns them.

    Their names carry the version: each release has new ones, which nothing before it can have raised. Lambda counts by
    version where an alias leads to two (AWS Lambda Developer Guide, "Viewing metrics for Lambda functions").
    """
    function = names.function(spec.name)
    metrics = {
        "FailedAnswers": _each_minute(NAMESPACE, "FailedAnswers", {"service": function, "version": version.version}),
        "VersionErrors": _each_minute(
            "AWS/Lambda",
            "Errors",
            {"FunctionName": function, "Resource": f"{function}:{live}", "ExecutedVersion": version.version},
        ),
    }
    return [
        _alarm(
            scope,
            name,
            metrics[name],
            names=names,
            about=spec.name,
            meaning=meaning,
            topic=topic,
            suffix=f"-{version.version}",
        )
        for name, meaning in GATES.items()
    ]


def _each_minute(namespace: str, name: str, dimensions: Mapping[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dict(dimensions),
        statistic="Sum",
        period=Duration.minutes(1),
    )


def _alarm(
    scope: Construct,
    name: str,
    metric: cloudwatch.Metric,
    *,
    names: Names,
    about: str,
    meaning: str,
    topic: sns.ITopic,
    threshold: int = 1,
    suffix: str = "",
) -> cloudwatch.Alarm:
    alarm = cloudwatch.Alarm(
        scope,
        name,
        # The topic's policy and its key's know our alarms by the beginning of their names (keys.from_our_alarms).
        alarm_name=f"{names.prefix}-{about}-{name}{suffix}",
        alarm_description=f"{names.prefix}-{about} in {Aws.REGION}: {meaning}",
        metric=metric,
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    alarm.add_alarm_action(actions.SnsAction(topic))
    return alarm
