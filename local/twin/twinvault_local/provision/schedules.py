"""What the template says of schedules, in the Lambda server's words.

Source: AWS CloudFormation Template Reference, AWS::Events::Rule; EventBridge User Guide, "Rate expressions".
"""

import re

from twinvault_lambda.config import ScheduleConfig
from twinvault_local.errors import TemplateError
from twinvault_local.provision.functions import invocable
from twinvault_local.provision.template import Assembly, Known, Resource

RULE = "AWS::Events::Rule"
_RATE = re.compile(r"rate\((?P<number>[1-9][0-9]*) (?P<unit>minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


def schedules(assembly: Assembly, known: Known) -> tuple[ScheduleConfig, ...]:
    """The schedules of the template that are enabled, each with the function that it calls.

    Raises:
        TemplateError: a rule of another kind: on events, by cron, of several targets, or of none of our functions.
    """
    found = []
    for resource in assembly.resources(RULE):
        wanted = ("ScheduleExpression", "State", "Targets", "EventPattern")
        properties = assembly.properties(resource, known, only=wanted)
        if properties.get("State", "ENABLED") == "DISABLED":
            continue
        names, targets = invocable(assembly, known), properties.get("Targets", [])
        if "EventPattern" in properties or len(targets) != 1 or targets[0].get("Arn") not in names:
            raise TemplateError(f"{resource.path}: the twin knows rules on a schedule that call one function.")
        if targets[0].keys() - {"Arn", "Id", "RetryPolicy"}:
            raise TemplateError(f"{resource.path}: the twin gives a function EventBridge's own event, and no other.")
        target = names[targets[0]["Arn"]]
        found.append(
            ScheduleConfig(
                name=rule_name(assembly, resource),
                function=target.function,
                alias=target.alias,
                every_seconds=_seconds(properties.get("ScheduleExpression"), resource),
            )
        )
    return tuple(found)


def rule_name(assembly: Assembly, resource: Resource) -> str:
    """What a rule is called."""
    return str(assembly.properties(resource, {}, only=("Name",)).get("Name", resource.logical_id))


def _seconds(expression: object, resource: Resource) -> int:
    match = _RATE.fullmatch(expression) if isinstance(expression, str) else None
    if match is None:
        raise TemplateError(f"{resource.path}: the twin knows schedules such as rate(5 minutes), not {expression}.")
    return int(match["number"]) * _SECONDS[match["unit"]]
