"""PutKeyPolicy, GetKeyPolicy, ListKeyPolicies. A key has one policy, and its name is `default`."""

from dataclasses import replace

from twinvault_kms import key_policy
from twinvault_kms.call import Call, Reply
from twinvault_kms.errors import KmsError, not_found
from twinvault_kms.facts import SaidFacts, flag
from twinvault_kms.model import Key, PutEntity

_NAME = "default"


def put_key_policy(call: Call) -> Reply:
    """PutKeyPolicy, refused when the caller could not put the next one (unless the request bypasses that check)."""
    key = call.key()
    call.permit(key, facts=_bypass(bypass=call.flag("BypassPolicyLockoutSafetyCheck")))
    _known_name(call)
    policy = call.text("Policy")
    key_policy.parse(policy)
    if not call.flag("BypassPolicyLockoutSafetyCheck"):
        refuse_lockout(call, key, policy)
    return Reply(None, (PutEntity(replace(key, policy=policy)),))


def get_key_policy(call: Call) -> Reply:
    """GetKeyPolicy: the document as it was put."""
    key = call.key()
    call.permit(key)
    _known_name(call)
    return Reply({"Policy": key.policy, "PolicyName": _NAME})


def list_key_policies(call: Call) -> Reply:
    """ListKeyPolicies: one name."""
    call.permit(call.key())
    return Reply({"PolicyNames": [_NAME], "Truncated": False})


def refuse_lockout(call: Call, key: Key, policy: str) -> None:
    """Refuse a policy under which the caller may no longer change it (developer guide, "Default key policy").

    Raises:
        KmsError: MalformedPolicyDocumentException.
    """
    try:
        call.permit(replace(key, policy=policy), action="PutKeyPolicy", facts=_bypass(bypass=False))
    except KmsError:
        raise key_policy.malformed("it will not allow you to update the key policy in the future") from None


def _bypass(*, bypass: bool) -> SaidFacts:
    return {"BypassPolicyLockoutSafetyCheck": flag(on=bypass)}


def _known_name(call: Call) -> None:
    if call.text("PolicyName", _NAME) != _NAME:
        raise not_found("No such policy exists")
