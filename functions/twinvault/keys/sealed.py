"""Rows of the keys table that this format seals: keys, the register, and long work (docs/format.md). Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twinvault.envelope import FORMAT, KEY_BYTES, Context, Label, seal, tenant_key
from twinvault.envelope.aad import ClearValue, Number
from twinvault.envelope.item import Found, Item, from_item, open_found, to_item, undeclared
from twinvault.envelope.numbers import number_value
from twinvault.envelope.primitive import seal_digest
from twinvault.errors import IntegrityError, InvalidInput, Place, Step, Undeclared
from twinvault.keys import last_register
from twinvault.keys.last_register import LastRegister
from twinvault.keys.register import Register, decode
from twinvault.keys.rows import (
    REGISTER,
    REGISTER_KEY,
    TABLE,
    NamedKey,
    entity_of,
    epoch_of,
    is_under_register_key,
    row_place,
)

MAX_VERSION = 2**64 - 1

_DECLARED = {
    "tenant_id": {"S"},
    "entity_type": {"S"},
    "version": {"N"},
    "format": {"N"},
    "created_at": {"S"},
    "updated_at": {"S"},
}


@dataclass(frozen=True, slots=True)
class Written:
    """When and how often a row was written.

    Attributes:
        version: from 1, one more at each write.
        created_at, updated_at: RFC 3339 in UTC.
    """

    version: int
    created_at: str
    updated_at: str

    def again(self, now: str) -> "Written":
        """The same of the row that replaces this one."""
        return Written(self.version + 1, self.created_at, now)


@dataclass(frozen=True, slots=True)
class SealedRow:
    """A row of the keys table that is sealed by this format, before it is opened.

    Attributes:
        found: where it was found, what it says in the clear, and what is sealed.
        written: its version and times, as it says of itself; its seal proves them.
    """

    found: Found
    written: Written

    @property
    def name(self) -> str:
        """Its sort key."""
        return self.found.context.sk

    @property
    def place(self) -> Place:
        """Where it stands."""
        return row_place(self.found.context.tenant, self.name)

    @property
    def wrapped_under(self) -> str:
        """The sort key of the row of the key that seals it."""
        return self.found.context.key_id

    @property
    def commitment(self) -> bytes:
        """Unique per write: what a change of the row is conditional on."""
        return self.found.stored.commitment

    def digest(self, label: Label) -> bytes:
        """The seal's digest, which needs no key: what a mark is about."""
        stored = self.found.stored
        return seal_digest(
            stored.ciphertext,
            label=label,
            aad_hash=hashlib.sha256(self.found.aad).digest(),
            salt=stored.salt,
            commitment=stored.commitment,
            nonce=stored.nonce,
        )


def parse_sealed(item: Item, *, tenant: str, name: str) -> SealedRow:
    """Steps 0 to 4 of docs/format.md, "Open", and the half of 8 that is about the clear attributes.

    Raises:
        IntegrityError: the item has not the form of a sealed key row of this tenant and name.
    """
    found = from_item(item, table=TABLE, tenant=tenant, pk=tenant_key(tenant))
    key_id = found.context.key_id
    if found.context.sk != name:
        raise IntegrityError(Step.PLACE, where=row_place(tenant, name))
    if not (key_id == REGISTER_KEY if is_under_register_key(name) else epoch_of(key_id)):
        raise IntegrityError(Step.KEY_ID, where=row_place(tenant, name))
    return SealedRow(found, _written(found.context.clear, where=row_place(tenant, name)))


def wrap(
    key: NamedKey, *, tenant: str, kek: NamedKey, label: Label, written: Written, salt: bytes, nonce: bytes
) -> dict[str, dict[str, Any]]:
    """Returns the row of a DEK or index key, sealed under a KEK. `salt` and `nonce` as in `envelope.seal`."""
    context = _context(key.name, tenant=tenant, key_id=kek.name, written=written)
    return to_item(context, seal(key.key, key=kek.key, label=label, context=context, salt=salt, nonce=nonce))


