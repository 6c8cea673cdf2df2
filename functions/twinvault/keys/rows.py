"""The rows of the keys table (docs/format.md, "Key rows"): their names, and wrapping and unwrapping. Pure.

    pk = tenant#{tenant}
    sk = kek#{epoch:06d}                          a KEK, wrapped by KMS under the root key
         dek#{kind}#{partition}#{version:06d}     a DEK, sealed under a KEK
         idx#{epoch:06d}                          the tenant's index key, sealed under that epoch's KEK

What identifies a key is inside its KMS context or its seal: a row that is moved, renamed or copied does not open. Its
`state` is not: it binds an honest operator. Against someone who can write this table, revoke in KMS.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from twinvault.envelope import (
    FORMAT,
    KEY_BYTES,
    Context,
    Label,
    require_id,
    seal,
    tenant_key,
)
from twinvault.envelope.aad import Number
from twinvault.envelope.item import Item, attribute, from_item, open_found, text_of, to_item, undeclared
from twinvault.errors import IntegrityError, InvalidInput, KeyRefused, Place, Step, Undeclared
from twinvault.scope import Scope

TABLE = "keys"
_DIGITS = 6
MAX_NUMBER = 999_999
"""Epochs and versions are six digits in a sort key."""

_SEALABLE, _OPENABLE = frozenset({"active"}), frozenset({"active", "retired"})
_STATES = frozenset({"active", "retired", "revoked", "destroyed"})
_KEK_ID = re.compile(r"[0-9a-f]{32}")
_MAX_WRAPPED_BYTES = 6144  # https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html, CiphertextBlob
_WRAPPED = {"tenant_id": {"S"}, "entity_type": {"S"}, "version": {"N"}, "format": {"N"}, "created_at": {"S"}}
_OUTSIDE = frozenset({"state"})
"""What of a row stands outside its seal."""


@dataclass(frozen=True, slots=True)
class NamedKey:
    """A plaintext key with the name of its row. Lives in memory only."""

    name: str
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KekRow:
    """A KEK as the keys table holds it."""

    tenant: str
    epoch: int
    kek_id: str
    root_key_id: str
    wrapped: bytes
    state: str
    created_at: str

    @property
    def name(self) -> str:
        """The row's sort key, which is the `key_id` of what the KEK wraps."""
        return kek_name(self.epoch)

    @property
    def context(self) -> dict[str, str]:
        """The KMS encryption context, complete and final. It shows in CloudTrail."""
        return kek_context(self.tenant, self.epoch, kek_id=self.kek_id)

    def to_item(self) -> dict[str, dict[str, Any]]:
        """The row as a DynamoDB item."""
        return {
            "pk": {"S": tenant_key(self.tenant)},
            "sk": {"S": self.name},
            "tenant_id": {"S": self.tenant},
            "entity_type": {"S": "kek"},
            "epoch": {"N": str(self.epoch)},
            "kek_id": {"S": self.kek_id},
            "root_key_id": {"S": self.root_key_id},
            "wrapped": {"B": self.wrapped},
            "state": {"S": self.state},
            "created_at": {"S": self.created_at},
        }


def kek_context(tenant: str, epoch: int, *, kek_id: str) -> dict[str, str]:
    """The encryption context of a KEK: the key policy admits exactly these keys and the purpose `kek`."""
    return {
        "twinvault:purpose": "kek",
        "twinvault:format": str(FORMAT),
        "twinvault:tenant": tenant,
        "twinvault:epoch": str(epoch),
        "twinvault:key": kek_id,
    }


def kek_name(epoch: int) -> str:
    """The sort key of a KEK's row."""
    return f"kek#{_number(epoch, 'epoch')}"


def idx_name(epoch: int) -> str:
    """The sort key of an index key's row."""
    return f"idx#{_number(epoch, 'epoch')}"


def dek_prefix(scope: Scope) -> str:
    """What the sort keys of a partition's DEK rows begin with.

    The kind is in it: partitions of two kinds may share an id, and must not share a key (docs/adr/0001).
    """
    return f"dek#{require_id(scope.kind, field='kind')}#{require_id(scope.partition, field='partition')}#"


def row_place(tenant: str, name: str = "") -> Place:
    """Where a key's row stands; without a name, the tenant's key rows."""
    return Place(TABLE, tenant_key(tenant), name)


def dek_name(scope: Scope, version: int) -> str:
    """The sort key of a DEK's row."""
    return dek_prefix(scope) + _number(version, "version")


def dek_version(name: str, *, scope: Scope) -> int:
    """The version in a DEK's name.

    Raises:
        IntegrityError: the name is not one of this partition's: a record that says so was not written here.
    """
    if not is_dek_name(name, scope=scope):
        raise IntegrityError(Step.KEY_ID, where=Place(TABLE, scope.keys_pk, name))
    return int(name[-_DIGITS:])


