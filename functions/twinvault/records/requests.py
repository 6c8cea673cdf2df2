"""Request rows: what a write answered, for the caller who asks the same again (docs/format.md, "Request rows"). Pure.

A convenience for callers who did not get an answer, and good for a day. What a write guarantees is what its caller
expects of versions.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from twinvault.envelope import FORMAT, Context, Label, seal
from twinvault.envelope.aad import Number, lp
from twinvault.envelope.item import Found, Item, open_found, to_item
from twinvault.envelope.subkeys import request_key
from twinvault.errors import IntegrityError, InvalidInput, Step, Unprocessable
from twinvault.keys.rows import NamedKey
from twinvault.records.payload import decode_payload, encode_payload
from twinvault.records.record import TABLE, Stamp, stamped
from twinvault.records.spec import from_clear
from twinvault.scope import Scope

KEPT_SECONDS = 24 * 60 * 60
"""For how long a repetition is answered. DynamoDB deletes the row some time after that."""
MAX_KEY_CHARACTERS = 255
ENTITY, EXPIRES_AT = "request", "expires_at"
_SK_CHARACTERS = 52
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request row says.

    Attributes:
        request: SHA-256 of what was asked.
        version: of the head that the write made.
        digest: that head's, 32 bytes.
        expires_at: seconds since 1970; from then on it counts as absent.
        commitment: the row's own, by which it is replaced.
    """

    request: bytes = field(repr=False)
    version: int
    digest: bytes
    expires_at: int
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Idempotency:
    """What tells a repeated request: the caller's own key for it, and SHA-256 of what is asked.

    Raises:
        InvalidInput: the key has not 1 to 255 visible ASCII characters.
    """

    key: str = field(repr=False)
    request: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuses a key that could not have come in a header."""
        if not (1 <= len(self.key) <= MAX_KEY_CHARACTERS and self.key.isascii() and self.key.isprintable()):
            raise InvalidInput(
                f"idempotency_key: must have 1 to {MAX_KEY_CHARACTERS} visible ASCII characters",
                field="idempotency_key",
            )

    def is_answered(self, answered: Answered | None, now: str) -> bool:
        """Whether this very request has been answered, and not so long ago that it is forgotten at `now` (RFC 3339).

        Raises:
            Unprocessable: another request has, under the same key.
        """
        if answered is None or answered.expires_at <= seconds(now):
            return False
        if answered.request != self.request:
            raise Unprocessable("idempotency_key: was used for another request", field="idempotency_key")
        return True


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """A request row to be written: where, of what, and in place of which (its commitment), if there is one."""

    sk: str
    request: bytes = field(repr=False)
    replaces: bytes | None = None


def requests_key(scope: Scope) -> str:
    """The partition key of a partition's request rows."""
    return f"{scope.pk}#requests"


def request_name(idempotency: Idempotency, *, principal: str, index_key: bytes) -> str:
    """The sort key of a request's row: it shows neither the caller nor the key."""
    named = lp(principal.encode(errors="replace")) + lp(idempotency.key.encode())
    blinded = hmac.digest(request_key(index_key), named, "sha256")
    return f"request#{base64.b32encode(blinded).decode()[:_SK_CHARACTERS].lower()}"


def request_digest(*asked: object) -> bytes:
    """SHA-256 of what is asked: equal for equal JSON values, whatever the order of their members.

    Raises:
        InvalidInput: it holds something that has no such form.
    """
    try:
        text = json.dumps(asked, sort_keys=True, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput("a field holds something that is not a JSON value") from None
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def seal_answer(
    asked: NewAnswer, digest: bytes, *, scope: Scope, key: NamedKey, stamp: Stamp
) -> dict[str, dict[str, Any]]:
    """The row that says: this request was answered with this head. `stamp.version` is the head's."""
    context = Context(
        table=TABLE,
        tenant=scope.tenant,
        pk=requests_key(scope),
        sk=asked.sk,
        key_id=key.name,
        clear={
            "tenant_id": scope.tenant,
            "entity_type": ENTITY,
            "version": Number(str(stamp.version)),
            "format": Number(str(FORMAT)),
            "created_at": stamp.created_at,
            "updated_at": stamp.updated_at,
            EXPIRES_AT: Number(str(seconds(stamp.updated_at) + KEPT_SECONDS)),
        },
    )
    answer = {"request": asked.request.hex(), "version": stamp.version, "digest": digest.hex()}
    payload = encode_payload(answer, entity=ENTITY)
    return to_item(
        context,
        seal(payload, key=key.key, label=Label.REQUEST, context=context, salt=stamp.salt, nonce=stamp.nonce),
    )


def open_answer(found: Found, *, key: NamedKey) -> Answered:
    """What a request row says.

    Raises:
        IntegrityError: it is not one that was written here.
    """
    opened = open_found(found, key=key.kdf, label=Label.REQUEST)
    said, stamp = decode_payload(opened.plaintext), stamped(found.context.clear)
    expires = found.context.clear.get(EXPIRES_AT)
    until = from_clear(expires) if isinstance(expires, Number) else None
    request, digest = (_digest(said.get(name)) for name in ("request", "digest"))
    version = said.get("version")
    if type(until) is not int or type(version) is not int or version != stamp.version or not (request and digest):
        raise IntegrityError(Step.PAYLOAD)
    return Answered(request, version, digest, until, found.stored.commitment)


def seconds(time: str) -> int:
    """RFC 3339 text as whole seconds since 1970."""
    return int(datetime.fromisoformat(time).timestamp())


def is_request_row(item: Item, scope: Scope) -> bool:
    """Whether an item stands among a partition's request rows."""
    return item.get("pk") == {"S": requests_key(scope)}


def _digest(text: object) -> bytes:
    """The digest that 64 lower-case hex digits are; empty for all else."""
    if not isinstance(text, str) or len(text) != 2 * _DIGEST_BYTES or set(text) - set("0123456789abcdef"):
        return b""
    return bytes.fromhex(text)
