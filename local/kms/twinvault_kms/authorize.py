"""May this caller do this with this key? Key policy, grants and, where they are known, identity policies together.

Source: AWS KMS developer guide, "Troubleshooting AWS KMS permissions" (the order: an explicit Deny, then the key
policy, then grants) and "Using grant constraints"; API reference, GrantConstraints.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from twinvault_iam.evaluation import decide_by_key_policy, denial
from twinvault_iam.policy import Access, Policy, PolicyKind, Verdict
from twinvault_iam.principals import IamPrincipal
from twinvault_kms import key_policy
from twinvault_kms.model import Grant, Key

# These take no context, and a grant's constraint does not touch them (API reference, CreateGrant, Constraints).
_UNCONSTRAINED = {"DescribeKey", "RetireGrant", "CreateGrant"}


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """An answer: AWS's sentence for a refusal, or None; and what decided, in the ledger's word."""

    refusal: str | None
    by: str


def authorize(
    access: Access,
    *,
    key: Key,
    grants: Iterable[Grant],
    context: Mapping[str, str] | None,
    identity: Iterable[Policy] | None = None,
    suits: Callable[[Grant], bool] = lambda _grant: True,
) -> KeyAnswer:
    """Say whether the request is allowed.

    `identity` are the caller's own policies; None: nobody knows any. `suits` says which grants count where one allows
    less than a policy.
    """
    decision = decide_by_key_policy(access, key_policy=key_policy.parse(key.policy), identity=identity)
    by = "identity" if decision.kind is PolicyKind.IDENTITY else "key"
    if decision.allowed:
        return KeyAnswer(None, by)
    operation = access.action.removeprefix("kms:")
    counting = (grant for grant in grants if suits(grant))
    granted = any(permits(grant, operation, caller=access.caller, context=context) for grant in counting)
    if decision.verdict is not Verdict.DENY and granted:
        return KeyAnswer(None, "grant")
    return KeyAnswer(denial(access, decision), by)


def permits(grant: Grant, operation: str, *, caller: IamPrincipal, context: Mapping[str, str] | None) -> bool:
    """Whether a grant allows this operation to this caller, with this context (None: the operation takes none)."""
    return (
        operation in grant.operations
        and names(grant.grantee, caller)
        and (operation in _UNCONSTRAINED or within(grant, context or {}))
    )


def names(principal: str | None, caller: IamPrincipal) -> bool:
    """Whether a principal of a grant is this caller."""
    return principal is not None and principal in {caller.arn, caller.principal_arn}


def within(grant: Grant, context: Mapping[str, str]) -> bool:
    """Whether a context satisfies the constraint: names without regard to case, values exactly."""
    given = folded(context.items())
    return (
        (grant.context_equals is None or given == folded(grant.context_equals))
        and (grant.context_subset is None or given >= folded(grant.context_subset))
        and grant.source_arn is None  # only requests of AWS services carry a source
    )


def folded(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the pairs of a context as grants compare them."""
    return {(name.lower(), value) for name, value in pairs}
