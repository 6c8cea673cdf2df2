"""A chain's key: Ed25519 (RFC 8032), made in the environment that writes the chain and never leaving it. Pure.

It shows that one writer wrote the whole chain, not who that was: who a function was is what its entries say.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SEED_BYTES = 32
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64
_DOMAIN = b"twinvault/v1/audit-signature\x00"


class ChainKey:
    """Signs the entries of an environment's chains."""

    def __init__(self, seed: bytes) -> None:
        """`seed` is 32 random bytes: RFC 8032's private key."""
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, digest: bytes) -> bytes:
        """The signature of an entry's digest, 64 bytes."""
        return self._private.sign(_DOMAIN + digest)


def is_signed(digest: bytes, *, signature: bytes, public_key: bytes) -> bool:
    """Whether the holder of the private key signed this digest as an entry's."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _DOMAIN + digest)
    except (InvalidSignature, ValueError):
        return False
    return True
