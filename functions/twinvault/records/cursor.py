"""Cursors: where the next page of a listing, or of what is found, begins. Sealed under a sub-key of the index key.

A cursor is opaque, cannot be made or changed by a caller, and opens only for the tenant and the question it was given
for. It is sealed by the same primitive as records, under a label of its own. Pure: randomness is a parameter.
"""

import base64
import binascii
import json
from collections.abc import Callable

from twinvault.envelope import (
    COMMITMENT_BYTES,
    NONCE_BYTES,
    SALT_BYTES,
    Context,
    Label,
    Stored,
    open_sealed,
    seal,
    tenant_key,
)
from twinvault.envelope.item import Item
from twinvault.envelope.subkeys import cursor_key
from twinvault.errors import IntegrityError, InvalidInput, Step
from twinvault.keys.rows import NamedKey

MAX_CURSOR_CHARACTERS = 16_384
"""More than the longest position has: a sort key of 1,024 bytes, each of which JSON writes with six."""
_KEY_NAME = "idx"
_HEADER = SALT_BYTES + NONCE_BYTES + COMMITMENT_BYTES


def make_cursor(
    position: Item, *, key: NamedKey, tenant: str, question: str, randomness: Callable[[int], bytes]
) -> str:
    """Returns the cursor of an index position.

    `key` is the tenant's index key and `question` what is listed, filters included; `randomness` gives salt and nonce,
    `os.urandom` outside of tests.
    """
    texts = {name: value["S"] for name, value in position.items()}
    plaintext = json.dumps(texts, ensure_ascii=False, separators=(",", ":")).encode()
    context = _context(tenant, question)
    salt, nonce = randomness(SALT_BYTES), randomness(NONCE_BYTES)
    sealed = seal(plaintext, key=cursor_key(key.key), label=Label.CURSOR, context=context, salt=salt, nonce=nonce)
    return _text(sealed.salt + sealed.nonce + sealed.commitment + sealed.ciphertext)


def read_cursor(cursor: str, *, key: NamedKey, tenant: str, question: str) -> dict[str, dict[str, str]]:
    """Returns the position in a cursor.

    Raises:
        InvalidInput: it was not given out for this tenant and this question.
    """
    try:
        stored = _parts(cursor)
        context = _context(tenant, question)
        opened = open_sealed(stored, key=cursor_key(key.key), label=Label.CURSOR, context=context)
    except (IntegrityError, binascii.Error, ValueError):
        # A caller's mistake, or another tenant's cursor: which of them is nobody's business.
        raise InvalidInput("cursor: was not given out for this listing", field="cursor") from None
    return {name: {"S": text} for name, text in json.loads(opened.plaintext).items()}


def _parts(cursor: str) -> Stored:
    """What a cursor's text holds; whether the parts have the right lengths is for `open_sealed` to see."""
    if len(cursor) > MAX_CURSOR_CHARACTERS:
        raise IntegrityError(Step.LENGTHS)
    data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    # Python's decoder overlooks padding, line breaks, the other alphabet and bits that belong to no byte. One cursor
    # has one text.
    if _text(data) != cursor:
        raise IntegrityError(Step.LENGTHS)
    salt, nonce = data[:SALT_BYTES], data[SALT_BYTES : SALT_BYTES + NONCE_BYTES]
    return Stored(data[_HEADER:], nonce, salt, data[SALT_BYTES + NONCE_BYTES : _HEADER])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _context(tenant: str, question: str) -> Context:
    return Context("records", tenant, tenant_key(tenant), f"cursor#{question}", _KEY_NAME, {})
