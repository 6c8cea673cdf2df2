"""The functions: what each is called, serves and may do, and how one is made. Their roles are made in ``roles.py``.

A function may do what its line here says and nothing else. What it may do with the KMS keys is said by the keys'
policies (``keys.py``), which name its role.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import Arn, ArnComponents, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.endpoints import endpoint_urls
from stacks.rollout import Rollout
from stacks.stage import Stage

MEMORY_MB = 1024
# One second less than the 30 s after which the HTTP API gives up: the function's own answer arrives.
TIMEOUT_SECONDS = 29
_ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}

# A TransactGetItems is allowed as the GetItems that it consists of.
_KEYS = ("Query", "GetItem")
_READ = (*_KEYS, "BatchGetItem")
_MARKS = ("Query",)
_KEY_WORKS = ("/keys/rewrap", "/keys/rewrap/{id}", "/keys/finalize", "/keys/finalize/{id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """One function. ``tables`` and ``indexes`` say which DynamoDB actions it may do where."""

    name: str
    handler: str
    routes: tuple[tuple[str, str], ...]  # (method, path)
    tables: Mapping[str, tuple[str, ...]]
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    backup: tuple[str, ...] = ()  # what it may do with a records table that was restored from a backup
    makes_keys: tuple[str, ...] = ()  # purposes for which it may ask KMS for a new data key
    rewraps_keys: bool = False  # whether it may have KMS wrap keys under another root key
    signs_receipts: bool = False  # whether it may sign with the audit key
    every_minutes: int | None = None  # how often a schedule calls it

    def physical_name(self, stage: Stage) -> str:
        """Returns the function's name."""
        return f"twinvault-{stage.name}-{self.name}"


FUNCTIONS = (
    FunctionSpec(
        name="import",
        handler="service.handlers.import_dialogue.handler",
        routes=(("POST", "/dialogues/import"),),
        tables={
            "records": ("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete", *_READ),
            "keys": ("PartiQLInsert", *_KEYS),
            "marks": ("PartiQLInsert", *_MARKS),
            "audit": ("PartiQLInsert",),
        },
        makes_keys=("kek", "register"),
    ),
    FunctionSpec(
        name="read",
        handler="service.handlers.read_dialogues.handler",
        routes=(("GET", "/dialogues"), ("GET", "/dialogues/{id}"), ("GET", "/dialogues/{id}/export")),
        tables={"records": _READ, "keys": _KEYS, "marks": _MARKS, "audit": ("PartiQLInsert",)},
        indexes={"records": ("Query",)},
    ),
    FunctionSpec(
        name="keys",
        handler="service.handlers.manage_keys.handler",
        routes=(
            ("GET", "/keys"),
            ("GET", "/keys/status"),
            *(("POST", f"/keys/{move}") for move in ("rotate", "retire", "revoke", "reinstate", "destroy")),
            *((method, path) for path in _KEY_WORKS for method in ("GET", "POST")),
            ("POST", "/keys/rewrap-root"),
        ),
        tables={
            # A new DEK changes the head of its partition and no other record, and reads no other by its key.
            "records": ("PartiQLUpdate", "Query", "GetItem"),
            # A new epoch replaces the register and the index key's row; a rewrapping replaces the rows of DEKs. Its
            # works begin and change. An epoch that wraps nothing is deleted: nobody else may delete a key.
            "keys": ("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete", *_KEYS),
            "marks": ("PartiQLInsert", *_MARKS),
            "audit": ("PartiQLInsert",),
        },
        makes_keys=("kek",),
        rewraps_keys=True,
        every_minutes=5,
    ),
    FunctionSpec(
        name="maintain",
        handler="service.handlers.maintain.handler",
        routes=(
            ("GET", "/maintenance"),
            ("POST", "/maintenance"),
            ("GET", "/maintenance/{id}"),
            ("POST", "/maintenance/{id}"),
            ("POST", "/recovery/accept"),
            ("POST", "/recovery/restore"),
        ),
        tables={
            # It writes again what is there. A partition that is mended loses what does not open, and gets back what a
            # backup has.
            "records": ("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete", *_READ),
            # Works begin and change. Nothing here can delete a key.
            "keys": ("PartiQLInsert", "PartiQLUpdate", *_KEYS),
            "marks": ("PartiQLInsert", *_MARKS),
            "audit": ("PartiQLInsert",),
        },
        # What an index shows is compared with what the records carry.
        indexes={"records": ("Query",)},
        backup=("Query",),
        every_minutes=5,
    ),
    FunctionSpec(
        name="erase",
        handler="service.handlers.erase.handler",
        routes=(
            *((method, path) for path in ("/erasures", "/erasures/{id}") for method in ("GET", "POST")),
            ("POST", "/erasures/{id}/cancel"),
            ("POST", "/erasures/{id}/final"),
            ("GET", "/erasures/{id}/receipt"),
            ("GET", "/holds"),
            ("POST", "/holds"),
            ("POST", "/holds/lift"),
        ),
        tables={
            # It deletes heads, and what is left of a partition that was erased. It writes no record.
            "records": ("PartiQLDelete", "Query", "GetItem"),
            # Requests and holds are made and change, a tombstone may take the place of another; keys are deleted.
            "keys": ("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete", *_KEYS),
            "marks": ("PartiQLInsert", *_MARKS),
            "audit": ("PartiQLInsert",),
        },
        signs_receipts=True,
        every_minutes=5,
    ),
)


def backup_table(stage: Stage) -> str:
    """Returns the name that a records table must be given which is restored from a backup to put partitions back from.

    It is fixed, so that nothing has to be deployed when it is needed. There need not be such a table.
    """
    return f"twinvault-{stage.name}-restored"


def role_name(stage: Stage, function: str) -> str:
    """Returns the name of a function's role. It says the region: an account has one of a name."""
    return f"twinvault-{stage.name}-{function}-{stage.region}"


def role_arn(scope: Construct, stage: Stage, name: str) -> str:
    """Returns the ARN of a function's role, by its name alone: keys and roles live in separate stacks."""
    parts = ArnComponents(service="iam", region="", resource="role", resource_name=role_name(stage, name))
    return Arn.format(parts, Stack.of(scope))


def environment(
    stage: Stage,
    tables: Mapping[str, dynamodb.ITable],
    *,
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
        "TWINVAULT_BACKUP_TABLE": backup_table(stage),
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
        function_name=spec.physical_name(stage),
        # A part of what a version freezes: without it, a function that differs in nothing else gets no new version.
        description=f"Release {rollout.release}" if rollout.release else None,
        code=code,
        handler=spec.handler,
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=_ARCHITECTURES[stage.architecture],
        memory_size=MEMORY_MB,
        timeout=Duration.seconds(TIMEOUT_SECONDS),
        tracing=lambda_.Tracing.ACTIVE,
        environment=dict(environment),
        current_version_options=versions,
        role=role,
        log_group=log_group,
    )
