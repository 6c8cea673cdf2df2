"""Policies, evaluated as AWS evaluates them: an explicit Deny wins, then any Allow, else no.

Pure: a policy and a request in, a verdict out. These are policies that stand at a resource and name principals. IAM's
own, which stand at a principal, are not evaluated yet: the statement that "enables IAM policies" (IamPrincipal: the
account) allows only the account itself; a Deny for the account means all of its principals.
Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy element reference".
"""

import json
import re
from dataclasses import dataclass
from enum import Enum

from twinvault_iam.conditions import Condition, RequestFacts, matches_pattern, parse_conditions
from twinvault_iam.errors import MalformedPolicyError
from twinvault_iam.principals import IamPrincipal
from twinvault_iam.vocabulary import Vocabulary

_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "Condition"}
_PRINCIPAL_TYPES = {"AWS", "Service", "Federated", "CanonicalUser"}
_PRINCIPAL_ARN = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/.+)")
_ACCOUNT = re.compile(r"\d{12}")


class Verdict(Enum):
    """What a policy says."""

    ALLOW = "allow"
    DENY = "deny"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked: who, what, on which resource, and everything that conditions may look at."""

    caller: IamPrincipal
    action: str
    resource: str
    facts: RequestFacts


@dataclass(frozen=True, slots=True)
class PolicyStatement:
    """One statement. `principals` holds ARNs, account ids and `*`; services never call here."""

    allows: bool
    principals: frozenset[str]
    actions: tuple[str, ...]
    other_actions: bool
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]

    def applies(self, access: Access) -> bool:
        """Whether the statement speaks about this request."""
        return (
            self._names(access.caller)
            and any(matches_pattern(access.action.lower(), each) for each in self.actions) is not self.other_actions
            and any(matches_pattern(access.resource, each) for each in self.resources)
            and all(condition.holds(access.facts) for condition in self.conditions)
        )

    def _names(self, caller: IamPrincipal) -> bool:
        if not self.principals.isdisjoint({"*", caller.arn, caller.principal_arn}):
            return True
        account = {caller.account, f"arn:aws:iam::{caller.account}:root"}
        return (caller.is_account_root or not self.allows) and not self.principals.isdisjoint(account)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, parsed."""

    statements: tuple[PolicyStatement, ...]

    def verdict(self, access: Access) -> Verdict:
        """Return what the policy says to a request."""
        applying = [statement for statement in self.statements if statement.applies(access)]
        if not all(statement.allows for statement in applying):
            return Verdict.DENY
        return Verdict.ALLOW if applying else Verdict.SILENT


def parse_policy(text: str, vocabulary: Vocabulary) -> Policy:
    """Return the policy that a document holds.

    Raises:
        MalformedPolicyError: it holds something that would not be evaluated.
    """
    try:
        document = json.loads(text, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError:
        raise MalformedPolicyError("it is not JSON") from None
    if not isinstance(document, dict) or not set(document) <= {"Version", "Id", "Statement"}:
        raise MalformedPolicyError("it holds elements other than Version, Id and Statement")
    if document.get("Version", "2008-10-17") not in {"2008-10-17", "2012-10-17"}:
        raise MalformedPolicyError("its Version is not 2012-10-17")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise MalformedPolicyError("it has no Statement")
    return Policy(tuple(_statement(each, vocabulary) for each in statements))


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A name that stands twice in one object would be half ignored."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise MalformedPolicyError("a name stands twice in one object")
    return result


def _statement(raw: object, vocabulary: Vocabulary) -> PolicyStatement:
    if not isinstance(raw, dict):
        raise MalformedPolicyError("a statement is not an object")
    if unknown := set(raw) - _ELEMENTS:
        raise MalformedPolicyError(f"the element {min(unknown)} is not known here")
    if raw.get("Effect") not in {"Allow", "Deny"}:
        raise MalformedPolicyError("Effect must be Allow or Deny")
    if ("Action" in raw) == ("NotAction" in raw):
        raise MalformedPolicyError("a statement needs either Action or NotAction")
    return PolicyStatement(
        allows=raw["Effect"] == "Allow",
        principals=_principals(raw.get("Principal")),
        actions=_actions(raw.get("Action", raw.get("NotAction")), vocabulary),
        other_actions="NotAction" in raw,
        resources=tuple(_texts(raw.get("Resource"), "Resource")),
        conditions=parse_conditions(raw["Condition"], vocabulary) if "Condition" in raw else (),
    )


def _principals(raw: object) -> frozenset[str]:
    if raw == "*":
        return frozenset("*")
    if not isinstance(raw, dict) or not raw or not set(raw) <= _PRINCIPAL_TYPES:
        raise MalformedPolicyError("a statement needs a Principal of type AWS, Service, Federated or CanonicalUser")
    principals = _texts(raw["AWS"], "Principal") if "AWS" in raw else []
    for principal in principals:
        if principal != "*" and not _ACCOUNT.fullmatch(principal) and not _PRINCIPAL_ARN.fullmatch(principal):
            raise MalformedPolicyError("a principal is neither an account, an ARN of a principal, nor *")
        if principal != "*" and "*" in principal:
            raise MalformedPolicyError("a principal holds a wildcard; use a condition on aws:PrincipalArn")
    for kind in set(raw) - {"AWS"}:
        _texts(raw[kind], "Principal")
    return frozenset(principals)


def _actions(raw: object, vocabulary: Vocabulary) -> tuple[str, ...]:
    actions = [action.lower() for action in _texts(raw, "Action")]
    for action in actions:
        if not vocabulary.has_action(action):
            raise MalformedPolicyError(f"an action is not one of {vocabulary.service}")
    return tuple(actions)


def _texts(raw: object, element: str) -> list[str]:
    values = raw if isinstance(raw, list) else [raw]
    texts = [value for value in values if isinstance(value, str) and value]
    if not texts or len(texts) != len(values):
        raise MalformedPolicyError(f"{element} must be a string or a list of strings")
    return texts
