"""What is derived from a key beside records' keys: fingerprints, and the index key's sub-keys. Pure.

A key is used for one algorithm only. The index key is an input of the KDF and of nothing else: what hides ids, blinds
indexes or seals cursors is a sub-key of it (docs/format.md, "Sub-keys").
"""

from twinvault.envelope.aad import lp
from twinvault.envelope.suite import DerivationKey, kdf

_FINGERPRINT = b"twinvault/v1/fingerprint"
_PARTITION_ID, _BLIND, _CURSOR, _REQUEST = (
    b"twinvault/v1/sub/" + use for use in (b"partition-id", b"blind", b"cursor", b"request")
)
_BITS = 256


def fingerprint(key: bytes, *, tenant: str, sk: str) -> bytes:
    """What a register says of a key whose row is at `sk`: 32 bytes that tell it from any other and nothing else."""
    return kdf(DerivationKey(key), label=_FINGERPRINT, context=lp(tenant.encode()) + lp(sk.encode()), bits=_BITS)


def partition_id_key(index_key: bytes, kind: str) -> bytes:
    """Hides the callers' ids of this kind's partitions."""
    return kdf(DerivationKey(index_key), label=_PARTITION_ID, context=lp(kind.encode()), bits=_BITS)


def blind_key(index_key: bytes, *, generation: int, kind: str, entity: str, field: str) -> bytes:
    """Blinds the values of one field for its index. `generation` is written in decimal, `field` is its stable name."""
    parts = (str(generation), kind, entity, field)
    return kdf(
        DerivationKey(index_key), label=_BLIND, context=b"".join(lp(part.encode()) for part in parts), bits=_BITS
    )


def cursor_key(index_key: bytes) -> bytes:
    """Seals the cursors of listings."""
    return kdf(DerivationKey(index_key), label=_CURSOR, context=b"", bits=_BITS)


def request_key(index_key: bytes) -> bytes:
    """Names the rows that remember requests."""
    return kdf(DerivationKey(index_key), label=_REQUEST, context=b"", bits=_BITS)
