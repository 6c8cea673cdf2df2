"""The head of a partition: what makes a deleted, added, duplicated or rolled-back record visible. Pure.

    term = HMAC-SHA-256(hash_key, "twinvault/v1/head" || 0x00 || LP(sk) || u64be(version) || commitment)
    sum  = the terms of all other records, as big-endian integers, mod 2^256

The sum stays keyed and sealed: an additive hash whose terms an attacker can compute falls to generalized-birthday
attacks (Wagner, CRYPTO 2002).
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from twinvault.envelope.primitive import COMMITMENT_BYTES
from twinvault.errors import IntegrityError, Step

_DOMAIN = b"twinvault/v1/head\x00"
_MODULUS = 1 << 256
_HEX = re.compile(r"[0-9a-f]{64}")
HASH_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Row:
    """What of a record enters the sum."""

    sk: str
    version: int
    commitment: bytes


@dataclass(frozen=True, slots=True)
class HeadState:
    """The library's part of a head: sealed, and changed by every write.

    Attributes:
        count: how many other records the partition has.
        total: the sum of their terms.
        hash_key: 32 random bytes, drawn with the partition.
        dek_version: the current DEK version; a writer never uses a lower one.
        last_event: the audit event id of the last write; tells a writer whether an unknown outcome was its own.
    """

    count: int
    total: int
    hash_key: bytes = field(repr=False)
    dek_version: int
    last_event: str

    def term(self, row: Row) -> int:
        """The record's term under this partition's hash key."""
        return _term(self.hash_key, row)

    def after(self, *, added: Iterable[Row], replaced: Iterable[Row], dek_version: int, event_id: str) -> Self:
        """The state once `added` are there and `replaced` (old rows that `added` holds new ones of) are not."""
        new, old = list(added), list(replaced)
        total = self.total + sum(map(self.term, new)) - sum(map(self.term, old))
        return replace(
            self,
            count=self.count + len(new) - len(old),
            total=total % _MODULUS,
            dek_version=dek_version,
            last_event=event_id,
        )

    def mismatch(self, rows: Iterable[Row]) -> tuple[int, int] | None:
        """None if these are exactly the partition's records, else (surplus of records, difference of the sums)."""
        present = list(rows)
        difference = (sum(map(self.term, present)) - self.total) % _MODULUS
        surplus = len(present) - self.count
        return (surplus, difference) if surplus or difference else None

    def to_fields(self) -> dict[str, Any]:
        """As sealed fields."""
        return {
            "count": self.count,
            "sum": f"{self.total:064x}",
            "hash_key": self.hash_key.hex(),
            "dek_version": self.dek_version,
            "last_event": self.last_event,
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any], *, where: str) -> Self:
        """From the sealed fields of the head at `where`: step 8 of docs/format.md.

        Raises:
            IntegrityError: they are not a head's.
        """
        try:
            total, hash_key = (_from_hex(fields[name]) for name in ("sum", "hash_key"))
            count, dek_version, last_event = fields["count"], fields["dek_version"], fields["last_event"]
        except (KeyError, TypeError, ValueError):
            raise IntegrityError(Step.PAYLOAD, where=where) from None
        if type(count) is not int or type(dek_version) is not int or not isinstance(last_event, str):
            raise IntegrityError(Step.PAYLOAD, where=where)
        return cls(count, int.from_bytes(total, "big"), hash_key, dek_version, last_event)


def empty_head(hash_key: bytes, *, dek_version: int) -> HeadState:
    """The head of a partition without records."""
    return HeadState(0, 0, hash_key, dek_version, "")


def surplus_row(state: HeadState, rows: Iterable[Row], *, difference: int) -> Row | None:
    """The one record that explains the difference by being there, if one does: it was added or duplicated."""
    return next((row for row in rows if state.term(row) == difference), None)


def _from_hex(text: str) -> bytes:
    """Of 32 bytes in lower case; `bytes.fromhex` alone would overlook spaces and case."""
    if not _HEX.fullmatch(text):
        raise ValueError
    return bytes.fromhex(text)


def _term(hash_key: bytes, row: Row) -> int:
    name = row.sk.encode()
    message = b"".join(
        (
            _DOMAIN,
            len(name).to_bytes(4, "big"),
            name,
            row.version.to_bytes(8, "big"),
            row.commitment[:COMMITMENT_BYTES],
        )
    )
    return int.from_bytes(hmac.digest(hash_key, message, "sha256"), "big")
