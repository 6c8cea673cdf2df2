"""Fakes, for faults that no real engine shows on demand. They implement the real protocols.

`FakeKms` implements `keys.kms.RootKms` and passes the adapter's own contract tests (tests/keys/test_kms_contract.py);
`FakeSigner` implements `keys.signer.Signer` (tests/keys/test_signer_contract.py).
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from twinvault.envelope.signature import SignatureLabel, signed_message
from twinvault.errors import DependencyError, IntegrityError, KeyRefused, Step, TwinvaultError
from twinvault.keys.kms import DataKey
from twinvault.observe import CryptoOperation, CryptoOutcome, KeyOperation, Observer


def _canonical(context: Mapping[str, str]) -> bytes:
    fields = [text.encode() for pair in sorted(context.items()) for text in pair]
    return b"".join(len(text).to_bytes(4, "big") + text for text in fields)


@dataclass
class FakeKms:
    """A KMS in memory whose answers can be made to fail.

    `fault`, while set, is raised by every call; `calls` counts them.
    """

    roots: dict[str, bytes] = field(default_factory=lambda: {"root-1": os.urandom(32)})
    refused: set[str] = field(default_factory=set)
    deletions: dict[str, str] = field(default_factory=dict)
    fault: TwinvaultError | None = None
    calls: list[str] = field(default_factory=list)
    hold: threading.Event | None = None

    def generate_data_key(self, root_key_id: str, *, context: Mapping[str, str], observer: Observer) -> DataKey:
        root = self._root("generate_data_key", root_key_id, observer)
        key, nonce = os.urandom(32), os.urandom(12)
        return DataKey(key, nonce + AESGCM(root).encrypt(nonce, key, _canonical(context)))

    def decrypt(self, wrapped: bytes, root_key_id: str, *, context: Mapping[str, str], observer: Observer) -> bytes:
        root = self._root("decrypt", root_key_id, observer)
        try:
            return AESGCM(root).decrypt(wrapped[:12], wrapped[12:], _canonical(context))
        except (InvalidTag, ValueError):
            raise IntegrityError(Step.ROOT_KEY) from None

    def re_encrypt(
        self, wrapped: bytes, root_key_id: str, *, under: str, context: Mapping[str, str], observer: Observer
    ) -> bytes:
        root, target = self._root("re_encrypt", root_key_id, observer), self._root_of(under, observer)
        try:
            key = AESGCM(root).decrypt(wrapped[:12], wrapped[12:], _canonical(context))
        except (InvalidTag, ValueError):
            raise IntegrityError(Step.ROOT_KEY) from None
        nonce = os.urandom(12)
        return nonce + AESGCM(target).encrypt(nonce, key, _canonical(context))

    def deletion_date(self, root_key_id: str, *, observer: Observer) -> str | None:
        if root_key_id in self.roots:
            self._root("deletion_date", root_key_id, observer)
        return self.deletions.get(root_key_id)

    def _root(self, operation: str, root_key_id: str, observer: Observer) -> bytes:
        self.calls.append(operation)
        observer.metric("KmsCalls")
        observer.kms_call(f"fake-{len(self.calls)}")
        if self.hold is not None:
            self.hold.wait(30)
        if self.fault is not None:
            observer.metric("KmsErrors")
            raise self.fault
        return self._root_of(root_key_id, observer)

    def _root_of(self, root_key_id: str, observer: Observer) -> bytes:
        if root_key_id in self.refused or root_key_id not in self.roots:
            observer.metric("KmsErrors")
            raise KeyRefused("the key service refuses the root key (DisabledException)")
        return self.roots[root_key_id]


@dataclass
class FakeSigner:
    """An audit key in memory; `fault`, while set, is raised by every call."""

    seed: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    key_id: str = "audit-1"
    fault: TwinvaultError | None = None
    calls: list[str] = field(default_factory=list)

    def public_key(self, *, observer: Observer) -> bytes:
        if "public_key" not in self.calls:
            self._called("public_key", observer)
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, digest: bytes, *, label: SignatureLabel, observer: Observer) -> bytes:
        message = signed_message(digest, label=label)
        self.public_key(observer=observer)
        self._called("sign", observer)
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    def _called(self, operation: str, observer: Observer) -> None:
        self.calls.append(operation)
        observer.metric("KmsCalls")
        observer.kms_call(f"signer-{len(self.calls)}")
        if self.fault is not None:
            observer.metric("KmsErrors")
            raise self.fault


OUTAGE = DependencyError("the key service cannot be reached")


@dataclass
class Recorder:
    """An observer that remembers."""

    operations: list[tuple[str, str, str]] = field(default_factory=list)
    metrics: dict[str, int] = field(default_factory=dict)
    kms_ids: list[str] = field(default_factory=list)
    key_events: list[tuple[str, str]] = field(default_factory=list)

    def crypto(self, operation: CryptoOperation, key_id: str, *, outcome: CryptoOutcome = "success") -> None:
        self.operations.append((operation, key_id, outcome))

    def kms_call(self, request_id: str) -> None:
        self.kms_ids.append(request_id)

    def key_event(self, operation: KeyOperation, key_id: str) -> None:
        self.key_events.append((operation, key_id))

    def metric(self, name: str, value: int = 1) -> None:
        self.metrics[name] = self.metrics.get(name, 0) + value
