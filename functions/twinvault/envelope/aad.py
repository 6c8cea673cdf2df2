"""What a sealed record is bound to (docs/format.md, "Additional authenticated data").

Every field is length-prefixed, so two different contexts never encode to the same bytes.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from twinvault.envelope.numbers import canonical_number
from twinvault.errors import InvalidInput

ATTRIBUTE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

_TEXT_TYPE = b"\x01"

type ClearValue = str | bool | Number | None


class Label(StrEnum):
    """What is sealed: the KDF's label, which keeps one use's output from standing in for another's."""

    RECORD = "twinvault/v1/record"
    HEAD = "twinvault/v1/head"
    REQUEST = "twinvault/v1/request"
    DEK = "twinvault/v1/dek"
    INDEX = "twinvault/v1/index"
    REGISTER = "twinvault/v1/register"
    ERASED = "twinvault/v1/erased"
    WORK = "twinvault/v1/work"
    HOLD = "twinvault/v1/hold"
    ERASURE = "twinvault/v1/erasure"
    CURSOR = "twinvault/v1/cursor"

    # An enum's own hash is computed in Python each time that a table is asked what belongs to a label.
    __hash__ = str.__hash__


# Named tuples here and below: one is made in a third of a frozen dataclass's time, and each record takes several.
class Number(NamedTuple):
    """A clear DynamoDB number, as its N text in any of the forms that DynamoDB or an SDK writes."""

    text: str


class Context(NamedTuple):
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


def encode_aad(context: Context) -> bytes:
    """Returns the AAD of a context, byte for byte as docs/format.md defines it.

    Raises:
        InvalidInput: an attribute name outside `[a-z][a-z0-9_]{0,63}`, text that is not Unicode, or a value that is
            none of the four clear types.
    """
    clear = context.clear
    names = _encode_names(tuple(clear))
    parts = [
        _encode_place(context.table, context.tenant, pk=context.pk),
        _text(context.sk, "sk"),
        _text(context.key_id, "key_id"),
        len(names).to_bytes(4),
    ]
    for name, encoded_name, before_text in names:
        value = clear[name]
        if type(value) is str and value.isascii():  # as most are: written out, for it is half of the time of an AAD
            parts += before_text, len(value).to_bytes(4), value.encode()
        else:
            parts += encoded_name, _value(name, value)
    return b"".join(parts)


def lp(data: bytes) -> bytes:
    """LP(x): u32be length || x."""
    return len(data).to_bytes(4) + data


# Memoised: the records of a partition are read and written together.
@lru_cache(maxsize=256)
def _encode_place(table: str, tenant: str, *, pk: str) -> bytes:
    """LP("twinvault/v1/aad") LP(table) LP(tenant) LP(pk)."""
    return lp(b"twinvault/v1/aad") + _text(table, "table") + _text(tenant, "tenant") + _text(pk, "pk")


# Memoised: the names come from a handful of entity specs, and checking, sorting and encoding them again for each record
# took a third of the time of a seal. Few entries, because a hostile item brings names of its own.
@lru_cache(maxsize=256)
def _encode_names(names: tuple[str, ...]) -> tuple[tuple[str, bytes, bytes], ...]:
    """The names in byte order, each with LP(name), and with that and the type byte of text."""
    for name in names:
        if not ATTRIBUTE_NAME.fullmatch(name):
            raise InvalidInput("a clear attribute's name must match [a-z][a-z0-9_]{0,63}")
    return tuple((name, lp(name.encode()), lp(name.encode()) + _TEXT_TYPE) for name in sorted(names))


def _text(text: str, field: str) -> bytes:
    """LP(UTF-8)."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{field}: holds a lone surrogate, which is not Unicode text", field=field) from None
    return len(data).to_bytes(4) + data


# Memoised: most clear numbers are versions, formats and small counts, the same in record after record.
@lru_cache(maxsize=1024)
def _number(text: str, field: str) -> bytes:
    """2 || LP(canonical form)."""
    return b"\x02" + lp(canonical_number(text, field=field).encode())


def _value(name: str, value: ClearValue) -> bytes:
    """Type byte || LP(value): S 1, N 2, BOOL 3, NULL 4."""
    if isinstance(value, str):
        return _TEXT_TYPE + _text(value, name)
    if isinstance(value, Number):
        return _number(value.text, name)
    if value is None:
        return b"\x04\x00\x00\x00\x00"
    if isinstance(value, bool):
        return b"\x03\x00\x00\x00\x01\x01" if value else b"\x03\x00\x00\x00\x01\x00"
    raise InvalidInput(f"{name}: only text, numbers, truth values and null may be clear", field=name)