def unwrap(row: SealedRow, *, kek: NamedKey, label: Label) -> NamedKey:
    """Returns the key of a DEK or index row.

    Raises:
        IntegrityError: the row was changed, moved, renamed, or wrapped under another KEK.
        Undeclared: the row is authentic and holds what no such row holds here.
    """
    if row.wrapped_under != kek.name:
        raise IntegrityError(Step.PLACE, where=row.place)
    key = open_found(row.found, key=kek.kdf, label=label).plaintext
    if len(key) != KEY_BYTES:
        raise IntegrityError(Step.PAYLOAD, where=row.place, detail="key length")
    _require_declared(row)
    return NamedKey(row.name, key)


def seal_register(
    register: Register | LastRegister, *, tenant: str, key: NamedKey, written: Written, salt: bytes, nonce: bytes
) -> tuple[dict[str, dict[str, Any]], bytes]:
    """Returns the register's row, sealed under the register key, and its digest."""
    payload = Payload(REGISTER, register.encode(), Label.REGISTER)
    return seal_payload(payload, tenant=tenant, key=key, written=written, salt=salt, nonce=nonce)


def open_register(row: SealedRow, *, key: NamedKey) -> Register | LastRegister:
    """Returns what the register's row says.

    Raises:
        IntegrityError: the row was changed or moved, or is sealed under another key, or holds no register.
        Undeclared: the row is authentic and holds what no such row holds here.
    """
    payload = open_payload(row, key=key, label=Label.REGISTER)
    try:
        return last_register.decode(payload) or decode(payload)
    except IntegrityError as refusal:
        raise refusal.at(row.place) from None


@dataclass(frozen=True, slots=True)
class Payload:
    """What a row under the register key is to hold.

    Attributes:
        name: the row's sort key.
        plaintext: its contents.
        label: what they are.
    """

    name: str
    plaintext: bytes = field(repr=False)
    label: Label


def seal_payload(
    payload: Payload, *, tenant: str, key: NamedKey, written: Written, salt: bytes, nonce: bytes
) -> tuple[dict[str, dict[str, Any]], bytes]:
    """Returns a row that is sealed under the register key, and its seal's digest. `salt`, `nonce`: `envelope.seal`."""
    context = _context(payload.name, tenant=tenant, key_id=key.name, written=written)
    sealed = seal(payload.plaintext, key=key.key, label=payload.label, context=context, salt=salt, nonce=nonce)
    return to_item(context, sealed), sealed.digest


def open_payload(row: SealedRow, *, key: NamedKey, label: Label) -> bytes:
    """Returns what a row under the register key holds.

    Raises:
        IntegrityError: the row was changed or moved, or is sealed under another key.
        Undeclared: the row is authentic and has attributes that no such row has here.
    """
    plaintext = open_found(row.found, key=key.kdf, label=label).plaintext
    _require_declared(row)
    return plaintext


def _require_declared(row: SealedRow) -> None:
    """Asked once the seal has verified: what is authentic and not declared was written by a newer release."""
    names = undeclared(row.found.context.clear, _DECLARED)
    if names:
        raise Undeclared(names, where=row.place)


def _context(name: str, *, tenant: str, key_id: str, written: Written) -> Context:
    clear: dict[str, ClearValue] = {
        "tenant_id": tenant,
        "entity_type": entity_of(name),
        "version": Number(str(written.version)),
        "format": Number(str(FORMAT)),
        "created_at": written.created_at,
        "updated_at": written.updated_at,
    }
    return Context(table=TABLE, tenant=tenant, pk=tenant_key(tenant), sk=name, key_id=key_id, clear=clear)


def _written(clear: Mapping[str, ClearValue], *, where: Place) -> Written:
    version, created_at, updated_at = (clear.get(name) for name in ("version", "created_at", "updated_at"))
    try:
        number = number_value(version.text) if isinstance(version, Number) else None
    except InvalidInput:
        number = None
    if not (isinstance(number, int) and 1 <= number <= MAX_VERSION):
        raise IntegrityError(Step.PAYLOAD, where=where, detail="version")
    if not (isinstance(created_at, str) and isinstance(updated_at, str)):
        raise IntegrityError(Step.PAYLOAD, where=where, detail="times")
    return Written(number, created_at, updated_at)
