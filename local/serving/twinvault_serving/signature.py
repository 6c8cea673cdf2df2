"""Signature Version 4: whether a request was signed with a caller's secret, for here and for now.

A service of AWS's JSON protocols has one path and no query, so the path is taken as it was sent; the query is put in
order. Credentials in the query string are not offered. Refusals are AWS's own, by name; none shows what was expected.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from twinvault_serving.exchange import HttpRequest, ServingError

SKEW = timedelta(minutes=5)
"""How far a request's time may lie from ours: "in most cases, a request must reach AWS within five minutes"."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_STAMP = "%Y%m%dT%H%M%SZ"
_PARAMETERS = ("Credential", "Signature", "SignedHeaders")
_ACCESS_KEY_ID = re.compile(r"\w{1,128}", re.ASCII)
"""What IAM allows (API reference of IAM, AccessKey: 16 to 128 of `[\\w]`); made-up ones may be shorter."""
_SCOPE = re.compile(r"(?P<date>\d{8})/(?P<region>[a-z0-9-]{1,32})/(?P<service>[a-z0-9-]{1,32})/aws4_request", re.ASCII)
_HEADER_NAMES = re.compile(r"[a-z0-9;-]+")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_SPACES = re.compile(" +")


class UnsignedError(ServingError):
    """A request whose signature does not hold: `code` is AWS's name for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Authorization:
    """What the Authorization header says; nothing of it is proven."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str = field(repr=False)


def parse_authorization(request: HttpRequest) -> Authorization:
    """Return what a request says of who signed it.

    Raises:
        UnsignedError: MissingAuthenticationTokenException, IncompleteSignatureException.
    """
    header = request.header("authorization")
    if not header:
        raise UnsignedError("MissingAuthenticationTokenException", "Request is missing Authentication Token")
    algorithm, _, parameters = header.partition(" ")
    if algorithm != _ALGORITHM:
        raise _incomplete(f"The Authorization header is not that of Signature Version 4: it begins with {_ALGORITHM}.")
    given = {name.strip(): value for name, _, value in (part.partition("=") for part in parameters.split(","))}
    if missing := [name for name in _PARAMETERS if not given.get(name)]:
        raise _incomplete(" ".join(f"Authorization header requires '{name}' parameter." for name in missing))
    access_key_id, _, scope = given["Credential"].partition("/")
    if not _ACCESS_KEY_ID.fullmatch(access_key_id):
        raise _incomplete("The access key id in 'Credential' is letters, digits and _, at most 128 of them.")
    match = _SCOPE.fullmatch(scope)
    if match is None:
        raise _incomplete("'Credential' is KEYID/YYYYMMDD/REGION/SERVICE/aws4_request.")
    if not _HEADER_NAMES.fullmatch(given["SignedHeaders"]):
        raise _incomplete("'SignedHeaders' is the names of headers in lower case, separated by semicolons.")
    if not _SIGNATURE.fullmatch(given["Signature"]):
        raise _incomplete("'Signature' is 64 hexadecimal digits in lower case.")
    headers = tuple(given["SignedHeaders"].split(";"))
    return Authorization(access_key_id, match["date"], match["region"], match["service"], headers, given["Signature"])


def verify(request: HttpRequest, authorization: Authorization, *, service: str, secret: str, now: datetime) -> None:
    """Return if the request was signed with this secret, for this service, at about this time (`now` is aware).

    Raises:
        UnsignedError: InvalidSignatureException.
    """
    check_service(authorization, service)
    stamp = request.header("x-amz-date") or ""
    _check_time(stamp, authorization.date, now)
    for name in {"host", *(name for name, _ in request.headers if name.startswith("x-amz-"))}:
        # Whatever changes what a request means must be under the signature.
        if name not in authorization.signed_headers:
            raise _invalid(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
    key = _signing_key(secret, authorization.date, authorization.region, service)
    expected = _mac(key, _string_to_sign(request, authorization, stamp)).hex()
    if not hmac.compare_digest(expected, authorization.signature):
        raise _invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )


def check_service(authorization: Authorization, service: str) -> None:
    """Return if the request says that it was signed for this service.

    Raises:
        UnsignedError: InvalidSignatureException.
    """
    if authorization.service != service:
        raise _invalid(f"Credential should be scoped to correct service: '{service}'. ")


def _check_time(stamp: str, date: str, now: datetime) -> None:
    sent = _sent(stamp)
    if sent is None:
        message = "The x-amz-date header is missing, or not of the form YYYYMMDD'T'HHMMSS'Z'."
        raise UnsignedError("IncompleteSignatureException", message)
    if not stamp.startswith(date):
        raise _invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
    if abs(sent - now) <= SKEW:
        return
    ours, minutes = f"{now:{_STAMP}}", SKEW // timedelta(minutes=1)
    if sent < now:
        raise _invalid(
            f"Signature expired: {stamp} is now earlier than {now - SKEW:{_STAMP}} ({ours} - {minutes} min.)"
        )
    raise _invalid(
        f"Signature not yet current: {stamp} is still later than {now + SKEW:{_STAMP}} ({ours} + {minutes} min.)"
    )


@lru_cache(maxsize=64)
def _sent(stamp: str) -> datetime | None:
    """The time that a request says it was sent; many are sent in one second."""
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def _string_to_sign(request: HttpRequest, authorization: Authorization, stamp: str) -> str:
    names = sorted(authorization.signed_headers)
    canonical = "\n".join(
        [
            request.method,
            request.raw_path,
            "&".join(
                sorted(f"{name}={value}" for name, _, value in map(_parameter, request.raw_query.split("&")) if name)
            ),
            *_canonical_values(request, names),
            "",
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    scope = f"{authorization.date}/{authorization.region}/{authorization.service}/aws4_request"
    return "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode("latin-1")).hexdigest()])


def _parameter(part: str) -> tuple[str, str, str]:
    return part.partition("=")


def _canonical_values(request: HttpRequest, names: list[str]) -> list[str]:
    """NAME:VALUE of each signed header; the values of one that stands there several times are joined."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for name, value in request.headers:
        if name in found:
            found[name].append(_SPACES.sub(" ", value.strip()))
    return [f"{name}:{','.join(values)}" for name, values in found.items()]


@lru_cache(maxsize=256)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = _mac(key, part)
    return key


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode("latin-1"), "sha256")


def _incomplete(message: str) -> UnsignedError:
    return UnsignedError("IncompleteSignatureException", message)


def _invalid(message: str) -> UnsignedError:
    return UnsignedError("InvalidSignatureException", message)
