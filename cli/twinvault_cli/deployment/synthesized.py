"""What the synthesized templates say of a stage's tables and keys.

Source: AWS CloudFormation Template Reference, AWS::DynamoDB::GlobalTable and AWS::KMS::Key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twinvault_cli.deployment import settings
from twinvault_cli.deployment.settings import Configured
from twinvault_local.provision import adopting
from twinvault_local.provision.keys import KEY
from twinvault_local.provision.tables import GLOBAL_TABLE
from twinvault_local.provision.template import Assembly, Physical, Resource

STACKS = ("Store",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a stage was deployed."""

    account: str
    partition: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """One table or key: by which name it is to be found, and what the template says of it."""

    logical_id: str
    name: str
    arn: str
    settings: Configured
    policy: Mapping[str, Any] | None
    adopted: bool = False  # whether it stands in place of the stack's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Synthesized:
    """The templates of one stage, in the place where it was deployed."""

    assembly: Assembly
    known: Mapping[str, Physical]  # what references give, by stack and logical id

    @classmethod
    def read(cls, folder: Path, place: Site, physical: Mapping[str, str]) -> "Synthesized":
        """The templates in `folder`; `physical` has the name of each table and key, by stack and logical id.

        Raises:
            TemplateError: there is no readable assembly in the folder.
        """
        loaded = replace(Assembly.load(folder), account=place.account, partition=place.partition)
        known = {}
        for resource in loaded.resources(KEY, GLOBAL_TABLE):
            if name := physical.get(resource.path):
                service, kind = ("kms", "key") if resource.type == KEY else ("dynamodb", "table")
                known[resource.path] = Physical(name, {"Arn": _arn(place, service, f"{kind}/{name}"), "KeyId": name})
        return cls(assembly=loaded, known=known)

    def tables(self) -> list[Intended]:
        """Every table that functions use: an adopted one in place of the stack's own."""
        adopted = adopting.adopted(self.assembly)
        found = []
        for resource in self.assembly.resources(GLOBAL_TABLE):
            properties = self.assembly.properties(resource, self.known)
            own = self._physical(resource)
            name = adopted.get(resource.path, own.ref)
            flat = _flat(properties)
            policy = flat.get("ResourcePolicy", {}).get("PolicyDocument")
            found.append(
                Intended(
                    logical_id=resource.logical_id,
                    name=name,
                    arn=own.attributes["Arn"].rpartition("/")[0] + f"/{name}",
                    settings=Configured(_of_table(flat), settings.statements(policy)),
                    policy=policy,
                    adopted=resource.path in adopted,
                )
            )
        return found

    def keys(self) -> list[Intended]:
        """Every key."""
        found = []
        for resource in self.assembly.resources(KEY):
            properties = self.assembly.properties(resource, self.known)
            own = self._physical(resource)
            policy = properties["KeyPolicy"]
            found.append(
                Intended(
                    logical_id=resource.logical_id,
                    name=own.ref,
                    arn=own.attributes["Arn"],
                    settings=Configured(_of_key(properties), settings.statements(policy)),
                    policy=policy,
                )
            )
        return found

    def _physical(self, resource: Resource) -> Physical:
        absent = Physical("(none)", {"Arn": f"arn::::{resource.logical_id}/(none)"})
        return self.known.get(resource.path, absent)


def _arn(place: Site, service: str, resource: str) -> str:
    return f"arn:{place.partition}:{service}:{place.region}:{place.account}:{resource}"


def _flat(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A GlobalTable with its only replica folded in; the replica names the indexes once more, to no purpose here."""
    (replica,) = properties["Replicas"]
    return {**properties, **{name: value for name, value in replica.items() if name != "GlobalSecondaryIndexes"}}


def _of_table(flat: Mapping[str, Any]) -> dict[str, str]:
    backups = flat.get("PointInTimeRecoverySpecification", {})
    expiry = flat.get("TimeToLiveSpecification", {})
    return {
        "key": settings.key_schema(flat["KeySchema"]),
        **{f"attribute {one['AttributeName']}": one["AttributeType"] for one in flat["AttributeDefinitions"]},
        **{f"index {one['IndexName']}": settings.index(one) for one in flat.get("GlobalSecondaryIndexes", [])},
        "billing": flat.get("BillingMode", "PROVISIONED"),
        "stream": flat.get("StreamSpecification", {}).get("StreamViewType", settings.NONE),
        "expiry": expiry["AttributeName"] if expiry.get("Enabled") else settings.NONE,
        "encryption": flat.get("SSESpecification", {}).get("KMSMasterKeyId", settings.NONE),
        "deletion protection": settings.switch(on=bool(flat.get("DeletionProtectionEnabled"))),
        "point-in-time recovery": settings.recovery(
            on=bool(backups.get("PointInTimeRecoveryEnabled")), days=backups.get("RecoveryPeriodInDays")
        ),
        **{f"tag {one['Key']}": one["Value"] for one in flat.get("Tags", [])},
    }


def _of_key(properties: Mapping[str, Any]) -> dict[str, str]:
    return {
        "state": "Enabled",
        "spec": properties.get("KeySpec", "SYMMETRIC_DEFAULT"),
        "usage": properties.get("KeyUsage", "ENCRYPT_DECRYPT"),
        "rotation": settings.rotation(
            on=bool(properties.get("EnableKeyRotation")), days=properties.get("RotationPeriodInDays")
        ),
    }
