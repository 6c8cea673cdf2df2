"""`seal` and `open_sealed`: the one primitive, for records and for wrapped keys (docs/format.md, "Seal" and "Open").

    secret     = KDF(key, label, salt || SHA-256(AAD), 512)      -> record key (32) || commitment (32)
    ciphertext = AES-256-GCM(record key, nonce, padded plaintext, AAD)
    digest     = SHA-256("twinvault/v1/seal" || 0x00 || LP(label) || SHA-256(AAD)
                         || salt || commitment || nonce || ciphertext)

The KDF is NIST SP 800-108r1 in counter mode with HMAC-SHA-512, AES-GCM is NIST SP 800-38D. GCM alone does not commit to
its key: one ciphertext can be built that opens under two keys. The commitment, the second half of the same HMAC, closes
that. It does not bind the contents: the digest does, and is what heads and logs are about.
"""

import hashlib
import hmac
import os
from typing import NamedTuple

from twinvault.envelope.aad import Context, Label, encode_aad, lp
from twinvault.envelope.padding import MAX_PLAINTEXT_BYTES, MIN_PADDED_BYTES, pad, padded_size, unpad
from twinvault.envelope.suite import DerivationKey, InvalidTag, gcm_decrypt, gcm_encrypt, kdf
from twinvault.errors import IntegrityError, InvalidInput, Place, Step, TwinvaultError

FORMAT = 1
KEY_BYTES = 32
NONCE_BYTES = 12
SALT_BYTES = 32
COMMITMENT_BYTES = 32
DIGEST_BYTES = 32
TAG_BYTES = 16
_SECRET_BITS = 8 * (KEY_BYTES + COMMITMENT_BYTES)
_DIGEST_PREFIX = {label: b"twinvault/v1/seal\x00" + lp(label.encode()) for label in Label}
_MIN_CIPHERTEXT = MIN_PADDED_BYTES + TAG_BYTES
_MAX_CIPHERTEXT = padded_size(MAX_PLAINTEXT_BYTES) + TAG_BYTES


class Stored(NamedTuple):
    """What is stored of a sealed record beside its place and its clear attributes."""

    ciphertext: bytes
    nonce: bytes
    salt: bytes
    commitment: bytes


class Sealed(NamedTuple):
    """What `seal` returns: what is to be stored, as in `Stored`, and the digest that stands for all of it."""

    ciphertext: bytes
    nonce: bytes
    salt: bytes
    commitment: bytes
    digest: bytes


class Opened(NamedTuple):
    """What opening returns: the plaintext, and the digest that `seal` returned for it."""

    plaintext: bytes
    digest: bytes

    def __repr__(self) -> str:
        """Without the plaintext."""
        return f"Opened(digest={self.digest!r})"


def seal(plaintext: bytes, *, key: bytes, label: Label, context: Context, salt: bytes, nonce: bytes) -> Sealed:
    """Seals `plaintext` under `key` (32 bytes), bound to `context` and `label`.

    `salt` (32 bytes) and `nonce` (12 bytes) are parameters so that vectors can be made. Outside of vectors call
    `seal_with_fresh_randomness`: the salt gives each record a key of its own, which is used for one message only, so a
    random nonce can never repeat under one key, and no counter of messages is needed.

    Raises:
        TooLarge: the plaintext is over `MAX_PLAINTEXT_BYTES`.
        InvalidInput: the context cannot be encoded.
    """
    return seal_bound(plaintext, key=DerivationKey(key), label=label, aad=encode_aad(context), salt=salt, nonce=nonce)


def seal_with_fresh_randomness(plaintext: bytes, *, key: bytes, label: Label, context: Context) -> Sealed:
    """`seal` with a salt and a nonce from the operating system: the outermost call, and the only one that draws."""
    drawn = os.urandom(SALT_BYTES + NONCE_BYTES)
    return seal(plaintext, key=key, label=label, context=context, salt=drawn[:SALT_BYTES], nonce=drawn[SALT_BYTES:])


