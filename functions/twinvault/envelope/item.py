"""A sealed record as a DynamoDB item, and back (docs/format.md, "Item"; steps 0 to 4 of "Open").

Items are in the low-level form of DynamoDB's API: `{"name": {"S": "text"}}`, with `bytes` under "B". Everything that
comes from a table is hostile: any item, however shaped, yields what can be opened, or `IntegrityError`.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, NamedTuple

from twinvault.envelope.aad import ClearValue, Context, Label, Number
from twinvault.envelope.numbers import number_value
from twinvault.envelope.primitive import FORMAT, Opened, Sealed, Stored, encode_found, open_bound, require_lengths
from twinvault.envelope.suite import DerivationKey
from twinvault.errors import IntegrityError, InvalidInput, Place, Step

type Item = Mapping[str, Mapping[str, Any]]
"""Any: the values are whatever the table holds; nothing is assumed of them before it is checked."""

CONTENT, NONCE, SALT, COMMITMENT = "content_encrypted", "content_nonce", "content_salt", "key_commitment"
KEY_ID, FORMAT_ATTRIBUTE = "key_id", "format"
ENVELOPE = frozenset({CONTENT, NONCE, SALT, COMMITMENT, KEY_ID, "pk", "sk"})
"""The attributes that are no clear attributes: where a record stands, and its seal."""
# The sk of a key's row: kek#000001, idx, register-key, dek#{kind}#{partition}#000001. 63 + 63 + 12 characters at most.
_KEY_ID = re.compile(r"kek#[0-9]{6}|idx|register-key|dek#[a-z0-9][a-z0-9._-]{0,62}#[a-z0-9][a-z0-9._-]{0,62}#[0-9]{6}")
_MAX_SK_BYTES = 1024  # DynamoDB's limit for a sort key


class Found(NamedTuple):
    """An item that has passed steps 0 to 4, for which no key is needed.

    Attributes:
        context: where it was found and what it says in the clear.
        stored: its sealed attributes.
        aad: the context as bytes.
    """

    context: Context
    stored: Stored
    aad: bytes

    @property
    def place(self) -> Place:
        """Where it was found, as refusals name it."""
        return Place(self.context.table, self.context.pk, self.context.sk)


def to_item(context: Context, stored: Stored | Sealed) -> dict[str, dict[str, Any]]:
    """Returns the DynamoDB item of a sealed record."""
    item: dict[str, dict[str, Any]] = {"pk": {"S": context.pk}, "sk": {"S": context.sk}, KEY_ID: {"S": context.key_id}}
    for name, value in context.clear.items():
        item[name] = encode_clear(value)
    item[CONTENT] = {"B": stored.ciphertext}
    item[NONCE] = {"B": stored.nonce}
    item[SALT] = {"B": stored.salt}
    item[COMMITMENT] = {"B": stored.commitment}
    return item


def from_item(
    item: Item,
    *,
    table: str,
    tenant: str,
    pk: str,
    lowest_format: int = FORMAT,
    unauthenticated: AbstractSet[str] = frozenset(),
) -> Found:
    """Returns what to open and the context to open it in. `table`, `tenant` and `pk` come from the caller's scope.

    Every attribute of a legal name and type is part of the context. Whether it is declared is not asked here: what is
    not authentic is refused first (`undeclared` asks later). `unauthenticated` attributes stand outside the seal, such
    as the state of a key row.

    Raises:
        IntegrityError: the item has not the form of a sealed record at this partition key.
    """
    sk = attribute(item, "sk", kind="S")
    if (
        not isinstance(sk, str)
        # A character has four bytes at most, so hardly any sort key is encoded to be measured.
        or (4 * len(sk) > _MAX_SK_BYTES and len(sk.encode(errors="replace")) > _MAX_SK_BYTES)
        or attribute(item, "pk", kind="S") != pk
    ):
        raise IntegrityError(Step.PLACE, where=Place(table, pk))
    try:
        key_id, stored, clear = _parts(item, lowest_format=lowest_format, unauthenticated=unauthenticated)
        context = Context(table, tenant, pk, sk, key_id, clear)
        return Found(context, stored, encode_found(context))
    except IntegrityError as refusal:
        raise refusal.at(Place(table, pk, sk)) from None


def _parts(
    item: Item, *, lowest_format: int, unauthenticated: AbstractSet[str]
) -> tuple[str, Stored, dict[str, ClearValue]]:
    """Steps 1 to 4: key id, what is stored of the seal, and the clear attributes."""
    # Step 1: the format is one that this code knows and that the settings still allow. Missing is an error, too.
    if not lowest_format <= _format(item) <= FORMAT:
        raise IntegrityError(Step.FORMAT)
    # Step 2: the key id has the form of a key row's sort key. Whether it is the scope's own is for the caller to check.
    key_id = attribute(item, KEY_ID, kind="S")
    if not isinstance(key_id, str) or not _is_key_id(key_id):
        raise IntegrityError(Step.KEY_ID)
    # Step 3: the sealed attributes are binary and of the lengths that `seal` produces.
    stored = Stored(_binary(item, CONTENT), _binary(item, NONCE), _binary(item, SALT), _binary(item, COMMITMENT))
    require_lengths(stored)
    # Step 4: every clear attribute has a name and a type that may be clear, and can be encoded.
    outside = ENVELOPE | unauthenticated if unauthenticated else ENVELOPE
    clear = {name: _clear_value(name, value) for name, value in item.items() if name not in outside}
    return key_id, stored, clear


# Memoised: the rows of a partition name the same key, or a few.
@lru_cache(maxsize=256)
def _is_key_id(text: str) -> bool:
    return _KEY_ID.fullmatch(text) is not None


def open_found(found: Found, *, key: DerivationKey, label: Label) -> Opened:
    """Steps 5 to 7 for an item that has passed the steps before.

    Raises:
        IntegrityError: as `open_sealed`.
    """
    try:
        return open_bound(found.stored, key=key, label=label, aad=found.aad)
    except IntegrityError as refusal:
        raise refusal.at(found.place) from None


def undeclared(clear: Mapping[str, ClearValue], declared: Mapping[str, AbstractSet[str]]) -> list[str]:
    """The clear attributes that are not declared, or not with the type they have ("S", "N", "BOOL", "NULL"), sorted.

    To be asked once the seal has verified: what is authentic and not declared was written by a newer release.
    """
    return sorted(name for name, value in clear.items() if type_of(value) not in declared.get(name, ()))


def encode_clear(value: ClearValue) -> dict[str, Any]:
    """One clear value as a DynamoDB attribute value."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, Number):
        return {"N": value.text}
    return {"NULL": True} if value is None else {"BOOL": value}


