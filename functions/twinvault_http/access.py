"""Who calls: bearer tokens verified against the issuer's keys, and what their claims allow.

JWTs of ES256 or RS256 (RFC 7519, RFC 7518). The algorithm is the key's, never the token's choice, so `none` and a
public key used as an HMAC secret have no way in (RFC 8725, section 3.1).
"""

import json
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from jwt import PyJWK

from twinvault import ID, DependencyError, Forbidden, Unauthenticated

READ_KEYS, ROTATE_KEYS, REVOKE_KEYS = "keys:read", "keys:rotate", "keys:revoke"
MAINTAIN = "maintain:*"
ERASE_REQUEST, ERASE_FINAL, ERASE_HOLD = "erase:request", "erase:final", "erase:hold"

MAX_TOKEN_CHARACTERS = 8192
_ALGORITHMS = {"EC": "ES256", "RSA": "RS256"}
_MAX_SUBJECT = 256
_TYPES = frozenset({"jwt", "at+jwt"})
_MEDIA = "application/"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller."""

    tenant: str
    subject: str
    permissions: frozenset[str]

    def require(self, *permissions: str) -> None:
        """Raises Forbidden unless the token grants one of these permissions."""
        if self.permissions.isdisjoint(permissions):
            raise Forbidden(f"permissions: this needs {' or '.join(permissions)}", field="permissions")


@dataclass(frozen=True, slots=True)
class JwksLimits:
    """How the issuer's keys are kept, in seconds.

    Attributes:
        max_age: after this they are fetched anew, so that a key that the issuer withdrew stops counting.
        max_stale: how long they still serve while the issuer cannot be reached.
        interval: while there are keys that serve, they are fetched at most this often, whatever `kid` callers send.
        outage_interval: the same while there are none.
    """

    max_age: float = 600.0
    max_stale: float = 3600.0
    interval: float = 60.0
    outage_interval: float = 2.0


class Jwks:
    """The issuer's public keys by `kid`. Thread-safe."""

    def __init__(
        self, fetch: Callable[[], bytes], *, monotonic: Callable[[], float], limits: JwksLimits | None = None
    ) -> None:
        """`fetch` returns the JWK set's JSON, or raises DependencyError."""
        self._fetch = fetch
        self._monotonic = monotonic
        self._limits = limits or JwksLimits()
        self._lock = threading.Lock()
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None

    def key(self, kid: str) -> PyJWK | None:
        """The key of this id, or None.

        Raises:
            DependencyError: the issuer's keys cannot be had.
        """
        with self._lock:
            now = self._monotonic()
            age = None if self._fetched_at is None else now - self._fetched_at
            usable = age is not None and age < self._limits.max_stale
            due = age is None or age >= self._limits.max_age or kid not in self._keys
            if due and self._may_ask(now, usable=usable):
                self._refresh(now, usable=usable)
            elif not usable:
                raise DependencyError("the identity provider's keys cannot be had now")
            return self._keys.get(kid)

    def _may_ask(self, now: float, *, usable: bool) -> bool:
        interval = self._limits.interval if usable else self._limits.outage_interval
        return self._asked_at is None or now - self._asked_at >= interval

    def _refresh(self, now: float, *, usable: bool) -> None:
        self._asked_at = now
        try:
            self._keys = _parse(self._fetch())
            self._fetched_at = now
        except DependencyError:
            if not usable:
                raise


