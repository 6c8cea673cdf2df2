"""Making a receipt: what is known of an erasure and from when on it is irrecoverable, signed by the audit key."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twinvault.audit.elements import mark_hash
from twinvault.dynamodb.marks import erasure_mark_key, head_mark_key, register_mark_key
from twinvault.envelope import require_id
from twinvault.envelope.signature import SignatureLabel
from twinvault.erasure.horizon import CopiesKept, Horizon, horizon
from twinvault.erasure.receipt import Receipt, receipt_digest, signed_file
from twinvault.erasure.requests import ErasureRequests
from twinvault.erasure.settling import Settling
from twinvault.errors import ConfigurationError, Conflict, Gone
from twinvault.scope import Scope

if TYPE_CHECKING:
    from twinvault.acting import Acting
    from twinvault.erasure.facts import Erased
    from twinvault.erasure.request import ErasureRequest


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

    def of(self, erasure_id: str) -> dict[str, Any]:
        """The receipt of an erasure of the activity's tenant, audited before it returns.

        Raises:
            NotFound, InvalidInput: there is no erasure of this id, or it cannot be one.
            Conflict: nothing was erased yet.
            OutcomeUnknown: as for any write: that it is final is written down by whoever sees it first.
            IntegrityError, ConfigurationError, KeyRefused, DependencyError: as for `make`, and as for any key.
        """
        acting = self.acting
        acting.activity.asked(erasure_mark_key(acting.tenant, require_id(erasure_id, field="id")))
        with acting.activity.going_on():
            requests = ErasureRequests(acting.vault.holds.rows, acting.vault.audit, acting.activity, self.now)
            file = self.make(_facts_of(self._settled(requests, requests.get(erasure_id))))
        acting.release()
        return file

    def _settled(self, requests: ErasureRequests, found: "ErasureRequest") -> "ErasureRequest":
        """The erasure with its time, if its epochs are gone and nobody had said so."""
        if found.erased is None:
            raise Conflict("nothing was erased yet: make the erasure final first")
        if found.erased.kind is None or found.finalized_at is not None:
            return found
        try:
            tenant = self.acting.vault.keys.tenant(self.acting.tenant, observer=self.acting.activity, fresh=True)
        except Gone as gone:
            # All epochs went with the tenant.
            return replace(found, finalized_at=gone.erased_at)
        lowest = tenant.register.lowest_epoch if tenant else 0
        return Settling(requests).settle(found, lowest_epoch=lowest)

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


def _facts_of(found: "ErasureRequest") -> ErasureFacts:
    assert found.erased is not None  # noqa: S101  # for the type checker: who asks has looked
    assert found.final is not None  # noqa: S101  # likewise: nothing is erased that is not final
    return ErasureFacts(
        erasure=found.id,
        requested_by=found.requested.principal,
        requested_at=found.requested.at,
        erased_by=found.final.principal,
        erased=found.erased,
        finalized_at=found.finalized_at,
    )
