"""Verifying a chain: rows in, verdict by raising (docs/audit.md, "Verify"). Pure: reads no table.

What holds then: one writer, the holder of the key in the first entry, wrote these entries, in this order, and none was
changed, left out or put in between. It does not show who that was, that the chain goes no further than the rows at
hand, or that what an entry says is true.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from twinvault.audit.entry import GENESIS, MAX_ENTRY_BYTES, Closed, entry_digest
from twinvault.audit.form import CHAIN, parse_entry
from twinvault.audit.signing import SIGNATURE_BYTES, is_signed
from twinvault.errors import BrokenChain, ChainStep

_ATTRIBUTES = {"pk": "S", "sk": "S", "entry": "S", "digest": "B", "signature": "B"}
_DIGEST_BYTES = 32
_ENVIRONMENT = ("store", "function", "artifact")
_ACTIVITY = ("began", "request", "trace", "span", "principal", "tenant", "action")
_PARTS_SHARE = (*_ACTIVITY, "event", "attempt", "outcome", "of", "problem", "step", "row")


@dataclass(frozen=True, slots=True)
class Verified:
    """A chain as far as it has been verified.

    Attributes:
        public_key: the chain's, from its first entry; 32 bytes.
        seq, digest, signature: of the last entry so far.
        first, last: what the first and the last entry so far say.
    """

    chain: str
    public_key: bytes
    seq: int
    digest: bytes
    signature: bytes
    first: Mapping[str, Any] = field(repr=False)
    last: Mapping[str, Any] = field(repr=False)

    @property
    def continues(self) -> tuple[Closed, ...]:
        """The closed chains that the first entry names."""
        return tuple(Closed(**closed) for closed in self.first.get("continues", ()))

    @property
    def is_within_an_event(self) -> bool:
        """Whether the last entry is a part of an event, and not its last one."""
        return bool(self.last.get("part", 1) < self.last.get("of", 1))


def verify_chain(items: Iterable[Mapping[str, Any]], *, every_signature: bool = True) -> Verified:
    """Verifies a whole chain: all rows of its partition, in order of their sort keys, as DynamoDB's API gives them.

    Without `every_signature` only the last one's signature is checked, which covers all entries before by their links.

    Raises:
        BrokenChain: a step of docs/audit.md fails; the first one, of the first row.
    """
    verified: Verified | None = None
    for item in items:
        verified = verify_next(verified, item, signature=every_signature)
    if verified is None:
        raise BrokenChain(ChainStep.ROW, seq=1)
    if not every_signature:
        _require(_is_signed(verified), ChainStep.SIGNATURE, seq=verified.seq)
    return verified


def verify_next(before: Verified | None, item: Mapping[str, Any], *, signature: bool = True) -> Verified:
    """Verifies the row that follows `before` in its chain; None: the chain's first. Steps 1 to 9.

    Raises:
        BrokenChain: as for `verify_chain`.
    """
    seq = before.seq + 1 if before else 1
    # Step 1: the row stands at the next place, and holds what a row holds.
    chain, encoded, digest, signed = _row(item, before=before, seq=seq)
    # Step 2: the size, before anything is parsed.
    _require(len(encoded) <= MAX_ENTRY_BYTES, ChainStep.SIZE, seq=seq)
    # Step 3: the form.
    try:
        entry = parse_entry(encoded)
    except ValueError:
        raise BrokenChain(ChainStep.FORM, seq=seq) from None
    # Step 4: the digest is that of the bytes.
    _require(digest == entry_digest(encoded), ChainStep.DIGEST, seq=seq)
    # Step 5: the entry was written for this place.
    _require((entry["chain"], entry["seq"]) == (chain, seq), ChainStep.PLACE, seq=seq)
    # Step 6: it follows the entry before.
    _require(entry["prev"] == (before.digest if before else GENESIS).hex(), ChainStep.LINK, seq=seq)
    # Step 7: the first entry says whose chain it is, and no other does.
    first = before.first if before else entry
    _require_environment(entry, first=first, seq=seq)
    # Step 8: the holder of the chain's key signed it.
    key = bytes.fromhex(first["public_key"])
    _require(not signature or is_signed(digest, signature=signed, public_key=key), ChainStep.SIGNATURE, seq=seq)
    # Step 9: the parts of an event follow one another.
    _require_parts(entry, before=before, seq=seq)
    return Verified(chain, key, seq, digest, signed, first, entry)


def verify_continuation(closed: Closed, *, old: Verified | None, new: Verified) -> None:
    """Step 10: the chain `old` (None: none of its rows is there) ended where `new` says that it was closed.

    Raises:
        BrokenChain: it was another environment's chain, it is shorter than it was, or it went on. `seq` is the first
            place in `old` that is not as `closed` says.
    """
    length = old.seq if old else 0
    _require(closed in new.continues, ChainStep.CONTINUATION, seq=closed.seq)
    if old:
        is_same = old.chain == closed.chain and old.public_key == new.public_key
        _require(is_same and _environment(old.first) == _environment(new.first), ChainStep.CONTINUATION, seq=1)
    _require(length >= closed.seq - 1, ChainStep.CONTINUATION, seq=length + 1)
    _require(length <= closed.seq, ChainStep.CONTINUATION, seq=closed.seq + 1)
    is_candidate = old is None or length < closed.seq or old.digest.hex() == closed.candidate
    _require(is_candidate, ChainStep.CONTINUATION, seq=closed.seq)


def _is_signed(verified: Verified) -> bool:
    return is_signed(verified.digest, signature=verified.signature, public_key=verified.public_key)


def _row(item: Mapping[str, Any], *, before: Verified | None, seq: int) -> tuple[str, bytes, bytes, bytes]:
    """Chain, entry, digest and signature of a row."""
    _require(item.keys() == _ATTRIBUTES.keys(), ChainStep.ROW, seq=seq)
    pk, sk, entry, digest, signature = (_value(item[name], kind=kind, seq=seq) for name, kind in _ATTRIBUTES.items())
    label, _, chain = pk.partition("#")
    is_chain = label == "chain" and CHAIN.fullmatch(chain) is not None
    _require(is_chain and (before is None or before.chain == chain), ChainStep.ROW, seq=seq)
    _require(sk == f"{seq:012d}", ChainStep.ROW, seq=seq)
    _require((len(digest), len(signature)) == (_DIGEST_BYTES, SIGNATURE_BYTES), ChainStep.ROW, seq=seq)
    # What is no ASCII, a lone surrogate included, has no canonical form: step 3 refuses it.
    return chain, entry.encode(errors="surrogatepass"), digest, signature


def _value(value: Any, *, kind: str, seq: int) -> Any:  # noqa: ANN401  # text or bytes, by its kind
    """The content of an attribute of this type."""
    content = value.get(kind) if isinstance(value, dict) and len(value) == 1 else None
    _require(isinstance(content, str if kind == "S" else bytes), ChainStep.ROW, seq=seq)
    return content


def _environment(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(entry[name] for name in _ENVIRONMENT)


def _require_environment(entry: Mapping[str, Any], *, first: Mapping[str, Any], seq: int) -> None:
    is_first = seq == 1
    _require(("public_key" in entry) is is_first, ChainStep.ENVIRONMENT, seq=seq)
    _require(is_first or "continues" not in entry, ChainStep.ENVIRONMENT, seq=seq)
    _require(_environment(entry) == _environment(first), ChainStep.ENVIRONMENT, seq=seq)


def _require_parts(entry: Mapping[str, Any], *, before: Verified | None, seq: int) -> None:
    part = entry.get("part", 1)
    last = before.last if before else {}
    if part > 1:
        shared = all(entry.get(name) == last.get(name) for name in _PARTS_SHARE)
        _require(shared and last.get("part") == part - 1, ChainStep.PARTS, seq=seq)
    elif before and before.is_within_an_event:
        # An event that was given up, or goes on elsewhere: only its own activity can come after it.
        _require(all(entry[name] == last[name] for name in _ACTIVITY), ChainStep.PARTS, seq=seq)
    # What was written stands in the last part, which is stored with the write.
    written = any("wrote" in partition for partition in entry["partitions"])
    _require(not written or part == entry.get("of", 1), ChainStep.PARTS, seq=seq)


def _require(holds: bool, step: ChainStep, *, seq: int) -> None:  # noqa: FBT001  # an assertion that is always on
    if not holds:
        raise BrokenChain(step, seq=seq)
