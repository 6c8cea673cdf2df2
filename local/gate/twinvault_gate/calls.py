"""What a request means to IAM: an action on a resource, and the facts that conditions may look at.

Which key an action has is AWS's Service Authorization Reference, "Actions, resources, and condition keys for Amazon
DynamoDB". A key that an action does not have is absent from its requests: IfExists, Null and ForAllValues depend on
that.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from twinvault_gate.errors import validation
from twinvault_gate.partiql.meaning import AttributeValue

# The first partition key has two names. The Reference lists those of the others without their actions; they belong
# where LeadingKeys does.
_LEADING = {
    "dynamodb:leadingkeys": 0,
    "dynamodb:firstpartitionkeyvalues": 0,
    "dynamodb:secondpartitionkeyvalues": 1,
    "dynamodb:thirdpartitionkeyvalues": 2,
    "dynamodb:fourthpartitionkeyvalues": 3,
}
_KEYS_OF = {
    "BatchGetItem": {"attributes", "leading", "returnconsumedcapacity", "select"},
    "BatchWriteItem": {"attributes", "leading", "returnconsumedcapacity"},
    "ConditionCheckItem": {"attributes", "leading", "returnconsumedcapacity", "returnvalues"},
    "DeleteItem": {"attributes", "enclosingoperation", "leading", "returnconsumedcapacity", "returnvalues"},
    "GetItem": {"attributes", "enclosingoperation", "leading", "returnconsumedcapacity", "select"},
    "PartiQLDelete": {"attributes", "enclosingoperation", "leading", "returnvalues"},
    "PartiQLInsert": {"attributes", "enclosingoperation", "leading"},
    "PartiQLSelect": {"attributes", "enclosingoperation", "fulltablescan", "leading", "select"},
    "PartiQLUpdate": {"attributes", "enclosingoperation", "leading", "returnvalues"},
    "PutItem": {"attributes", "enclosingoperation", "leading", "returnconsumedcapacity", "returnvalues"},
    "Query": {"attributes", "leading", "returnconsumedcapacity", "returnvalues", "select"},
    "Scan": {"attributes", "returnconsumedcapacity", "returnvalues", "select"},
    "UpdateItem": {"attributes", "enclosingoperation", "leading", "returnconsumedcapacity", "returnvalues"},
}


@dataclass(frozen=True, slots=True)
class Home:
    """The account and the region that a caller speaks to."""

    account: str
    region: str

    def table(self, name: str) -> str:
        """The ARN of a table, which may be given by its ARN already.

        Raises:
            DynamoDbError: ValidationException; the ARN is none of a table here.
        """
        prefix = f"arn:aws:dynamodb:{self.region}:{self.account}:table/"
        if not name.startswith("arn:"):
            return prefix + name
        if not name.startswith(prefix) or "/" in name.removeprefix(prefix):
            raise validation(f"Only tables of the account {self.account} in {self.region} are served here.")
        return name


@dataclass(frozen=True, slots=True)
class IamCall:
    """One thing that must be allowed. Facts are by lower-case name; their values are never shown."""

    action: str
    resource: str
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)


def touches_items(action: str) -> bool:
    """Whether an action reads or writes items, and not only what describes them."""
    return action.partition(":")[2] in {*_KEYS_OF, "GetRecords"}


def iam_call(
    action: str,
    resource: str,
    *,
    attributes: Collection[str] = (),
    leading: Sequence[Sequence[AttributeValue]] = (),
    **single: str | None,
) -> IamCall:
    """The call of an action of DynamoDB, with those of the given facts that it has.

    `leading` holds, for each attribute of the partition key in order, the values that the request names.
    """
    keys = _KEYS_OF.get(action, set())
    facts: dict[str, tuple[str, ...]] = {}
    if "attributes" in keys and attributes:
        facts["dynamodb:attributes"] = tuple(sorted(attributes))
    if "leading" in keys:
        for name, position in _LEADING.items():
            if position < len(leading) and leading[position]:
                facts[name] = tuple(dict.fromkeys(key_text(value) for value in leading[position]))
    facts |= {f"dynamodb:{name}": (value,) for name, value in single.items() if name in keys and value is not None}
    return IamCall(f"dynamodb:{action}", resource, facts)


def key_text(value: AttributeValue) -> str:
    """A key's value as conditions compare it: a string or a number as it is, bytes in base64.

    Raises:
        DynamoDbError: ValidationException; it is none of these.
    """
    if len(value) == 1:
        for kind in ("S", "N", "B"):
            if isinstance(inner := value.get(kind), str):
                return inner
    raise validation("The provided key element does not match the schema")
