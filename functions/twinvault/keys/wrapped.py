"""Keys that KMS wraps: a tenant's KEKs and its register key (docs/format.md, "Keys that KMS wraps"). Pure.

What such a key is stands in its encryption context. The row holds what the context needs beyond the row's place, the
root key that wraps it, and KMS's ciphertext; nothing else in it is relied on.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from twinvault.envelope import FORMAT, tenant_key
from twinvault.envelope.item import Item, attribute, text_of
from twinvault.errors import IntegrityError, Step
from twinvault.keys.rows import REGISTER_KEY, entity_of, epoch_of, row_place

_KEY_ID = re.compile(r"[0-9a-f]{32}")
_MOST_DIGITS = 15
_MAX_WRAPPED_BYTES = 6144  # https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html, CiphertextBlob


def key_context(name: str, *, store: str, tenant: str, key: str) -> dict[str, str]:
    """The encryption context of the key whose row has this name, complete and final. It shows in CloudTrail.

    The root key's policy admits exactly these keys, this store, and the two purposes `kek` and `register`.
    """
    return {
        "twinvault:purpose": "register" if name == REGISTER_KEY else "kek",
        "twinvault:format": str(FORMAT),
        "twinvault:store": store,
        "twinvault:tenant": tenant,
        "twinvault:epoch": str(epoch_of(name) or 0),
        "twinvault:key": key,
    }


@dataclass(frozen=True, slots=True)
class WrappedRow:
    """A key that KMS wrapped, as the keys table holds it: a KEK or the register key.

    Attributes:
        tenant: whose.
        name: the row's sort key.
        key: the context's `twinvault:key`, 32 hex digits drawn at random.
        root_key_id: the KMS key that wraps it; never an alias.
        wrapped: KMS's ciphertext.
        created_at: RFC 3339 in UTC; nothing rests on it.
        updated_at: likewise; empty where the row was never written again.
        version: how often the row was written; likewise.
    """

    tenant: str
    name: str
    key: str
    root_key_id: str
    wrapped: bytes
    created_at: str
    updated_at: str = ""
    version: int = 1

    def again(self, *, root_key_id: str, wrapped: bytes, now: str) -> "WrappedRow":
        """The row that replaces this one: the same key, wrapped under this root key."""
        return replace(self, root_key_id=root_key_id, wrapped=wrapped, updated_at=now, version=self.version + 1)

    def to_item(self) -> dict[str, dict[str, Any]]:
        """The row as a DynamoDB item."""
        return {
            "pk": {"S": tenant_key(self.tenant)},
            "sk": {"S": self.name},
            "tenant_id": {"S": self.tenant},
            "entity_type": {"S": entity_of(self.name)},
            "version": {"N": str(self.version)},
            "format": {"N": str(FORMAT)},
            "created_at": {"S": self.created_at},
            "updated_at": {"S": self.updated_at or self.created_at},
            "key": {"S": self.key},
            "root_key_id": {"S": self.root_key_id},
            "wrapped": {"B": self.wrapped},
        }


def parse_wrapped(item: Item, *, tenant: str, name: str) -> WrappedRow:
    """Returns the KMS-wrapped row that `item` claims to be. Its identity is proven by KMS, when it opens.

    Raises:
        IntegrityError: the item has not the form of such a row of this tenant and name.
    """
    key, root = text_of(item, "key"), text_of(item, "root_key_id")
    wrapped, created_at = attribute(item, "wrapped", kind="B"), text_of(item, "created_at")
    if (
        text_of(item, "pk") != tenant_key(tenant)
        or text_of(item, "sk") != name
        or attribute(item, "format", kind="N") != str(FORMAT)
        or not _KEY_ID.fullmatch(key)
        or not root
        or not (isinstance(wrapped, bytes) and 0 < len(wrapped) <= _MAX_WRAPPED_BYTES)
        or not created_at
    ):
        raise IntegrityError(Step.KEY_ROWS, where=row_place(tenant, name))
    updated_at = text_of(item, "updated_at")
    again = updated_at if updated_at != created_at else ""
    return WrappedRow(tenant, name, key, root, wrapped, created_at, again, _version(item))


def _version(item: Item) -> int:
    """What the row says of itself, for people; where that is no number, it begins anew."""
    text = attribute(item, "version", kind="N")
    return (
        int(text) if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else 1
    )
