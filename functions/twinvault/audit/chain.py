"""The audit chain: canonical entry bytes and the hash that links them (docs/design.md, "Audit"). Pure.

    bytes  = canonical JSON: keys sorted, no white space, ASCII
    digest = SHA-256("twinvault/v1/audit" || 0x00 || bytes)

Each entry holds its predecessor's digest; the first holds 32 zero bytes. This module reads no clock and draws nothing.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from twinvault.observe import CryptoOperation, CryptoOutcome

_DOMAIN = b"twinvault/v1/audit\x00"
ENTRY_VERSION = 1
GENESIS = bytes(32)

type EventOutcome = Literal["success", "failure", "denied"]


@dataclass(frozen=True, slots=True)
class CryptoCount:
    """How often one operation was done under one key, and how it ended."""

    operation: CryptoOperation
    key_id: str
    outcome: CryptoOutcome
    count: int


@dataclass(frozen=True, slots=True)
class HeadSeen:
    """A partition's state as it was fully read or written: what a checkpointer compares later.

    Attributes:
        partition: SHA-256 of the partition key, hex.
        version: the head's version.
        commitment: the head's commitment, hex; unique per write.
    """

    partition: str
    version: int
    commitment: str


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, before it has a place in a chain. Ids in it must not identify people: it outlives erasure."""

    event_id: str
    time: str
    trace_id: str
    span_id: str
    principal: str
    tenant: str
    action: str
    outcome: EventOutcome
    crypto: tuple[CryptoCount, ...] = ()
    heads: tuple[HeadSeen, ...] = ()
    kms_request_ids: tuple[str, ...] = ()
    check: str = ""
    row: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """A chain that was given up: its last entry may or may not have been stored."""

    chain: str
    seq: int
    candidate: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An event at its place in a chain, ready to be stored."""

    chain: str
    seq: int
    encoded: bytes = field(repr=False)
    digest: bytes

    @property
    def key(self) -> tuple[str, str]:
        """The entry's pk and sk in the audit table."""
        return f"chain#{self.chain}", f"{self.seq:012d}"


def make_entry(event: Event, *, chain: str, seq: int, previous: bytes, continues: Sequence[Closed] = ()) -> Entry:
    """Puts an event at place `seq` of a chain, after the entry whose digest is `previous`.

    `continues` names the chains that were closed before this one began; only a first entry has any.
    """
    content: dict[str, Any] = {
        "v": ENTRY_VERSION,
        "chain": chain,
        "seq": seq,
        "prev": previous.hex(),
        "event": event.event_id,
        "time": event.time,
        "trace": event.trace_id,
        "span": event.span_id,
        "principal": event.principal,
        "tenant": event.tenant,
        "action": event.action,
        "outcome": event.outcome,
        "crypto": [{"op": c.operation, "key": c.key_id, "outcome": c.outcome, "n": c.count} for c in event.crypto],
        "heads": [{"partition": h.partition, "version": h.version, "commitment": h.commitment} for h in event.heads],
        "kms": list(event.kms_request_ids),
    }
    if event.check:
        content |= {"check": event.check, "row": event.row}
    if continues:
        content["continues"] = [{"chain": c.chain, "seq": c.seq, "candidate": c.candidate} for c in continues]
    encoded = canonical_json(content)
    return Entry(chain, seq, encoded, entry_digest(encoded))


def canonical_json(content: Mapping[str, Any]) -> bytes:
    """Keys sorted, no white space, ASCII only: one form for one content (text, integers, lists and objects only)."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def entry_digest(encoded: bytes) -> bytes:
    """SHA-256 over the domain-separated canonical bytes."""
    return hashlib.sha256(_DOMAIN + encoded).digest()
