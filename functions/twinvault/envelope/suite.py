"""The two algorithms that format 1 stands on, and nothing else: a KDF of HMAC-SHA-512, and AES-256-GCM (SP 800-38D).

`format` names the whole suite; there is no algorithm field, so there is nothing to negotiate and nothing to downgrade.
NIST's own vectors run through these functions.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.hmac import HMAC

from twinvault.errors import InvalidInput

__all__ = ["DerivationKey", "InvalidTag", "counter_mode", "gcm_decrypt", "gcm_encrypt", "kdf"]

_HASH = SHA512()
_BLOCK_BITS = 512
_FIRST, _BLOCK_BITS_ENCODED = (1).to_bytes(4), _BLOCK_BITS.to_bytes(4)
_MAX_BLOCKS = 255
"""Far more than any use needs; SP 800-108 allows 2^32 - 1 with a counter of 32 bits."""


class DerivationKey:
    """A key as the KDF takes it, K_IN of SP 800-108: what HMAC does with the key alone is done once.

    Half of the time of an HMAC over a short text goes there, and the records of a partition share a key. It tells as
    much as the key itself, and must live no longer. Thread-safe: it is only ever copied.
    """

    __slots__ = ("_keyed", "size")

    def __init__(self, key: bytes) -> None:
        """`key` is uniform. `size`: its length in bytes."""
        self._keyed = HMAC(key, _HASH)
        self.size = len(key)

    def hmac(self, message: bytes) -> bytes:
        """HMAC-SHA-512 of the message under the key."""
        mac = self._keyed.copy()
        mac.update(message)
        return mac.finalize()


def kdf(key: DerivationKey, *, label: bytes, context: bytes, bits: int) -> bytes:
    """KDF(key, label, context, bits) of docs/format.md: every key, commitment and fingerprint comes from here.

    The key is uniform, so there is no step that extracts one from something else. The label holds no zero byte, so
    label, context and length can be read back in one way only from what is hashed.

    Raises:
        InvalidInput: a length that is no whole number of bytes, or too long.
    """
    if bits == _BLOCK_BITS:
        # One block, as for every record: written out, for it is half of the time of a short seal.
        return key.hmac(_FIRST + label + b"\x00" + context + _BLOCK_BITS_ENCODED)
    return counter_mode(key, label + b"\x00" + context + bits.to_bytes(4), bits=bits)


def counter_mode(key: DerivationKey, fixed: bytes, *, bits: int) -> bytes:
    """NIST SP 800-108r1, section 4.1, with HMAC-SHA-512 and a counter of 32 bits before the fixed input.

    https://doi.org/10.6028/NIST.SP.800-108r1-upd1

    Raises:
        InvalidInput: a length that is no whole number of bytes, or too long.
    """
    blocks = -(-bits // _BLOCK_BITS)
    if bits % 8 or not 0 < blocks <= _MAX_BLOCKS:
        raise InvalidInput(f"bits: must be a multiple of 8 up to {_MAX_BLOCKS * _BLOCK_BITS}")
    made = b"".join(key.hmac(number.to_bytes(4) + fixed) for number in range(1, blocks + 1))
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
