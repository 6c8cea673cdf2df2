"""Tables, keys and aliases as the synthesized template says, made where they are missing and never twice.

What was made lies in the ledger. A template that asks for something else than what was made is refused with the
differences named: data must neither seem to vanish nor be read through another key schema.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from twinvault_local.errors import DriftError, StateError
from twinvault_local.machine.progress import Progress
from twinvault_local.provision import adopting, keys, tables
from twinvault_local.provision.ledger import NEXT_AFTER_DRIFT, Ledger
from twinvault_local.provision.template import ACCOUNT, Assembly, Physical, Resource

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient


@dataclass(frozen=True, slots=True)
class Provisioner:
    """Makes what one assembly asks for in one pair of engines."""

    assembly: Assembly
    ledger: Ledger
    dynamodb: "DynamoDBClient"
    kms: "KMSClient"
    progress: Progress

    def run(self) -> dict[str, Physical]:
        """Everything made: path to what references to it give.

        Raises:
            DriftError: what was made differs from what the template asks for; nothing was touched.
            StateError: what was made is gone; likewise.
            TemplateError: the template asks for something that the twin does not know.
        """
        key_resources = [self._key(one) for one in self.assembly.resources(keys.KEY)]
        table_resources = [self._table(one) for one in self.assembly.resources(tables.TABLE, tables.GLOBAL_TABLE)]
        self.ledger.refuse_strangers(one.path for one in [*key_resources, *table_resources])
        self._refuse_drift(key_resources, table_resources)
        known = {resource.path: self._provide_key(resource) for resource in key_resources}
        for resource in self.assembly.resources(keys.ALIAS):
            alias = self.assembly.properties(resource, known)
            keys.point_alias(self.kms, alias["AliasName"], alias["TargetKeyId"].rpartition("/")[2])
            known[resource.path] = Physical(alias["AliasName"])
        return known | {resource.path: self._provide_table(resource) for resource in table_resources}

    def _key(self, resource: Resource) -> Resource:
        """The key as the local KMS can make it, its properties resolved."""
        supported = replace(resource, properties=keys.supported_properties(resource.properties, where=resource.path))
        return replace(supported, properties=self.assembly.properties(supported, {}))

    def _table(self, resource: Resource) -> Resource:
        """The table as DynamoDB Local can make it, its properties resolved; what is left out need not resolve."""
        supported = replace(resource, properties=tables.supported_properties(resource.properties, where=resource.path))
        return replace(supported, properties=self.assembly.properties(supported, {}))

    def _refuse_drift(self, key_resources: list[Resource], table_resources: list[Resource]) -> None:
        found = []
        for key in key_resources:
            if key_id := self.ledger.name(key.path):
                found += [f"{key.path}: {one}" for one in keys.differences(self.kms, key_id, key.properties)]
        exist = tables.existing(self.dynamodb)
        ours = exist & {_table_name(table) for table in table_resources}
        if ours and self.ledger.is_empty:  # keys are made and noted before tables: no crash leaves it like this
            raise StateError(
                "DynamoDB Local has tables, and provisioned.json, which says whose keys sealed them, is gone.",
                next_step="Put provisioned.json back, or wipe data and keys: twinvault reset",
            )
        for table in table_resources:
            name = _table_name(table)
            if name in exist:
                found += [f"{table.path}: {one}" for one in tables.differences(self.dynamodb, name, table.properties)]
            elif made := self.ledger.name(table.path):
                raise StateError(
                    f"The table {made} was made here and DynamoDB Local does not have it: its database was replaced.",
                    next_step="Put the folder's `dynamodb` back, or wipe data and keys: twinvault reset",
                )
        found += self._refuse_adopted(table_resources, exist)
        if found:
            listed = "\n  ".join(found)
            raise DriftError(f"The template changed since this was made:\n  {listed}", next_step=NEXT_AFTER_DRIFT)

    def _refuse_adopted(self, table_resources: list[Resource], exist: set[str]) -> list[str]:
        """Where an adopted table has other keys and indexes than the one in whose place it stands."""
        found = []
        adopted = adopting.adopted(self.assembly)
        for table in table_resources:
            if (name := adopted.get(table.path)) is None:
                continue
            if name not in exist:
                raise StateError(
                    f"The stage adopts the table {name}, and DynamoDB Local does not have it.",
                    next_step="Copy the table under that name, or take the name out of cdk.json.",
                )
            wanted = {key: value for key, value in table.properties.items() if key not in adopting.NOT_RESTORED}
            found += [f"{name}: {one}" for one in tables.differences(self.dynamodb, name, wanted)]
        return found

    def _provide_key(self, resource: Resource) -> Physical:
        key_id = self.ledger.name(resource.path)
        if key_id is None:
            key_id = keys.make(self.kms, resource.properties)
            self.ledger.record(resource.path, key_id)
            self.progress(f"made key {resource.logical_id}")
        keys.adjust(self.kms, key_id, resource.properties)
        return Physical(key_id, {"Arn": keys.describe_key(self.kms, key_id)["Arn"], "KeyId": key_id})

    def _provide_table(self, resource: Resource) -> Physical:
        name = _table_name(resource)
        if name not in tables.existing(self.dynamodb):
            tables.make(self.dynamodb, name, resource.properties)
            self.progress(f"made table {name}")
        self.ledger.record(resource.path, name)
        tables.adjust(self.dynamodb, name, resource.properties)
        attributes = {"Arn": f"arn:aws:dynamodb:{self.assembly.region}:{ACCOUNT}:table/{name}"}
        if stream := self.dynamodb.describe_table(TableName=name)["Table"].get("LatestStreamArn"):
            attributes["StreamArn"] = stream
        return Physical(name, attributes)


def _table_name(resource: Resource) -> str:
    return str(resource.properties.get("TableName") or tables.physical_name(resource.stack, resource.logical_id))
