"""What the lower rooms report while they work; who listens is decided by the caller (see `audit.activity`)."""

from typing import Literal, Protocol

CryptoOperation = Literal["encrypt", "decrypt", "derive_kek", "wrap_dek", "unwrap_dek"]
CryptoOutcome = Literal["success", "failure"]
KeyOperation = Literal[
    "make_register",
    "make_kek",
    "make_index_key",
    "make_dek",
    "rotate",
    "retire",
    "revoke",
    "reinstate",
    "destroy",
    "rewrap",
    "erase",
]


class Observer(Protocol):
    """Receives the cryptographic operations, KMS calls and counters of one request. Never sees plaintext or keys."""

    def crypto(self, operation: CryptoOperation, key_id: str, *, outcome: CryptoOutcome = "success") -> None:
        """One cryptographic operation under the key with this id."""

    def kms_call(self, request_id: str) -> None:
        """One call to KMS, with the request id that CloudTrail shows as well (empty if no answer came)."""

    def key_event(self, operation: KeyOperation, key_id: str) -> None:
        """A key was made, wrapped anew, or changed its state; said by the entry of the write that did it."""

    def metric(self, name: str, value: int = 1) -> None:
        """A counter such as KmsCalls, KmsErrors, KeyCacheHit, KeyUnwrap, OpenFailed or HeadConflict."""
