"""verify-deploy: whether a stage runs what was tested, and whether its tables and keys are as the templates have them.

Lambda tells the sha256 of the zip that a version was published from (AWS Lambda API Reference, "FunctionConfiguration",
CodeSha256). Tables and keys are compared setting by setting (``deployment/``). AWS is asked with the caller's own
credentials; nothing is changed.
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
from rich.markup import escape

from twinvault_cli.aws_refusals import refusal
from twinvault_cli.completing import complete_stage
from twinvault_cli.connection import JsonOption
from twinvault_cli.deployment import living
from twinvault_cli.deployment.comparing import Compared, compare
from twinvault_cli.errors import TamperingError, UnavailableError, UsageError
from twinvault_cli.output import print_json, print_table, results
from twinvault_cli.state import ROOT
from twinvault_local.artifact import archive
from twinvault_local.errors import TemplateError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient

app = typer.Typer()

LIVE = "live"  # the alias that the API calls (constructs/twinvault_cdk/releases.py)
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
    stage: Annotated[
        str, typer.Option(autocompletion=complete_stage, help="The stage that was deployed, for example prod.")
    ],
    zipped: Annotated[Path, typer.Option("--artifact", help="The zip that was tested.")] = ROOT / "build/functions.zip",
    templates: Annotated[
        Path | None,
        typer.Option(help="The folder that was deployed.", show_default="the newest in build/ or cdk.out"),
    ] = None,
    region: Annotated[str | None, typer.Option(help="The stage's region.", show_default="as cdk.json has it")] = None,
    commands: Annotated[
        bool, typer.Option("--commands", help="Only print what puts tables and keys right, a line each.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare what a stage's functions run with the artifact, and its tables and keys with the templates.

    Exit code 3 if anything else is served, or any setting differs.
    """
    if not zipped.is_file():
        raise UsageError(
            f"There is no artifact at {zipped}.", next_step="make build, from the commit that was deployed"
        )
    digest = archive.sha256(zipped)
    synthesized = templates or _templates_of(stage)
    try:
        session = boto3.Session(region_name=region or _region_of(stage))
        served = list(look(session.client("cloudformation"), session.client("lambda"), stage=stage, digest=digest))
        compared = compare(session, stage=stage, templates=synthesized)
    except ClientError as error:
        _refused(error, stage)
    except TemplateError as error:
        raise UsageError(error.message, next_step=f"npx cdk synth --all -c stage={stage}") from None
    except BotoCoreError as error:
        raise refusal(error) from None
    if not served:
        raise UsageError(f"Stage {stage} has no functions.", next_step=f"npx cdk deploy --all -c stage={stage}")
    _tell(stage, digest, served, compared, as_json=as_json, commands=commands)
    _refuse(stage, served, compared)


def _tell(
    stage: str, digest: str, served: list[ServedVersion], compared: Compared, *, as_json: bool, commands: bool
) -> None:
    if commands:
        for command in dict.fromkeys(one.command for one in compared.differences if one.command):
            typer.echo(command)
    elif as_json:
        looked_at = [
            {"resource": one.logical_id, "name": one.name, "adopted": one.adopted} for one in compared.looked_at
        ]
        differing = [asdict(one) for one in compared.differences]
        functions = [asdict(one) for one in served]
        told = {"functions": functions, "tables_and_keys": looked_at, "differences": differing}
        print_json({"stage": stage, "artifact": digest, **told})
    else:
        _print(served, digest)
        _print_settings(compared)


def _refuse(stage: str, served: list[ServedVersion], compared: Compared) -> None:
    """Says what is not as it was tested or synthesized, if anything is not."""
    said, todo = [], []
    if strange := sorted({one.function for one in served if not one.tested}):
        said.append(f"{', '.join(strange)} of stage {stage} serves code that is not this artifact.")
        todo.append("Build the commit that was deployed and compare again; if it still differs, ask who deployed.")
    if differing := compared.differences:
        said.append(f"{len(differing)} settings of tables and keys of stage {stage} are not the templates'.")
        todo.append(f"What puts them right: twinvault verify-deploy --stage {stage} --commands")
    if said:
        raise TamperingError(" ".join(said), next_step="\n".join(todo))


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


def _templates_of(stage: str) -> Path:
    """The newest assembly of this stage that lies in the checkout: a release's, the verdict's, or one made by hand.

    Raises:
        UsageError: there is none.
    """
    folders = (ROOT / "build" / "rollout" / stage, ROOT / "build" / "verdict" / stage, ROOT / "cdk.out")
    found = [one for one in folders if (one / f"Twinvault-{stage}-Store.template.json").is_file()]
    if not found:
        raise UsageError(
            f"There are no templates of stage {stage} to compare with.",
            next_step=f"npx cdk synth --all -c stage={stage}",
        )
    return max(found, key=lambda one: (one / "manifest.json").stat().st_mtime)


def _region_of(stage: str) -> str | None:
    """The region of the stage in cdk.json; where it is in none, the AWS settings must have one."""
    try:
        stages = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]["stages"]
        return str(stages[stage]["region"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _print(served: list[ServedVersion], digest: str) -> None:
    rows = []
    for one in served:
        said = "[green]the artifact[/]" if one.tested else "[red]something else[/]"
        rows.append((escape(one.function), one.version, f"{one.share:.0%}", said))
    print_table(("function", "version", "requests", "runs"), rows)
    results.print(f"artifact  {digest}")


def _print_settings(compared: Compared) -> None:
    rows = []
    for one in compared.looked_at:
        differing = sum(one.name == difference.name for difference in compared.differences)
        said = f"[red]other than the template, in {differing}[/]" if differing else "[green]as the template has it[/]"
        rows.append((escape(one.logical_id) + (" (adopted)" if one.adopted else ""), escape(one.name), said))
    print_table(("table or key", "name", "is"), rows)
    for difference in compared.differences:
        results.print(f"[red]{escape(str(difference))}[/]")


def _refused(error: ClientError, stage: str) -> NoReturn:
    code = error.response["Error"]["Code"]
    if code in _ABSENT:
        raise UsageError(
            f"Stage {stage} is not deployed in this account and region, or its alias is not there ({code}).",
            next_step=f"npx cdk deploy --all -c stage={stage}",
        ) from None
    raise UnavailableError(
        f"AWS does not tell ({code}).",
        next_step=f"It needs {', '.join(living.PERMISSIONS)}.",
    ) from None
