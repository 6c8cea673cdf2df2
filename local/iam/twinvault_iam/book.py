"""All policies of a deployment, by the ARN that each hangs on, and what they say together to a call.

Source: IAM user guide, "Policy evaluation logic"; AWS KMS developer guide, "Key policies in AWS KMS".
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from twinvault_iam.documents import parse_policy
from twinvault_iam.errors import MalformedPolicyError, at
from twinvault_iam.evaluation import Decision, decide, decide_by_key_policy
from twinvault_iam.key_policies import parse_key_policy
from twinvault_iam.policy import Access, Policy, PolicyKind, Verdict
from twinvault_iam.services import DYNAMODB, IDENTITY
from twinvault_iam.vocabulary import Vocabulary

type PolicyDocument = Mapping[str, object]

_VARIABLE = re.compile(r"\$\{([^,}'\s]+)")
_MOST_ANSWERS = 10_000


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Identity policies by their principal's ARN, those of tables and of KMS keys by the resource's."""

    identity: Mapping[str, tuple[Policy, ...]] = field(default_factory=dict)
    tables: Mapping[str, Policy] = field(default_factory=dict)
    keys: Mapping[str, Policy] = field(default_factory=dict)

    def decide(self, access: Access) -> Decision:
        """Decide by all policies that speak of this call; of a key that is not known, nobody may do anything."""
        mine = self.identity.get(access.caller.principal_arn, ())
        if not access.action.lower().startswith("kms:"):
            return decide(access, identity=mine, resource=self.tables.get(table_of(access.resource)))
        key_policy = self.keys.get(access.resource)
        if key_policy is None:
            return Decision(Verdict.SILENT, PolicyKind.RESOURCE)
        return decide_by_key_policy(access, key_policy=key_policy, identity=mine)


class RememberedAnswers:
    """A book's decisions, each found once for all calls that are alike in what the book's policies look at.

    `asked` are the condition keys and variables that stand in any of them (`facts_asked`): what a request says besides
    changes no decision.
    """

    def __init__(self, book: PolicyBook, asked: frozenset[str]) -> None:
        self._book = book
        self._asked = tuple(sorted(asked))
        self._found: dict[tuple[object, ...], Decision] = {}

    def decide(self, access: Access) -> Decision:
        """Decide as the book does."""
        facts = access.facts
        alike = (access.caller.arn, access.action, access.resource, *(facts.get(name) for name in self._asked))
        decision = self._found.get(alike)
        if decision is None:
            decision = self._book.decide(access)
            if len(self._found) >= _MOST_ANSWERS:
                self._found.clear()
            self._found[alike] = decision
        return decision


def facts_asked(documents: object) -> frozenset[str]:
    """Return the lower-case names of all condition keys and variables in policies, or in maps and lists of them."""
    return frozenset(name.lower() for name in _asked(documents, inside=False))


def _asked(part: object, *, inside: bool) -> Iterator[str]:
    """`inside` a condition the names two levels down are keys."""
    if isinstance(part, str):
        yield from _VARIABLE.findall(part)
    elif isinstance(part, list):
        for each in part:
            yield from _asked(each, inside=inside)
    elif isinstance(part, dict):
        for name, each in part.items():
            if inside and isinstance(each, dict):
                yield from each
            yield from _asked(each, inside=inside or name == "Condition")


def parse_book(
    *,
    identity: Mapping[str, list[PolicyDocument]],
    tables: Mapping[str, PolicyDocument],
    keys: Mapping[str, PolicyDocument],
    words: Vocabulary = IDENTITY,
) -> PolicyBook:
    """Return the book of these documents, as JSON has them. `words` are those of the identity policies.

    What identity policies say of services that are not enforced here is left out: nobody knows their condition keys.

    Raises:
        MalformedPolicyError: one of them holds something that would not be evaluated; the error says where.
    """
    mine = {}
    for arn, documents in identity.items():
        with at(arn):
            if not isinstance(documents, list):
                raise MalformedPolicyError("identity policies are a list")
            parsed = [identity_policy(each, words) for each in documents]
        mine[arn] = tuple(policy for policy in parsed if policy is not None)
    return PolicyBook(
        mine,
        {arn: parse_policy(json.dumps(each), DYNAMODB, name=arn) for arn, each in tables.items()},
        {arn: parse_key_policy(json.dumps(each), name=arn) for arn, each in keys.items()},
    )


def identity_policy(document: PolicyDocument, words: Vocabulary = IDENTITY) -> Policy | None:
    """Return what a principal's policy says of services that are enforced here; None where it says nothing.

    Raises:
        MalformedPolicyError: that holds something that would not be evaluated.
    """
    if not isinstance(document, dict):
        raise MalformedPolicyError("a policy is not an object")
    raw = document.get("Statement")
    ours = [enforced_part(each) for each in (raw if isinstance(raw, list) else [raw])]
    kept = [each for each in ours if each is not None]
    if not kept:
        return None
    return parse_policy(json.dumps(document | {"Statement": kept}), words, kind=PolicyKind.IDENTITY)


def enforced_part(statement: object) -> object | None:
    """Return a statement without the actions of services that are not enforced here; None where no other is left."""
    if not isinstance(statement, dict) or ("Action" in statement) == ("NotAction" in statement):
        return statement  # the engine says what is wrong with it
    name = "Action" if "Action" in statement else "NotAction"
    raw = statement[name]
    kept = [each for each in (raw if isinstance(raw, list) else [raw]) if not _is_of_another(each)]
    if kept:
        return statement | {name: kept}
    # To allow all but actions of other services is to allow all of those that are enforced here.
    rest = {key: value for key, value in statement.items() if key != name}
    return None if name == "Action" else rest | {"Action": "*"}


def _is_of_another(action: object) -> bool:
    return isinstance(action, str) and ":" in action and not IDENTITY.has_service(action.partition(":")[0])


def table_of(resource: str) -> str:
    """Return the ARN of the table that an ARN of a table, of its index or of its stream is about."""
    return resource.partition("/index/")[0].partition("/stream/")[0]
