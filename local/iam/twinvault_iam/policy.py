"""Key policies, evaluated as AWS evaluates them: an explicit Deny wins, then any Allow, else no.

Pure: a policy and a request in, a verdict out. IAM policies do not exist here, so the statement that "enables IAM
policies" (Principal: the account) allows only the account itself; a Deny for the account means all of its principals.
Source: AWS KMS developer guide, "Key policies in AWS KMS" and "Default key policy".
"""

import json
import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from twinvault_iam.conditions import (
    Condition,
    Facts,
    malformed,
    matches_pattern,
    parse_conditions,
)
from twinvault_kms.errors import KmsError
from twinvault_kms.model import Caller

MAX_POLICY_BYTES = 32_768
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
    """What is asked: who, what, on which key, and everything that conditions may look at."""

    caller: Caller
    action: str
    key_arn: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class Statement:
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
            and any(matches_pattern(access.key_arn, each) for each in self.resources)
            and all(condition.holds(access.facts) for condition in self.conditions)
        )

    def _names(self, caller: Caller) -> bool:
        if not self.principals.isdisjoint({"*", caller.arn, caller.principal_arn}):
            return True
        account = {caller.account, f"arn:aws:iam::{caller.account}:root"}
        return (caller.is_account_root or not self.allows) and not self.principals.isdisjoint(account)


@dataclass(frozen=True, slots=True)
class Policy:
    """A key policy, parsed."""

    statements: tuple[Statement, ...]

    def verdict(self, access: Access) -> Verdict:
        """Return what the policy says to a request."""
        applying = [statement for statement in self.statements if statement.applies(access)]
        if not all(statement.allows for statement in applying):
            return Verdict.DENY
        return Verdict.ALLOW if applying else Verdict.SILENT


def default_policy(account: str) -> str:
    """Return the policy of a key that is created without one (developer guide, "Default key policy")."""
    statement = {
        "Sid": "Enable IAM User Permissions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}, indent=2)


@lru_cache(maxsize=1024)
def parse_policy(text: str) -> Policy:
    """Return the policy that a document holds.

    Raises:
        KmsError: MalformedPolicyDocumentException, or LimitExceededException beyond 32 KB.
    """
    if len(text.encode()) > MAX_POLICY_BYTES:
        raise KmsError("LimitExceededException", f"A key policy is at most {MAX_POLICY_BYTES} bytes long.")
    try:
        document = json.loads(text, object_pairs_hook=_no_duplicates)
    except json.JSONDecodeError:
        raise malformed("it is not JSON") from None
    if not isinstance(document, dict) or not set(document) <= {"Version", "Id", "Statement"}:
        raise malformed("it holds elements other than Version, Id and Statement")
    if document.get("Version", "2008-10-17") not in {"2008-10-17", "2012-10-17"}:
        raise malformed("its Version is not 2012-10-17")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise malformed("it has no Statement")
    return Policy(tuple(_statement(each) for each in statements))


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A name that stands twice in one object would be half ignored."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise malformed("a name stands twice in one object")
    return result


def _statement(raw: object) -> Statement:
    if not isinstance(raw, dict):
        raise malformed("a statement is not an object")
    if unknown := set(raw) - _ELEMENTS:
        raise malformed(f"the element {min(unknown)} is not known here")
    if raw.get("Effect") not in {"Allow", "Deny"}:
        raise malformed("Effect must be Allow or Deny")
    if ("Action" in raw) == ("NotAction" in raw):
        raise malformed("a statement needs either Action or NotAction")
    return Statement(
        allows=raw["Effect"] == "Allow",
        principals=_principals(raw.get("Principal")),
        actions=_actions(raw.get("Action", raw.get("NotAction"))),
        other_actions="NotAction" in raw,
        resources=tuple(_texts(raw.get("Resource"), "Resource")),
        conditions=parse_conditions(raw["Condition"]) if "Condition" in raw else (),
    )


def _principals(raw: object) -> frozenset[str]:
    if raw == "*":
        return frozenset("*")
    if not isinstance(raw, dict) or not raw or not set(raw) <= _PRINCIPAL_TYPES:
        raise malformed("a statement needs a Principal of type AWS, Service, Federated or CanonicalUser")
    principals = _texts(raw["AWS"], "Principal") if "AWS" in raw else []
    for principal in principals:
        if principal != "*" and not _ACCOUNT.fullmatch(principal) and not _PRINCIPAL_ARN.fullmatch(principal):
            raise malformed("a principal is neither an account, an ARN of a principal, nor *")
        if principal != "*" and "*" in principal:
            raise malformed("a principal holds a wildcard; use a condition on aws:PrincipalArn")
    for kind in set(raw) - {"AWS"}:
        _texts(raw[kind], "Principal")
    return frozenset(principals)


def _actions(raw: object) -> tuple[str, ...]:
    actions = [action.lower() for action in _texts(raw, "Action")]
    for action in actions:
        if action != "*" and not action.startswith("kms:"):
            raise malformed("an action is not one of kms")
    return tuple(actions)


def _texts(raw: object, element: str) -> list[str]:
    values = raw if isinstance(raw, list) else [raw]
    texts = [value for value in values if isinstance(value, str) and value]
    if not texts or len(texts) != len(values):
        raise malformed(f"{element} must be a string or a list of strings")
    return texts
