"""The schedules: which functions are called by themselves, how often, and by whom alone."""

import pytest

from stacks.application import APPLICATION

SCHEDULED = sorted(spec.name for spec in APPLICATION.functions if spec.every_minutes)


def rules(assembly):
    found = assembly.resources("Api", "AWS::Events::Rule").items()
    return {body["Properties"]["Name"].rpartition("-")[2]: (key, body["Properties"]) for key, body in found}


def function(assembly, name):
    functions = assembly.resources("Api", "AWS::Lambda::Function").items()
    wanted = f"twinvault-{assembly.stage}-{name}"
    return next(key for key, body in functions if body["Properties"]["FunctionName"] == wanted)


def test_long_work_has_a_schedule_for_keys_one_for_partitions_and_one_for_sweeps(either):
    assert set(rules(either)) == set(SCHEDULED) >= {"erase", "keys", "maintain"}


@pytest.mark.parametrize("name", SCHEDULED)
def test_long_work_is_carried_on_every_five_minutes_by_what_the_api_calls_too(either, name):
    _, properties = rules(either)[name]
    assert (properties["ScheduleExpression"], properties["State"]) == ("rate(5 minutes)", "ENABLED")
    assert properties["Name"] == f"twinvault-{either.stage}-{name}"
    (target,) = properties["Targets"]
    assert target["Arn"] == f"${{{function(either, name)}.Arn}}:live"
    assert "Input" not in target, "its event names nothing"


@pytest.mark.parametrize("name", SCHEDULED)
def test_an_event_that_was_lost_is_not_sent_again(either, name):
    (target,) = rules(either)[name][1]["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_beside_the_api_each_rule_alone_may_call_its_function(either):
    permissions = either.resources("Api", "AWS::Lambda::Permission").values()
    scheduled = [one["Properties"] for one in permissions if one["Properties"]["Principal"] == "events.amazonaws.com"]
    aliases = {
        key: body["Properties"]["FunctionName"] for key, body in either.resources("Api", "AWS::Lambda::Alias").items()
    }
    told = {(aliases[one["FunctionName"].removeprefix("${").removesuffix("}")], one["SourceArn"]) for one in scheduled}
    assert len(scheduled) == len(SCHEDULED)
    assert told == {(f"${{{function(either, name)}}}", f"${{{rules(either)[name][0]}.Arn}}") for name in SCHEDULED}
