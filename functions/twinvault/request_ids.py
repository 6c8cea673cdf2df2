"""The request ids of calls, as AWS gave them: collected where somebody has to tell which calls were made for them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RequestIds:
    """Of the calls that were answered, in the order of their answers; refusals are answers too."""

    dynamodb: list[str] = field(default_factory=list)
    kms: list[str] = field(default_factory=list)


_HERE: ContextVar[RequestIds | None] = ContextVar("request_ids", default=None)


@contextmanager
def collecting() -> Iterator[RequestIds]:
    """What the calling thread does herein, and others that take its context, is collected."""
    ids, before = RequestIds(), _HERE.get()
    _HERE.set(ids)
    try:
        yield ids
    finally:
        _HERE.set(before)


def note_dynamodb(response: Mapping[str, Any]) -> None:
    """An answer of DynamoDB's, or the response that an error carries."""
    request_id = response.get("ResponseMetadata", {}).get("RequestId", "")
    ids = _HERE.get()
    if ids is not None and request_id:
        ids.dynamodb.append(request_id)


def note_kms(request_id: str) -> None:
    """A call of KMS; empty where no answer came."""
    ids = _HERE.get()
    if ids is not None and request_id:
        ids.kms.append(request_id)
