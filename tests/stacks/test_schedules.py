"""The schedules: which function is called by itself, how often, and by whom alone."""


def rule(assembly):
    (only,) = assembly.resources("Api", "AWS::Events::Rule").values()
    return only["Properties"]


def maintain(assembly):
    functions = assembly.resources("Api", "AWS::Lambda::Function").items()
    name = f"twinvault-{assembly.stage}-maintain"
    return next(key for key, body in functions if body["Properties"]["FunctionName"] == name)


def test_long_work_is_carried_on_every_five_minutes_by_what_the_api_calls_too(either):
    properties = rule(either)
    assert (properties["ScheduleExpression"], properties["State"]) == ("rate(5 minutes)", "ENABLED")
    assert properties["Name"] == f"twinvault-{either.stage}-maintain"
    (target,) = properties["Targets"]
    assert target["Arn"] == f"${{{maintain(either)}.Arn}}:live"
    assert "Input" not in target, "its event names nothing"


def test_an_event_that_was_lost_is_not_sent_again(either):
    (target,) = rule(either)["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_beside_the_api_this_rule_alone_may_call_the_function(either):
    permissions = either.resources("Api", "AWS::Lambda::Permission").values()
    scheduled = [one["Properties"] for one in permissions if one["Properties"]["Principal"] == "events.amazonaws.com"]
    (only,) = scheduled
    (name,) = either.resources("Api", "AWS::Events::Rule")
    assert only["SourceArn"] == f"${{{name}.Arn}}"
    (alias,) = [
        key
        for key, body in either.resources("Api", "AWS::Lambda::Alias").items()
        if body["Properties"]["FunctionName"] == f"${{{maintain(either)}}}"
    ]
    assert only["FunctionName"] == f"${{{alias}}}"
