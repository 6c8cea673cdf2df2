"""The fixed inputs of the vectors, and how values are written in them: bytes as hex, items as DynamoDB's own JSON."""

import base64
import hashlib
from typing import Any

from twinvault.envelope import Context, Label, Number, encode_aad, pad, partition_key, seal, tenant_key
from twinvault.envelope.aad import ClearValue
from twinvault.envelope.item import encode_clear, to_item
from twinvault.envelope.primitive import derive
from twinvault.envelope.suite import DerivationKey

type Json = dict[str, Any]

TENANT, KIND, PARTITION = "acme", "dialogue", "k3v7xqz2m4n5p6r7s8t9abcdef"
TENANT_KEY = tenant_key(TENANT)
PK = partition_key(TENANT, kind=KIND, partition=PARTITION)
KEK_ID, DEK_ID, NEXT_DEK_ID, IDX_ID = (
    "kek#000001",
    f"dek#{KIND}#{PARTITION}#000001",
    f"dek#{KIND}#{PARTITION}#000002",
    "idx",
)
CREATED, UPDATED = "2026-11-23T09:00:00Z", "2026-11-23T10:30:00Z"


def fixed(name: str, length: int = 32) -> bytes:
    """Bytes that stand for random ones: SHA-256("twinvault vectors: " || name), cut to length."""
    return hashlib.sha256(b"twinvault vectors: " + name.encode()).digest()[:length]


KEK, DEK, NEXT_DEK, IDX = (fixed(name) for name in ("kek 1", "dek 1", "dek 2", "idx 1"))


def clear_of_record(entity: str, **own: ClearValue) -> dict[str, ClearValue]:
    """What every row carries in the clear, and this one's own."""
    return {
        "tenant_id": TENANT,
        "entity_type": entity,
        "version": Number("1"),
        "format": Number("1"),
        "created_at": CREATED,
        "updated_at": UPDATED,
        **own,
    }


def sealed_vector(
    name: str, plaintext: bytes, *, context: Context, key: bytes, label: Label = Label.RECORD, **more: Any
) -> Json:
    """One sealed item with every intermediate value."""
    salt, nonce = fixed(f"{name}: salt"), fixed(f"{name}: nonce", 12)
    aad = encode_aad(context)
    aad_hash = hashlib.sha256(aad).digest()
    record_key, commitment = derive(DerivationKey(key), salt, label=label, aad_hash=aad_hash)
    sealed = seal(plaintext, key=key, label=label, context=context, salt=salt, nonce=nonce)
    item = more.pop("item_form", to_item(context, sealed) | more.pop("item_more", {}))
    return {
        "name": name,
        **more,
        "label": label.value,
        "scope": {"table": context.table, "tenant": context.tenant, "pk": context.pk},
        "keys": {context.key_id: key.hex()},
        "unauthenticated": sorted(item.keys() - to_item(context, sealed).keys()),
        "sk": context.sk,
        "clear": {attribute: encode_clear(value) for attribute, value in sorted(context.clear.items())},
        "plaintext": plaintext.hex(),
        "salt": salt.hex(),
        "nonce": nonce.hex(),
        "aad": aad.hex(),
        "aad_sha256": aad_hash.hex(),
        "kdf_input": kdf_input(label.value, salt + aad_hash, bits=512).hex(),
        "secret": (record_key + commitment).hex(),
        "record_key": record_key.hex(),
        "commitment": commitment.hex(),
        "padded": pad(plaintext).hex(),
        "ciphertext": sealed.ciphertext.hex(),
        "digest": sealed.digest.hex(),
        "item": item_json(item),
    }


def kdf_input(label: str, context: bytes, *, bits: int) -> bytes:
    """What HMAC-SHA-512 is of for the first 512 bits."""
    return (1).to_bytes(4) + label.encode() + b"\0" + context + bits.to_bytes(4)


def item_json(item: Json) -> Json:
    """An item as `aws dynamodb get-item` prints it: binary as base64."""
    return {name: _value_json(value) for name, value in sorted(item.items())}


def item_of(document: Json) -> Json:
    """An item of a vector, with bytes where DynamoDB's API has them."""
    return {name: _value_of(value) for name, value in document.items()}


def _value_json(value: Any) -> Any:
    content = value.get("B") if isinstance(value, dict) else None
    return {**value, "B": base64.b64encode(content).decode()} if isinstance(content, bytes) else value


def _value_of(value: Any) -> Any:
    content = value.get("B") if isinstance(value, dict) else None
    return {**value, "B": base64.b64decode(content)} if isinstance(content, str) else value
