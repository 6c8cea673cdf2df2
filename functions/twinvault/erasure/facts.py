"""What an erasure did, as whoever asked for it is told, and as a receipt will say. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any

from twinvault.envelope import ID
from twinvault.envelope.grammars import DIGEST_HEX, TIME, UUID
from twinvault.errors import Step
from twinvault.keys.document import read_document, text, whole

MAX_TEXT = 256
"""Characters of any text in here, as in an audit entry."""

_NAME = re.compile(r"[ -~]{1,256}")


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


def decode(written: str) -> Erased:
    """Returns the erasure that `encode` made this text of.

    Raises:
        IntegrityError: no erasure encodes to this text.
    """
    return read_document(written, _erased, step=Step.TOMBSTONE, name="what an erasure did")


def _erased(document: Any) -> Erased:  # noqa: ANN401  # whatever JSON there is
    of_partition = document["kind"] is not None
    return Erased(
        kind=text(document["kind"], ID) if of_partition else None,
        partition=text(document["partition"], ID) if of_partition else None,
        erased_at=text(document["erased_at"], TIME),
        event_id=text(document["event_id"], UUID),
        head_version=whole(document["head_version"], least=0) if of_partition else None,
        tombstone_digest=text(document["tombstone_digest"], DIGEST_HEX),
        keys=tuple(
            ErasedKey(
                name=text(one["name"], _NAME),
                version=whole(one["version"], least=0),
                epoch=whole(one["epoch"], least=0),
            )
            for one in document["keys"]
        ),
        newest_epoch=whole(document["newest_epoch"], least=0),
        records=_counts(document["records"]),
        dynamodb_request_ids=_texts(document["dynamodb_request_ids"]),
        kms_request_ids=_texts(document["kms_request_ids"]),
        refused_by=text(document["refused_by"], _NAME),
    )


def _counts(document: Any) -> dict[str, int] | None:  # noqa: ANN401  # whatever JSON there is
    if document is None:
        return None
    return {text(entity, _NAME): whole(count, least=0) for entity, count in document.items()}


def _texts(document: Any) -> tuple[str, ...]:  # noqa: ANN401  # whatever JSON there is
    return tuple(text(one, _NAME) for one in document)
