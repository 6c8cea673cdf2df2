"""The alarms' promises: what raises one, and that people hear of it through a topic that CloudWatch can use."""

import json
from typing import Any

import boto3
import pytest

OWN = ["OpenFailed", "AuditAppendFailed", "StoreErrors", "KmsErrors"]
LAMBDAS = ["Errors", "Throttles"]


def alarms(assembly):
    found = assembly.resources("Api", "AWS::CloudWatch::Alarm").values()
    return {body["Properties"]["AlarmName"]: body["Properties"] for body in found}


def functions(assembly):
    found = assembly.resources("Api", "AWS::Lambda::Function").items()
    return {body["Properties"]["FunctionName"]: logical_id for logical_id, body in found}


def from_our_alarms(stage):
    arns = f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:twinvault-{stage}-*"
    return {"StringEquals": {"aws:SourceAccount": "${AWS::AccountId}"}, "ArnLike": {"aws:SourceArn": arns}}


@pytest.mark.parametrize("metric", [*OWN, *LAMBDAS])
def test_a_single_failure_of_any_function_raises_an_alarm(either, metric):
    for name, logical_id in functions(either).items():
        alarm = alarms(either)[f"{name}-{metric}"]
        ours = ("Twinvault", [{"Name": "service", "Value": name}])
        lambdas = ("AWS/Lambda", [{"Name": "FunctionName", "Value": f"${{{logical_id}}}"}])
        assert (alarm["Namespace"], alarm["Dimensions"]) == (ours if metric in OWN else lambdas)
        assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == (metric, "Sum", 1)
        assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        assert alarm["TreatMissingData"] == "notBreaching"


def test_a_handful_of_server_errors_in_a_minute_raises_an_alarm(either):
    (api,) = either.resources("Api", "AWS::ApiGatewayV2::Api")
    alarm = alarms(either)[f"twinvault-{either.stage}-api-ServerErrors"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Threshold"]) == ("AWS/ApiGateway", "5xx", 5)
    assert alarm["Dimensions"] == [{"Name": "ApiId", "Value": f"${{{api}}}"}]


def test_every_alarm_looks_at_each_minute_and_says_what_it_means(either):
    for name, alarm in alarms(either).items():
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (60, 1), name
        assert len(alarm["AlarmDescription"].split()) > 8, name


def test_every_alarm_reaches_the_topic(either):
    (topic,) = either.resources("Api", "AWS::SNS::Topic")
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms(either).values()} == {(f"${{{topic}}}",)}
    assert either.outputs("Api")["AlarmTopicArn"] == f"${{{topic}}}"


def test_our_alarms_alone_may_publish_to_the_topic_and_only_encrypted(either):
    (policy,) = either.resources("Api", "AWS::SNS::TopicPolicy").values()
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    (allowed,) = (one for one in statements if one["Effect"] == "Allow")
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "cloudwatch.amazonaws.com"}, "sns:Publish")
    assert allowed["Condition"] == from_our_alarms(either.stage)
    (denied,) = (one for one in statements if one["Effect"] == "Deny")
    assert (denied["Principal"], denied["Condition"]) == ("*", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_topic_is_encrypted_under_a_key_that_cloudwatch_may_use_for_our_alarms(either):
    (topic,) = either.resources("Api", "AWS::SNS::Topic").values()
    assert topic["Properties"]["KmsMasterKeyId"] == "${AlarmsKey.Arn}"
    policy = either.resources("Store", "AWS::KMS::Key")["AlarmsKey"]["Properties"]["KeyPolicy"]["Statement"]
    statements = {statement["Sid"]: statement for statement in policy}
    assert set(statements) == {"Administer", "LetOurAlarmsPublish"}
    use = statements["LetOurAlarmsPublish"]
    assert use["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert use["Condition"] == from_our_alarms(either.stage)


def test_every_alarms_name_is_one_that_the_conditions_know(either):
    assert all(name.startswith(f"twinvault-{either.stage}-") for name in alarms(either))


def test_the_local_kms_takes_the_alarm_keys_policy(dev, kms_endpoint, aws):
    """The twin provisions every key of the template, this one too."""
    properties = dev.resources("Store", "AWS::KMS::Key")["AlarmsKey"]["Properties"]
    policy = json.dumps(properties["KeyPolicy"])
    for name, value in {"Partition": "aws", "AccountId": "000000000000", "Region": "eu-central-1"}.items():
        policy = policy.replace(f"${{AWS::{name}}}", value)
    kms: Any = boto3.client("kms", endpoint_url=kms_endpoint, **aws)
    key_id = kms.create_key(Policy=policy)["KeyMetadata"]["KeyId"]
    with pytest.raises(kms.exceptions.ClientError, match="AccessDenied"):
        kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")
