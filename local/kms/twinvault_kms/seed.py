"""The seed: 32 bytes from which every key id and every derivable key material follows.

HKDF-SHA-256 (RFC 5869) with one label per purpose and key number, so that the same seed gives the same keys in the same
order, and no label's output says anything about another's. What cannot be derived (imported material, RSA keys) is
sealed under a key of the seed: whoever has the store without the seed has no key.
"""

import contextlib
import hmac
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import twinvault_durable as durable
from twinvault_kms.errors import SeedError
from twinvault_kms.model import MULTI_REGION_ID

SEED_BYTES = 32
_SALT = b"twinvault/kms/v1"
_NONCE_BYTES = 12


class Seed:
    """The seed in memory, from which the rest is derived; nothing of it is in a repr, a log line or an error."""

    def __init__(self, root: bytes) -> None:
        if len(root) != SEED_BYTES:
            raise SeedError(
                f"A seed is {SEED_BYTES} bytes long.", next_step="Give --seed-file a file of 64 hex digits."
            )
        self._root = root
        self._sealer = AESGCM(self.derive("store", 32))

    def __repr__(self) -> str:
        return "Seed(...)"

    def derive(self, label: str, length: int) -> bytes:
        """Return the `length` bytes that belong to `label`."""
        return HKDF(algorithm=SHA256(), length=length, salt=_SALT, info=label.encode()).derive(self._root)

    def export(self) -> bytes:
        """Return the seed itself, for a snapshot and nothing else."""
        return self._root

    def fingerprint(self) -> str:
        """Return what a store writes down to know its seed again."""
        return self.derive("fingerprint", 16).hex()

    def key_id(self, number: int) -> str:
        """Return the id of the key with this number, in the form of a random UUID (RFC 9562, version 4)."""
        return str(uuid.UUID(bytes=self.derive(f"key/{number}/id", 16), version=4))

    def multi_region_key_id(self, number: int) -> str:
        """Return the id of the multi-Region key with this number: the same digits in AWS's other form."""
        return MULTI_REGION_ID + self.key_id(number).replace("-", "")

    def material(self, *, number: int, version: int, length: int) -> bytes:
        """Return the key material of one version of one key."""
        return self.derive(f"key/{number}/material/{version}", length)

    def seal(self, secret: bytes, *, label: str, nonce: bytes) -> bytes:
        """Seal a secret for the store; it opens only under the same label. `nonce` is 12 random bytes."""
        return nonce + self._sealer.encrypt(nonce, secret, label.encode())

    def open(self, sealed: bytes, *, label: str) -> bytes:
        """Open what `seal` made.

        Raises:
            InvalidTag: The store was changed by another hand (cryptography.exceptions).
        """
        return self._sealer.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label.encode())


def material_id(secret: bytes, key_id: str) -> str:
    """Return the 64 hex digits that name a key material: a one-way function of the material and its key.

    Source: API reference of ImportKeyMaterial, KeyMaterialId ("based on the KMS key ID and the imported key material").
    """
    return hmac.digest(secret, b"twinvault/kms/v1/material-id/" + key_id.encode(), "sha256").hex()


def load_seed(path: Path) -> Seed:
    """Read a seed file: 64 hex digits, readable by its owner alone.

    Raises:
        SeedError: It is missing, malformed, or others may read it.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
        root = bytes.fromhex(text)
    except (OSError, ValueError) as error:
        raise SeedError(f"The seed file {path} cannot be read.", next_step="It must hold 64 hex digits.") from error
    if mode & 0o077:
        raise SeedError(f"The seed file {path} is open to others.", next_step=f"chmod 600 {path}")
    return Seed(root)


def load_or_create_seed(path: Path, *, fresh: bytes) -> Seed:
    """Read the seed file, or make it from `fresh` (32 random bytes) with mode 0600, durably, before it is used."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Two processes may start at once: one of them makes the file, and both read that one.
        with contextlib.suppress(FileExistsError):
            durable.create(path, seed_line(fresh))
    return load_seed(path)


def seed_line(root: bytes) -> bytes:
    """Return what a seed file holds."""
    return f"{root.hex()}\n".encode()
