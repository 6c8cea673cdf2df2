"""The two algorithms that format 1 stands on, and nothing else: a KDF of HMAC-SHA-512, and AES-256-GCM (SP 800-38D).

`format` names the whole suite; there is no algorithm field, so there is nothing to negotiate and nothing to downgrade.
NIST's own vectors run through these functions.
"""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from twinvault.errors import InvalidInput

__all__ = ["InvalidTag", "counter_mode", "gcm_decrypt", "gcm_encrypt", "kdf"]

_HASH = "sha512"
_BLOCK_BITS = 512
_FIRST, _BLOCK_BITS_ENCODED = (1).to_bytes(4), _BLOCK_BITS.to_bytes(4)
_MAX_BLOCKS = 255
"""Far more than any use needs; SP 800-108 allows 2^32 - 1 with a counter of 32 bits."""


def kdf(key: bytes, *, label: bytes, context: bytes, bits: int) -> bytes:
    """KDF(key, label, context, bits) of docs/format.md: every key, commitment and fingerprint comes from here.

    The key is uniform, so there is no step that extracts one from something else. The label holds no zero byte, so
    label, context and length can be read back in one way only from what is hashed.

    Raises:
        InvalidInput: a length that is no whole number of bytes, or too long.
    """
    if bits == _BLOCK_BITS:
        # One block, as for every record: written out, for it is half of the time of a short seal.
        return hmac.digest(key, _FIRST + label + b"\x00" + context + _BLOCK_BITS_ENCODED, _HASH)
    return counter_mode(key, label + b"\x00" + context + bits.to_bytes(4), bits=bits)


def counter_mode(key: bytes, fixed: bytes, *, bits: int) -> bytes:
    """NIST SP 800-108r1, section 4.1, with HMAC-SHA-512 and a counter of 32 bits before the fixed input.

    https://doi.org/10.6028/NIST.SP.800-108r1-upd1

    Raises:
        InvalidInput: a length that is no whole number of bytes, or too long.
    """
    blocks = -(-bits // _BLOCK_BITS)
    if bits % 8 or not 0 < blocks <= _MAX_BLOCKS:
        raise InvalidInput(f"bits: must be a multiple of 8 up to {_MAX_BLOCKS * _BLOCK_BITS}")
    made = b"".join(hmac.digest(key, number.to_bytes(4) + fixed, _HASH) for number in range(1, blocks + 1))
    return made[: bits // 8]


def gcm_encrypt(key: bytes, nonce: bytes, *, plaintext: bytes, aad: bytes) -> bytes:
    """AES-GCM ciphertext with the 16-byte tag appended. The caller never repeats a nonce under one key."""
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def gcm_decrypt(key: bytes, nonce: bytes, *, ciphertext: bytes, aad: bytes) -> bytes:
    """The plaintext, released only once the tag has been checked.

    Raises:
        InvalidTag: the tag does not fit.
    """
    return AESGCM(key).decrypt(nonce, ciphertext, aad)
