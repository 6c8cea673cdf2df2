"""What the policies say to a call: the one place that knows the IAM engine.

The policies file, written from the synthesized template: {"identity": {principal's ARN: [document, ...]}, "resource":
{table's ARN: document}, "table_keys": {table's ARN: its key's ARN}, "keys": {key's ARN: document}}, the last two where
tables have keys of the customer's. A document that would not be evaluated whole keeps the gate from starting.
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
from twinvault_iam.evaluation import decide, denial
from twinvault_iam.policy import Access, Policy, PolicyKind
from twinvault_iam.principals import IamPrincipal
from twinvault_iam.vocabulary import Vocabulary

WORDS = Vocabulary(services=frozenset({"dynamodb"}), single=SINGLE_KEYS, multi=MULTIVALUED_KEYS)
_PREFIX = "dynamodb:"
_ABOUT_KEYS = {"table_keys", "keys"}


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """All policies that there are, by the ARN that each hangs on."""

    identity: Mapping[str, tuple[Policy, ...]] = field(default_factory=dict)
    resource: Mapping[str, Policy] = field(default_factory=dict)

    def refusal(self, caller: str, call: IamCall) -> str | None:
        """Return the sentence with which AWS refuses a call, or None where it is allowed."""
        principal = IamPrincipal(arn=caller)
        access = Access(principal, call.action, call.resource, {**principal.facts(), **call.facts})
        mine = self.identity.get(principal.principal_arn, ())
        decision = decide(access, identity=mine, resource=self.resource.get(call.resource.partition("/index/")[0]))
        return None if decision.allowed else denial(access, decision)


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
        case {"identity": dict(identity), "resource": dict(resource), **others} if not others.keys() - _ABOUT_KEYS:
            pass
        case _:
            raise SetupError(f"The policies file {path} is not of its form.", next_step=hint)
    try:
        mine, theirs = {}, {}
        for name, documents in identity.items():
            parsed = [_identity_policy(each, name) for each in _listed(documents)]
            mine[name] = tuple(policy for policy in parsed if policy is not None)
        for name, each in resource.items():
            theirs[name] = parse_policy(json.dumps(each), WORDS, name=name)
    except MalformedPolicyError as error:
        raise SetupError(f"A policy would not be enforced: {error}.", next_step="Change it.") from None
    return PolicyBook(mine, theirs)


def _listed(documents: object) -> list[object]:
    if not isinstance(documents, list):
        raise MalformedPolicyError("identity policies are a list")
    return documents


def _identity_policy(document: object, name: str) -> Policy | None:
    """What a principal's policy says of DynamoDB; None where it says nothing.

    What it says of other services is for those to enforce, and left out: their condition keys are not known here.
    """
    if not isinstance(document, dict):
        raise MalformedPolicyError(f"{name}: a policy is not an object")
    raw = document.get("Statement")
    ours = [_about_dynamodb(each) for each in (raw if isinstance(raw, list) else [raw])]
    kept = [each for each in ours if each is not None]
    if not kept:
        return None
    return parse_policy(json.dumps(document | {"Statement": kept}), WORDS, kind=PolicyKind.IDENTITY, name=name)


def _about_dynamodb(statement: object) -> object | None:
    """A statement without the actions of other services; None where no other is left."""
    if not isinstance(statement, dict) or ("Action" in statement) == ("NotAction" in statement):
        return statement  # the engine says what is wrong with it
    name = "Action" if "Action" in statement else "NotAction"
    raw = statement[name]
    kept = [each for each in (raw if isinstance(raw, list) else [raw]) if not _is_of_another(each)]
    if kept:
        return statement | {name: kept}
    # To allow all but actions of other services is to allow all of this one.
    rest = {key: value for key, value in statement.items() if key != name}
    return None if name == "Action" else rest | {"Action": "*"}


def _is_of_another(action: object) -> bool:
    return isinstance(action, str) and ":" in action and not action.lower().startswith(_PREFIX)
