"""raw: a dialogue's items as DynamoDB holds them, read with the caller's own AWS credentials."""

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from twinvault_cli.aws_refusals import refusal
from twinvault_cli.client import dialogue_path
from twinvault_cli.completing import complete_dialogue
from twinvault_cli.connection import TENANT, AlreadyJsonOption, TenantOption, TokenOption, UrlOption, connect
from twinvault_cli.errors import UnavailableError, UsageError
from twinvault_cli.output import print_json
from twinvault_cli.state import StateOption, state_folder
from twinvault_local import status
from twinvault_local.provision import aws, callers

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

app = typer.Typer()

_WHERE = "What there is: twinvault list"


@app.command()
def raw(
    dialogue_id: Annotated[
        str, typer.Argument(metavar="ID", autocompletion=complete_dialogue, help="A dialogue's id, or a partition key.")
    ],
    *,
    table: Annotated[
        str | None,
        typer.Option(envvar="TWINVAULT_RECORDS_TABLE", help="The records table.", show_default="the twin's"),
    ] = None,
    region: Annotated[str | None, typer.Option(help="The table's region.", show_default="the AWS settings'")] = None,
    sk: Annotated[str, typer.Option(help="Only items whose sort key begins so.")] = "",
    _: AlreadyJsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    tenant: TenantOption = TENANT,
    state: StateOption = None,
) -> None:
    """Print a dialogue's items as DynamoDB holds them: what whoever reads the table sees.

    Where a dialogue stands is told by the service, to whoever may read it; the items come straight from the table.
    """
    partition_key = dialogue_id
    if not dialogue_id.startswith("tenant#"):
        opened = json.loads(connect(url, token, tenant, state).get(dialogue_path(dialogue_id)))
        partition_key = opened["stored"]["partition_key"]
    client, name = _table(table, region, state)
    items = query(client, name, partition_key, sk)
    if not items:
        which = f" whose sort key begins with {sk}" if sk else ""
        raise UsageError(f"Table {name} has no items of {partition_key}{which}.", next_step=_WHERE)
    print_json([_shown(item) for item in items])


def query(client: "DynamoDBClient", table: str, partition_key: str, prefix: str) -> list[dict[str, Any]]:
    """The items of a partition, all pages.

    Raises:
        UnavailableError: DynamoDB refuses or does not answer.
    """
    condition = "pk = :pk" + (" AND begins_with(sk, :sk)" if prefix else "")
    values: dict[str, Any] = {":pk": {"S": partition_key}, **({":sk": {"S": prefix}} if prefix else {})}
    pages = client.get_paginator("query").paginate(
        TableName=table, KeyConditionExpression=condition, ExpressionAttributeValues=values, ConsistentRead=True
    )
    try:
        return [dict(item) for page in pages for item in page["Items"]]
    except (ClientError, BotoCoreError) as error:
        raise UnavailableError(
            f"DynamoDB does not give the items ({_reason(error)}).",
            next_step="Reading a table needs AWS credentials that allow dynamodb:Query and its KMS key; of the twin's"
            ' functions: eval "$(twinvault env --as read)"',
        ) from None


def _table(table: str | None, region: str | None, state: Path | None) -> "tuple[DynamoDBClient, str]":
    """The table and a client for it: the twin's own, unless a table is named."""
    if table is None:
        folder = state_folder(state)
        facts, operator = status.facts(folder), callers.read(folder.callers, callers.OPERATOR)
        client = aws.dynamodb_client(facts.endpoints["dynamodb"], region=facts.region, caller=operator)
        return client, facts.tables["records"]
    try:
        return boto3.Session(region_name=region).client("dynamodb"), table
    except BotoCoreError as error:
        raise refusal(error) from None


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    """An item in DynamoDB's own JSON, binary as base64."""
    return {
        name: {kind: base64.b64encode(content).decode() if isinstance(content, bytes) else content}
        for name, value in sorted(item.items())
        for kind, content in value.items()
    }


def _reason(error: ClientError | BotoCoreError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
