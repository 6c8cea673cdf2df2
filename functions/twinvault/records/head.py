"""The head of a partition: what makes a deleted, added, duplicated, rewritten or rolled-back record visible. Pure.

    term = SHAKE256("twinvault/v1/term" || 0x00 || hash_key || digest, 256 bytes)
    sum  = the terms of all other records, as big-endian integers, mod 2^2048

Whoever holds the partition's key knows hash_key and can make records without end, so the sum must stand against who
chooses the terms: other records with the same sum are a generalized-birthday problem (Wagner, CRYPTO 2002). With at
most 2^14 records it takes more than 2^128 at this width, and some hours at 256 bits (docs/format.md, "Head"). That
hash_key is sealed keeps a sum from telling whether two partitions share records; the argument does not need it.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from twinvault.errors import IntegrityError, Place, Step, TooLarge, Undeclared
from twinvault.keys.rows import MAX_NUMBER
from twinvault.records.value import Value

HASH_KEY_BYTES = 32
MAX_RECORDS = 1 << 14
"""Records of one partition beside its head. The width of the sum is chosen for no more."""

STORE = "store"
"""The member of a head's payload under which the library's own fields stand, beside the kind's."""

_DOMAIN = b"twinvault/v1/term\x00"
_MEMBERS = frozenset({"count", "dek_version", "lowest_dek_version", "sum", "hash_key", "last_event"})
_TERM_BYTES = 256
_MODULUS = 1 << 8 * _TERM_BYTES
_SUM = re.compile(rf"[0-9a-f]{{{2 * _TERM_BYTES}}}")
_HASH_KEY = re.compile(rf"[0-9a-f]{{{2 * HASH_KEY_BYTES}}}")


class Row(Value, frozen=True):
    """What of a record enters the sum: its digest, which its place, version and content are in. `sk` is for people."""

    sk: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class HeadState:
    """The library's part of a head: sealed, and changed by every write.

    Attributes:
        count: how many other records the partition has, at most `MAX_RECORDS`.
        total: the sum of their terms.
        hash_key: 32 random bytes, drawn with the partition.
        dek_version: the current DEK version; a writer never uses a lower one.
        lowest_dek_version: the lowest DEK version under which a record may still be sealed.
        last_event: the audit event id of the last write; tells a writer whether an unknown outcome was its own.
    """

    count: int
    total: int
    hash_key: bytes = field(repr=False)
    dek_version: int
    lowest_dek_version: int
    last_event: str

    def term(self, row: Row) -> int:
        """The record's term under this partition's hash key."""
        return term(self.hash_key, row.digest)

    def after(
        self,
        *,
        added: Iterable[Row],
        removed: Iterable[Row],
        dek_version: int,
        event_id: str,
        lowest_dek_version: int = 0,
    ) -> Self:
        """The state once `added` are there and `removed` are not: deleted, or replaced by one of `added`.

        The lowest version never goes down.

        Raises:
            TooLarge: there would be more than `MAX_RECORDS`.
        """
        new, old = list(added), list(removed)
        count = self.count + len(new) - len(old)
        if count > MAX_RECORDS:
            raise TooLarge(f"a partition may hold at most {MAX_RECORDS} records")
        total = self.total + sum(map(self.term, new)) - sum(map(self.term, old))
        return replace(
            self,
            count=count,
            total=total % _MODULUS,
            dek_version=dek_version,
            lowest_dek_version=max(self.lowest_dek_version, lowest_dek_version),
            last_event=event_id,
        )

    def mismatch(self, rows: Iterable[Row]) -> tuple[int, int] | None:
        """None if these are exactly the partition's records, else (surplus of records, difference of the sums)."""
        present = list(rows)
        difference = (sum(map(self.term, present)) - self.total) % _MODULUS
        surplus = len(present) - self.count
        return (surplus, difference) if surplus or difference else None

    def to_fields(self) -> dict[str, Any]:
        """As the member `STORE` of a head's payload."""
        return {
            "count": self.count,
            "dek_version": self.dek_version,
            "lowest_dek_version": self.lowest_dek_version,
            "sum": f"{self.total:0{2 * _TERM_BYTES}x}",
            "hash_key": self.hash_key.hex(),
            "last_event": self.last_event,
        }

    @classmethod
    def from_fields(cls, fields: object, *, where: Place) -> Self:
        """From the member `STORE` of the payload of the head at `where`: step 8 of docs/format.md.

        Raises:
            IntegrityError: it is not a head's.
            Undeclared: it has a member that is not known here.
        """
        if not (isinstance(fields, dict) and _is_state(fields)):
            raise IntegrityError(Step.PAYLOAD, where=where)
        if fields.keys() - _MEMBERS:
            raise Undeclared([STORE], where=where)
        return cls(
            count=fields["count"],
            total=int(fields["sum"], 16),
            hash_key=bytes.fromhex(fields["hash_key"]),
            dek_version=fields["dek_version"],
            lowest_dek_version=fields["lowest_dek_version"],
            last_event=fields["last_event"],
        )


def term(hash_key: bytes, digest: bytes) -> int:
    """A record's term, of its digest."""
    return int.from_bytes(hashlib.shake_256(_DOMAIN + hash_key + digest).digest(_TERM_BYTES))


def _is_state(fields: Mapping[str, object]) -> bool:
    """Whether the members are there, of their types and within their bounds."""
    match fields:
        case {
            "count": int(count),
            "dek_version": int(current),
            "lowest_dek_version": int(lowest),
            "sum": str(total),
            "hash_key": str(hash_key),
            "last_event": str(),
        }:
            return (
                not any(isinstance(number, bool) for number in (count, current, lowest))
                and 0 <= count <= MAX_RECORDS
                and 1 <= lowest <= current <= MAX_NUMBER
                # `int` and `bytes.fromhex` alone would overlook signs, spaces and case.
                and _SUM.fullmatch(total) is not None
                and _HASH_KEY.fullmatch(hash_key) is not None
            )
        case _:
            return False


def empty_head(hash_key: bytes, *, dek_version: int) -> HeadState:
    """The head of a partition without records."""
    return HeadState(0, 0, hash_key, dek_version, dek_version, "")


def surplus_row(state: HeadState, rows: Iterable[Row], *, difference: int) -> Row | None:
    """The one record that explains the difference by being there, if one does: it was added or duplicated."""
    return next((row for row in rows if state.term(row) == difference), None)