def is_dek_name(name: str, *, scope: Scope) -> bool:
    """Whether this is the name of a DEK of this partition, whether or not there is such a DEK."""
    prefix = dek_prefix(scope)
    return name.startswith(prefix) and re.fullmatch(rf"[0-9]{{{_DIGITS}}}", name.removeprefix(prefix)) is not None


def parse_kek(item: Item, *, tenant: str, name: str) -> KekRow:
    """Returns the KEK row that `item` claims to be. Its identity is proven by KMS, when it opens.

    Raises:
        IntegrityError: the item has not the form of a KEK row of this tenant and name.
    """
    kek_id, root, wrapped = text_of(item, "kek_id"), text_of(item, "root_key_id"), attribute(item, "wrapped", kind="B")
    state, created_at = state_of(item), text_of(item, "created_at")
    if (
        text_of(item, "pk") != tenant_key(tenant)
        or text_of(item, "sk") != name
        or not re.fullmatch(r"kek#[0-9]{6}", name, re.ASCII)
        or not _KEK_ID.fullmatch(kek_id)
        or not root
        or not (isinstance(wrapped, bytes) and 0 < len(wrapped) <= _MAX_WRAPPED_BYTES)
        or state not in _STATES
        or not created_at
    ):
        raise IntegrityError(Step.KEK_ROW, where=row_place(tenant, name))
    return KekRow(tenant, int(name[4:]), kek_id, root, wrapped, state, created_at)


def require_state(state: str, *, sealing: bool, where: Place) -> None:
    """Lets a key be used as its state allows: active seals and opens, retired opens.

    Raises:
        KeyRefused: the key is revoked or destroyed, or retired and asked to seal.
        IntegrityError: there is no such state.
    """
    if state not in _STATES:
        raise IntegrityError(Step.KEY_STATE, where=where)
    if state not in (_SEALABLE if sealing else _OPENABLE):
        raise KeyRefused(f"a key of this tenant is {state}", retry_after=60)


def state_of(item: Item) -> str:
    """The `state` of a key row, as it stands there; empty where it is no text."""
    return text_of(item, "state")


def wrap(
    key: NamedKey, *, tenant: str, kek: NamedKey, label: Label, created_at: str, salt: bytes, nonce: bytes
) -> dict[str, dict[str, Any]]:
    """Returns the row of a DEK or index key, sealed under a KEK. `salt` and `nonce` as in `envelope.seal`."""
    context = Context(
        table=TABLE,
        tenant=tenant,
        pk=tenant_key(tenant),
        sk=key.name,
        key_id=kek.name,
        clear={
            "tenant_id": tenant,
            "entity_type": key.name[:3],
            "version": Number("1"),
            "format": Number(str(FORMAT)),
            "created_at": created_at,
        },
    )
    sealed = seal(key.key, key=kek.key, label=label, context=context, salt=salt, nonce=nonce)
    return {**to_item(context, sealed), "state": {"S": "active"}}


def wrapping_key_name(item: Item, *, tenant: str, name: str) -> str:
    """The name of the KEK that wraps a row's key; proven when the row opens.

    Raises:
        IntegrityError: the row does not name a KEK.
    """
    kek = text_of(item, "key_id")
    if not re.fullmatch(r"kek#[0-9]{6}", kek, re.ASCII):
        raise IntegrityError(Step.KEY_ID, where=row_place(tenant, name))
    return kek


def unwrap(item: Item, *, tenant: str, name: str, kek: NamedKey, label: Label) -> NamedKey:
    """Returns the key of a DEK or index row.

    Raises:
        IntegrityError: the row was changed, moved, renamed, or wrapped under another KEK.
        Undeclared: the row is authentic and holds what no such row holds here.
    """
    found = from_item(item, table=TABLE, tenant=tenant, pk=tenant_key(tenant), unauthenticated=_OUTSIDE)
    if found.context.sk != name or found.context.key_id != kek.name:
        raise IntegrityError(Step.PLACE, where=row_place(tenant, name))
    key = open_found(found, key=kek.key, label=label).plaintext
    if len(key) != KEY_BYTES:
        raise IntegrityError(Step.PAYLOAD, where=row_place(tenant, name), detail="key length")
    names = undeclared(found.context.clear, _WRAPPED)
    if names:
        raise Undeclared(names, where=row_place(tenant, name))
    return NamedKey(name, key)


def _number(value: int, field_name: str) -> str:
    if not 1 <= value <= MAX_NUMBER:
        raise InvalidInput(f"{field_name}: must be from 1 to {MAX_NUMBER}", field=field_name)
    return f"{value:06d}"
