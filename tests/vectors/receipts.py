"""Receipts of erasures: good ones with every value in between, and files that must not verify, by the step."""

import json
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectors.material import DEK_ID, KIND, PARTITION, PK, TENANT, Json, fixed
from twinvault.audit.elements import canonical_json, mark_hash
from twinvault.dynamodb.marks import head_mark_key, register_mark_key
from twinvault.envelope.signature import SignatureLabel, signed_message
from twinvault.erasure.facts import Erased, ErasedKey
from twinvault.erasure.horizon import CopiesKept, horizon
from twinvault.erasure.receipt import Receipt, receipt_digest, standing

SEED, OTHER_SEED = fixed("audit key of receipts"), fixed("another audit key of receipts")
KEPT = CopiesKept(keys_recovery_days=7, backup_days=0, key_ttl_seconds=300, longest_seconds=30)
ERASED_AT, FINALIZED_AT = "2026-11-30T20:00:00.041999Z", "2026-12-01T08:15:00.000000Z"

PARTITION_ERASED = Erased(
    kind=KIND,
    partition=PARTITION,
    erased_at=ERASED_AT,
    event_id="01975e35-1000-7000-8000-000000000001",
    head_version=7,
    tombstone_digest=fixed("tombstone").hex(),
    keys=(ErasedKey(name=DEK_ID, version=1, epoch=1),),
    newest_epoch=2,
    records={"dialogue": 1, "expert": 2, "perspective": 12},
    dynamodb_request_ids=("4KVNAU6F8S1QH0", "7RLT5O2I9M3QH1"),
    kms_request_ids=("5c1c0a0e-1c55-4b3c-8f0e-0123456789ab",),
    refused_by="erased",
)
TENANT_ERASED = replace(
    PARTITION_ERASED,
    kind=None,
    partition=None,
    head_version=None,
    keys=tuple(ErasedKey(name=f"kek#{number:06d}", version=number, epoch=number) for number in (1, 2)),
    records=None,
)
RECEIPT = Receipt(
    store="twinvault",
    tenant=TENANT,
    erasure="01975e30-0000-7000-8000-000000000000",
    mark=mark_hash(head_mark_key(PK)),
    requested_by="auth0|5f7c8ec7c33c6c004bbafe82",
    requested_at="2026-11-29T19:30:00.000000Z",
    erased_by="auth0|60a1b2c3d4e5f60718293a4b",
    erased=PARTITION_ERASED,
    horizon=horizon(None, KEPT),
    issued_at="2026-11-30T20:01:00.000000Z",
    audit_key="1234abcd-12ab-34cd-56ef-1234567890ab",
)
FINAL = replace(RECEIPT, horizon=horizon(FINALIZED_AT, KEPT), issued_at="2026-12-01T09:00:00.000000Z")


def public_key(seed: bytes) -> str:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def receipts() -> Json:
    """The document."""
    return {
        "keys": [{"seed": seed.hex(), "public_key": public_key(seed)} for seed in (SEED, OTHER_SEED)],
        "receipts": [_receipt(name, receipt) for name, receipt in _good().items()],
        "refused": [{"name": name, "step": step, "file": file} for name, step, file in _refused()],
    }


def signed(content: Json, *, seed: bytes = SEED, message: bytes | None = None) -> Json:
    """The file of a content, whatever it is, signed by this key."""
    message = message or signed_message(receipt_digest(content), label=SignatureLabel.RECEIPT)
    return {"receipt": content, "signature": Ed25519PrivateKey.from_private_bytes(seed).sign(message).hex()}


def _good() -> dict[str, Receipt]:
    many = tuple(ErasedKey(name=f"{DEK_ID[:-6]}{number:06d}", version=number, epoch=2) for number in range(1, 91))
    months = replace(KEPT, backup_days=90)
    root = ["2027-03-01T00:00:00Z"]
    return {
        "a partition, while an epoch lives": RECEIPT,
        "a partition, once no epoch lives": FINAL,
        "as many keys as there may be, backups, and a root key that goes": replace(
            FINAL,
            erased=replace(PARTITION_ERASED, keys=many),
            horizon=horizon(FINALIZED_AT, months, root_deletions=root),
        ),
        "a tenant": replace(
            RECEIPT,
            mark=mark_hash(register_mark_key(TENANT)),
            erased=TENANT_ERASED,
            horizon=horizon(ERASED_AT, KEPT),
        ),
        "a partition that did not open any more, asked for by somebody with an accent": replace(
            RECEIPT, requested_by="jos\u00e9 \U0001f511", erased=replace(PARTITION_ERASED, records=None, keys=())
        ),
    }


