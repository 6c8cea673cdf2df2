"""A stage that is deployed on AWS as a target: its three stacks tell everything. Asks with boto3's own settings.

Nothing here knows the twin. What it needs to be allowed is in docs/parity.md, and a test holds the two together.
"""

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.parity.target import AWS, Credentials, Target, Template
from tests.parity.templates import functions, role, role_arn

STACKS = ("Store", "Api")
LIVE = "live"  # the alias that the API calls
SESSION = "twinvault-parity"  # the name under which the roles of a disposable stage may be assumed
# Bearer tokens of two tenants, with dialogues:read and dialogues:write, of the stage's own identity provider.
TOKENS = {"own": "TWINVAULT_TOKEN", "foreign": "TWINVAULT_FOREIGN_TOKEN"}
_OWN_HOSTS = (".amazonaws.com", ".amazonaws.com.cn")


@contextmanager
def deployed_stage(stage: str, environment: Mapping[str, str]) -> Iterator[Target]:
    """The stage that is deployed in the caller's account and region, as `environment` tells boto3 and us.

    The tests' own fixtures shut the way to AWS; within this block what the caller's shell says of AWS holds.

    Raises:
        pytest.UsageError: the stage is not deployed there, or a token is missing.
    """
    if missing := [name for name in TOKENS.values() if not environment.get(name)]:
        raise pytest.UsageError(f"--target aws needs {' and '.join(missing)}: see docs/parity.md")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in environment.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        yield _target(stage, boto3.Session(), environment)


def _target(stage: str, session: boto3.Session, environment: Mapping[str, str]) -> Target:
    if session.region_name is None:
        raise pytest.UsageError("--target aws needs a region: AWS_REGION, or the profile's")
    cloudformation = session.client("cloudformation")
    outputs: dict[str, str] = {}
    templates: dict[str, Template] = {}
    for stack in STACKS:
        name = f"Twinvault-{stage}-{stack}"
        try:
            (described,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        except (ClientError, BotoCoreError) as error:
            raise pytest.UsageError(
                f"AWS does not tell of the stack {name} in {session.region_name}: {error}"
            ) from None
        outputs |= {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
        templates[stack] = cloudformation.get_template(StackName=name)["TemplateBody"]
    target = Target(
        kind=AWS,
        stage=stage,
        region=session.region_name,
        outputs=outputs,
        templates=templates,
        engines={service: _engine(session, service) for service in ("dynamodb", "kms")},
        served={},
        tokens=lambda tenant: environment[TOKENS[tenant]],
        function_credentials=lambda _: None,
    )
    served = dict(_served(session.client("lambda"), target))
    return replace(target, served=served, function_credentials=_assuming(session, target))


def _engine(session: boto3.Session, service: str) -> str:
    """`AWS` where the endpoint is Amazon's, else the endpoint: neither shall be taken for the other."""
    endpoint = session.client(service).meta.endpoint_url
    return "AWS" if (urlsplit(endpoint).hostname or "").endswith(_OWN_HOSTS) else endpoint


def _served(client: Any, target: Target) -> Iterator[tuple[str, str]]:
    """Every version that requests reach and the sha256 of its zip: two of a function while a deployment moves them."""
    for function in functions(target):
        name = f"twinvault-{target.stage}-{function}"
        alias = client.get_alias(FunctionName=name, Name=LIVE)
        others = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
        for version in (alias["FunctionVersion"], *others):
            digest = client.get_function_configuration(FunctionName=name, Qualifier=version)["CodeSha256"]
            yield f"{name}:{version}", base64.b64decode(digest).hex()


def _assuming(session: boto3.Session, target: Target) -> Callable[[str], Credentials | None]:
    """How credentials of a function's role are had: only where the stage's own template lets the account assume it."""
    known: dict[str, Credentials] = {}

    def credentials(function: str) -> Credentials | None:
        if not is_assumable(role(target, function)):
            return None
        if function not in known:
            sts = session.client("sts")
            given = sts.assume_role(RoleArn=role_arn(target, function), RoleSessionName=SESSION)["Credentials"]
            known[function] = {
                "aws_access_key_id": given["AccessKeyId"],
                "aws_secret_access_key": given["SecretAccessKey"],
                "aws_session_token": given["SessionToken"],
            }
        return known[function]

    return credentials


def is_assumable(properties: Mapping[str, Any]) -> bool:
    """Whether a role's template lets more than Lambda assume it: what a stage that is disposable has, and no other."""
    statements = properties["AssumeRolePolicyDocument"]["Statement"]
    return any("AWS" in statement["Principal"] for statement in statements)