def type_of(value: ClearValue) -> str:
    """The DynamoDB type of a clear value."""
    if isinstance(value, str):
        return "S"
    if isinstance(value, Number):
        return "N"
    return "NULL" if value is None else "BOOL"


def _clear_value(name: object, value: object) -> ClearValue:
    """Decodes one clear attribute, or refuses it: of a type that may not be clear, or not an attribute at all."""
    if isinstance(name, str) and isinstance(value, dict) and len(value) == 1:
        ((kind, content),) = value.items()
        if kind == "S" and isinstance(content, str):
            return content
        if kind == "N" and isinstance(content, str):
            return Number(content)
        if kind == "BOOL" and isinstance(content, bool):
            return content
        if kind == "NULL" and content is True:
            return None
    raise IntegrityError(Step.CLEAR)


def attribute(item: Item, name: str, *, kind: str) -> object:
    """What an item holds under this name and type, or None where it holds another type or no attribute value."""
    value: object = item.get(name)
    return value.get(kind) if isinstance(value, dict) and len(value) == 1 else None


def text_of(item: Item, name: str) -> str:
    """The text that an item holds under this name; empty, which no name or id is, where it holds none."""
    value = attribute(item, name, kind="S")
    return value if isinstance(value, str) else ""


def _binary(item: Item, name: str) -> bytes:
    value = attribute(item, name, kind="B")
    if not isinstance(value, bytes):
        raise IntegrityError(Step.LENGTHS)
    return value


def _format(item: Item) -> int:
    """The format that an item says it has; 0, which is none, where it says nothing of the kind."""
    value = attribute(item, FORMAT_ATTRIBUTE, kind="N")
    try:
        number = number_value(value) if isinstance(value, str) else 0
    except InvalidInput:
        return 0
    return number if isinstance(number, int) else 0