def open_sealed(stored: Stored | Sealed, *, key: bytes, label: Label, context: Context) -> Opened:
    """Returns the plaintext and the digest of a record found at `context`, or raises; there is no third outcome.

    Takes steps 3 to 7 of docs/format.md; for an item, `from_item` takes those before the key and `open_found` the rest.

    Raises:
        IntegrityError: the record was changed, moved, cut, or sealed under another key or for another use.
    """
    try:
        # Step 3: every length, before anything is sliced or computed.
        require_lengths(stored)
        return open_bound(stored, key=DerivationKey(key), label=label, aad=encode_found(context))
    except IntegrityError as refusal:
        raise refusal.at(Place(context.table, context.pk, context.sk)) from None


def encode_found(context: Context) -> bytes:
    """Step 4 of opening: the AAD, from where the record was found and what it says in the clear.

    Raises:
        IntegrityError: a name, text or number that `seal` would not have taken.
    """
    try:
        return encode_aad(context)
    except TwinvaultError:
        raise IntegrityError(Step.CLEAR) from None


def require_lengths(stored: Stored | Sealed) -> None:
    """Step 3 of opening.

    Raises:
        IntegrityError: a sealed attribute has a length that `seal` never produces.
    """
    if (
        len(stored.nonce) != NONCE_BYTES
        or len(stored.salt) != SALT_BYTES
        or len(stored.commitment) != COMMITMENT_BYTES
        or not _MIN_CIPHERTEXT <= len(stored.ciphertext) <= _MAX_CIPHERTEXT
    ):
        raise IntegrityError(Step.LENGTHS)


def derive(key: DerivationKey, salt: bytes, *, label: Label, aad_hash: bytes) -> tuple[bytes, bytes]:
    """KDF(key, label, salt || SHA-256(AAD), 512), split in record key and commitment."""
    secret = kdf(key, label=label.encode(), context=salt + aad_hash, bits=_SECRET_BITS)
    return secret[:KEY_BYTES], secret[KEY_BYTES:]


def seal_digest(
    ciphertext: bytes, *, label: Label, aad_hash: bytes, salt: bytes, commitment: bytes, nonce: bytes
) -> bytes:
    """The digest of docs/format.md, "Seal": equal for two records only if they are the same in every byte."""
    parts = (_DIGEST_PREFIX[label], aad_hash, salt, commitment, nonce, ciphertext)
    return hashlib.sha256(b"".join(parts)).digest()


def seal_bound(plaintext: bytes, *, key: DerivationKey, label: Label, aad: bytes, salt: bytes, nonce: bytes) -> Sealed:
    """`seal`, once the context has become bytes."""
    if key.size != KEY_BYTES or len(salt) != SALT_BYTES or len(nonce) != NONCE_BYTES:
        raise InvalidInput("key, salt and nonce: must be 32, 32 and 12 bytes")
    aad_hash = hashlib.sha256(aad).digest()
    record_key, commitment = derive(key, salt, label=label, aad_hash=aad_hash)
    ciphertext = gcm_encrypt(record_key, nonce, plaintext=pad(plaintext), aad=aad)
    digest = seal_digest(ciphertext, label=label, aad_hash=aad_hash, salt=salt, commitment=commitment, nonce=nonce)
    return Sealed(ciphertext, nonce, salt, commitment, digest)


def open_bound(stored: Stored | Sealed, *, key: DerivationKey, label: Label, aad: bytes) -> Opened:
    """Steps 5 to 7 of opening, once the lengths are known to be right and the context has become bytes.

    Raises:
        IntegrityError: as `open_sealed`.
    """
    if key.size != KEY_BYTES:
        raise InvalidInput("key: must be 32 bytes")
    # Step 5: the commitment, in constant time and before GCM, so that no ciphertext is ever tried under a second key.
    aad_hash = hashlib.sha256(aad).digest()
    record_key, commitment = derive(key, stored.salt, label=label, aad_hash=aad_hash)
    if not hmac.compare_digest(commitment, stored.commitment):
        raise IntegrityError(Step.COMMITMENT)
    # Step 6: GCM. Nothing is released before the tag has been checked.
    try:
        padded = gcm_decrypt(record_key, stored.nonce, ciphertext=stored.ciphertext, aad=aad)
    except InvalidTag:
        raise IntegrityError(Step.CIPHERTEXT) from None
    # Step 7: the padding, which has exactly one valid form.
    plaintext = unpad(padded)
    digest = seal_digest(
        stored.ciphertext,
        label=label,
        aad_hash=aad_hash,
        salt=stored.salt,
        commitment=stored.commitment,
        nonce=stored.nonce,
    )
    return Opened(plaintext, digest)
