"""What an erasure did, as whoever asked for it is told, and as a receipt will say. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any

from twinvault.envelope import ID
from twinvault.errors import IntegrityError, Step

MAX_TEXT = 256
"""Characters of any text in here, as in an audit entry."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[ -~]{1,256}")
_MOST = 2**53 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedKey:
    """A key whose row was destroyed.

    Attributes:
        name: the row's sort key, for example `kek#000001`.
        version: of the DEK; of a KEK its epoch, of the index key 1.
        epoch: of the KEK that wrapped it; of a KEK its own.
    """

    name: str
    version: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was erased. Nothing in it names a person or tells of content.

    Attributes:
        kind, partition: of which, as whoever reads the tables sees it; both None: the whole tenant.
        erased_at: RFC 3339 in UTC.
        event_id: of the audit entry that the erasing transaction wrote.
        head_version: of the last head that there was; None of a tenant.
        tombstone_digest: hex, of the tombstone's seal; of a tenant that of its last register's.
        keys: those whose rows were destroyed.
        newest_epoch: the newest epoch that the tenant had then. A copy of such a row may be under any epoch that lived,
            for an older one seals again once a newer one is retired: it is dead only when all up to this are destroyed.
        records: how many there were, by entity; None where they could not be opened any more, and of a tenant.
        dynamodb_request_ids, kms_request_ids: of the calls that were made for it; of a repetition, of its own calls.
        refused_by: what refused the attempt to open what had just been erased: the problem, and the check.
    """

    kind: str | None
    partition: str | None
    erased_at: str
    event_id: str
    head_version: int | None
    tombstone_digest: str
    keys: tuple[ErasedKey, ...]
    newest_epoch: int
    records: dict[str, int] | None
    dynamodb_request_ids: tuple[str, ...]
    kms_request_ids: tuple[str, ...]
    refused_by: str

    def encode(self) -> str:
        """Compact JSON, members in this order: one text for one erasure."""
        document = {
            "kind": self.kind,
            "partition": self.partition,
            "erased_at": self.erased_at,
            "event_id": self.event_id,
            "head_version": self.head_version,
            "tombstone_digest": self.tombstone_digest,
            "keys": [{"name": one.name, "version": one.version, "epoch": one.epoch} for one in self.keys],
            "newest_epoch": self.newest_epoch,
            "records": dict(sorted(self.records.items())) if self.records is not None else None,
            "dynamodb_request_ids": list(self.dynamodb_request_ids),
            "kms_request_ids": list(self.kms_request_ids),
            "refused_by": self.refused_by,
        }
        return json.dumps(document, ensure_ascii=True, separators=(",", ":"))


def decode(text: str) -> Erased:
    """Returns the erasure that `encode` made this text of.

    Raises:
        IntegrityError: no erasure encodes to this text.
    """
    try:
        erased = _erased(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _refused("it has not the form of what an erasure did") from None
    if erased.encode() != text:
        raise _refused("it is not written as what an erasure did is")
    return erased


def _erased(document: Any) -> Erased:  # noqa: ANN401  # whatever JSON there is
    of_partition = document["kind"] is not None
    return Erased(
        kind=_text(document["kind"], ID) if of_partition else None,
        partition=_text(document["partition"], ID) if of_partition else None,
        erased_at=_text(document["erased_at"], _TIME),
        event_id=_text(document["event_id"], _UUID),
        head_version=_number(document["head_version"]) if of_partition else None,
        tombstone_digest=_text(document["tombstone_digest"], _DIGEST),
        keys=tuple(
            ErasedKey(name=_text(one["name"], _NAME), version=_number(one["version"]), epoch=_number(one["epoch"]))
            for one in document["keys"]
        ),
        newest_epoch=_number(document["newest_epoch"]),
        records=_counts(document["records"]),
        dynamodb_request_ids=_texts(document["dynamodb_request_ids"]),
        kms_request_ids=_texts(document["kms_request_ids"]),
        refused_by=_text(document["refused_by"], _NAME),
    )


def _counts(document: Any) -> dict[str, int] | None:  # noqa: ANN401  # whatever JSON there is
    if document is None:
        return None
    return {_text(entity, _NAME): _number(count) for entity, count in document.items()}


def _texts(document: Any) -> tuple[str, ...]:  # noqa: ANN401  # whatever JSON there is
    return tuple(_text(one, _NAME) for one in document)


def _text(value: object, grammar: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not grammar.fullmatch(value):
        raise ValueError("text")
    return value


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError("number")
    return value


def _refused(detail: str) -> IntegrityError:
    return IntegrityError(Step.TOMBSTONE, detail=detail)
