"""TLS for clients that speak nothing else: a certificate that somebody gives, or one that is made up here.

Made up are an authority and, by it, the server's certificate. The authority's certificate goes into a file for clients
to trust; its private key is dropped at once, so that nobody who trusts the file trusts more than this one server. The
server's own key lies in the store's folder, and is used again at the next start.
"""

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import twinvault_durable as durable
from twinvault_kms.errors import TlsError

_KEPT = "tls.pem"
_VALID, _RENEWED = timedelta(days=397), timedelta(days=30)
_LOCAL = ("localhost", "*.localhost", "127.0.0.1", "::1")
_FORM = "Give --tls-cert and --tls-key PEM files that belong together."


def given(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what to serve TLS with: a certificate with its chain, and its private key, both PEM.

    Raises:
        TlsError: They cannot be read, are none, or do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])  # no other protocol is spoken here
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError):  # what OpenSSL says is an OSError too
        raise TlsError(f"The certificate {certificate} cannot be used with the key {key}.", next_step=_FORM) from None
    return context


def made_up(trusted: Path, *, data: Path, host: str, now: datetime) -> ssl.SSLContext:
    """Return what to serve TLS with, and write to `trusted` the certificate that clients are to trust.

    It is for this machine's names and `host`; `now` is aware.

    Raises:
        TlsError: A file cannot be written.
    """
    kept = data / _KEPT
    names = list(_names(host))
    try:
        pem = kept.read_bytes() if kept.exists() else b""
        if not _lasts(pem, names=names, now=now):
            pem = _fresh(names, now=now)
            durable.write(kept, pem)
        authority = x509.load_pem_x509_certificates(pem)[-1].public_bytes(Encoding.PEM)
        if not trusted.exists() or trusted.read_bytes() != authority:
            trusted.parent.mkdir(parents=True, exist_ok=True)
            trusted.write_bytes(authority)
    except OSError as error:
        message = f"A file of the certificate cannot be written: {error.filename}."
        raise TlsError(message, next_step="Give --tls-self-signed another file.") from None
    return given(kept, kept)


def _fresh(names: list[str], *, now: datetime) -> bytes:
    """Return key, certificate and the certificate of its authority, PEM."""
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name, name = _name("local KMS, for this machine alone"), _name("local KMS")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    identity = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority = (
        _certificate(authority_name, authority_name, authority_key.public_key(), now=now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identity, critical=False)
        .sign(authority_key, SHA256())
    )
    certificate = (
        _certificate(name, authority_name, key.public_key(), now=now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identity), critical=False)
        .sign(authority_key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, now: datetime
) -> x509.CertificateBuilder:
    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(days=1),  # clocks differ
        not_valid_after=now + _VALID,
    )


def _lasts(pem: bytes, *, names: list[str], now: datetime) -> bool:
    """Whether a certificate is there, for these names, and for a while yet."""
    try:
        certificate = x509.load_pem_x509_certificates(pem)[0]
        said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    return certificate.not_valid_after_utc - now > _RENEWED and {_general(each) for each in names} <= set(said)


def _names(host: str) -> Iterator[str]:
    yield from dict.fromkeys((*_LOCAL, host, socket.gethostname()))


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _no_password() -> bytes:
    """OpenSSL would ask whoever sits at the terminal."""
    raise ValueError
