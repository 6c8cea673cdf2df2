"""May this caller do this with this key? The key policy and the grants together.

Source: AWS KMS developer guide, "Troubleshooting AWS KMS permissions" (the order: an explicit Deny, then the key
policy, then grants) and "Using grant constraints"; API reference, GrantConstraints.
"""

from collections.abc import Iterable, Mapping

from twinvault_local.kms.errors import access_denied
from twinvault_local.kms.model import Caller, Grant, Key
from twinvault_local.kms.policy import Access, Verdict, parse_policy

# These take no context, and a grant's constraint does not touch them (API reference, CreateGrant, Constraints).
_UNCONSTRAINED = {"DescribeKey", "RetireGrant", "CreateGrant"}


def authorize(access: Access, *, key: Key, grants: Iterable[Grant], context: Mapping[str, str] | None) -> None:
    """Return if the request is allowed.

    Raises:
        KmsError: AccessDeniedException.
    """
    verdict = parse_policy(key.policy).verdict(access)
    if verdict is Verdict.ALLOW:
        return
    if verdict is Verdict.DENY:
        reason = "of an explicit deny in a resource-based policy"
        raise access_denied(access.caller.arn, access.action, key.arn, reason)
    operation = access.action.removeprefix("kms:")
    if not any(permits(grant, operation, caller=access.caller, context=context) for grant in grants):
        reason = f"no resource-based policy allows the {access.action} action"
        raise access_denied(access.caller.arn, access.action, key.arn, reason)


def permits(grant: Grant, operation: str, *, caller: Caller, context: Mapping[str, str] | None) -> bool:
    """Whether a grant allows this operation to this caller, with this context (None: the operation takes none)."""
    return (
        operation in grant.operations
        and names(grant.grantee, caller)
        and (operation in _UNCONSTRAINED or within(grant, context or {}))
    )


def names(principal: str | None, caller: Caller) -> bool:
    """Whether a principal of a grant is this caller."""
    return principal is not None and principal in {caller.arn, caller.principal_arn}


def within(grant: Grant, context: Mapping[str, str]) -> bool:
    """Whether a context satisfies the constraint: names without regard to case, values exactly."""
    folded = {(name.lower(), value) for name, value in context.items()}
    if grant.context_equals is not None:
        return folded == {(name.lower(), value) for name, value in grant.context_equals}
    if grant.context_subset is not None:
        return folded >= {(name.lower(), value) for name, value in grant.context_subset}
    return grant.source_arn is None
