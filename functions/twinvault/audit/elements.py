"""What an entry lists: operations, key events, calls to KMS, partitions that were asked for, seen and written. Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from twinvault.observe import CryptoOperation, CryptoOutcome

type Member = Literal["crypto", "keys", "kms", "partitions"]
MEMBERS: tuple[Member, ...] = ("crypto", "keys", "kms", "partitions")
"""The lists of an entry: where an activity needs several entries, these are spread over them, in this order."""


@dataclass(frozen=True, slots=True)
class HeadSeen:
    """The state of a partition or a register: its version, and the digest of its seal (32 bytes)."""

    version: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Wrote:
    """The state that a write made, and the one that it replaced (None: there was nothing).

    Attributes:
        deleted: the `row_hash` of each row that it deleted, in order.
    """

    version: int
    digest: bytes
    replaced: HeadSeen | None
    deleted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Element:
    """One member of one of an entry's lists, as it stands there.

    Attributes:
        sources: what it was made of, for whoever made it; no part of the entry.
    """

    member: Member
    content: Mapping[str, Any] | str
    sources: tuple[Any, ...] = field(default=(), compare=False, repr=False)


def crypto_element(operation: CryptoOperation, key_id: str, *, outcome: CryptoOutcome, count: int) -> Element:
    """How often one operation was done under one key, and how it ended."""
    return Element("crypto", {"op": operation, "key": key_id, "outcome": outcome, "n": count})


def key_element(operation: str, key_id: str) -> Element:
    """A key was made, wrapped anew, or changed its state."""
    return Element("keys", {"op": operation, "key": key_id})


def kms_element(request_id: str) -> Element:
    """A call to KMS, by the request id that CloudTrail shows as well."""
    return Element("kms", request_id)


def asked_element(mark: str) -> Element:
    """This partition was asked for. `mark` is the `mark_hash`, here and below."""
    return Element("partitions", {"mark": mark})


def saw_element(mark: str, head: HeadSeen | None) -> Element:
    """A full look at a partition; None: there was nothing."""
    return Element("partitions", {"mark": mark, "saw": _state(head)})


def wrote_element(mark: str, wrote: Wrote, *, look: Element | None = None) -> Element:
    """A write of a partition, with the last look before it, if there was one."""
    written: dict[str, Any] = {
        "version": wrote.version,
        "digest": wrote.digest.hex(),
        "replaced": _state(wrote.replaced),
        **({"deleted": list(wrote.deleted)} if wrote.deleted else {}),
    }
    looked = look.content if look and isinstance(look.content, Mapping) else {"mark": mark}
    return Element("partitions", {**looked, "wrote": written})


def canonical_json(content: Mapping[str, Any] | str) -> bytes:
    """Keys sorted, no white space, ASCII only: one form for one content (text, whole numbers, null, lists, objects)."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def mark_hash(mark_pk: str) -> str:
    """How an entry names a partition or a register: by SHA-256 of its mark's partition key, hex."""
    return hashlib.sha256(_utf8(mark_pk)).hexdigest()


def row_hash(table: str, *, pk: str, sk: str) -> str:
    """How an entry names a row: SHA-256(LP(table) LP(pk) LP(sk)), hex. `table` is logical; an empty sk: no single row.

    What stands in a hostile row need not be Unicode text; a lone surrogate counts as `?`.
    """
    fields = (_utf8(text) for text in (table, pk, sk))
    return hashlib.sha256(b"".join(len(text).to_bytes(4) + text for text in fields)).hexdigest()


def _state(head: HeadSeen | None) -> dict[str, Any] | None:
    return None if head is None else {"version": head.version, "digest": head.digest.hex()}


def _utf8(text: str) -> bytes:
    return text.encode(errors="replace")
