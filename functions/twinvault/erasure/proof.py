"""Making a receipt: what is known of an erasure and from when on it is irrecoverable, signed by the audit key."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinvault.audit.elements import mark_hash
from twinvault.dynamodb.marks import head_mark_key, register_mark_key
from twinvault.envelope.signature import SignatureLabel
from twinvault.erasure.horizon import CopiesKept, Horizon, horizon
from twinvault.erasure.receipt import Receipt, receipt_digest, signed_file
from twinvault.errors import ConfigurationError
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.acting import Acting
    from twinvault.erasure.facts import Erased


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureFacts:
    """What is known of an erasure that was done.

    Attributes:
        erasure: the id under which it was asked for.
        requested_by, requested_at: who asked for it, and when (RFC 3339 in UTC).
        erased_by: who made it final.
        erased: what was done.
        finalized_at: when the last epoch was destroyed that may have wrapped one of its keys; None: one lives.
    """

    erasure: str
    requested_by: str
    requested_at: str
    erased_by: str
    erased: "Erased"
    finalized_at: str | None


@dataclass(frozen=True, slots=True)
class Receipts:
    """Makes receipts, for one activity.

    Attributes:
        kept: for how long this deployment keeps what could open an erased key.
        now: RFC 3339 UTC time as text, to the microsecond.
    """

    acting: "Acting"
    kept: CopiesKept
    now: Callable[[], str]

    def make(self, facts: ErasureFacts) -> dict[str, Any]:
        """The receipt of an erasure as it stands now, signed, as it is handed out (docs/receipt.md).

        Raises:
            ConfigurationError: this vault has no audit key.
            IntegrityError: the audit key is none, or what it signed does not verify.
            KeyRefused, DependencyError: KMS refuses the audit key or to tell of a root key, or cannot answer.
        """
        signer, observer = self.acting.vault.signer, self.acting.activity
        if signer is None:
            raise ConfigurationError("audit_key: is needed for receipts")
        receipt = Receipt(
            store=observer.origin.store,
            tenant=self.acting.tenant,
            erasure=facts.erasure,
            mark=mark_hash(self._mark(facts.erased)),
            requested_by=facts.requested_by,
            requested_at=facts.requested_at,
            erased_by=facts.erased_by,
            erased=facts.erased,
            horizon=self._horizon(facts),
            issued_at=self.now(),
            audit_key=signer.key_id,
        )
        content = receipt.content()
        signature = signer.sign(receipt_digest(content), label=SignatureLabel.RECEIPT, observer=observer)
        return signed_file(content, signature)

    def _horizon(self, facts: ErasureFacts) -> Horizon:
        # The transaction that erases a tenant deletes its KEKs as well: nothing of it is left to finalize.
        finalized_at = facts.erased.erased_at if facts.erased.kind is None else facts.finalized_at
        if finalized_at is None:
            return Horizon()
        root = self.acting.vault.changes.root
        deletions = root.deletion_dates(observer=self.acting.activity)
        return horizon(finalized_at, self.kept, root_deletions=deletions)

    def _mark(self, erased: "Erased") -> str:
        if erased.kind is None or erased.partition is None:
            return register_mark_key(self.acting.tenant)
        return head_mark_key(Scope(self.acting.tenant, erased.kind, erased.partition).pk)
