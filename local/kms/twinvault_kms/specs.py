"""The key specs that are offered, and what each may be used for.

Source: AWS KMS developer guide, "Key spec reference". Not offered, and refused by name: ML-KEM, and SM2 (which AWS
has in its China Regions alone).
"""

from dataclasses import dataclass

ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
SIGN_VERIFY = "SIGN_VERIFY"
GENERATE_VERIFY_MAC = "GENERATE_VERIFY_MAC"
KEY_AGREEMENT = "KEY_AGREEMENT"
SYMMETRIC_DEFAULT = "SYMMETRIC_DEFAULT"

_SYMMETRIC_LIMIT = 4096
# RSA: what OAEP leaves of the modulus (RFC 8017, 7.1.1: 2 hashes and 2 bytes less), by the hash's length.
_OAEP_HASH_BYTES = {"RSAES_OAEP_SHA_1": 20, "RSAES_OAEP_SHA_256": 32}
RSA_BITS = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}

_RSA_SIGNING = (
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
)


@dataclass(frozen=True, slots=True)
class KeySpec:
    """One key spec: `algorithms` per usage; `secret_bytes` is what the seed derives (0: made once and kept sealed)."""

    name: str
    algorithms: dict[str, tuple[str, ...]]
    secret_bytes: int

    @property
    def symmetric_encryption(self) -> bool:
        """Whether keys of this spec take an encryption context and can rotate."""
        return self.name == SYMMETRIC_DEFAULT

    @property
    def asymmetric(self) -> bool:
        """Whether keys of this spec have a public half."""
        return self.name.startswith(("ECC_", "RSA_", "ML_DSA_"))

    def plaintext_limit(self, algorithm: str) -> int:
        """Return the most bytes that Encrypt takes (API reference of Encrypt, "maximum size of the data")."""
        if self.symmetric_encryption:
            return _SYMMETRIC_LIMIT
        return RSA_BITS[self.name] // 8 - 2 * _OAEP_HASH_BYTES[algorithm] - 2


def _rsa(name: str) -> KeySpec:
    # No library that we trust makes RSA keys from a seed: they are drawn once and kept, sealed, in the store.
    return KeySpec(name, {ENCRYPT_DECRYPT: tuple(_OAEP_HASH_BYTES), SIGN_VERIFY: _RSA_SIGNING}, 0)


def _hmac(bits: int) -> KeySpec:
    return KeySpec(f"HMAC_{bits}", {GENERATE_VERIFY_MAC: (f"HMAC_SHA_{bits}",)}, bits // 8)


def _ml_dsa(level: int) -> KeySpec:
    return KeySpec(f"ML_DSA_{level}", {SIGN_VERIFY: ("ML_DSA_SHAKE_256",)}, 32)


SPECS = {
    spec.name: spec
    for spec in (
        KeySpec(SYMMETRIC_DEFAULT, {ENCRYPT_DECRYPT: (SYMMETRIC_DEFAULT,)}, 32),
        *map(_hmac, (224, 256, 384, 512)),
        # 16 bytes more than the curve's order, so that the reduction's bias is negligible (FIPS 186-5, A.2.1).
        KeySpec("ECC_NIST_P256", {SIGN_VERIFY: ("ECDSA_SHA_256",), KEY_AGREEMENT: ("ECDH",)}, 48),
        KeySpec("ECC_NIST_P384", {SIGN_VERIFY: ("ECDSA_SHA_384",), KEY_AGREEMENT: ("ECDH",)}, 64),
        KeySpec("ECC_NIST_P521", {SIGN_VERIFY: ("ECDSA_SHA_512",), KEY_AGREEMENT: ("ECDH",)}, 82),
        KeySpec("ECC_SECG_P256K1", {SIGN_VERIFY: ("ECDSA_SHA_256",)}, 48),
        KeySpec("ECC_NIST_EDWARDS25519", {SIGN_VERIFY: ("ED25519_SHA_512",)}, 32),
        *map(_ml_dsa, (44, 65, 87)),
        *map(_rsa, RSA_BITS),
    )
}
