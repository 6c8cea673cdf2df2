"""A sealed record to attack, and the way a record of this partition is opened.

`open_item` does what the record store does between `from_item` and `open_found`: it finds the key that the record
names, within the caller's tenant and partition alone.
"""

from typing import Any

from twinvault.envelope import Context, Label, Number, Sealed, partition_key, seal
from twinvault.envelope.item import Item, from_item, open_found, to_item
from twinvault.envelope.suite import DerivationKey
from twinvault.errors import IntegrityError, Step

TENANT, KIND, PARTITION = "acme", "dialogue", "k3v7xqz2m4n5p6r7s8t9abcdef"
PK = partition_key(TENANT, kind=KIND, partition=PARTITION)
SK = "perspective#01#02"
KEY_ID = f"dek#{KIND}#{PARTITION}#000001"
DEK = bytes(range(32))
SALT, NONCE = bytes(range(64, 96)), bytes(range(128, 140))
PLAINTEXT = b'{"content":"Vault cadence","label":"Two weeks is too long"}'
KEYS = {KEY_ID: DEK, f"dek#{KIND}#{PARTITION}#000002": bytes(range(32, 64))}
"""The DEKs of this partition by name."""

OUTSIDE = frozenset({"state"})
"""What of an item stands outside its seal."""


def context(**changes: Any) -> Context:
    """The sample's context; `clear` replaces clear attributes, everything else replaces fields."""
    clear = {
        "tenant_id": TENANT,
        "entity_type": "perspective",
        "version": Number("1"),
        "format": Number("1"),
        "created_at": "2026-11-23T09:00:00Z",
        "updated_at": "2026-11-23T09:00:00Z",
        "status": "open",
        "round": Number("1"),
        "calibrated": True,
        **changes.pop("clear", {}),
    }
    fields = {"table": "records", "tenant": TENANT, "pk": PK, "sk": SK, "key_id": KEY_ID, **changes}
    return Context(clear=clear, **fields)


def sealed(**changes: Any) -> Sealed:
    """The sample, sealed."""
    options = {"key": DEK, "label": Label.RECORD, "context": context(), "salt": SALT, "nonce": NONCE, **changes}
    return seal(options.pop("plaintext", PLAINTEXT), **options)


def item(*, at: Context | None = None, **changes: Any) -> dict[str, dict[str, Any]]:
    """The sample as DynamoDB holds it."""
    place = at or context()
    return to_item(place, sealed(context=place, **changes))


def open_item(
    hostile: Item,
    *,
    table: str = "records",
    tenant: str = TENANT,
    pk: str = PK,
    keys: dict[str, bytes] = KEYS,
    label: Label = Label.RECORD,
) -> bytes:
    """Opens an item found in this scope. The scope comes from the caller, never from the item."""
    found = from_item(hostile, table=table, tenant=tenant, pk=pk, unauthenticated=OUTSIDE)
    if found.context.key_id not in keys:
        raise IntegrityError(Step.KEY_ID, where=found.place)
    return open_found(found, key=DerivationKey(keys[found.context.key_id]), label=label).plaintext


def refusal(hostile: Item, **scope: Any) -> str:
    """The step at which an item is refused, or "" if it opens as the sample."""
    try:
        opened = open_item(hostile, **scope)
    except IntegrityError as error:
        return error.step
    assert opened == PLAINTEXT
    return ""
