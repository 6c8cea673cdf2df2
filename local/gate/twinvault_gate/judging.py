"""May this caller do this? Policies, the table's key, and who provisions; each answer goes into the ledger."""

from twinvault_gate.calls import IamCall
from twinvault_gate.operations import PROVISIONING
from twinvault_gate.policies import GatePolicies, JudgedCall
from twinvault_iam.policy import PolicyKind
from twinvault_serving.callers import SignedIn
from twinvault_serving.ledger import ALLOW, DENY, CallLedger, RecordedCall

_BY = {PolicyKind.IDENTITY: "identity", PolicyKind.RESOURCE: "resource", None: "root"}
_KEY, _GATE = "key", "gate"
_MOST_ALLOWED = 10_000  # calls that are remembered: the statements of a transaction are mostly alike


class Judge:
    """Says what is refused, and why, in AWS's words."""

    def __init__(self, policies: GatePolicies, ledger: CallLedger, *, provisioner: str | None = None) -> None:
        """`provisioner` is the access key id that alone may make tables; None: the account's root."""
        self._policies = policies
        self._ledger = ledger
        self._provisioner = provisioner
        self._allowed: set[tuple[object, ...]] = set()

    def refusal(self, caller: SignedIn, call: IamCall, *, request_id: str) -> str | None:
        """Return the sentence with which AWS refuses a call, or None where it is allowed."""
        alike = (caller.access_key_id, caller.region, call.action, call.resource, *call.facts.items())
        if alike in self._allowed:
            return None
        refusal = self._judged(caller, call, request_id=request_id)
        if refusal is None:
            if len(self._allowed) >= _MOST_ALLOWED:
                self._allowed.clear()
            self._allowed.add(alike)
        return refusal

    def _judged(self, caller: SignedIn, call: IamCall, *, request_id: str) -> str | None:
        judged = self._policies.decide(caller, call)
        if judged.decision.allowed and self._is_provisioning_by_another(caller, call):
            self._note(caller, call, verdict=DENY, by=_GATE)
            return (
                f"User: {caller.arn} is not authorized to perform: {call.action} on resource: {call.resource} because"
                " here the provisioner alone provisions tables"
            )
        self._note_judged(caller, judged, by=_BY[judged.decision.kind])
        return judged.refusal or self._refusal_by_key(caller, call, request_id=request_id)

    def _refusal_by_key(self, caller: SignedIn, call: IamCall, *, request_id: str) -> str | None:
        """What KMS says to DynamoDB, as DynamoDB passes it on."""
        asked = self._policies.table_key_call(caller, call)
        if asked is None:
            return None
        judged = self._policies.decide(caller, asked)
        self._note_judged(caller, judged, by="identity" if judged.decision.kind is PolicyKind.IDENTITY else _KEY)
        if judged.refusal is None:
            return None
        return (
            f"KMS key access denied error: com.amazonaws.services.kms.model.AWSKMSException: {judged.refusal} (Service:"
            f" AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: {request_id}; Proxy: null)"
        )

    def _note_judged(self, caller: SignedIn, judged: JudgedCall, *, by: str) -> None:
        self._note(caller, judged.call, verdict=ALLOW if judged.decision.allowed else DENY, by=by)

    def _note(self, caller: SignedIn, call: IamCall, *, verdict: str, by: str) -> None:
        self._ledger.note(
            RecordedCall(
                caller=caller.name,
                principal=caller.arn,
                action=call.action,
                resource=call.resource,
                facts=call.facts,
                verdict=verdict,
                by=by,
            )
        )

    def _is_provisioning_by_another(self, caller: SignedIn, call: IamCall) -> bool:
        if call.action.partition(":")[2] not in PROVISIONING:
            return False
        return not caller.is_account_root if self._provisioner is None else caller.access_key_id != self._provisioner
