"""Policies, taken apart into the smallest things that could be taken away: one action, on one resource, for one holder.

Together the parts say what the whole says. What lets nobody in particular in (a Deny, an account's root, NotAction)
stays whole, and is no grant of a function.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from twinvault_iam.book import enforced_part
from twinvault_iam.documents import parse_policy
from twinvault_iam.policy import PolicyKind, PolicyStatement
from twinvault_iam.services import IDENTITY
from twinvault_iam.vocabulary import Vocabulary

type StatementDocument = Mapping[str, Any]

_PRINCIPAL_ARN = "aws:principalarn"
_NAMING = frozenset({"arnequals", "arnlike", "stringequals", "stringlike"})


@dataclass(frozen=True, slots=True)
class PolicyGrant:
    """That a holder may do something. `statement` names the one that says so, as its Sid, or its number."""

    holder: str
    action: str
    resource: str
    statement: str


@dataclass(frozen=True, slots=True)
class PolicyPart:
    """A part of a policy, and the grant that it is, if it is one."""

    grant: PolicyGrant | None
    rule: PolicyStatement = field(repr=False)


def split_identity(
    documents: Iterable[StatementDocument], *, holder: str, words: Vocabulary = IDENTITY
) -> Iterator[PolicyPart]:
    """The parts of a principal's own policies, as far as they speak of services that are enforced here.

    Raises:
        MalformedPolicyError: one of them would not be evaluated.
    """
    for document, given, name in _statements(documents):
        statement = enforced_part(given)
        if not isinstance(statement, dict):
            continue
        actions = _each(statement, "Action") if statement["Effect"] == "Allow" else [statement]
        for one in (part for each in actions for part in _each(each, "Resource")):
            whole = one["Effect"] != "Allow" or "NotAction" in one or "NotResource" in one
            grant = None if whole else PolicyGrant(holder, one["Action"], one["Resource"], name)
            yield PolicyPart(grant, _parsed(document, one, words=words, kind=PolicyKind.IDENTITY))


def split_resource(document: StatementDocument, *, resource: str, words: Vocabulary) -> Iterator[PolicyPart]:
    """The parts of the policy of a table or a key: whom it names, by Principal or by aws:PrincipalArn, is a holder.

    Raises:
        MalformedPolicyError: it would not be evaluated.
    """
    for _, statement, name in _statements([document]):
        whole = statement["Effect"] != "Allow" or "NotAction" in statement or "NotPrincipal" in statement
        for one in [statement] if whole else _each(statement, "Action"):
            for holder, part in [(None, one)] if whole else _by_holder(one):
                grant = None if holder is None else PolicyGrant(holder, part["Action"], resource, name)
                yield PolicyPart(grant, _parsed(document, part, words=words, kind=PolicyKind.RESOURCE))


def _statements(documents: Iterable[StatementDocument]) -> Iterator[tuple[StatementDocument, StatementDocument, str]]:
    """Every statement with its document and its name; those of several documents that have no Sid are told apart."""
    number = 0
    for document in documents:
        raw = document["Statement"]
        for statement in raw if isinstance(raw, list) else [raw]:
            number += 1
            yield document, statement, str(statement.get("Sid", number))


def _each(statement: StatementDocument, element: str) -> list[StatementDocument]:
    """A statement for each value of an element; the statement itself where it has the element's Not- form."""
    if element not in statement:
        return [statement]
    raw = statement[element]
    return [{**statement, element: value} for value in (raw if isinstance(raw, list) else [raw])]


def _by_holder(statement: StatementDocument) -> Iterator[tuple[str | None, StatementDocument]]:
    """A statement for each principal that it names. An account, and everyone without a condition, are nobody."""
    conditions = statement.get("Condition", {})
    for operator, keys in conditions.items():
        for key, values in keys.items():
            if operator.lower() in _NAMING and key.lower() == _PRINCIPAL_ARN:
                for value in values if isinstance(values, list) else [values]:
                    yield value, {**statement, "Condition": {**conditions, operator: {**keys, key: value}}}
                return
    principal = statement["Principal"]
    names = principal.get("AWS", []) if isinstance(principal, dict) else principal
    listed = names if isinstance(names, list) else [names]
    for name in listed:
        yield (name if ":role/" in name or ":user/" in name else None), {**statement, "Principal": {"AWS": name}}
    if not listed:
        yield None, statement


def _parsed(
    document: StatementDocument, statement: StatementDocument, *, words: Vocabulary, kind: PolicyKind
) -> PolicyStatement:
    text = json.dumps({**document, "Statement": [statement]})
    (rule,) = parse_policy(text, words, kind=kind).statements
    return rule
