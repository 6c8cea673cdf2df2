"""A statement in a DSSE envelope, signed by one key and opened by its public half.

The envelope is securesystemslib's (https://github.com/secure-systems-lab/dsse): the signature is over the payload's
type and bytes, so nothing is parsed before it is known who signed it. A key is a PEM file, or one of AWS KMS
(``awskms:``), which signs and never leaves: a pipeline that assumes a role has then no key to lose.
"""

import binascii
import json
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import Error as SecureSystemsError
from securesystemslib.signer import AWSSigner as AwsSigner  # type: ignore[attr-defined]  # it says so in its docs
from securesystemslib.signer import CryptoSigner, Signer, SSlibKey  # type: ignore[attr-defined]  # likewise

from twinvault_verdict.errors import EnvelopeError, SigningKeyError

PAYLOAD_TYPE = "application/vnd.in-toto+json"
KMS = "awskms:"


def signer(key: str, *, work_tree: Path) -> Signer:
    """Who signs: the private key in a PEM file, or the KMS key after ``awskms:``.

    Raises:
        SigningKeyError: there is no such key, it cannot sign, or it lies in the work tree that it would vouch for.
    """
    if key.startswith(KMS):
        return _of_kms(key.removeprefix(KMS))
    path = Path(key).resolve()
    if path.is_relative_to(work_tree.resolve()):
        raise SigningKeyError(
            "A key in the work tree vouches for nothing: whoever changes the one can sign with the other.",
            next_step="Let CI sign with its key (docs/deploy.md), or keep the key elsewhere.",
        )
    try:
        return CryptoSigner(load_pem_private_key(path.read_bytes(), None))
    except OSError as error:
        raise SigningKeyError(f"There is no key at {path}: {error.strerror}.") from None
    except (ValueError, TypeError, UnsupportedAlgorithm, SecureSystemsError):
        raise SigningKeyError(
            f"{path} is not a private key that can sign: Ed25519, ECDSA or RSA in PEM, without a password."
        ) from None


def seal(payload: bytes, *, by: Signer | None) -> dict[str, Any]:
    """The payload in an envelope; without a signer it is unsigned, and nobody takes it for more.

    Raises:
        SigningKeyError: the key did not sign.
    """
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    if by is not None:
        try:
            envelope.sign(by)
        except (BotoCoreError, ClientError, SecureSystemsError) as error:
            raise SigningKeyError(f"The key does not sign: {type(error).__name__}.") from None
    return dict(envelope.to_dict())


def open_signed(content: bytes, public_key: bytes) -> bytes:
    """The payload that the key of this PEM signed.

    Raises:
        SigningKeyError: the PEM is no public key that verifies.
        EnvelopeError: this is no envelope, nobody signed it, another key did, or it was changed since.
    """
    try:
        key = SSlibKey.from_crypto(load_pem_public_key(public_key))
    except (ValueError, TypeError, UnsupportedAlgorithm, SecureSystemsError):
        raise SigningKeyError("This is not a public key in PEM: Ed25519, ECDSA or RSA.") from None
    envelope = _read(content)
    if not envelope.signatures:
        raise EnvelopeError(
            "This verdict is unsigned: anybody can have written it.", next_step="Take the one that CI signed."
        )
    # Which key a signature says it is of is a hint and no more: each is tried with the one key that is trusted.
    for signature in envelope.signatures.values():
        signature.keyid = key.keyid
        try:
            key.verify_signature(signature, envelope.pae())
        except SecureSystemsError:
            continue
        if envelope.payload_type != PAYLOAD_TYPE:
            raise EnvelopeError(f"What was signed is {envelope.payload_type!r}, not a statement.")
        return bytes(envelope.payload)
    raise EnvelopeError(
        "This key did not sign this verdict: another key did, or it was changed since.",
        next_step="Compare the public key with the one that docs/deploy.md names, and take the verdict from CI anew.",
    )


def _of_kms(key_id: str) -> Signer:
    try:
        _, public = AwsSigner.import_(key_id)
        return AwsSigner(key_id, public)
    except (BotoCoreError, ClientError, SecureSystemsError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise SigningKeyError(
            f"KMS does not let this caller sign with {key_id} ({code}).",
            next_step="It needs kms:GetPublicKey and kms:Sign on a key of usage SIGN_VERIFY.",
        ) from None


def _read(content: bytes) -> Envelope:
    try:
        found: dict[str, Any] = json.loads(content)
        envelope = Envelope.from_dict(dict(found))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, SecureSystemsError):
        raise EnvelopeError("This is not a verdict: no DSSE envelope.") from None
    if not isinstance(envelope.payload_type, str):
        raise EnvelopeError("This is not a verdict: its payload has no type.")
    return envelope
