"""The receipt of an erasure: what was erased, by whom, and from when on nobody can undo it. Pure (docs/receipt.md).

    payload   = canonical JSON of the content
    digest    = SHA-256("twinvault/v1/receipt" || 0x00 || payload)
    signature = Ed25519(audit key, "twinvault/v1/receipt-signature" || 0x00 || digest)
    file      = {"receipt": content, "signature": hex}, any JSON text of it

A receipt says what holds when it is issued. One that is issued later may say more: that the epochs are destroyed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from twinvault.audit.elements import canonical_json
from twinvault.envelope.signature import SignatureLabel, require_signed
from twinvault.erasure.facts import Erased
from twinvault.erasure.horizon import Horizon
from twinvault.erasure.receipt_form import RECEIPT_VERSION, is_content, is_file
from twinvault.errors import BrokenReceipt, ReceiptStep

MAX_RECEIPT_BYTES = 1024 * 1024
REFUSED = "refused by this store"
"""A copy of an erased key's row, taken before, would open: an epoch lives that may have wrapped it."""
ERASED = "erased"
"""No epoch lives that may have wrapped an erased key."""
NOT_COVERED = (
    "plaintext that was opened before: in answers, files, screens and logs of whoever read it",
    "exports of records that were taken before, and records that were copied elsewhere as plaintext",
    "keys that somebody took out of a function's memory before",
    "copies of the keys table that the stage does not declare, with KMS still at hand",
    "clear attributes of its rows in backups of the records table, values of blind indexes among them",
    "what the audit log says of it: hashes, counts, times, versions and who asked",
    "the tenant's id, in CloudTrail and in the audit log",
)

_DOMAIN = b"twinvault/v1/receipt\x00"


class ErasureStanding(StrEnum):
    """How an erasure stands at some time, by its receipt."""

    REFUSED = "refused"
    """The store refuses it, and a copied key row would open."""
    NOT_YET = "not yet"
    """No epoch lives, and a copy of one may still be somewhere that the stage knows of."""
    IRRECOVERABLE = "irrecoverable"
    """The time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a receipt says.

    Attributes:
        store: the store's logical name.
        tenant: whose it was.
        erasure: the id under which it was asked for.
        mark: SHA-256 of the partition's or the register's mark key, hex, as audit entries name it.
        requested_by, requested_at: who asked for it, and when.
        erased_by: who made it final; with four eyes somebody else.
        erased: what was done.
        horizon: from when on it is irrecoverable.
        issued_at: when this receipt was made.
        audit_key: the id of the KMS key that signs it.
    """

    store: str
    tenant: str
    erasure: str
    mark: str
    requested_by: str
    requested_at: str
    erased_by: str
    erased: Erased
    horizon: Horizon
    issued_at: str
    audit_key: str

    def content(self) -> dict[str, Any]:
        """What it says, as it stands in the file."""
        erased, horizon = self.erased, self.horizon
        return {
            "v": RECEIPT_VERSION,
            "store": self.store,
            "tenant": self.tenant,
            "kind": erased.kind,
            "mark": self.mark,
            "erasure": self.erasure,
            "requested": {"by": self.requested_by, "at": self.requested_at},
            "erased": {
                "by": self.erased_by,
                "at": erased.erased_at,
                "event": erased.event_id,
                "head_version": erased.head_version,
                "newest_epoch": erased.newest_epoch,
                "tombstone": erased.tombstone_digest,
            },
            "keys": [{"name": one.name, "version": one.version, "epoch": one.epoch} for one in erased.keys],
            "records": erased.records,
            "requests": {"dynamodb": list(erased.dynamodb_request_ids), "kms": list(erased.kms_request_ids)},
            "negative_test": erased.refused_by,
            "status": REFUSED if horizon.irrecoverable_after is None else ERASED,
            "finalized_at": horizon.finalized_at,
            "bounds": [{"what": bound.what, "until": bound.until} for bound in horizon.bounds],
            "irrecoverable_after": horizon.irrecoverable_after,
            "not_covered": list(NOT_COVERED),
            "issued_at": self.issued_at,
            "audit_key": self.audit_key,
        }


def receipt_digest(content: Mapping[str, Any]) -> bytes:
    """What is signed of a receipt's content."""
    return hashlib.sha256(_DOMAIN + canonical_json(content)).digest()


def signed_file(content: Mapping[str, Any], signature: bytes) -> dict[str, Any]:
    """The receipt as it is handed out."""
    return {"receipt": dict(content), "signature": signature.hex()}


def verify_receipt(file: bytes, *, public_key: bytes) -> dict[str, Any]:
    """The content of a receipt that this key (32 bytes) signed: steps 1 to 4 of docs/receipt.md, "Verify".

    Raises:
        BrokenReceipt: the first step that fails.
    """
    _require(len(file) <= MAX_RECEIPT_BYTES, ReceiptStep.SIZE)
    try:
        found = json.loads(file.decode(), object_pairs_hook=_each_name_once)
        _require(is_file(found), ReceiptStep.FORM)
        digest = receipt_digest(found["receipt"])
    except (ValueError, RecursionError):
        raise BrokenReceipt(ReceiptStep.FORM) from None
    try:
        signature = bytes.fromhex(found["signature"])
        require_signed(digest, label=SignatureLabel.RECEIPT, signature=signature, public_key=public_key)
    except ValueError:
        raise BrokenReceipt(ReceiptStep.SIGNATURE) from None
    _require(is_content(found["receipt"]), ReceiptStep.CONTENT)
    content: dict[str, Any] = found["receipt"]
    return content


def standing(content: Mapping[str, Any], *, now: str) -> ErasureStanding:
    """How the erasure stands at a time (RFC 3339 in UTC, to the microsecond), by a verified receipt's content."""
    after = content["irrecoverable_after"]
    if after is None:
        return ErasureStanding.REFUSED
    return ErasureStanding.IRRECOVERABLE if now > after else ErasureStanding.NOT_YET


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two members of one name, programs take different ones."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _require(holds: bool, step: ReceiptStep) -> None:  # noqa: FBT001  # an assertion that is always on
    if not holds:
        raise BrokenReceipt(step)
