"""The KMS keys: root (wraps KEKs and register keys), table (the tables at rest), alarms (their topic), audit (signs).

Who may use a key is said here, in the key's own policy, and nowhere else. The local KMS evaluates key policies and
knows no IAM, so it decides as AWS does. Statements name roles by condition, not as principals: a principal must exist
when the policy is written, and the roles come in a later stack.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from twinvault_cdk.declarations import FunctionSpec
from twinvault_cdk.endpoints import via
from twinvault_cdk.names import Names
from twinvault_cdk.outputs import say
from twinvault_cdk.roles import role_arn
from twinvault_cdk.stage import Stage

# The encryption context of what the root key wraps: these keys, all of them, and no other.
PURPOSE, FORMAT, STORE, TENANT, EPOCH, KEY = (
    f"twinvault:{name}" for name in ("purpose", "format", "store", "tenant", "epoch", "key")
)
CONTEXT_KEYS = (PURPOSE, FORMAT, STORE, TENANT, EPOCH, KEY)

# What an administrator needs, spelled out: a pattern such as kms:Create* would bring CreateGrant, and a grant would
# let its holder decrypt past every condition below.
ADMINISTER = (
    "CancelKeyDeletion",
    "CreateAlias",
    "DeleteAlias",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListResourceTags",
    "PutKeyPolicy",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
)


class Keys(Construct):
    """The keys of one stage. They are never deleted with the stack: what they wrapped could not be opened again."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, names: Names, functions: Sequence[FunctionSpec]
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._names = names
        self._functions = functions
        wraps = "wraps the key-encryption keys and the register key of every tenant"
        self.root = self._key("Root", wraps, self._root_policy())
        self.table = self._key("Table", "encrypts the DynamoDB tables at rest", self._table_policy())
        self.alarms = self._key("Alarms", "encrypts the alarm topic at rest", self._alarms_policy())
        self.audit = self._key("Audit", "signs the receipts of erasures", self._audit_policy(), signs=True)
        self.all = (self.root, self.table, self.alarms, self.audit)
        # Whoever uses them or not, as the tables' (tables.py).
        for key in self.all:
            Stack.of(self).export_value(key.key_id)
            Stack.of(self).export_value(key.key_arn)

    def _key(self, name: str, does: str, statements: Iterable[iam.PolicyStatement], *, signs: bool = False) -> kms.Key:
        """Makes a key: symmetric and rotating, or one that signs; KMS rotates none of those."""
        key = kms.Key(
            self,
            f"{name}Key",
            description=f"{self._names.title}: {does}",
            key_spec=kms.KeySpec.ECC_NIST_EDWARDS25519 if signs else None,
            key_usage=kms.KeyUsage.SIGN_VERIFY if signs else None,
            enable_key_rotation=None if signs else True,
            pending_window=Duration.days(30),
            policy=iam.PolicyDocument(statements=[self._administer(signs=signs), *statements]),
            removal_policy=RemovalPolicy.RETAIN,
        )
        _fix_logical_id(key, f"{name}Key")
        alias = f"alias/{self._names.prefix}-{name.lower()}"
        kms.Alias(self, f"{name}Alias", alias_name=alias, target_key=key)
        say(self, f"{name}KeyArn", key.key_arn)
        return key

    def _administer(self, *, signs: bool) -> iam.PolicyStatement:
        # Whoever verifies a signature is given the public half by an administrator, and by no function.
        actions = (*ADMINISTER, "GetPublicKey") if signs else ADMINISTER
        return iam.PolicyStatement(
            sid="Administer",
            principals=[iam.AccountRootPrincipal()],
            actions=[f"kms:{action}" for action in actions],
            resources=["*"],
        )

    def _root_policy(self) -> Iterable[iam.PolicyStatement]:
        """A purpose has statements of its own: who may make KEKs may not for that make register keys."""
        opening = [spec.name for spec in self._functions if "keys" in spec.tables]  # who can read no key opens none
        rewrapping = [spec.name for spec in self._functions if spec.rewraps_keys]
        for purpose, keys in (("kek", "Keks"), ("register", "Registers")):
            conditions = _conditions(purpose, self._stage)
            makers = [spec.name for spec in self._functions if purpose in spec.makes_keys]
            yield from self._use(f"Open{keys}", ["kms:Decrypt"], roles=opening, conditions=conditions)
            yield from self._use(f"Make{keys}", ["kms:GenerateDataKey"], roles=makers, conditions=conditions)
            # Under another context a key would be another one: From and To are held to the same conditions.
            moved = ["kms:ReEncryptFrom", "kms:ReEncryptTo"]
            yield from self._use(f"Rewrap{keys}", moved, roles=rewrapping, conditions=conditions)
        # A receipt says until when a root key can be brought back whose deletion is scheduled.
        signers = [spec.name for spec in self._functions if spec.signs_receipts]
        yield from self._use("SeeWhetherItGoes", ["kms:DescribeKey"], roles=signers, conditions={})

    def _table_policy(self) -> Iterable[iam.PolicyStatement]:
        """DynamoDB Developer Guide, "DynamoDB encryption at rest", "Authorizing use of your customer managed key"."""
        via_dynamodb = {"kms:ViaService": via("dynamodb", self._stage.region)}
        yield from self._use(
            "ReadAndWriteTables",
            ["kms:Decrypt"],
            roles=[spec.name for spec in self._functions if spec.tables],
            conditions={"StringEquals": via_dynamodb},
        )
        # People and tools that IAM lets use DynamoDB; and DynamoDB's own grant, made when a table is.
        yield iam.PolicyStatement(
            sid="UseThroughDynamoDB",
            principals=[iam.AccountRootPrincipal()],
            actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            resources=["*"],
            conditions={"StringEquals": via_dynamodb},
        )
        yield iam.PolicyStatement(
            sid="LetDynamoDBMakeItsGrant",
            principals=[iam.AccountRootPrincipal()],
            actions=["kms:CreateGrant"],
            resources=["*"],
            conditions={"StringEquals": via_dynamodb, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        )

    def _alarms_policy(self) -> Iterable[iam.PolicyStatement]:
        """SNS Developer Guide, "Enable compatibility between event sources from AWS services and encrypted topics".

        SNS's own managed key would not do: its policy does not let CloudWatch use it, and alarms would be lost.
        """
        yield iam.PolicyStatement(
            sid="LetOurAlarmsPublish",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],
            conditions=from_our_alarms(self._names),
        )

    def _audit_policy(self) -> Iterable[iam.PolicyStatement]:
        """No condition sees what a message says: that only receipts are signed, under their label, is the adapter's.

        Ed25519 of the message itself, and never of a digest that another algorithm made (AWS KMS Developer Guide, "Key
        spec reference": ED25519_SHA_512 needs the message type RAW).
        """
        signers = [spec.name for spec in self._functions if spec.signs_receipts]
        pure = {"StringEquals": {"kms:SigningAlgorithm": "ED25519_SHA_512", "kms:MessageType": "RAW"}}
        yield from self._use("SignReceipts", ["kms:Sign"], roles=signers, conditions=pure)
        yield from self._use("SeeThePublicHalf", ["kms:GetPublicKey"], roles=signers, conditions={})

    def _use(
        self, sid: str, actions: list[str], *, roles: Iterable[str], conditions: dict[str, dict[str, Any]]
    ) -> Iterator[iam.PolicyStatement]:
        """Yields a statement for roles of this account, named by condition; none for no roles.

        A condition without a value would be for everybody, or for nobody: AWS does not say.
        """
        if not (arns := [role_arn(self, self._names, role) for role in roles]):
            return
        equals = {"kms:CallerAccount": Aws.ACCOUNT_ID, **conditions.get("StringEquals", {})}
        yield iam.PolicyStatement(
            sid=sid,
            principals=[iam.AnyPrincipal()],
            actions=actions,
            resources=["*"],
            conditions={**conditions, "StringEquals": equals, "ArnEquals": {"aws:PrincipalArn": arns}},
        )


