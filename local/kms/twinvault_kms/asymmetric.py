"""Asymmetric keys and MACs: pure functions over secret bytes. cryptography does the arithmetic.

A material's secret is: HMAC, the key itself; curves, the bytes that a scalar is reduced from when the seed made them;
Ed25519, RFC 8032's private key; ML-DSA, FIPS 204's seed; else PKCS#8 DER (RSA, and everything asymmetric that was
imported).
"""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from twinvault_kms.errors import KmsError, invalid_ciphertext, validation
from twinvault_kms.specs import RSA_BITS

MlDsaPrivateKey = mldsa.MLDSA44PrivateKey | mldsa.MLDSA65PrivateKey | mldsa.MLDSA87PrivateKey
type PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | MlDsaPrivateKey

RAW, DIGEST, EXTERNAL_MU = "RAW", "DIGEST", "EXTERNAL_MU"

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA_1": hashes.SHA1(),  # noqa: S303  # OAEP's own hash, as AWS names it; no signature rests on it
    "SHA_224": hashes.SHA224(),
    "SHA_256": hashes.SHA256(),
    "SHA_384": hashes.SHA384(),
    "SHA_512": hashes.SHA512(),
}
_CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
_ML_DSA: dict[str, type[MlDsaPrivateKey]] = {
    "ML_DSA_44": mldsa.MLDSA44PrivateKey,
    "ML_DSA_65": mldsa.MLDSA65PrivateKey,
    "ML_DSA_87": mldsa.MLDSA87PrivateKey,
}
_MU_BYTES = 64
_EDWARDS = "ECC_NIST_EDWARDS25519"
PAIR_SPECS = frozenset({*RSA_BITS, *_CURVES, _EDWARDS})


def generate_rsa(spec: str) -> bytes:
    """Return a fresh RSA private key as PKCS#8 DER."""
    return _private_der(rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS[spec]))


def generate_pair(spec: str) -> tuple[bytes, bytes]:
    """Return a fresh data key pair: PKCS#8 private key and SubjectPublicKeyInfo, both DER."""
    key: PrivateKey
    if spec in RSA_BITS:
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS[spec])
    elif spec == _EDWARDS:
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        key = ec.generate_private_key(_CURVES[spec])
    return _private_der(key), public_der(key)


def stored_key(secret: bytes, spec: str, *, derived: bool) -> PrivateKey:
    """Return the private key that a material's secret stands for."""
    if not derived:
        return own_key(secret)
    if spec == _EDWARDS:
        return ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    if spec in _ML_DSA:
        return _ML_DSA[spec].from_seed_bytes(secret)
    curve = _CURVES[spec]
    return ec.derive_private_key(int.from_bytes(secret) % (curve.group_order - 1) + 1, curve)


def own_key(der: bytes) -> PrivateKey:
    """Return the private key of a PKCS#8 document that was made here, or checked when it came in.

    Of RSA's numbers nothing is checked anew: the store's seal vouches for them. The check takes 40 ms at 2,048 bits,
    and stops every thread meanwhile.
    """
    return _offered(serialization.load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True))


def load_private(der: bytes) -> PrivateKey:
    """Return the private key of a PKCS#8 document that somebody else made, its numbers checked.

    Raises:
        ValueError: It is none, or of a kind that is not offered.
    """
    return _offered(serialization.load_der_private_key(der, password=None))


def _offered(key: PrivateKeyTypes) -> PrivateKey:
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | MlDsaPrivateKey):
        return key
    raise ValueError("not a kind of key that is offered")


def fits(key: PrivateKey, spec: str) -> bool:
    """Whether a key is one of this spec."""
    if isinstance(key, rsa.RSAPrivateKey):
        return RSA_BITS.get(spec) == key.key_size
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return spec in _CURVES and _CURVES[spec].name == key.curve.name
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return spec == _EDWARDS
    return spec in _ML_DSA and isinstance(key, _ML_DSA[spec])


