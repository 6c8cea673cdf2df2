"""Ciphertext blobs: opaque to callers, authenticated with their encryption context, naming key and material.

    version (1) || key id (16) || material id (32) || salt (16) || nonce (12) || AES-256-GCM ciphertext || tag (16)

The message key is HKDF-SHA-256 of the material with the blob's own salt, so one material may encrypt without counting
(the same idea as AWS's, "Cryptographic details": a key derived for each Encrypt). The context is part of the associated
data with every length written out: {"a": "bc"} and {"ab": "c"} are different bytes.
"""

import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from twinvault_kms.errors import invalid_ciphertext
from twinvault_kms.model import MULTI_REGION_ID

# The second is that of multi-Region keys: the same 16 bytes, written as `mrk-` and 32 digits.
_VERSION, _MULTI_REGION_VERSION = 1, 2
_HEADER = struct.Struct(">B16s32s16s12s")
_TAG_BYTES = 16
SALT_BYTES = 16
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob taken apart: which key and material it names, before anything has been verified."""

    key_id: str
    material_id: str
    salt: bytes
    nonce: bytes
    header: bytes
    body: bytes


def canonical_context(context: Mapping[str, str]) -> bytes:
    """Return one byte string per map: count, then length-prefixed names and values in the order of the names' bytes."""
    pairs = sorted((name.encode(), value.encode()) for name, value in context.items())
    parts = [struct.pack(">I", len(pairs))]
    for name, value in pairs:
        parts += (struct.pack(">I", len(name)), name, struct.pack(">I", len(value)), value)
    return b"".join(parts)


def seal(
    plaintext: bytes,
    *,
    key_id: str,
    material_id: str,
    material: bytes,
    context: Mapping[str, str],
    salt: bytes,
    nonce: bytes,
) -> bytes:
    """Encrypt under one material of one key. `salt` and `nonce` are 16 and 12 random bytes, never used before."""
    digits = key_id.removeprefix(MULTI_REGION_ID)
    version = _VERSION if digits == key_id else _MULTI_REGION_VERSION
    header = _HEADER.pack(version, uuid.UUID(digits).bytes, bytes.fromhex(material_id), salt, nonce)
    body = _cipher(material, salt).encrypt(nonce, plaintext, header + canonical_context(context))
    return header + body


def parse(blob: bytes) -> Blob:
    """Take a blob apart.

    Raises:
        KmsError: InvalidCiphertextException; it is not one of ours.
    """
    if len(blob) < _HEADER.size + _TAG_BYTES or blob[0] not in {_VERSION, _MULTI_REGION_VERSION}:
        raise invalid_ciphertext()
    header = blob[: _HEADER.size]
    version, raw_id, material_id, salt, nonce = _HEADER.unpack(header)
    return Blob(
        key_id=str(uuid.UUID(bytes=raw_id)) if version == _VERSION else MULTI_REGION_ID + raw_id.hex(),
        material_id=material_id.hex(),
        salt=salt,
        nonce=nonce,
        header=header,
        body=blob[_HEADER.size :],
    )


def unseal(blob: Blob, *, material: bytes, context: Mapping[str, str]) -> bytes:
    """Decrypt.

    Raises:
        KmsError: InvalidCiphertextException; the blob was changed, or the context is another.
    """
    try:
        return _cipher(material, blob.salt).decrypt(blob.nonce, blob.body, blob.header + canonical_context(context))
    except InvalidTag:
        raise invalid_ciphertext() from None


def _cipher(material: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"twinvault/kms/v1/message").derive(material))
