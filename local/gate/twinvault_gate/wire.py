"""Answers of the gate's own, as DynamoDB puts them on the wire: AWS JSON 1.0."""

import json
import zlib
from collections.abc import Mapping

from twinvault_gate.errors import DynamoDbError
from twinvault_serving.exchange import HttpResponse

CONTENT_TYPE = "application/x-amz-json-1.0"

# What every service of AWS says through one library, and what DynamoDB says itself.
_EVERY_SERVICE = frozenset(
    {
        *("AccessDeniedException", "IncompleteSignatureException", "InvalidSignatureException"),
        *("MissingAuthenticationTokenException", "SerializationException", "UnknownOperationException"),
        *("UnrecognizedClientException",),
    }
)
_CAPITAL_MESSAGE = frozenset(
    {"AccessDeniedException", "TransactionCanceledException", "TransactionInProgressException"}
)


def error_answer(error: DynamoDbError, *, request_id: str) -> HttpResponse:
    """An error as DynamoDB words it: the type with its namespace, the message under its name for this error."""
    document: dict[str, object] = {"__type": f"{_namespace(error.code)}#{error.code}"}
    if error.message:
        document["Message" if error.code in _CAPITAL_MESSAGE else "message"] = error.message
    return answer({**document, **error.details}, status=error.status, request_id=request_id)


def answer(document: Mapping[str, object], *, status: int = 200, request_id: str) -> HttpResponse:
    """A document with the headers that DynamoDB gives it."""
    body = json.dumps(document, separators=(",", ":")).encode()
    headers = (
        ("content-type", CONTENT_TYPE),
        ("x-amzn-requestid", request_id),
        ("x-amz-crc32", str(zlib.crc32(body))),
    )
    return HttpResponse(status=status, headers=headers, body=body)


def _namespace(code: str) -> str:
    if code in _EVERY_SERVICE:
        return "com.amazon.coral.service"
    return "com.amazon.coral.validate" if code == "ValidationException" else "com.amazonaws.dynamodb.v20120810"
