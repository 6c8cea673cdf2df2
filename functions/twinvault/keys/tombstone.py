"""Tombstones: what is left of a partition that was erased (docs/format.md, "Tombstones"). Pure.

One is sealed under the tenant's register key, and the newest mark of its partition names it by version and digest: so
it can be neither forged, moved nor put back, and whoever takes it away leaves a mark that nothing answers for.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twinvault.dynamodb.marks import Mark
from twinvault.envelope import Label
from twinvault.envelope.grammars import TIME, UUID
from twinvault.envelope.item import Item
from twinvault.errors import Gone, IntegrityError, Step
from twinvault.keys.document import compact, read_document, text, whole
from twinvault.keys.rows import MAX_NUMBER, NamedKey, tombstone_name
from twinvault.keys.sealed import Payload, SealedRow, Written, open_payload, parse_sealed, seal_payload
from twinvault.scope import Scope

MAX_HEAD_VERSION = 2**53 - 2
"""Of the last head: its tombstone's mark is one above, and an audit entry can name that."""
MAX_DEKS = 90
"""How many DEK rows one erasure takes away, with all else that its transaction holds."""

_ENTITY = re.compile(r"[ -~]{1,256}")


@dataclass(frozen=True, slots=True)
class ErasedDek:
    """A version of the partition's DEK whose row was destroyed, and the epoch of the KEK that wrapped it."""

    version: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What a tombstone says.

    Attributes:
        head_version: of the last head that there was; 0 where there was none. Its own mark is one above.
        dek_version: the highest that there was; a new partition at this place begins above it.
        erased_at: RFC 3339 in UTC.
        keys: the DEKs whose rows were destroyed, at most `MAX_DEKS`.
        newest_epoch: of the tenant's KEK that there was then.
        records: how many there were, by entity; None where they could not be opened.
        last_event: the id of the audit entry of the erasure.
    """

    head_version: int
    dek_version: int
    erased_at: str
    keys: tuple[ErasedDek, ...]
    newest_epoch: int
    records: Mapping[str, int] | None
    last_event: str

    @property
    def version(self) -> int:
        """Of its mark."""
        return self.head_version + 1

    def encode(self) -> bytes:
        """The payload: compact JSON, members in this order."""
        document = {
            "head_version": self.head_version,
            "dek_version": self.dek_version,
            "erased_at": self.erased_at,
            "keys": [{"version": one.version, "epoch": one.epoch} for one in self.keys],
            "newest_epoch": self.newest_epoch,
            "records": dict(sorted(self.records.items())) if self.records is not None else None,
            "last_event": self.last_event,
        }
        return compact(document)


@dataclass(frozen=True, slots=True)
class FoundTombstone:
    """A tombstone, opened, and the row that it was found in."""

    tombstone: Tombstone
    row: SealedRow = field(repr=False)

    @property
    def digest(self) -> bytes:
        """Its seal's, which its mark names."""
        return self.row.digest(Label.ERASED)

    @property
    def gone(self) -> Gone:
        """What whoever asks for the partition is told."""
        return Gone(self.tombstone.erased_at)

    def is_named_by(self, mark: Mark | None) -> bool:
        """Whether it is what was written last at its place: whether nothing is there but it."""
        if mark is None or mark.version != self.tombstone.version:
            return False
        return hmac.compare_digest(mark.digest, self.digest)


def seal_tombstone(
    tombstone: Tombstone, *, scope: Scope, key: NamedKey, written: Written, salt: bytes, nonce: bytes
) -> tuple[dict[str, dict[str, Any]], bytes]:
    """Returns the tombstone's row, sealed under the register key, and its digest. `salt`, `nonce`: `envelope.seal`."""
    payload = Payload(tombstone_name(scope), tombstone.encode(), Label.ERASED)
    return seal_payload(payload, tenant=scope.tenant, key=key, written=written, salt=salt, nonce=nonce)


def open_tombstone(item: Item, *, scope: Scope, key: NamedKey) -> FoundTombstone:
    """Opens a row that was found at the place of the partition's tombstone; `key` is the tenant's register key.

    Raises:
        IntegrityError: it was planted, changed or moved, or holds no tombstone.
        Undeclared: it is authentic and holds what no such row holds here.
    """
    row = parse_sealed(item, tenant=scope.tenant, name=tombstone_name(scope))
    try:
        return FoundTombstone(decode(open_payload(row, key=key, label=Label.ERASED)), row)
    except IntegrityError as refusal:
        raise refusal.at(row.place) from None


def decode(payload: bytes) -> Tombstone:
    """Returns the tombstone that `encode` made these bytes of.

    Raises:
        IntegrityError: no tombstone encodes to these bytes.
    """
    return read_document(payload, _tombstone, step=Step.TOMBSTONE, name="a tombstone")


def _tombstone(document: Any) -> Tombstone:  # noqa: ANN401  # whatever JSON there is
    keys, records = document["keys"], document["records"]
    if not isinstance(keys, list) or len(keys) > MAX_DEKS:
        raise ValueError("keys")
    return Tombstone(
        head_version=whole(document["head_version"], least=0, most=MAX_HEAD_VERSION),
        dek_version=whole(document["dek_version"], least=0, most=MAX_NUMBER),
        erased_at=text(document["erased_at"], TIME),
        keys=tuple(
            ErasedDek(whole(one["version"], least=0, most=MAX_NUMBER), whole(one["epoch"], least=0, most=MAX_NUMBER))
            for one in keys
        ),
        newest_epoch=whole(document["newest_epoch"], least=0, most=MAX_NUMBER),
        records=None
        if records is None
        else {text(name, _ENTITY): whole(count, least=0) for name, count in records.items()},
        last_event=text(document["last_event"], UUID),
    )