def _receipt(name: str, receipt: Receipt) -> Json:
    content = receipt.content()
    after = content["irrecoverable_after"]
    times = ["2026-11-30T20:01:00.000000Z", *([after, f"{after[:-2]}1Z"] if after else [])]
    return {
        "name": name,
        "content": content,
        "payload": canonical_json(content).decode(),
        "digest": receipt_digest(content).hex(),
        "signature_input": signed_message(receipt_digest(content), label=SignatureLabel.RECEIPT).hex(),
        "file": json.dumps(signed(content), indent=1),
        "standing": [{"now": now, "standing": str(standing(content, now=now))} for now in times],
    }


def _refused() -> list[tuple[str, str, str]]:
    made = [
        *(("2 form", name, file) for name, file in _not_a_file()),
        *(("3 signature", name, json.dumps(file)) for name, file in _not_signed()),
        *(("4 content", name, json.dumps(signed(content))) for name, content in _not_a_receipt()),
    ]
    return [(name, step, file) for step, name, file in made]


def _not_a_file() -> list[tuple[str, str]]:
    file = signed(FINAL.content())
    return [
        ("no JSON", "a receipt"),
        ("nothing", ""),
        ("a list", json.dumps([file])),
        ("no signature", json.dumps({"receipt": file["receipt"]})),
        ("one member more", json.dumps({**file, "note": "true copy"})),
        ("a receipt that is a text", json.dumps({**file, "receipt": json.dumps(file["receipt"])})),
        ("a signature in capitals", json.dumps({**file, "signature": file["signature"].upper()})),
        ("a signature that was cut", json.dumps({**file, "signature": file["signature"][:-2]})),
        ("NaN", json.dumps(file).replace('"v": 1', '"v": NaN')),
    ]


def _not_signed() -> list[tuple[str, Json]]:
    content = FINAL.content()
    file, digest = signed(content), receipt_digest(content)
    sooner = {**content, "irrecoverable_after": "2026-12-01T09:00:00.000000Z"}
    return [
        ("signed by another key", signed(content, seed=OTHER_SEED)),
        ("another time", {**file, "receipt": sooner}),
        ("the receipt of another erasure", {**file, "receipt": RECEIPT.content()}),
        ("a member taken away", {**file, "receipt": {k: v for k, v in content.items() if k != "not_covered"}}),
        ("a number as a text", {**file, "receipt": {**content, "v": "1"}}),
        ("a signature of zeros", {**file, "signature": "00" * 64}),
        ("the digest signed without a label", signed(content, message=digest)),
        ("the digest signed as an audit entry's", signed(content, message=b"twinvault/v1/audit-signature\0" + digest)),
        ("the text itself signed", signed(content, message=b"twinvault/v1/receipt\0" + canonical_json(content))),
    ]


def _not_a_receipt() -> list[tuple[str, Json]]:
    content, lives = FINAL.content(), RECEIPT.content()

    def but(**changes: Any) -> Json:
        return {**content, **changes}

    return [
        ("nothing in it", {}),
        ("of a version to come", but(v=2)),
        ("a member more", but(more=1)),
        ("a member less", {name: value for name, value in content.items() if name != "not_covered"}),
        ("erased, and no time", but(irrecoverable_after=None, bounds=[], finalized_at=None)),
        ("a time, and an epoch that lives", {**lives, "irrecoverable_after": content["irrecoverable_after"]}),
        ("refused, and a time", but(status="refused by this store")),
        ("not the latest of the bounds", but(irrecoverable_after=content["bounds"][-1]["until"])),
        ("a time that is none", but(issued_at="today")),
        ("a mark that is none", but(mark="head#")),
        ("a negative count", but(records={"expert": -1})),
        ("a truth value for a number", but(keys=[{"name": DEK_ID, "version": True, "epoch": 1}])),
        ("a text that is too long", but(negative_test="x" * 257)),
    ]
