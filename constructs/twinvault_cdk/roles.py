"""A function's role: its own log group, and the actions that its spec lists.

What it may do with the KMS keys is said by the keys' policies (``keys.py``), which name the role.
"""

from collections.abc import Mapping

from aws_cdk import Arn, ArnComponents, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from twinvault_cdk.declarations import FunctionSpec
from twinvault_cdk.names import Names
from twinvault_cdk.stage import Stage

# The name under which the parity suite (docs/parity.md) assumes the roles of a disposable stage.
PARITY_SESSION = "twinvault-parity"


def make_role(
    scope: Construct,
    spec: FunctionSpec,
    *,
    stage: Stage,
    names: Names,
    tables: Mapping[str, dynamodb.ITable],
    indexes: Mapping[str, tuple[str, ...]],
    log_group: logs.LogGroup,
) -> iam.Role:
    """Makes the role of one function: its own log group, and the actions that its spec lists."""
    role = iam.Role(scope, "Role", role_name=names.role(spec.name), assumed_by=_trusted(stage))
    role.add_to_policy(
        iam.PolicyStatement(
            sid="WriteOwnLog",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log_group.log_group_arn],
        )
    )
    for table, actions in spec.tables.items():
        role.add_to_policy(_allow(table.capitalize(), actions, [tables[table].table_arn]))
    for table, actions in spec.indexes.items():
        arns = [f"{tables[table].table_arn}/index/{index}" for index in indexes[table]]
        role.add_to_policy(_allow(f"{table.capitalize()}Indexes", actions, arns))
    if spec.backup:
        parts = ArnComponents(service="dynamodb", resource="table", resource_name=names.backup_table)
        role.add_to_policy(_allow("Backup", spec.backup, [Arn.format(parts, Stack.of(scope))]))
    return role


def role_arn(scope: Construct, names: Names, function: str) -> str:
    """Returns the ARN of a function's role, by its name alone: keys and roles live in separate stacks."""
    parts = ArnComponents(service="iam", region="", resource="role", resource_name=names.role(function))
    return Arn.format(parts, Stack.of(scope))


def _trusted(stage: Stage) -> iam.IPrincipal:
    """Returns who may assume a function's role: Lambda, and in a disposable stage also the parity suite.

    There the account trusts itself: its own policies say who may call AssumeRole, under the suite's session name alone.
    """
    functions = iam.ServicePrincipal("lambda.amazonaws.com")
    if not stage.disposable:
        return functions
    suite = iam.AccountRootPrincipal().with_conditions({"StringEquals": {"sts:RoleSessionName": PARITY_SESSION}})
    return iam.CompositePrincipal(functions, suite)


def _allow(sid: str, actions: tuple[str, ...], resources: list[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=[f"dynamodb:{action}" for action in actions], resources=resources)
