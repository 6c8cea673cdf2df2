"""The items of a Query's answer, decoded at once: the SDK's parser walks each of them by the service's model.

That walk takes longer than opening the records does. The SDK lets an answer be looked at before it is parsed: the items
are taken out of its JSON here, in the very form that the SDK gives them, and all else is left to it. What cannot be
decoded here is left to it as a whole.
"""

from typing import TYPE_CHECKING, Any, TypedDict

import msgspec
from msgspec import UNSET, Raw, UnsetType

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_EVENT = "before-parse.dynamodb.Query"
_OK = 200


class QueriedValue(TypedDict, total=False):
    """One attribute: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html."""

    S: str
    N: str
    B: bytes
    SS: list[str]
    NS: list[str]
    BS: list[bytes]
    M: "dict[str, QueriedValue]"
    L: "list[QueriedValue]"
    NULL: bool
    BOOL: bool


class QueryAnswer(msgspec.Struct):
    """The members of a Query's answer: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html."""

    Items: list[dict[str, QueriedValue]] | UnsetType = UNSET
    LastEvaluatedKey: Raw | UnsetType = UNSET
    ConsumedCapacity: Raw | UnsetType = UNSET
    Count: Raw | UnsetType = UNSET
    ScannedCount: Raw | UnsetType = UNSET


_DECODER, _ENCODER = msgspec.json.Decoder(QueryAnswer), msgspec.json.Encoder()


def decode_items_at_once(client: "DynamoDBClient") -> None:
    """Lets the items of this client's Queries be decoded here; what its callers get is the same. May be asked twice."""
    client.meta.events.register(_EVENT, _take_items, unique_id=_EVENT)


def _take_items(*, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_more: object) -> None:
    """`before-parse`: moves the items from the body to be parsed to what the SDK adds to the parsed answer."""
    if response_dict["status_code"] != _OK:
        return
    try:
        answer = _DECODER.decode(response_dict["body"])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return
    if answer.Items is not UNSET:
        customized_response_dict["Items"] = answer.Items
        answer.Items = UNSET
        response_dict["body"] = _ENCODER.encode(answer)
