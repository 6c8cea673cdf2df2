"""The key specs that are offered, and what each may be used for.

Source: AWS KMS developer guide, "Key spec reference". Not offered, and refused by name: RSA_3072 and RSA_4096,
P-521 and secp256k1, HMAC_224, ML-DSA, ML-KEM, SM2, and ECDH (KEY_AGREEMENT) on the curves that are.
"""

from dataclasses import dataclass

ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
SIGN_VERIFY = "SIGN_VERIFY"
GENERATE_VERIFY_MAC = "GENERATE_VERIFY_MAC"
SYMMETRIC_DEFAULT = "SYMMETRIC_DEFAULT"
RSA_2048 = "RSA_2048"

# Encrypt's limits: developer guide of Encrypt, table "maximum size of the data that you can encrypt".
PLAINTEXT_LIMITS = {SYMMETRIC_DEFAULT: 4096, "RSAES_OAEP_SHA_1": 214, "RSAES_OAEP_SHA_256": 190}

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
        return self.name.startswith(("ECC_", "RSA_"))


SPECS = {
    spec.name: spec
    for spec in (
        KeySpec(SYMMETRIC_DEFAULT, {ENCRYPT_DECRYPT: (SYMMETRIC_DEFAULT,)}, 32),
        KeySpec("HMAC_256", {GENERATE_VERIFY_MAC: ("HMAC_SHA_256",)}, 32),
        KeySpec("HMAC_384", {GENERATE_VERIFY_MAC: ("HMAC_SHA_384",)}, 48),
        KeySpec("HMAC_512", {GENERATE_VERIFY_MAC: ("HMAC_SHA_512",)}, 64),
        # 16 bytes more than the curve's order, so that the reduction's bias is negligible (FIPS 186-5, A.2.1).
        KeySpec("ECC_NIST_P256", {SIGN_VERIFY: ("ECDSA_SHA_256",)}, 48),
        KeySpec("ECC_NIST_P384", {SIGN_VERIFY: ("ECDSA_SHA_384",)}, 64),
        KeySpec("ECC_NIST_EDWARDS25519", {SIGN_VERIFY: ("ED25519_SHA_512",)}, 32),
        # No library that we trust makes RSA keys from a seed: they are drawn once and kept, sealed, in the store.
        KeySpec(RSA_2048, {ENCRYPT_DECRYPT: ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"), SIGN_VERIFY: _RSA_SIGNING}, 0),
    )
}