def from_our_alarms(names: Names) -> dict[str, dict[str, str]]:
    """Returns the conditions under which CloudWatch acts for an alarm of this stage and for nobody else's."""
    alarms = f"arn:{Aws.PARTITION}:cloudwatch:{Aws.REGION}:{Aws.ACCOUNT_ID}:alarm:{names.prefix}-*"
    return {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}, "ArnLike": {"aws:SourceArn": alarms}}


def _conditions(purpose: str, stage: Stage) -> dict[str, dict[str, Any]]:
    """Returns the conditions under which a call is about a key of this purpose, of this store, and nothing else.

    ForAllValues is also true of a request without any encryption context, hence the Null conditions (IAM User Guide,
    "Set operators for multivalued context keys").
    """
    return {
        "StringEquals": {
            f"kms:EncryptionContext:{PURPOSE}": purpose,
            f"kms:EncryptionContext:{FORMAT}": "1",
            f"kms:EncryptionContext:{STORE}": stage.store,
        },
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": list(CONTEXT_KEYS)},
        "Null": {
            "kms:EncryptionContextKeys": "false",
            **{f"kms:EncryptionContext:{key}": "false" for key in CONTEXT_KEYS},
        },
    }


def _fix_logical_id(key: kms.Key, logical_id: str) -> None:
    # A rearranged construct tree must never look like another key to CloudFormation.
    resource = key.node.default_child
    assert isinstance(resource, kms.CfnKey)  # noqa: S101  # narrows for mypy; a kms.Key has no other default child
    resource.override_logical_id(logical_id)
