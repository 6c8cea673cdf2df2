"""Ours and its peers, each as a pair of functions: a Python dict to a DynamoDB item, and the item back to the dict.

The item is in the form of DynamoDB's own API, which is what goes over the wire. Every contender holds its key in
memory: no KMS, no network.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import AesWrappingAlg, CreateRawAesKeyringInput
from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.identifiers import AlgorithmSuite
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey
from dynamodb_encryption_sdk.encrypted import CryptoConfig
from dynamodb_encryption_sdk.encrypted.item import decrypt_dynamodb_item, encrypt_dynamodb_item
from dynamodb_encryption_sdk.identifiers import CryptoAction, EncryptionKeyType, KeyEncodingType
from dynamodb_encryption_sdk.material_providers.wrapped import WrappedCryptographicMaterialsProvider
from dynamodb_encryption_sdk.structures import AttributeActions, EncryptionContext

from benchmarks.record import CLEAR, ITEM, KIND, LEDGER, PARTITION, SK, TENANT
from twinvault.keys.rows import NamedKey, dek_name
from twinvault.records.partition import open_row, place_rows
from twinvault.records.record import Draft, new_stamp, seal_record
from twinvault.scope import Scope

type Record = dict[str, Any]
type Item = dict[str, Any]

_KEY = bytes(range(32))
_PK = f"tenant#{TENANT}#{KIND}#{PARTITION}"
_NOW = "2026-11-23T09:00:00Z"


@dataclass(frozen=True, slots=True)
class Contender:
    """A name and the two ways."""

    name: str
    seal: Callable[[Record], Item]
    open: Callable[[Item], Record]


def contenders() -> list[Contender]:
    """All of them, ours first."""
    suite = AlgorithmSuite
    return [
        _ours(),
        _raw(),
        _dynamodb_encryption_sdk(),
        _encryption_sdk("aws-encryption-sdk", suite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY),
        _encryption_sdk("aws-encryption-sdk, signed", suite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384),
    ]


class _Nobody:
    """Observes nothing: an observer is part of the library's interface, and costs what it does with what it is told."""

    def crypto(self, *_about: object, **_more: object) -> None:
        """See `Observer`."""

    kms_call = key_event = metric = crypto


def _ours() -> Contender:
    scope = Scope(TENANT, KIND, PARTITION)
    key = NamedKey(dek_name(scope, 1), _KEY)
    keys = {key.name: key}

    def seal(record: Record) -> Item:
        stamp = new_stamp(version=1, created_at=_NOW, updated_at=_NOW, randomness=os.urandom)
        return seal_record(Draft("item", SK, record), ITEM, scope=scope, key=key, stamp=stamp).item

    def open_(item: Item) -> Record:
        (row,) = place_rows([item], scope=scope, lowest_format=1)
        return open_row(row, keys, kind=LEDGER, observer=_Nobody()).fields

    return Contender("twinvault", seal, open_)


def _raw() -> Contender:
    """AES-GCM with a fresh key object, the keys and clear attributes as associated data, and nothing else."""
    serializer, deserializer = TypeSerializer(), TypeDeserializer()

    def parts(record: Record) -> tuple[Record, Record]:
        return {n: v for n, v in record.items() if n in CLEAR}, {n: v for n, v in record.items() if n not in CLEAR}

    def aad(clear: Record) -> bytes:
        return json.dumps([_PK, SK, clear], sort_keys=True).encode()

    def seal(record: Record) -> Item:
        clear, secret = parts(record)
        nonce = os.urandom(12)
        sealed = AESGCM(_KEY).encrypt(nonce, json.dumps(secret, separators=(",", ":")).encode(), aad(clear))
        fields = {**clear, "pk": _PK, "sk": SK, "content": nonce + sealed}
        return {name: serializer.serialize(value) for name, value in fields.items()}

    def open_(item: Item) -> Record:
        fields = {name: deserializer.deserialize(value) for name, value in item.items()}
        clear, content = {"status": fields["status"], "round": int(fields["round"])}, fields["content"].value
        return {**clear, **json.loads(AESGCM(_KEY).decrypt(content[:12], content[12:], aad(clear)))}

    return Contender("raw AES-GCM", seal, open_)


def _dynamodb_encryption_sdk() -> Contender:
    """Wrapped materials: a fresh data key for each item, wrapped and signed with local keys."""

    def local_key(algorithm: str) -> JceNameLocalDelegatedKey:
        return JceNameLocalDelegatedKey(_KEY, algorithm, EncryptionKeyType.SYMMETRIC, KeyEncodingType.RAW)

    provider = WrappedCryptographicMaterialsProvider(
        signing_key=local_key("HmacSHA256"), wrapping_key=local_key("AES"), unwrapping_key=local_key("AES")
    )
    actions = dict.fromkeys((*CLEAR, "pk", "sk"), CryptoAction.SIGN_ONLY)
    config = CryptoConfig(
        materials_provider=provider,
        encryption_context=EncryptionContext(table_name="records", partition_key_name="pk", sort_key_name="sk"),
        attribute_actions=AttributeActions(default_action=CryptoAction.ENCRYPT_AND_SIGN, attribute_actions=actions),
    )
    serializer, deserializer = TypeSerializer(), TypeDeserializer()

    def seal(record: Record) -> Item:
        fields = {**record, "pk": _PK, "sk": SK}
        item: Item = encrypt_dynamodb_item({n: serializer.serialize(v) for n, v in fields.items()}, config)
        return item

    def open_(item: Item) -> Record:
        opened = decrypt_dynamodb_item(dict(item), config)  # a copy: it takes its own attributes out
        return {n: deserializer.deserialize(v) for n, v in opened.items() if n not in {"pk", "sk"}}

    return Contender("dynamodb-encryption-sdk", seal, open_)


def _encryption_sdk(name: str, suite: AlgorithmSuite) -> Contender:
    """A raw AES keyring and a committing suite; the keys and clear attributes in the encryption context."""
    client = EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    keyring = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig()).create_raw_aes_keyring(
        CreateRawAesKeyringInput(
            key_namespace="bench",
            key_name="key",
            wrapping_key=_KEY,
            wrapping_alg=AesWrappingAlg.ALG_AES256_GCM_IV12_TAG16,
        )
    )
    serializer, deserializer = TypeSerializer(), TypeDeserializer()

    def seal(record: Record) -> Item:
        clear = {name: record[name] for name in CLEAR}
        secret = json.dumps({n: v for n, v in record.items() if n not in CLEAR}, separators=(",", ":")).encode()
        context = {"pk": _PK, "sk": SK, **{name: str(value) for name, value in clear.items()}}
        sealed, _ = client.encrypt(source=secret, keyring=keyring, encryption_context=context, algorithm=suite)
        fields = {**clear, "pk": _PK, "sk": SK, "content": sealed}
        return {name: serializer.serialize(value) for name, value in fields.items()}

    def open_(item: Item) -> Record:
        fields = {name: deserializer.deserialize(value) for name, value in item.items()}
        clear = {"status": fields["status"], "round": int(fields["round"])}
        context = {"pk": fields["pk"], "sk": fields["sk"], **{name: str(value) for name, value in clear.items()}}
        opened, _ = client.decrypt(source=fields["content"].value, keyring=keyring, encryption_context=context)
        return {**clear, **json.loads(opened)}

    return Contender(name, seal, open_)
