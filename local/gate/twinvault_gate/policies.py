"""What the policies say to a call: the one place that knows the IAM engine.

The policies file, written from the synthesized template: {"identity": {principal's ARN: [document, ...]}, "resource":
{table's ARN: document}}. A document that would not be evaluated whole keeps the gate from starting.
Source: IAM user guide, "Policy evaluation logic": an explicit Deny of either kind wins; within one account an Allow of
either kind is enough; the account's root needs none.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from twinvault_gate.calls import MULTIVALUED_KEYS, SINGLE_KEYS, IamCall
from twinvault_gate.errors import SetupError
from twinvault_iam.documents import parse_policy
from twinvault_iam.errors import MalformedPolicyError
from twinvault_iam.policy import Access, Policy, Verdict
from twinvault_iam.principals import IamPrincipal
from twinvault_iam.vocabulary import Vocabulary

WORDS = Vocabulary(frozenset({"dynamodb"}), single=SINGLE_KEYS, multi=MULTIVALUED_KEYS)
_PREFIX = "dynamodb:"


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """All policies that there are, by the ARN that each hangs on."""

    identity: Mapping[str, tuple[Policy, ...]] = field(default_factory=dict)
    resource: Mapping[str, Policy] = field(default_factory=dict)

    def refusal(self, caller: str, call: IamCall) -> str | None:
        """Return the sentence with which AWS refuses a call, or None where it is allowed."""
        principal = IamPrincipal(arn=caller)
        facts = {
            "aws:principalaccount": (principal.account,),
            "aws:principalarn": (principal.principal_arn,),
            **call.facts,
        }
        access = Access(principal, call.action, call.resource, facts)
        mine = {policy.verdict(access) for policy in self.identity.get(principal.principal_arn, ())}
        table = self.resource.get(call.resource.partition("/index/")[0])
        theirs = Verdict.SILENT if table is None else table.verdict(access)
        if Verdict.DENY in mine:
            return _sentence(access, "with an explicit deny in an identity-based policy")
        if theirs is Verdict.DENY:
            return _sentence(access, "with an explicit deny in a resource-based policy")
        if principal.is_account_root or Verdict.ALLOW in {*mine, theirs}:
            return None
        return _sentence(access, f"because no identity-based policy allows the {call.action} action")


def load_policies(path: Path) -> PolicyBook:
    """Read a policies file.

    Raises:
        SetupError: it is missing, not such a map, or holds a policy that would not be evaluated whole.
    """
    hint = 'It must be JSON: {"identity": {"arn:…:role/NAME": [document]}, "resource": {"arn:…:table/NAME": document}}'
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SetupError(f"The policies file {path} cannot be read.", next_step=hint) from None
    match document:
        case {"identity": dict(identity), "resource": dict(resource), **others} if not others:
            pass
        case _:
            raise SetupError(f"The policies file {path} is not of its form.", next_step=hint)
    name = ""
    try:
        mine, theirs = {}, {}
        for name, documents in identity.items():
            parsed = [_identity_policy(each) for each in _listed(documents)]
            mine[name] = tuple(policy for policy in parsed if policy is not None)
        for name, each in resource.items():
            theirs[name] = parse_policy(json.dumps(each), WORDS)
    except MalformedPolicyError as error:
        raise SetupError(f"A policy of {name} would not be enforced: {error}.", next_step="Change it.") from None
    return PolicyBook(mine, theirs)


def _listed(documents: object) -> list[object]:
    if not isinstance(documents, list):
        raise MalformedPolicyError("identity policies are a list")
    return documents


def _identity_policy(document: object) -> Policy | None:
    """A policy that hangs on a principal, as one that names everybody: it is asked for that principal alone.

    What it says of other services is for those to enforce, and left out here; None where nothing else is left.
    """
    if not isinstance(document, dict):
        raise MalformedPolicyError("a policy is not an object")
    raw = document.get("Statement")
    statements = [_about_dynamodb(each) for each in (raw if isinstance(raw, list) else [raw])]
    kept = [each for each in statements if each is not None]
    return parse_policy(json.dumps(document | {"Statement": kept}), WORDS) if kept else None


def _about_dynamodb(statement: object) -> dict[str, object] | None:
    if not isinstance(statement, dict) or "Principal" in statement:
        raise MalformedPolicyError("a statement of an identity policy is an object without a Principal")
    name = "NotAction" if "NotAction" in statement else "Action"
    raw = statement.get(name)
    listed = raw if isinstance(raw, list) else [raw]
    actions = [action for action in listed if isinstance(action, str)]
    if not actions or len(actions) != len(listed):
        raise MalformedPolicyError(f"{name} must be a string or a list of strings")
    ours = [action for action in actions if action == "*" or action.lower().startswith(_PREFIX)]
    rest = {key: value for key, value in statement.items() if key != name}
    if ours:
        return {**rest, "Principal": "*", name: ours}
    # To allow all but actions of other services is to allow all of this one.
    return {**rest, "Principal": "*", "Action": "*"} if name == "NotAction" else None


def _sentence(access: Access, because: str) -> str:
    return (
        f"User: {access.caller.arn} is not authorized to perform: {access.action} on resource: {access.resource}"
        f" {because}"
    )
