"""How a declared function is made: its environment, its log group, itself. Its role is made in ``roles.py``."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from twinvault_cdk.declarations import FunctionSpec
from twinvault_cdk.endpoints import endpoint_urls
from twinvault_cdk.names import Names
from twinvault_cdk.rollout import Rollout
from twinvault_cdk.stage import Stage

MEMORY_MB = 1024
# One second less than the 30 s after which the HTTP API gives up: the function's own answer arrives.
TIMEOUT_SECONDS = 29
_ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}


def environment(
    stage: Stage,
    tables: Mapping[str, dynamodb.ITable],
    *,
    names: Names,
    root_key: kms.IKey,
    audit_key: kms.IKey,
    artifact: str,
) -> dict[str, str]:
    """Returns every variable that a function reads, endpoints included: locally they differ in value and in no name.

    ``artifact`` is the sha256 of what the functions run, in hex: their audit entries name it.

    Raises:
        StageError: the stage's region has no endpoints of the kind that it asks for.
    """
    return {
        "TWINVAULT_STORE": stage.store,
        "TWINVAULT_ARTIFACT": artifact,
        **{f"TWINVAULT_{name.upper()}_TABLE": table.table_name for name, table in tables.items()},
        "TWINVAULT_BACKUP_TABLE": names.backup_table,
        "TWINVAULT_ROOT_KEYS": root_key.key_id,
        "TWINVAULT_AUDIT_KEY": audit_key.key_id,
        "TWINVAULT_ISSUER": stage.issuer,
        "TWINVAULT_AUDIENCE": stage.audience,
        "TWINVAULT_JWKS_URL": stage.jwks_url,
        "TWINVAULT_TENANT_CLAIM": stage.tenant_claim,
        "TWINVAULT_PERMISSIONS_CLAIM": stage.permissions_claim,
        "TWINVAULT_KEY_TTL_SECONDS": str(stage.key_ttl_seconds),
        "TWINVAULT_KEYS_RECOVERY_DAYS": str(stage.keys_recovery_days),
        "TWINVAULT_BACKUP_DAYS": str(stage.backup_days),
        "TWINVAULT_ERASURE_HOLD_HOURS": str(stage.erasure_hold_hours),
        "TWINVAULT_ERASURE_FOUR_EYES": "true" if stage.erasure_four_eyes else "false",
        "TWINVAULT_LOWEST_FORMAT": str(stage.lowest_format),
        "TWINVAULT_LOG_LEVEL": stage.log_level,
        # Two of the SDK's own settings. Declared, because sam local hands a function nothing that is not.
        **{f"AWS_ENDPOINT_URL_{service.upper()}": url for service, url in endpoint_urls(stage).items()},
    }


def make_log_group(scope: Construct, construct_id: str, stage: Stage) -> logs.LogGroup:
    """Makes a log group that is kept for as long as the stage says, and outlives the stack."""
    group = logs.LogGroup(scope, construct_id, removal_policy=RemovalPolicy.RETAIN)
    # The construct wants a name (ONE_WEEK) for what CloudFormation, and the stage, say in days.
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101  # narrows for mypy; a LogGroup has no other default child
    resource.retention_in_days = stage.log_retention_days
    return group


def make_function(
    scope: Construct,
    spec: FunctionSpec,
    *,
    stage: Stage,
    names: Names,
    code: lambda_.Code,
    rollout: Rollout,
    environment: Mapping[str, str],
    versions: lambda_.VersionOptions,
    role: iam.Role,
    log_group: logs.LogGroup,
) -> lambda_.Function:
    """Makes the Lambda function of one spec under its own role and log group."""
    return lambda_.Function(
        scope,
        "Function",
        function_name=names.function(spec.name),
        # A part of what a version freezes: without it, a function that differs in nothing else gets no new version.
        description=f"Release {rollout.release}" if rollout.release else None,
        code=code,
        handler=spec.handler,
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=_ARCHITECTURES[stage.architecture],
        memory_size=MEMORY_MB,
        timeout=Duration.seconds(TIMEOUT_SECONDS),
        tracing=lambda_.Tracing.ACTIVE,
        environment={**spec.environment, **environment},
        current_version_options=versions,
        role=role,
        log_group=log_group,
    )
