"""Several policies together: may this caller do this with this resource, and which kind of policy says so?

Sources: IAM user guide, "Policy evaluation logic" (within one account an Allow of either kind suffices; across
accounts both are needed; the account root user needs none), "Troubleshoot access denied error messages" (their
words); AWS KMS developer guide, "Key policies in AWS KMS" (nothing is allowed but by way of the key policy).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from twinvault_iam.policy import Access, Policy, PolicyKind, Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer. `kind` is the kind of policy that gave it, or that would have had to allow; None: root needs none."""

    verdict: Verdict
    kind: PolicyKind | None

    @property
    def allowed(self) -> bool:
        """Whether the request may pass."""
        return self.verdict is Verdict.ALLOW


def decide(access: Access, *, identity: Iterable[Policy], resource: Policy | None) -> Decision:
    """Decide by the caller's identity policies and the resource's own policy, if it has one."""
    here, there = _by_identity(access, identity), _by_resource(access, resource)
    if denied := _denied(here, there):
        return denied
    if access.caller.account != _account_of(access):
        return _across_accounts(access, here, there)
    if access.caller.is_account_root:
        return Decision(Verdict.ALLOW, None)
    if there is Verdict.ALLOW and here is not Verdict.ALLOW:
        return Decision(Verdict.ALLOW, PolicyKind.RESOURCE)
    return Decision(here, PolicyKind.IDENTITY)


def decide_by_key_policy(access: Access, *, key_policy: Policy, identity: Iterable[Policy] | None = None) -> Decision:
    """Decide for a KMS key: its policy must allow, or leave it to the account, whose identity policies then must.

    `identity` is None where nobody knows identity policies: then the key policy decides alone, across accounts too.
    """
    here, there = _by_identity(access, identity or ()), _by_resource(access, key_policy)
    if denied := _denied(here, there):
        return denied
    if identity is not None and access.caller.account != _account_of(access):
        return _across_accounts(access, here, there)
    if there is Verdict.DELEGATE:
        return Decision(here, PolicyKind.IDENTITY)
    return Decision(there, PolicyKind.RESOURCE)


def denial(access: Access, decision: Decision) -> str:
    """Return the sentence with which AWS refuses what was decided against."""
    kind = (decision.kind or PolicyKind.IDENTITY).value
    article = "an" if kind.startswith("i") else "a"
    because = (
        f"with an explicit deny in {article} {kind}"
        if decision.verdict is Verdict.DENY
        else f"because no {kind} allows the {access.action} action"
    )
    return (
        f"User: {access.caller.arn} is not authorized to perform: {access.action}"
        f" on resource: {access.resource} {because}"
    )


def _across_accounts(access: Access, here: Verdict, there: Verdict) -> Decision:
    """The resource's policy must let the other account in, and that account its principal; its root needs nobody."""
    if there is Verdict.SILENT:
        return Decision(Verdict.SILENT, PolicyKind.RESOURCE)
    if access.caller.is_account_root:
        return Decision(Verdict.ALLOW, PolicyKind.RESOURCE)
    return Decision(here, PolicyKind.IDENTITY)


def _denied(here: Verdict, there: Verdict) -> Decision | None:
    if here is Verdict.DENY:
        return Decision(Verdict.DENY, PolicyKind.IDENTITY)
    return Decision(Verdict.DENY, PolicyKind.RESOURCE) if there is Verdict.DENY else None


def _by_identity(access: Access, policies: Iterable[Policy]) -> Verdict:
    said = {policy.verdict(access) for policy in policies}
    return next((verdict for verdict in (Verdict.DENY, Verdict.ALLOW) if verdict in said), Verdict.SILENT)


def _by_resource(access: Access, policy: Policy | None) -> Verdict:
    return Verdict.SILENT if policy is None else policy.verdict(access)


def _account_of(access: Access) -> str:
    """The resource's account; the caller's own, for what has none (`*`)."""
    parts = access.resource.split(":")
    return (parts[4] if len(parts) > 4 else "") or access.caller.account  # noqa: PLR2004  # the fifth part of an ARN
