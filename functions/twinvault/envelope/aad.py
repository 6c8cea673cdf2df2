"""What a sealed record is bound to (docs/format.md, "Additional authenticated data").

Every field is length-prefixed, so two different contexts never encode to the same bytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from twinvault.envelope.numbers import canonical_number
from twinvault.errors import InvalidInput

_DOMAIN = b"twinvault/v1/aad"
ATTRIBUTE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_U32_MAX = 2**32 - 1

type ClearValue = str | bool | Number | None


class Label(StrEnum):
    """What a key is used for: the HKDF label, which keeps one use's output from standing in for another's."""

    RECORD = "twinvault/v1/record"
    DEK = "twinvault/v1/dek"
    HEAD = "twinvault/v1/head"
    INDEX = "twinvault/v1/index"
    DELIVERY = "twinvault/v1/delivery"
    CURSOR = "twinvault/v1/cursor"


@dataclass(frozen=True, slots=True)
class Number:
    """A clear DynamoDB number, as its N text in any of the forms that DynamoDB or an SDK writes."""

    text: str


@dataclass(frozen=True, slots=True)
class Context:
    """Where a record stands and what it says in the clear; all of it is authenticated.

    Attributes:
        table: the logical table, "records" or "keys": the same under any physical name, so a restored backup opens.
        tenant: from the caller's scope, never from the row.
        pk: the partition key at which the record stands.
        sk: the sort key at which the record stands.
        key_id: the sort key of the wrapping key's row, verbatim.
        clear: the clear attributes by name (text, `Number`, truth value, None for NULL), version and format included.
    """

    table: str
    tenant: str
    pk: str
    sk: str
    key_id: str
    clear: Mapping[str, ClearValue]


def _lp(data: bytes) -> bytes:
    """LP(x): u32be length || x."""
    return len(data).to_bytes(4, "big") + data


def _utf8(text: str, *, field: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{field}: holds a lone surrogate, which is not Unicode text", field=field) from None


def _encode_value(name: str, value: ClearValue) -> bytes:
    """Type byte || LP(value): S 1, N 2, BOOL 3, NULL 4."""
    match value:
        case str():
            return b"\x01" + _lp(_utf8(value, field=name))
        case bool():
            return b"\x03" + _lp(b"\x01" if value else b"\x00")
        case None:
            return b"\x04" + _lp(b"")
        case Number():
            return b"\x02" + _lp(canonical_number(value.text, field=name).encode())


def encode_aad(context: Context) -> bytes:
    """Returns the AAD of a context, byte for byte as docs/format.md defines it.

    Raises:
        InvalidInput: an attribute name outside `[a-z][a-z0-9_]{0,63}` or text that is not Unicode.
    """
    fields = (context.table, context.tenant, context.pk, context.sk, context.key_id)
    parts = [_lp(_DOMAIN), *(_lp(_utf8(text, field="key")) for text in fields)]
    parts.append(len(context.clear).to_bytes(4, "big"))
    for name in sorted(context.clear):
        if not ATTRIBUTE_NAME.fullmatch(name):
            raise InvalidInput("a clear attribute's name must match [a-z][a-z0-9_]{0,63}")
        parts.extend((_lp(name.encode()), _encode_value(name, context.clear[name])))
    return b"".join(parts)
