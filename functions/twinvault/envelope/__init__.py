"""The sealed record, format 1: pure functions and frozen types (docs/format.md is the specification).

This package does no IO, reads no clock and no environment, and draws randomness only in `seal_with_fresh_randomness`.
"""

from twinvault.envelope.aad import Context, Label, Number, encode_aad
from twinvault.envelope.names import ID, partition_key, require_id, tenant_key
from twinvault.envelope.numbers import canonical_number, number_text, number_value
from twinvault.envelope.padding import MAX_PLAINTEXT_BYTES, pad, padded_size, unpad
from twinvault.envelope.primitive import (
    COMMITMENT_BYTES,
    DIGEST_BYTES,
    FORMAT,
    KEY_BYTES,
    NONCE_BYTES,
    SALT_BYTES,
    Opened,
    Sealed,
    Stored,
    open_sealed,
    seal,
    seal_with_fresh_randomness,
)

__all__ = [
    "COMMITMENT_BYTES",
    "DIGEST_BYTES",
    "FORMAT",
    "ID",
    "KEY_BYTES",
    "MAX_PLAINTEXT_BYTES",
    "NONCE_BYTES",
    "SALT_BYTES",
    "Context",
    "Label",
    "Number",
    "Opened",
    "Sealed",
    "Stored",
    "canonical_number",
    "encode_aad",
    "number_text",
    "number_value",
    "open_sealed",
    "pad",
    "padded_size",
    "partition_key",
    "require_id",
    "seal",
    "seal_with_fresh_randomness",
    "tenant_key",
    "unpad",
]