class TokenVerifier:
    """Turns an Authorization header into a principal."""

    def __init__(self, jwks: Jwks, *, issuer: str, audience: str, tenant_claim: str, permissions_claim: str) -> None:
        self._jwks = jwks
        self._issuer = issuer
        self._audience = audience
        self._tenant_claim = tenant_claim
        self._permissions_claim = permissions_claim

    def verify(self, authorization: str | None) -> Principal:
        """Returns the principal of a bearer token.

        Raises:
            Unauthenticated: no token, or one that is forged, expired, or meant for another audience.
            Forbidden: the token verifies, but its tenant is missing or cannot be used.
            DependencyError: the issuer's keys cannot be had.
        """
        token = _bearer(authorization)
        claims = self._claims(token)
        tenant = claims.get(self._tenant_claim)
        if not isinstance(tenant, str) or not ID.fullmatch(tenant):
            raise Forbidden(
                "tenant: the token must name one, of 1 to 63 characters of a-z, 0-9, '.', '_' or '-'", field="tenant"
            )
        subject = claims["sub"]
        if not isinstance(subject, str) or not 1 <= len(subject) <= _MAX_SUBJECT:
            raise Unauthenticated("token: its subject cannot be used", field="authorization")
        return Principal(tenant, subject, _permissions(claims.get(self._permissions_claim)))

    def _key(self, token: str) -> tuple[PyJWK, str]:
        """The issuer's key that the token's header names, and that key's algorithm, which the header must name too."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise Unauthenticated("token: is not a JWT", field="authorization") from None
        if not _is_for_us(header):
            raise Unauthenticated("token: its type must be JWT or at+jwt", field="authorization")
        kid = header.get("kid")
        key = self._jwks.key(kid) if isinstance(kid, str) else None
        if key is None:
            raise Unauthenticated("token: its key is not one of the issuer's", field="authorization")
        algorithm = _ALGORITHMS[str(key.key_type)]
        if header.get("alg") != algorithm:
            raise Unauthenticated("token: its algorithm is not its key's", field="authorization")
        return key, algorithm

    def _claims(self, token: str) -> dict[str, Any]:
        key, algorithm = self._key(token)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                # `iat` says when, not whether: an issuer whose clock runs a second ahead must not lock everybody out.
                options={"require": ["exp", "iss", "aud", "sub"], "verify_iat": False},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("token: has expired", field="authorization") from None
        except jwt.InvalidAudienceError:
            raise Unauthenticated("token: is for another audience", field="authorization") from None
        except jwt.InvalidIssuerError:
            raise Unauthenticated("token: is of another issuer", field="authorization") from None
        except jwt.MissingRequiredClaimError:
            raise Unauthenticated("token: must have exp, iss, aud and sub", field="authorization") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            # Not only PyJWT's own: it reads a time such as 1e999 or [] without care, after the signature.
            raise Unauthenticated("token: does not verify", field="authorization") from None
        if not all(_is_time(claims[name]) for name in ("exp", "nbf") if name in claims):
            raise Unauthenticated("token: exp and nbf must be numbers", field="authorization")
        return claims


def _bearer(authorization: str | None) -> str:
    """RFC 6750, section 2.1. The scheme's case does not matter."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("authorization: must be 'Bearer' and a token", field="authorization")
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise Unauthenticated(f"token: over {MAX_TOKEN_CHARACTERS} characters", field="authorization")
    return token


def _is_for_us(header: dict[str, Any]) -> bool:
    """Whether a token says that it is a JWT, an access token, or nothing: an issuer signs other things too.

    RFC 8725, section 3.11. The type is a media type, whose `application/` may be left out (RFC 7515, section 4.1.9).
    """
    if "typ" not in header:
        return True
    kind = header["typ"]
    return isinstance(kind, str) and kind.lower().removeprefix(_MEDIA) in _TYPES


def _is_time(claim: object) -> bool:
    """Whether a claim is a NumericDate, a JSON number (RFC 7519, section 2): PyJWT takes `"17"` and `true` for one."""
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        return False
    return isinstance(claim, int) or math.isfinite(claim)


def _permissions(claim: object) -> frozenset[str]:
    """A list of texts, or one text with spaces (as OAuth's `scope`, RFC 6749 section 3.3)."""
    if isinstance(claim, str):
        return frozenset(claim.split())
    return frozenset(text for text in claim if isinstance(text, str)) if isinstance(claim, list) else frozenset()


def _parse(document: bytes) -> dict[str, PyJWK]:
    """The usable keys of a JWK set (RFC 7517): those with an id and of a type that we take; the rest is not for us."""
    try:
        listed = json.loads(document)["keys"]
        candidates = [key for key in listed if isinstance(key, dict)]
    except (ValueError, TypeError, KeyError):
        raise DependencyError("the issuer's keys cannot be read") from None
    keys: dict[str, PyJWK] = {}
    for candidate in candidates:
        kind, kid = candidate.get("kty"), candidate.get("kid")
        if not isinstance(kind, str) or kind not in _ALGORITHMS:
            continue
        if not isinstance(kid, str) or candidate.get("use", "sig") != "sig":
            continue
        try:
            keys[kid] = PyJWK({**candidate, "alg": _ALGORITHMS[kind]})
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    return keys
