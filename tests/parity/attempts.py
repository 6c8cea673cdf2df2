"""Each action of DynamoDB and KMS as one call that asks for nothing else, and changes nothing even where it is allowed.

What it would change is not there, or its condition never holds; settings are set to what they are. The one exception is
PartiQLInsert, which knows no condition: where it is allowed by mistake, it leaves a row that says what it is.
Service Authorization Reference, "Actions, resources, and condition keys for Amazon DynamoDB", and "for AWS KMS".
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

DENIED = "AccessDeniedException"
_KEY = {"pk": {"S": "parity#denied"}, "sk": {"S": "a row that nobody may write"}}
_NEVER = {"ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(pk)"}


@dataclass(frozen=True, slots=True)
class Place:
    """A table as its operator described it, and one of its indexes where the attempt is about that."""

    description: Mapping[str, Any]
    arn: str
    index: str | None = None

    @property
    def table(self) -> str:
        """The table's name."""
        return str(self.description["TableName"])

    @property
    def question(self) -> dict[str, Any]:
        """What Query and Scan are told of where to look."""
        return {"TableName": self.table} | ({"IndexName": self.index} if self.index else {})

    @property
    def partition(self) -> dict[str, Any]:
        """A condition on all of the partition key's attributes."""
        schema: Any = self.description["KeySchema"]
        if self.index:
            (schema,) = (
                i["KeySchema"] for i in self.description["GlobalSecondaryIndexes"] if i["IndexName"] == self.index
            )
        names = [one["AttributeName"] for one in schema if one["KeyType"] == "HASH"]
        return {
            "KeyConditionExpression": " AND ".join(f"{name} = :{name}" for name in names),
            "ExpressionAttributeValues": {f":{name}": {"S": "parity#denied"} for name in names},
        }

    def statement(self, text: str) -> dict[str, Any]:
        """A PartiQL statement about the one row."""
        return {"Statement": text.replace("TABLE", f'"{self.table}"'), "Parameters": list(_KEY.values())}


type Attempt = Callable[[Any, Place], Any]

READ_TABLE: Mapping[str, Attempt] = {
    "GetItem": lambda c, p: c.get_item(TableName=p.table, Key=_KEY),
    "BatchGetItem": lambda c, p: c.batch_get_item(RequestItems={p.table: {"Keys": [_KEY]}}),
    "Query": lambda c, p: c.query(**p.question, **p.partition, Limit=1),
    "Scan": lambda c, p: c.scan(**p.question, Limit=1),
    "PartiQLSelect": lambda c, p: c.execute_statement(**p.statement("SELECT * FROM TABLE WHERE pk = ? AND sk = ?")),
    "DescribeTable": lambda c, p: c.describe_table(TableName=p.table),
    "DescribeTimeToLive": lambda c, p: c.describe_time_to_live(TableName=p.table),
    "GetResourcePolicy": lambda c, p: c.get_resource_policy(ResourceArn=p.arn),
    "ListTagsOfResource": lambda c, p: c.list_tags_of_resource(ResourceArn=p.arn),
}
READ_INDEX: Mapping[str, Attempt] = {name: READ_TABLE[name] for name in ("Query", "Scan")}
WRITE: Mapping[str, Attempt] = {
    "PutItem": lambda c, p: c.put_item(TableName=p.table, Item=_KEY, **_NEVER),
    "UpdateItem": lambda c, p: c.update_item(TableName=p.table, Key=_KEY, **_NEVER),
    "DeleteItem": lambda c, p: c.delete_item(TableName=p.table, Key=_KEY, **_NEVER),
    "BatchWriteItem": lambda c, p: c.batch_write_item(RequestItems={p.table: [{"DeleteRequest": {"Key": _KEY}}]}),
    "ConditionCheckItem": lambda c, p: c.transact_write_items(
        TransactItems=[{"ConditionCheck": {"TableName": p.table, "Key": _KEY, **_NEVER}}]
    ),
    "PartiQLInsert": lambda c, p: c.execute_transaction(
        TransactStatements=[p.statement("INSERT INTO TABLE VALUE {'pk': ?, 'sk': ?}")]
    ),
    "PartiQLUpdate": lambda c, p: c.execute_transaction(
        TransactStatements=[p.statement("UPDATE TABLE SET n = 1 WHERE pk = ? AND sk = ?")]
    ),
    "PartiQLDelete": lambda c, p: c.execute_statement(
        **p.statement("DELETE FROM TABLE WHERE pk = ? AND sk = ? AND attribute_type(pk, 'N')")
    ),
}
PROVISION: Mapping[str, Attempt] = {
    "UpdateTable": lambda c, p: c.update_table(TableName=p.table, DeletionProtectionEnabled=True),
    "DeleteTable": lambda c, p: c.delete_table(TableName=p.table),  # it is protected
    "UpdateTimeToLive": lambda c, p: c.update_time_to_live(
        TableName=p.table, TimeToLiveSpecification={"Enabled": False, "AttributeName": "parity"}
    ),
    "UpdateContinuousBackups": lambda c, p: c.update_continuous_backups(
        TableName=p.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    ),
    "PutResourcePolicy": lambda c, p: c.put_resource_policy(
        ResourceArn=p.arn,
        ExpectedRevisionId="of no policy",
        Policy=json.dumps({"Version": "2012-10-17", "Statement": []}),
    ),
    "DeleteResourcePolicy": lambda c, p: c.delete_resource_policy(ResourceArn=p.arn, ExpectedRevisionId="of no policy"),
    "UntagResource": lambda c, p: c.untag_resource(ResourceArn=p.arn, TagKeys=["parity"]),
}
ON_A_TABLE: Mapping[str, Attempt] = {**READ_TABLE, **WRITE, **PROVISION}
# Every way to change a row but PartiQL's INSERT, which cannot overwrite.
NOT_APPENDING: Mapping[str, Attempt] = {
    name: attempt
    for name, attempt in {**WRITE, "UpdateTimeToLive": PROVISION["UpdateTimeToLive"]}.items()
    if name not in {"PartiQLInsert", "ConditionCheckItem"}
}
# What no function is granted on any table, whatever the template says.
NEVER = frozenset({*WRITE, "Scan", "PartiQLSelect", *PROVISION}) - {"PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"}


def answer(attempt: Callable[[], Any]) -> str:
    """The code with which an attempt was refused, or `allowed`."""
    try:
        attempt()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "allowed"
