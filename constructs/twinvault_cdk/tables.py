"""The four tables: records, keys, marks, audit. What is in them is said in docs/design.md."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from twinvault_cdk.adopting import let_go
from twinvault_cdk.outputs import say
from twinvault_cdk.rollout import Rollout
from twinvault_cdk.stage import Stage

RECOVERY_DAYS = 35  # the longest that point-in-time recovery offers

BY_LIST = "ByList"
SLOTS = (1, 2, 3)
BY_BLIND = tuple(f"ByBlind{slot}" for slot in SLOTS)
INDEXES = {"records": (BY_LIST, *BY_BLIND)}

# Every way to change what stands in a table, but PartiQL's INSERT, which cannot overwrite. Expiry is one of them.
NOT_APPENDING = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:UpdateTimeToLive",
)


class Tables(Construct):
    """The tables of one stage, by their logical names. They outlive the stack.

    A table that the stage adopts changes nothing here: the stack's own stays as it is, and so do its exports. Where the
    rollout lets go of it, the stack is without it, its outputs say the adopted one's name, and so there is room for
    importing that one under the same logical id (docs/runbooks/restore.md).
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, rollout: Rollout, table_key: kms.IKey
    ) -> None:
        super().__init__(scope, construct_id)
        self._encryption = dynamodb.TableEncryptionV2.customer_managed_key(table_key)
        self.by_name = {
            # The rows that remember requests expire; no declared record has the attribute.
            "records": self._table("Records", indexes=[_by_list(), *map(_by_blind, SLOTS)], expires_at="expires_at"),
            "keys": self._table("Keys", recovery_days=stage.keys_recovery_days),
            # One small row a write, for good: the newest says which state of a partition or tenant is the current one.
            "marks": self._table("Marks", append_only=True),
            # The images of the entries, for whoever follows the log.
            "audit": self._table("Audit", append_only=True, stream=dynamodb.StreamViewType.NEW_IMAGE),
        }
        # Whoever uses them or not: CloudFormation updates this stack before the one that gives up a use, and an export
        # that is still in use cannot vanish.
        for table in self.by_name.values():
            Stack.of(self).export_value(table.table_name)
            Stack.of(self).export_value(table.table_arn)
        for name in rollout.letting_go:
            let_go(self.by_name[name], name=stage.adopted_tables[name])

    def _table(
        self,
        name: str,
        *,
        recovery_days: int = RECOVERY_DAYS,
        indexes: list[dynamodb.GlobalSecondaryIndexPropsV2] | None = None,
        append_only: bool = False,
        expires_at: str | None = None,
        stream: dynamodb.StreamViewType | None = None,
    ) -> dynamodb.TableV2:
        table = dynamodb.TableV2(
            self,
            name,
            partition_key=_text("pk"),
            sort_key=_text("sk"),
            billing=dynamodb.Billing.on_demand(),
            encryption=self._encryption,
            global_secondary_indexes=indexes,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=recovery_days
            ),
            dynamo_stream=stream,
            time_to_live_attribute=expires_at,
            resource_policy=_append_only() if append_only else None,
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        # A rearranged construct tree must never look like another table to CloudFormation.
        resource = table.node.default_child
        assert isinstance(resource, dynamodb.CfnGlobalTable)  # noqa: S101  # narrows for mypy; TableV2 makes no other
        resource.override_logical_id(name)
        say(self, f"{name}Table", table.table_name)
        return table


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _by_list() -> dynamodb.GlobalSecondaryIndexPropsV2:
    return dynamodb.GlobalSecondaryIndexPropsV2(
        index_name=BY_LIST,
        partition_keys=[_text("tenant_id"), _text("list_kind")],
        sort_keys=[_text("list_status"), _text("list_at")],
        projection_type=dynamodb.ProjectionType.KEYS_ONLY,
    )


def _by_blind(slot: int) -> dynamodb.GlobalSecondaryIndexPropsV2:
    """The records with a blind index in this slot; who has none is not in it."""
    return dynamodb.GlobalSecondaryIndexPropsV2(
        index_name=f"ByBlind{slot}",
        partition_keys=[_text("tenant_id"), _text(f"bi_{slot}")],
        projection_type=dynamodb.ProjectionType.KEYS_ONLY,
    )


def _append_only() -> iam.PolicyDocument:
    """Denies everyone every change that is not an INSERT, whatever their own policies say.

    The resource is the table that the policy hangs on; its own ARN cannot be named while it is being made.
    """
    deny = iam.PolicyStatement(
        sid="AppendOnly",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=list(NOT_APPENDING),
        resources=["*"],
    )
    return iam.PolicyDocument(statements=[deny])
