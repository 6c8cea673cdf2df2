"""`seal` and `open_sealed`: the one primitive, for records and for wrapped keys (docs/format.md, "Seal" and "Open").

    secret     = HKDF-SHA-256(key, salt, info, 64)      -> record key (32) || commitment (32)
    ciphertext = AES-256-GCM(record key, nonce, padded plaintext, AAD)

HKDF is RFC 5869, AES-GCM is NIST SP 800-38D. GCM alone does not commit to its key: one ciphertext can be built that
opens under two keys. The commitment, a second output of the same HKDF, closes that.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from twinvault.envelope.aad import Context, Label, encode_aad
from twinvault.envelope.padding import MAX_PLAINTEXT_BYTES, MIN_PADDED_BYTES, pad, padded_size, unpad
from twinvault.errors import IntegrityError, InvalidInput, TwinvaultError

FORMAT = 1
KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 32
COMMITMENT_BYTES = 32
TAG_BYTES = 16
_MIN_CIPHERTEXT = MIN_PADDED_BYTES + TAG_BYTES
_MAX_CIPHERTEXT = padded_size(MAX_PLAINTEXT_BYTES) + TAG_BYTES


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is stored of a sealed record beside its key and its clear attributes."""

    ciphertext: bytes
    nonce: bytes
    salt: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class DerivedSecret:
    """The two outputs of HKDF for one record."""

    record_key: bytes = field(repr=False)
    commitment: bytes


def derive(key: bytes, *, salt: bytes, label: Label, aad: bytes) -> DerivedSecret:
    """HKDF-SHA-256(key, salt, label || 0x00 || SHA-256(AAD), 64), split in two (RFC 5869)."""
    info = label.value.encode() + b"\x00" + hashlib.sha256(aad).digest()
    secret = HKDF(algorithm=SHA256(), length=KEY_BYTES + COMMITMENT_BYTES, salt=salt, info=info).derive(key)
    return DerivedSecret(secret[:KEY_BYTES], secret[KEY_BYTES:])


def seal(plaintext: bytes, *, key: bytes, label: Label, context: Context, salt: bytes, nonce: bytes) -> Sealed:
    """Seals `plaintext` under `key` (32 bytes), bound to `context` and `label`.

    `salt` (32 bytes) and `nonce` (12 bytes) are parameters so that vectors can be made. Outside of vectors call
    `seal_with_fresh_randomness`: the salt gives each record a key of its own, which is used for one message only, so a
    random nonce can never repeat under one key, and no counter of messages is needed.

    Raises:
        TooLarge: the plaintext is over 400 KiB.
        InvalidInput: the context cannot be encoded.
    """
    _require_length(key, KEY_BYTES, "key")
    _require_length(salt, SALT_BYTES, "salt")
    _require_length(nonce, NONCE_BYTES, "nonce")
    aad = encode_aad(context)
    secret = derive(key, salt=salt, label=label, aad=aad)
    ciphertext = AESGCM(secret.record_key).encrypt(nonce, pad(plaintext), aad)
    return Sealed(ciphertext, nonce, salt, secret.commitment)


def seal_with_fresh_randomness(plaintext: bytes, *, key: bytes, label: Label, context: Context) -> Sealed:
    """`seal` with a salt and a nonce from the operating system: the outermost call, and the only one that draws."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    return seal(plaintext, key=key, label=label, context=context, salt=salt, nonce=nonce)


def open_sealed(sealed: Sealed, *, key: bytes, label: Label, context: Context) -> bytes:
    """Returns the plaintext of a sealed record found at `context`, or raises; there is no third outcome.

    The caller has checked the format and the key id (steps 1 and 2 of docs/format.md); steps 3 to 7 are here.

    Raises:
        IntegrityError: the record was changed, moved, cut, or sealed under another key or for another use.
    """
    _require_length(key, KEY_BYTES, "key")
    # Step 3: every length, before anything is sliced or computed.
    if (
        len(sealed.nonce) != NONCE_BYTES
        or len(sealed.salt) != SALT_BYTES
        or len(sealed.commitment) != COMMITMENT_BYTES
        or not _MIN_CIPHERTEXT <= len(sealed.ciphertext) <= _MAX_CIPHERTEXT
    ):
        raise IntegrityError("3 lengths")
    # Step 4: the AAD, from where the record was found and what it says in the clear.
    try:
        aad = encode_aad(context)
    except TwinvaultError:
        raise IntegrityError("4 clear attributes") from None
    # Step 5: the commitment, in constant time and before GCM, so that no ciphertext is ever tried under a second key.
    secret = derive(key, salt=sealed.salt, label=label, aad=aad)
    if not hmac.compare_digest(secret.commitment, sealed.commitment):
        raise IntegrityError("5 commitment")
    # Step 6: GCM. Nothing is released before the tag has been checked.
    try:
        padded = AESGCM(secret.record_key).decrypt(sealed.nonce, sealed.ciphertext, aad)
    except InvalidTag:
        raise IntegrityError("6 ciphertext") from None
    # Step 7: the padding, which has exactly one valid form.
    return unpad(padded)


def _require_length(value: bytes, length: int, name: str) -> None:
    """A wrong length here is a mistake of the calling code, and is refused all the same."""
    if len(value) != length:
        raise InvalidInput(f"{name}: must be {length} bytes", field=name)