def public_der(key: PrivateKey) -> bytes:
    """Return the public half as SubjectPublicKeyInfo (RFC 5280), DER."""
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(key: PrivateKey, message: bytes, *, algorithm: str, kind: str) -> bytes:
    """Sign a message (`kind` RAW), a digest of one (DIGEST), or its representative mu for ML-DSA (EXTERNAL_MU)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(_raw(message, algorithm, kind))
    if isinstance(key, MlDsaPrivateKey):
        return key.sign_mu(_mu(message)) if kind == EXTERNAL_MU else key.sign(_raw(message, algorithm, kind))
    chosen, form = _hashed(algorithm, message, kind=kind)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message, ec.ECDSA(form))
    return key.sign(message, _padding(algorithm, chosen), form)


def verify(key: PrivateKey, message: bytes, signature: bytes, *, algorithm: str, kind: str) -> None:
    """Return if the signature is the message's.

    Raises:
        KmsError: KMSInvalidSignatureException.
    """
    try:
        _verify(key, message, signature, algorithm=algorithm, kind=kind)
    except InvalidSignature:
        raise KmsError("KMSInvalidSignatureException") from None


def _verify(key: PrivateKey, message: bytes, signature: bytes, *, algorithm: str, kind: str) -> None:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        key.public_key().verify(signature, _raw(message, algorithm, kind))
    elif isinstance(key, MlDsaPrivateKey):
        public = key.public_key()
        if kind == EXTERNAL_MU:
            public.verify_mu(signature, _mu(message))
        else:
            public.verify(signature, _raw(message, algorithm, kind))
    else:
        chosen, form = _hashed(algorithm, message, kind=kind)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            key.public_key().verify(signature, message, ec.ECDSA(form))
        else:
            key.public_key().verify(signature, message, _padding(algorithm, chosen), form)


def mac(secret: bytes, message: bytes, algorithm: str) -> bytes:
    """Return the HMAC of a message."""
    computed = hmac.HMAC(secret, _hash(algorithm))
    computed.update(message)
    return computed.finalize()


def shared_secret(key: PrivateKey, peer: bytes) -> bytes:
    """Return the raw secret of ECDH (SP 800-56A, 5.7.1.2) with a peer's public key, SubjectPublicKeyInfo in DER.

    Raises:
        KmsError: ValidationException; the peer's key is none, or of another curve.
    """
    try:
        public = serialization.load_der_public_key(peer)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise validation("The public key is not a DER-encoded X.509 public key.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise KmsError("KMSInternalException", status=500)
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != key.curve.name:
        raise validation("The public key is not on the elliptic curve of the KMS key.")
    return key.exchange(ec.ECDH(), public)


def rsa_encrypt(key: PrivateKey, plaintext: bytes, algorithm: str) -> bytes:
    """Encrypt under an RSA key's public half."""
    return rsa_key(key).public_key().encrypt(plaintext, _oaep(algorithm))


def rsa_decrypt(key: PrivateKey, ciphertext: bytes, algorithm: str) -> bytes:
    """Decrypt with an RSA key.

    Raises:
        KmsError: InvalidCiphertextException.
    """
    try:
        return rsa_key(key).decrypt(ciphertext, _oaep(algorithm))
    except ValueError:
        raise invalid_ciphertext() from None


def _raw(message: bytes, algorithm: str, kind: str) -> bytes:
    if kind != RAW:
        raise validation(f"Algorithm {algorithm} and message type {kind} are not compatible.")
    return message


def _mu(message: bytes) -> bytes:
    if len(message) != _MU_BYTES:
        raise validation(f"The message of type {EXTERNAL_MU} must be {_MU_BYTES} bytes long.")
    return message


def _hashed(
    algorithm: str, message: bytes, *, kind: str
) -> tuple[hashes.HashAlgorithm, hashes.HashAlgorithm | utils.Prehashed]:
    chosen = _hash(algorithm)
    if kind != DIGEST:
        _raw(message, algorithm, kind)
        return chosen, chosen
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


def rsa_key(key: PrivateKey) -> rsa.RSAPrivateKey:
    """Return the key, which is one of RSA.

    Raises:
        KmsError: KMSInternalException, for it is not.
    """
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KmsError("KMSInternalException", status=500)
    return key


def _private_der(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
