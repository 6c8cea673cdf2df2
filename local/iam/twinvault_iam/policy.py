"""Policies, and what each says to a request: an explicit Deny wins, then any Allow, else nothing.

Pure: a policy and a request in, a verdict out. `documents` makes policies of JSON, `evaluation` asks several together.
Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy element reference".
"""

from dataclasses import dataclass
from enum import Enum

from twinvault_iam.conditions import Condition
from twinvault_iam.patterns import Pieces, RequestFacts, Template, is_resource_like, matches_pattern
from twinvault_iam.principals import IamPrincipal, NamedPrincipals, Reach


class Verdict(Enum):
    """What a policy says."""

    ALLOW = "allow"
    DENY = "deny"
    DELEGATE = "what identity policies of the account say"
    SILENT = "silent"


class PolicyKind(Enum):
    """Where a policy stands, in the words of AWS's refusals."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked: who, what, on which resource, and everything that conditions may look at.

    `facts` hold the request's condition keys by their lower-case names. A key that the request does not have is not
    among them: IfExists, Null and ForAllValues depend on it.
    """

    caller: IamPrincipal
    action: str
    resource: str
    facts: RequestFacts


@dataclass(frozen=True, slots=True)
class PolicyStatement:
    """One statement. `principals` is None in an identity policy: it speaks of whom it is attached to."""

    allows: bool
    principals: NamedPrincipals | None
    actions: tuple[str, ...]
    other_actions: bool
    resources: tuple[Template, ...]
    other_resources: bool
    conditions: tuple[Condition, ...]

    def verdict(self, access: Access) -> Verdict:
        """Return what the statement says to this request."""
        reach = self._reach(access.caller)
        if reach is Reach.NOT or not self._speaks_of(access):
            return Verdict.SILENT
        if not self.allows:
            return Verdict.DENY
        return Verdict.ALLOW if reach is Reach.NAMED else Verdict.DELEGATE

    def _reach(self, caller: IamPrincipal) -> Reach:
        if self.principals is None:
            return Reach.NAMED
        if self.principals.others:
            return Reach.NOT if self.principals.spares(caller) else Reach.NAMED
        return self.principals.reach(caller)

    def _speaks_of(self, access: Access) -> bool:
        action = access.action.lower()
        return (
            any(matches_pattern(action, each) for each in self.actions) is not self.other_actions
            and self._has_resource(access)
            and all(condition.holds(access.facts) for condition in self.conditions)
        )

    def _has_resource(self, access: Access) -> bool:
        found = [template.pieces(access.facts) for template in self.resources]
        patterns: list[Pieces] = [pieces for pieces in found if pieces is not None]
        if self.other_resources and len(patterns) != len(found):
            return False  # a variable without a value: the statement is invalid ("Variables and tags")
        return any(is_resource_like(access.resource, each) for each in patterns) is not self.other_resources


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, parsed."""

    kind: PolicyKind
    statements: tuple[PolicyStatement, ...]

    def verdict(self, access: Access) -> Verdict:
        """Return what the policy says to a request. That of an account reaches all its principals if it is a Deny."""
        said = {statement.verdict(access) for statement in self.statements}
        order = (Verdict.DENY, Verdict.ALLOW, Verdict.DELEGATE)
        return next((verdict for verdict in order if verdict in said), Verdict.SILENT)
