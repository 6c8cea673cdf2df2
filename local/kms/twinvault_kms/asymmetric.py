"""Asymmetric keys and MACs: pure functions over secret bytes. cryptography does the arithmetic.

A material's secret is: HMAC, the key itself; NIST curves, the bytes that a scalar is reduced from when the seed made
them; Ed25519, RFC 8032's private key; else PKCS#8 DER (RSA, and everything asymmetric that was imported).
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from twinvault_kms.errors import KmsError, invalid_ciphertext, validation

type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA_1": hashes.SHA1(),  # noqa: S303  # OAEP's own hash, as AWS names it; no signature rests on it
    "SHA_256": hashes.SHA256(),
    "SHA_384": hashes.SHA384(),
    "SHA_512": hashes.SHA512(),
}
# Curve and order (FIPS 186-5 / SP 800-186).
_CURVES: dict[str, tuple[ec.EllipticCurve, int]] = {
    "ECC_NIST_P256": (ec.SECP256R1(), 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
    "ECC_NIST_P384": (
        ec.SECP384R1(),
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    ),
}
_RSA_BITS = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
_PAIR_CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
_EDWARDS = "ECC_NIST_EDWARDS25519"
PAIR_SPECS = frozenset({*_RSA_BITS, *_PAIR_CURVES, _EDWARDS})


def generate_rsa() -> bytes:
    """Return a fresh RSA-2048 private key."""
    return _private_der(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def generate_pair(spec: str) -> tuple[bytes, bytes]:
    """Return a fresh data key pair: PKCS#8 private key and SubjectPublicKeyInfo, both DER."""
    key: PrivateKey
    if spec in _RSA_BITS:
        key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS[spec])
    elif spec == _EDWARDS:
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        key = ec.generate_private_key(_PAIR_CURVES[spec])
    return _private_der(key), public_der(key)


def private_key(secret: bytes, spec: str, *, derived: bool) -> PrivateKey:
    """Return the private key that a material's secret stands for."""
    if not derived:
        return load_private(secret)
    if spec == _EDWARDS:
        return ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    curve, order = _CURVES[spec]
    return ec.derive_private_key(int.from_bytes(secret) % (order - 1) + 1, curve)


def load_private(der: bytes) -> PrivateKey:
    """Return the private key of a PKCS#8 document.

    Raises:
        ValueError: It is none, or of a kind that is not offered.
    """
    key = serialization.load_der_private_key(der, password=None)
    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        return key
    raise ValueError("not a kind of key that is offered")


def fits(key: PrivateKey, spec: str) -> bool:
    """Whether a key is one of this spec."""
    if isinstance(key, rsa.RSAPrivateKey):
        return _RSA_BITS.get(spec) == key.key_size
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return spec in _CURVES and _CURVES[spec][0].name == key.curve.name
    return spec == _EDWARDS


def public_der(key: PrivateKey) -> bytes:
    """Return the public half as SubjectPublicKeyInfo (RFC 5280), DER."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(key: PrivateKey, message: bytes, *, algorithm: str, digest: bool) -> bytes:
    """Sign a message, or a digest of one."""
    chosen, form = _signing(algorithm, message, digest=digest)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(form))
    return key.sign(message, _padding(algorithm, chosen), form)


def verify(key: PrivateKey, message: bytes, signature: bytes, *, algorithm: str, digest: bool) -> None:
    """Return if the signature is the message's.

    Raises:
        KmsError: KMSInvalidSignatureException.
    """
    chosen, form = _signing(algorithm, message, digest=digest)
    try:
        if isinstance(key, ed25519.Ed25519PrivateKey):
            key.public_key().verify(signature, message)
        elif isinstance(key, ec.EllipticCurvePrivateKey):
            key.public_key().verify(signature, message, ec.ECDSA(form))
        else:
            key.public_key().verify(signature, message, _padding(algorithm, chosen), form)
    except InvalidSignature:
        raise KmsError("KMSInvalidSignatureException") from None


def mac(secret: bytes, message: bytes, algorithm: str) -> bytes:
    """Return the HMAC of a message."""
    computed = hmac.HMAC(secret, _hash(algorithm))
    computed.update(message)
    return computed.finalize()


def rsa_encrypt(secret: bytes, plaintext: bytes, algorithm: str) -> bytes:
    """Encrypt under an RSA key's public half."""
    return _rsa(secret).public_key().encrypt(plaintext, _oaep(algorithm))


def rsa_decrypt(secret: bytes, ciphertext: bytes, algorithm: str) -> bytes:
    """Decrypt with an RSA key.

    Raises:
        KmsError: InvalidCiphertextException.
    """
    try:
        return _rsa(secret).decrypt(ciphertext, _oaep(algorithm))
    except ValueError:
        raise invalid_ciphertext() from None


def _signing(
    algorithm: str, message: bytes, *, digest: bool
) -> tuple[hashes.HashAlgorithm, hashes.HashAlgorithm | utils.Prehashed]:
    chosen = _hash(algorithm)
    if not digest:
        return chosen, chosen
    if algorithm.startswith("ED25519"):
        raise validation(f"Algorithm {algorithm} needs the message type RAW.")
    if len(message) != chosen.digest_size:
        raise validation(f"Digest is invalid length for algorithm {algorithm}.")
    return chosen, utils.Prehashed(chosen)


def _padding(algorithm: str, chosen: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if "_PSS_" in algorithm:
        return padding.PSS(mgf=padding.MGF1(chosen), salt_length=padding.PSS.DIGEST_LENGTH)
    return padding.PKCS1v15()


def _oaep(algorithm: str) -> padding.OAEP:
    chosen = _hash(algorithm)
    return padding.OAEP(mgf=padding.MGF1(chosen), algorithm=chosen, label=None)


def _hash(algorithm: str) -> hashes.HashAlgorithm:
    return _HASHES["SHA_" + algorithm.rpartition("SHA_")[2]]


def _rsa(secret: bytes) -> rsa.RSAPrivateKey:
    key = load_private(secret)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KmsError("KMSInternalException", status=500)
    return key


def _private_der(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
