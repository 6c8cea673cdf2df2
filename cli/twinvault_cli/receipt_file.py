"""A receipt as whoever was handed it reads it: verified offline, by its signature and its form (docs/receipt.md).

Written apart from the store's own verifier, and held to the same vectors: what verifies here does not rest on the code
that made it.
"""

import hashlib
import json
import re
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from twinvault_cli.errors import TamperingError, UsageError

MAX_BYTES = 1024 * 1024
_MOST_NUMBER = 2**53 - 1
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z"
_EXACT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
_ID, _HEX32, _HEX64 = r"[a-z0-9][a-z0-9._-]{0,62}", r"[0-9a-f]{64}", r"[0-9a-f]{128}"
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TEXT = r"(?s:.{0,256})"

# A member's form: a pattern, "number", a list of one form, members (of any names: ""), or in a tuple one of several.
_FORM: dict[str, Any] = {
    "v": "number",
    **dict.fromkeys(("store", "tenant", "erasure"), _ID),
    "kind": (_ID, None),
    "mark": _HEX32,
    "requested": {"by": _TEXT, "at": _TIME},
    "erased": {
        "by": _TEXT,
        "at": _TIME,
        "event": _UUID,
        "head_version": ("number", None),
        "newest_epoch": "number",
        "tombstone": _HEX32,
    },
    "keys": [{"name": _TEXT, "version": "number", "epoch": "number"}],
    "records": ({"": "number"}, None),
    "requests": {"dynamodb": [_TEXT], "kms": [_TEXT]},
    "negative_test": _TEXT,
    "status": "refused by this store|erased",
    "finalized_at": (_EXACT, None),
    "bounds": [{"what": _TEXT, "until": _EXACT}],
    "irrecoverable_after": (_EXACT, None),
    "not_covered": [_TEXT],
    "issued_at": _EXACT,
    "audit_key": _TEXT,
}


def public_key(pem: bytes) -> Ed25519PublicKey:
    """The audit key's public half.

    Raises:
        UsageError: it is not an Ed25519 public key in PEM.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(
            "This is not an Ed25519 public key in PEM.", next_step="Print it with: twinvault receipt key > audit.pub"
        )
    return key


def verified(file: bytes, key: Ed25519PublicKey) -> dict[str, Any]:
    """What a receipt says that this key signed.

    Raises:
        TamperingError: it did not sign that, or it is no receipt; the message names the step of docs/receipt.md.
    """
    receipt, signature = _parts(file)
    payload = json.dumps(receipt, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(b"twinvault/v1/receipt\0" + payload).digest()
    try:
        key.verify(signature, b"twinvault/v1/receipt-signature\0" + digest)
    except InvalidSignature:
        raise _broken("3 signature", "the holder of this key did not sign it") from None
    return _checked(receipt)


def unverified(file: bytes) -> dict[str, Any]:
    """What a receipt says that anybody may have written.

    Raises:
        TamperingError: it has not the form of one.
    """
    return _checked(_parts(file)[0])


def standing(receipt: dict[str, Any], now: datetime) -> str:
    """`refused`, `not yet` or `irrecoverable`."""
    after = receipt["irrecoverable_after"]
    if after is None:
        return "refused"
    return "irrecoverable" if now > datetime.fromisoformat(after) else "not yet"


def _parts(file: bytes) -> tuple[dict[str, Any], bytes]:
    if len(file) > MAX_BYTES:
        raise _broken("1 size", f"it has more than {MAX_BYTES} bytes")
    try:
        found = json.loads(file.decode(), object_pairs_hook=_once, parse_constant=_nothing)
    except (ValueError, RecursionError):
        found = None
    form = {"receipt": dict, "signature": str}
    if not isinstance(found, dict) or {name: type(value) for name, value in found.items()} != form:
        raise _broken("2 form", "it is not a JSON object of receipt and signature")
    if not re.fullmatch(_HEX64, found["signature"], re.ASCII):
        raise _broken("2 form", "its signature is not 128 hex digits")
    return found["receipt"], bytes.fromhex(found["signature"])


def _checked(receipt: dict[str, Any]) -> dict[str, Any]:
    if not _has(receipt, _FORM) or receipt["v"] != 1:
        raise _broken("4 content", "its members are not those of a receipt of version 1")
    after = receipt["irrecoverable_after"]
    lives = receipt["finalized_at"] is None
    latest = max((bound["until"] for bound in receipt["bounds"]), default=None)
    if after != latest or lives is not (after is None) or lives is (receipt["status"] == "erased"):
        raise _broken("4 content", "it contradicts itself about from when on the erasure is irrecoverable")
    return receipt


def _has(value: object, form: Any) -> bool:  # noqa: ANN401  # forms nest
    match form:
        case tuple():
            return any(value is one if one is None else _has(value, one) for one in form)
        case list():
            return isinstance(value, list) and all(_has(one, form[0]) for one in value)
        case dict() if "" in form:
            return isinstance(value, dict) and all(_has(one, form[""]) for one in value.values())
        case dict():
            return (
                isinstance(value, dict)
                and value.keys() == form.keys()
                and all(_has(value[name], form[name]) for name in form)
            )
        case "number":
            return type(value) is int and 0 <= value <= _MOST_NUMBER
        case _:
            return isinstance(value, str) and re.fullmatch(form, value, re.ASCII) is not None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _nothing(constant: str) -> object:
    raise ValueError(constant)  # NaN and its like are no JSON


def _broken(step: str, why: str) -> TamperingError:
    return TamperingError(
        f"This receipt does not verify (step {step}): {why}.",
        next_step="Ask for the receipt anew, and for the audit key from somebody other than who gave you the receipt.",
    )
