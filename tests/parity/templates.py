"""The deployed templates, as far as the checks compare with them: tables, functions, and what their roles may do."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.parity.target import Target

_TABLE, _FUNCTION, _POLICY, _ROLE = (
    "AWS::DynamoDB::GlobalTable",
    "AWS::Lambda::Function",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
)


def table_properties(target: Target, logical: str) -> Mapping[str, Any]:
    """What the template says of a table; what it says of the table's one replica stands under `Replica`."""
    resource = target.templates["Store"]["Resources"][logical]
    assert resource["Type"] == _TABLE, resource["Type"]
    (replica,) = resource["Properties"]["Replicas"]
    return {**resource["Properties"], "Replica": replica}


def functions(target: Target) -> dict[str, str]:
    """The functions by their short names, with the logical ids of their roles."""
    found = {}
    for resource in target.templates["Api"]["Resources"].values():
        if resource["Type"] == _FUNCTION:
            name, role = resource["Properties"]["FunctionName"], resource["Properties"]["Role"]["Fn::GetAtt"][0]
            found[name.removeprefix(f"twinvault-{target.stage}-")] = role
    return found


def role(target: Target, function: str) -> Mapping[str, Any]:
    """The properties of a function's role."""
    resource = target.templates["Api"]["Resources"][functions(target)[function]]
    assert resource["Type"] == _ROLE, resource["Type"]
    properties: Mapping[str, Any] = resource["Properties"]
    return properties


def role_arn(target: Target, function: str) -> str:
    """The ARN of a function's role, in the account that the stage's keys are in."""
    _, partition, _, _, account, _ = target.key("Root").split(":")
    return f"arn:{partition}:iam::{account}:role/{role(target, function)['RoleName']}"


def granted(target: Target, function: str) -> set[tuple[str, str]]:
    """Every DynamoDB action that a function's role may do, and where: `Records`, or `Records/index/ByList`.

    A table that is in no stack (one that somebody restores) goes by its name.
    """
    found = set()
    for statement in _statements(target, functions(target)[function]):
        assert statement["Effect"] == "Allow", "read anew what is granted: a Deny takes away"
        assert "Condition" not in statement, "read anew what is granted: a condition narrows"
        for action in _listed(statement["Action"]):
            service, _, name = action.partition(":")
            assert "*" not in action, action
            if service == "dynamodb":
                found |= {(name, _place(target, resource)) for resource in _listed(statement["Resource"])}
    return found


def _statements(target: Target, role_id: str) -> Iterator[Mapping[str, Any]]:
    for resource in target.templates["Api"]["Resources"].values():
        if resource["Type"] == _POLICY and {"Ref": role_id} in resource["Properties"]["Roles"]:
            yield from resource["Properties"]["PolicyDocument"]["Statement"]


def _place(target: Target, resource: Any) -> str:
    match resource:
        case {"Fn::ImportValue": export}:
            return _exported(target, export)
        case {"Fn::Join": ["", [first, str(rest)]]}:
            return _place(target, first) + rest
        case {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, *_, str(last)]]}:
            return last.removeprefix(":table/")
    raise AssertionError(f"a resource of a form that is not known: {resource}")


def _exported(target: Target, export: str) -> str:
    for output in target.templates["Store"]["Outputs"].values():
        if output.get("Export", {}).get("Name") == export:
            logical, attribute = output["Value"]["Fn::GetAtt"]
            assert attribute == "Arn", attribute
            return str(logical)
    raise AssertionError(f"no table's ARN: {export}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
