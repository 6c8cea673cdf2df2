"""Adopted tables: restored ones that functions use in place of the stack's own, until the stack has imported them.

CloudFormation Developer Guide, "Import AWS resources into a CloudFormation stack": what is imported must be in no stack
and keep what it is when it leaves one, and an import changes no output. An export that another stack uses can change
neither; functions that use an adopted table by its name use none of its exports.
"""

import json
from collections.abc import Mapping

from aws_cdk import Aws, CfnOutput, Stack
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from twinvault_cdk.outputs import say
from twinvault_cdk.rollout import Rollout
from twinvault_cdk.stage import Stage, StageError


def in_use(scope: Construct, stage: Stage, own: Mapping[str, dynamodb.TableV2]) -> dict[str, dynamodb.ITable]:
    """Returns the tables that functions use: the stacks' own, or those that the stage adopts, by their names alone.

    Each adopted one is named by an output, which the twin and verify-deploy read.
    """
    found: dict[str, dynamodb.ITable] = dict(own)
    for table, name in stage.adopted_tables.items():
        found[table] = dynamodb.TableV2.from_table_name(scope, f"Adopted{table.capitalize()}", name)
        say(scope, f"Adopted{table.capitalize()}Table", name)
    return found


def check_letting_go(stage: Stage, rollout: Rollout) -> None:
    """Refuses to let go of a table that functions still use.

    Raises:
        StageError: a table that the rollout lets go of is none, or the stage adopts no other in its place.
    """
    for table in rollout.letting_go:
        if table not in stage.adopted_tables:
            raise StageError(
                f"-c let_go={table}: stage {stage.name} adopts no table in its place: say {table}_table first."
            )


def let_go(table: dynamodb.TableV2, *, name: str) -> None:
    """Takes a table out of its stack, where it stays as it is; what the stack says of it says another's name instead.

    The exports stay under their names: the template after the import has them again, with the same values.
    """
    stack = Stack.of(table)
    arn = f"arn:{Aws.PARTITION}:dynamodb:{Aws.REGION}:{Aws.ACCOUNT_ID}:table/{name}"
    renamed = {_said(stack, table.table_name): name, _said(stack, table.table_arn): arn}
    for output in stack.node.find_all():
        if isinstance(output, CfnOutput) and (other := renamed.get(_said(stack, output.value))):
            output.value = other
    table.node.try_remove_child("Resource")


def _said(stack: Stack, value: str) -> str:
    return json.dumps(stack.resolve(value), sort_keys=True)
