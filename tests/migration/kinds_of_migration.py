"""The kinds, and what else a mapping names, of tests/migration."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey
from dynamodb_encryption_sdk.encrypted import CryptoConfig
from dynamodb_encryption_sdk.encrypted.item import decrypt_dynamodb_item, encrypt_dynamodb_item
from dynamodb_encryption_sdk.identifiers import CryptoAction, EncryptionKeyType, KeyEncodingType
from dynamodb_encryption_sdk.material_providers.wrapped import WrappedCryptographicMaterialsProvider
from dynamodb_encryption_sdk.structures import AttributeActions, EncryptionContext

from twinvault import NUMBER, Clear, Draft, EntitySpec, Kind, KindSpec, Record
from twinvault_migration import Migrated


class Patient(Record, sk="head"):
    """A head's own fields."""

    state: Clear[str]
    name: str


class Visit(Record, sk="visit#{number:04d}"):
    """A typed record."""

    number: Clear[int]
    seen_at: datetime
    note: str = ""
    tags: list[str] = []  # noqa: RUF012  # each record's own (docs/entities.md)


CLINIC = Kind("clinic", [Visit], head=Patient)
LINE = EntitySpec("line", re.compile("line#[0-9]+"), {"at": NUMBER}, frozenset({"text"}))
LEDGER = KindSpec("ledger", [LINE])


def by_function(item: dict[str, Any]) -> Iterable[Migrated]:
    """Two records of an item."""
    for at in (1, 2):
        yield Migrated("acme", LEDGER, item["id"], Draft("line", f"line#{at}", {"at": at, "text": item["text"]}))


def _local(algorithm: str) -> JceNameLocalDelegatedKey:
    return JceNameLocalDelegatedKey(bytes(range(32)), algorithm, EncryptionKeyType.SYMMETRIC, KeyEncodingType.RAW)


CONFIG = CryptoConfig(
    materials_provider=WrappedCryptographicMaterialsProvider(
        signing_key=_local("HmacSHA256"), wrapping_key=_local("AES"), unwrapping_key=_local("AES")
    ),
    encryption_context=EncryptionContext(table_name="older", partition_key_name="pk", sort_key_name="sk"),
    attribute_actions=AttributeActions(
        default_action=CryptoAction.ENCRYPT_AND_SIGN,
        attribute_actions=dict.fromkeys(("pk", "sk"), CryptoAction.SIGN_ONLY),
    ),
)


def open_item(item: dict[str, Any]) -> dict[str, Any]:
    """What the older client gives of an item."""
    opened: dict[str, Any] = decrypt_dynamodb_item(dict(item), CONFIG.with_item(item))
    return opened


def seal_item(item: dict[str, Any]) -> dict[str, Any]:
    """What the older client stores."""
    sealed: dict[str, Any] = encrypt_dynamodb_item(item, CONFIG.with_item(item))
    return sealed
