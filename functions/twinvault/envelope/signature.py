"""Signatures of the audit key: Ed25519 (RFC 8032) of a digest under a label (docs/receipt.md, "Signature"). Pure.

KMS signs at most 4,096 bytes (AWS KMS API Reference, "Sign"), and what is signed may be longer: so a digest is. One
use's signature cannot stand in for another's, for the label is part of the message.
"""

from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from twinvault.envelope.primitive import DIGEST_BYTES


class SignatureLabel(StrEnum):
    """What a signature is for."""

    RECEIPT = "twinvault/v1/receipt-signature"
    """That the store says what a receipt says."""


def signed_message(digest: bytes, *, label: SignatureLabel) -> bytes:
    """What is signed of a digest of 32 bytes.

    Raises:
        ValueError: it is of another length.
    """
    if len(digest) != DIGEST_BYTES:
        raise ValueError("a digest is 32 bytes long")
    return label.value.encode() + b"\x00" + digest


def public_key_of(subject_public_key_info: bytes) -> bytes:
    """The 32 bytes of an Ed25519 public key that KMS gives as a SubjectPublicKeyInfo (RFC 8410), DER.

    Raises:
        ValueError: it is none.
    """
    key = load_der_public_key(subject_public_key_info)
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("not an Ed25519 public key")  # noqa: TRY004  # whatever is wrong with the bytes
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def require_signed(digest: bytes, *, label: SignatureLabel, signature: bytes, public_key: bytes) -> None:
    """Returns if the holder of the private key signed this digest under this label.

    Raises:
        ValueError: nobody did, or one of the three cannot be what it should be.
    """
    message = signed_message(digest, label=label)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        raise ValueError("the signature is not of this key and digest") from None
