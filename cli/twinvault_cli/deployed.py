"""verify-deploy: whether what a stage's functions run is the artifact that was tested, byte for byte.

Lambda tells the sha256 of the zip that a version was published from (AWS Lambda API Reference, "FunctionConfiguration",
CodeSha256). It is asked with the caller's own AWS credentials; nothing is changed.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table

from twinvault_cli.connection import JsonOption
from twinvault_cli.errors import TamperingError, UnavailableError, UsageError
from twinvault_cli.output import print_json, results
from twinvault_cli.state import ROOT
from twinvault_local.artifact import archive

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient

app = typer.Typer()

LIVE = "live"  # the alias that the API calls (stacks/releases.py)
_FUNCTION = "AWS::Lambda::Function"
_ABSENT = frozenset({"ResourceNotFoundException", "ValidationError"})


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """One version of a function that requests reach, and the share of them that do."""

    function: str
    version: str
    share: float
    code_sha256: str
    tested: bool


@app.command(name="verify-deploy")
def verify_deploy(
    *,
    stage: Annotated[str, typer.Option(help="The stage that was deployed, for example prod.")],
    zipped: Annotated[Path, typer.Option("--artifact", help="The zip that was tested.")] = ROOT / "build/functions.zip",
    region: Annotated[str | None, typer.Option(help="The stage's region.", show_default="as cdk.json has it")] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare what a stage's functions run with the artifact. Exit code 3 if anything else is served."""
    if not zipped.is_file():
        raise UsageError(
            f"There is no artifact at {zipped}.", next_step="make build, from the commit that was deployed"
        )
    digest = archive.sha256(zipped)
    try:
        session = boto3.Session(region_name=region or _region_of(stage))
        served = list(look(session.client("cloudformation"), session.client("lambda"), stage=stage, digest=digest))
    except ClientError as error:
        _refused(error, stage)
    except BotoCoreError as error:
        raise UsageError(
            f"The AWS settings do not suffice: {error}", next_step="Give --region, or a profile."
        ) from None
    if not served:
        raise UsageError(f"Stage {stage} has no functions.", next_step=f"npx cdk deploy --all -c stage={stage}")
    if as_json:
        print_json({"stage": stage, "artifact": digest, "functions": [asdict(one) for one in served]})
    else:
        _print(served, digest)
    if strange := sorted({one.function for one in served if not one.tested}):
        raise TamperingError(
            f"{', '.join(strange)} of stage {stage} serves code that is not this artifact.",
            next_step="Build the commit that was deployed and compare again; if it still differs, ask who deployed.",
        )


def look(
    cloudformation: "CloudFormationClient", functions: "LambdaClient", *, stage: str, digest: str
) -> Iterator[ServedVersion]:
    """Every version that the stage's API reaches now: one for each function, two while a deployment moves requests."""
    expected = base64.b64encode(bytes.fromhex(digest)).decode()
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=f"Twinvault-{stage}-Api")
    listed = [one for page in pages for one in page["StackResourceSummaries"] if one["ResourceType"] == _FUNCTION]
    for name in sorted(one.get("PhysicalResourceId", "") for one in listed):
        alias = functions.get_alias(FunctionName=name, Name=LIVE)
        others = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        shares = {alias["FunctionVersion"]: 1 - sum(others.values()), **others}
        for version, share in shares.items():
            code = functions.get_function_configuration(FunctionName=name, Qualifier=version)["CodeSha256"]
            yield ServedVersion(name, version, share, code, code == expected)


def _region_of(stage: str) -> str | None:
    """The region of the stage in cdk.json; where it is in none, the AWS settings must have one."""
    try:
        stages = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]["stages"]
        return str(stages[stage]["region"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _print(served: list[ServedVersion], digest: str) -> None:
    table = Table("function", "version", "requests", "runs", box=None)
    for one in served:
        said = "[green]the artifact[/]" if one.tested else "[red]something else[/]"
        table.add_row(one.function, one.version, f"{one.share:.0%}", said)
    results.print(table)
    results.print(f"artifact  {digest}")


def _refused(error: ClientError, stage: str) -> NoReturn:
    code = error.response["Error"]["Code"]
    if code in _ABSENT:
        raise UsageError(
            f"Stage {stage} is not deployed in this account and region, or its alias is not there ({code}).",
            next_step=f"npx cdk deploy --all -c stage={stage}",
        ) from None
    raise UnavailableError(
        f"AWS does not tell ({code}).",
        next_step="It needs cloudformation:ListStackResources, lambda:GetAlias and lambda:GetFunctionConfiguration.",
    ) from None
