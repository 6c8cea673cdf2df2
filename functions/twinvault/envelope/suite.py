"""The two algorithms that format 1 stands on, and nothing else: HKDF-SHA-256 (RFC 5869) and AES-256-GCM (SP 800-38D).

`format` names the whole suite; there is no algorithm field, so there is nothing to negotiate and nothing to downgrade.
The RFC's and NIST's own vectors run through these functions.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["InvalidTag", "gcm_decrypt", "gcm_encrypt", "hkdf"]

# A description of the hash, without state: one object serves every thread.
_SHA256 = SHA256()


def hkdf(key: bytes, salt: bytes, *, info: bytes, length: int) -> bytes:
    """HKDF-SHA-256, extract and expand. The library's is faster than three `hmac.digest` (docs/benchmarks.md)."""
    return HKDF(_SHA256, length, salt, info).derive(key)


def gcm_encrypt(key: bytes, nonce: bytes, *, plaintext: bytes, aad: bytes) -> bytes:
    """AES-GCM ciphertext with the 16-byte tag appended. The caller never repeats a nonce under one key."""
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def gcm_decrypt(key: bytes, nonce: bytes, *, ciphertext: bytes, aad: bytes) -> bytes:
    """The plaintext, released only once the tag has been checked.

    Raises:
        InvalidTag: the tag does not fit.
    """
    return AESGCM(key).decrypt(nonce, ciphertext, aad)
