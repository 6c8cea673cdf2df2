"""The audit entry: what it says, its canonical bytes, its digest and its signature (docs/audit.md). Pure.

    bytes     = canonical JSON: keys sorted, no white space, ASCII
    digest    = SHA-256("twinvault/v1/audit" || 0x00 || bytes)
    signature = Ed25519(chain's key, "twinvault/v1/audit-signature" || 0x00 || digest)

Each entry holds its predecessor's digest; the first holds 32 zero bytes, and the chain's public key. The signature
stands beside the bytes, so that the digest does not depend on it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from twinvault.audit.elements import MEMBERS, Element, canonical_json
from twinvault.audit.signing import ChainKey
from twinvault.errors import TooLarge

ENTRY_VERSION = 2
GENESIS = bytes(32)
MAX_ENTRY_BYTES = 64 * 1024
MAX_TEXT = 256
"""Characters of any text in an entry: what is longer is refused before it gets there."""
MAX_CLOSED = 100
MAX_DELETED = 100  # statements of one transaction
"""Closed chains that a first entry names, the newest: with thousands it could never be stored itself."""

_DOMAIN = b"twinvault/v1/audit\x00"

type EventOutcome = Literal["success", "failure", "denied"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which function of which deployment acts, and for which request. Whatever does not apply is empty.

    Attributes:
        store: the store's logical name, which never changes.
        function: the function's name.
        artifact: SHA-256 of the function's zip file, hex.
        request_id: the invocation's id.
        trace_id, span_id: as in the service's logs.
    """

    store: str = ""
    function: str = ""
    artifact: str = ""
    request_id: str = ""
    trace_id: str = ""
    span_id: str = ""

    def texts(self) -> dict[str, str]:
        """What of it may be any text."""
        return {
            "function": self.function,
            "request_id": self.request_id,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
        }

    @property
    def environment(self) -> tuple[str, str, str]:
        """What all entries of a chain have in common."""
        return self.store, self.function, self.artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened, before it has a place in a chain. Ids in it must not identify people: it outlives erasure.

    Attributes:
        event_id: a UUID of version 7.
        attempt: of a write, which one this is, from 1.
        began, time: when the activity began and when this was written down: RFC 3339, UTC, to the microsecond.
        problem: how callers are told of the failure (docs/errors.md); empty where there is none.
        step, row: of tampering, the step that failed and the row's hash (empty where no row can be named).
    """

    event_id: str
    attempt: int
    began: str
    time: str
    origin: Origin
    principal: str
    tenant: str
    action: str
    outcome: EventOutcome
    problem: str = ""
    step: str = ""
    row: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """A chain that was given up: the entry with this digest may or may not stand at its last place."""

    chain: str
    seq: int
    candidate: str


@dataclass(frozen=True, slots=True)
class Link:
    """A place in a chain: after the entry whose digest is `previous`. Only a first entry names closed chains."""

    chain: str
    seq: int
    previous: bytes
    continues: tuple[Closed, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, or a part of one, at its place in a chain, ready to be stored."""

    chain: str
    seq: int
    encoded: bytes = field(repr=False)
    digest: bytes
    signature: bytes

    def to_item(self) -> dict[str, dict[str, Any]]:
        """As a DynamoDB item."""
        return {
            "pk": {"S": f"chain#{self.chain}"},
            "sk": {"S": f"{self.seq:012d}"},
            "entry": {"S": self.encoded.decode("ascii")},
            "digest": {"B": self.digest},
            "signature": {"B": self.signature},
        }


def make_entry(
    event: Event, elements: Sequence[Element], *, link: Link, key: ChainKey, part: tuple[int, int] = (1, 1)
) -> Entry:
    """Puts an event at its place of a chain. `part` is which of how many entries of the event this is, from 1.

    Raises:
        TooLarge: over 64 KiB; `parts.split` makes parts that are not.
    """
    encoded = encode_entry(event, elements, link=link, public_key=key.public, part=part)
    if len(encoded) > MAX_ENTRY_BYTES:
        raise TooLarge(f"audit entry: over {MAX_ENTRY_BYTES} bytes")
    digest = entry_digest(encoded)
    return Entry(link.chain, link.seq, encoded, digest, key.sign(digest))


def encode_entry(
    event: Event, elements: Sequence[Element], *, link: Link, public_key: bytes, part: tuple[int, int]
) -> bytes:
    """The canonical bytes of an entry, whatever their size."""
    content = _common(event) | {"chain": link.chain, "seq": link.seq, "prev": link.previous.hex()}
    content |= {member: [one.content for one in elements if one.member == member] for member in MEMBERS}
    if part != (1, 1):
        content |= {"part": part[0], "of": part[1]}
    if link.seq == 1:
        content["public_key"] = public_key.hex()
    if link.continues:
        content["continues"] = [{"chain": c.chain, "seq": c.seq, "candidate": c.candidate} for c in link.continues]
    return canonical_json(content)


def entry_digest(encoded: bytes) -> bytes:
    """SHA-256 over the domain-separated canonical bytes."""
    return hashlib.sha256(_DOMAIN + encoded).digest()


def _common(event: Event) -> dict[str, Any]:
    """What each entry of an event says."""
    content: dict[str, Any] = {
        "v": ENTRY_VERSION,
        "store": event.origin.store,
        "function": event.origin.function,
        "artifact": event.origin.artifact,
        "request": event.origin.request_id,
        "trace": event.origin.trace_id,
        "span": event.origin.span_id,
        "event": event.event_id,
        "attempt": event.attempt,
        "began": event.began,
        "time": event.time,
        "principal": event.principal,
        "tenant": event.tenant,
        "action": event.action,
        "outcome": event.outcome,
    }
    optional = {"problem": event.problem, "step": event.step, "row": event.row}
    return content | {name: text for name, text in optional.items() if text}
