"""The key ring: hands out the secret bytes of materials and checks the tokens that only this KMS can have made."""

import base64
import binascii
import hmac
from functools import lru_cache

from cryptography.exceptions import InvalidTag

from twinvault_kms import asymmetric
from twinvault_kms.errors import KmsError, invalid_state
from twinvault_kms.model import Key, Material
from twinvault_kms.seed import Seed, material_id
from twinvault_kms.specs import SPECS

_TOKEN_NONCE = 16
_GRANT_ID = 32
_TAG = 32
_MOST_PARSED = 1024


class KeyRing:
    """Secrets by key and material; a cache saves the derivation, since every Encrypt and Decrypt needs one."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self._token_key = seed.derive("grant-token", 32)
        self._cache: dict[tuple[str, str], bytes] = {}
        self._parsed = lru_cache(maxsize=_MOST_PARSED)(asymmetric.stored_key)

    def __repr__(self) -> str:
        return "KeyRing(...)"

    def key_id(self, number: int, *, multi_region: bool = False) -> str:
        """Return the id of the key with this number."""
        return self._seed.multi_region_key_id(number) if multi_region else self._seed.key_id(number)

    def derived(self, *, number: int, key_id: str, version: int, spec: str) -> tuple[bytes, str]:
        """Return the material that the seed yields for one version of a key, and its id."""
        secret = self._seed.material(number=number, version=version, length=SPECS[spec].secret_bytes)
        return secret, material_id(secret, key_id)

    def secret(self, key: Key, material: Material) -> bytes:
        """Return the secret bytes of a material.

        Raises:
            KmsError: KMSInvalidStateException, when imported material was deleted or has expired.
        """
        if material.derived:
            known = self._cache.get((key.key_id, material.material_id))
            if known is None:
                known, _ = self.derived(number=key.number, key_id=key.key_id, version=material.version, spec=key.spec)
                self._cache[key.key_id, material.material_id] = known
            return known
        if material.sealed is None:
            raise invalid_state(f"{key.arn} is pending import.")
        try:
            return self._seed.open(material.sealed, label=_label(key.key_id, material.material_id))
        except InvalidTag:
            raise KmsError("KMSInternalException", "A stored key material does not verify.", status=500) from None

    def private_key(self, key: Key, material: Material) -> asymmetric.PrivateKey:
        """Return the private key of a material, parsed once.

        Raises:
            KmsError: KMSInvalidStateException, when imported material was deleted or has expired.
        """
        return self._parsed(self.secret(key, material), key.spec, derived=material.derived)

    def seal(self, secret: bytes, *, key_id: str, nonce: bytes) -> tuple[bytes, str]:
        """Return a secret as the store may hold it, and its material id."""
        identity = material_id(secret, key_id)
        return self._seed.seal(secret, label=_label(key_id, identity), nonce=nonce), identity

    def seal_token(self, payload: bytes, *, nonce: bytes) -> bytes:
        """Return an opaque import token around `payload`."""
        return self._seed.seal(payload, label="import-token", nonce=nonce)

    def open_token(self, token: bytes) -> bytes:
        """Return what an import token carries.

        Raises:
            KmsError: InvalidImportTokenException.
        """
        try:
            return self._seed.open(token, label="import-token")
        except (InvalidTag, ValueError):
            raise KmsError("InvalidImportTokenException", "The import token is not valid.") from None

    def grant_token(self, grant_id: str, *, nonce: bytes) -> str:
        """Return a new token for a grant (API reference, CreateGrant: "unique with every CreateGrant request")."""
        body = bytes.fromhex(grant_id) + nonce
        return base64.urlsafe_b64encode(body + hmac.digest(self._token_key, body, "sha256")).decode()

    def grant_of_token(self, token: str) -> str:
        """Return the id of the grant that a token stands for.

        Raises:
            KmsError: InvalidGrantTokenException.
        """
        try:
            raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        body, tag = raw[:-_TAG], raw[-_TAG:]
        if len(body) != _GRANT_ID + _TOKEN_NONCE or not hmac.compare_digest(
            tag, hmac.digest(self._token_key, body, "sha256")
        ):
            raise KmsError("InvalidGrantTokenException", "The grant token is not valid.")
        return body[:_GRANT_ID].hex()


def _label(key_id: str, identity: str) -> str:
    return f"material/{key_id}/{identity}"
