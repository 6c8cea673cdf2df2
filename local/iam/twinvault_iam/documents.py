"""Policy documents: JSON in, policies out, and nothing that would not be evaluated.

Sources: IAM user guide, "Grammar of the IAM JSON policy language", "IAM JSON policy elements: Version", "Resource".
"""

import json
import re

from twinvault_iam.conditions import parse_conditions
from twinvault_iam.errors import MalformedPolicyError, at
from twinvault_iam.patterns import Dialect, PolicyVariable, Template, parse_template
from twinvault_iam.policy import Policy, PolicyKind, PolicyStatement
from twinvault_iam.principals import NamedPrincipals, parse_principals, texts
from twinvault_iam.vocabulary import Vocabulary

_ELEMENTS = {
    *("Sid", "Effect", "Principal", "NotPrincipal"),
    *("Action", "NotAction", "Resource", "NotResource", "Condition"),
}
_WITHOUT_VARIABLES, _WITH_VARIABLES = "2008-10-17", "2012-10-17"
_ACTION = re.compile(r"(?P<service>[A-Za-z0-9-]+):[A-Za-z0-9*?]+")
_ARN_COLONS = 5


def parse_policy(
    text: str,
    vocabulary: Vocabulary,
    *,
    kind: PolicyKind = PolicyKind.RESOURCE,
    name: str = "",
    effective_with: frozenset[str] = frozenset(),
) -> Policy:
    """Return the policy that a document holds. `name` is what errors call it.

    `effective_with` names elements (Action, Resource) without which a statement is in order and has no effect; else
    they must be there.

    Raises:
        MalformedPolicyError: it holds something that would not be evaluated; the error says where.
    """
    with at(name):
        document = _document(text)
        version = document.get("Version", _WITHOUT_VARIABLES)
        if version not in {_WITHOUT_VARIABLES, _WITH_VARIABLES}:
            raise MalformedPolicyError("its Version is not 2012-10-17")
        statements = document.get("Statement")
        if isinstance(statements, dict):
            statements = [statements]
        if not isinstance(statements, list) or not statements:
            raise MalformedPolicyError("it has no Statement")
        dialect = Dialect(vocabulary, variables=version == _WITH_VARIABLES)
        parsed = []
        for number, statement in enumerate(statements, 1):
            with at(f"statement {number}"):
                parsed.append(_statement(statement, dialect, kind, effective_with))
        return Policy(kind, tuple(each for each in parsed if each is not None))


def _document(text: str) -> dict[str, object]:
    try:
        document = json.loads(text, object_pairs_hook=_no_duplicates, parse_float=str)
    except (json.JSONDecodeError, RecursionError):
        raise MalformedPolicyError("it is not JSON") from None
    if not isinstance(document, dict) or not set(document) <= {"Version", "Id", "Statement"}:
        raise MalformedPolicyError("it holds elements other than Version, Id and Statement")
    return document


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A name that stands twice in one object would be half ignored."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedPolicyError("a name stands twice in one object")
    return result


def _statement(
    raw: object, dialect: Dialect, kind: PolicyKind, effective_with: frozenset[str]
) -> PolicyStatement | None:
    """The statement; None if it has no effect, though the rest of it is in order."""
    if not isinstance(raw, dict):
        raise MalformedPolicyError("it is not an object")
    if unknown := set(raw) - _ELEMENTS:
        raise MalformedPolicyError(f"the element {min(unknown)} is not known here")
    if raw.get("Effect") not in {"Allow", "Deny"}:
        raise MalformedPolicyError("Effect must be Allow or Deny")
    lacking = {name for name in effective_with if name not in raw and f"Not{name}" not in raw}
    raw = raw | dict.fromkeys(lacking, "*")
    action, resource = _either(raw, "Action"), _either(raw, "Resource")
    with at(action):
        actions = _actions(raw[action], dialect.vocabulary)
    with at(resource):
        resources = tuple(_resource(text, dialect) for text in texts(raw[resource]))
    with at("Condition"):
        conditions = parse_conditions(raw["Condition"], dialect) if "Condition" in raw else ()
    principals = _principals(raw, kind)
    if lacking:
        return None
    return PolicyStatement(
        allows=raw["Effect"] == "Allow",
        principals=principals,
        actions=actions,
        other_actions=action == "NotAction",
        resources=resources,
        other_resources=resource == "NotResource",
        conditions=conditions,
    )


def _either(raw: dict[str, object], name: str) -> str:
    """The one of an element and its Not- form that is there."""
    found = [each for each in (name, f"Not{name}") if each in raw]
    if len(found) != 1:
        raise MalformedPolicyError(f"it needs either {name} or Not{name}")
    return found[0]


def _principals(raw: dict[str, object], kind: PolicyKind) -> NamedPrincipals | None:
    if kind is PolicyKind.IDENTITY:
        if "Principal" in raw or "NotPrincipal" in raw:
            raise MalformedPolicyError("an identity policy names no principal: it is attached to one")
        return None
    element = _either(raw, "Principal")
    if element == "NotPrincipal" and raw["Effect"] == "Allow":
        raise MalformedPolicyError('NotPrincipal must be used with "Effect": "Deny"')
    with at(element):
        return parse_principals(raw[element], others=element == "NotPrincipal")


def _actions(raw: object, vocabulary: Vocabulary) -> tuple[str, ...]:
    actions = texts(raw)
    for action in actions:
        match = _ACTION.fullmatch(action)
        if action != "*" and (match is None or not vocabulary.has_service(match["service"])):
            raise MalformedPolicyError(f"an action is not one of {', '.join(sorted(vocabulary.services))}")
    return tuple(action.lower() for action in actions)


def _resource(text: str, dialect: Dialect) -> Template:
    """A resource is `*` or an ARN, with variables in its last part alone."""
    if text != "*" and not (text.startswith("arn:") and text.count(":") >= _ARN_COLONS):
        raise MalformedPolicyError("a resource is neither an ARN nor *")
    template = parse_template(text, dialect)
    colons = 0
    for part in template.parts:
        if isinstance(part, PolicyVariable) and colons < _ARN_COLONS:
            raise MalformedPolicyError("a variable stands before the fifth colon of an ARN")
        colons += 0 if isinstance(part, PolicyVariable) else part.text.count(":")
    return template
