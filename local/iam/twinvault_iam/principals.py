"""Who asks, as policies name whoever asks.

Sources: IAM user guide, "AWS JSON policy elements: Principal" and "NotPrincipal", "AWS global condition context keys".
"""

import re
from dataclasses import dataclass
from enum import Enum

from twinvault_iam.errors import MalformedPolicyError

_TYPES = {"AWS", "Service", "Federated", "CanonicalUser"}
_ARN = re.compile(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)/.+)")
_ACCOUNT = re.compile(r"\d{12}")
_KINDS = {
    "root": "Account",
    "user": "User",
    "role": "AssumedRole",  # whoever signs in a role's name does so in a session of it
    "assumed-role": "AssumedRole",
    "federated-user": "FederatedUser",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IamPrincipal:
    """An account, a user, a role, or a session of a role."""

    arn: str

    @property
    def account(self) -> str:
        """The account that the principal belongs to."""
        return self.arn.split(":")[4]

    @property
    def principal_arn(self) -> str:
        """`aws:PrincipalArn`: a role's session is known by its role's ARN (IAM user guide, global condition keys)."""
        parts = self.arn.split(":", 5)
        if parts[2] == "sts" and parts[5].startswith("assumed-role/"):
            return f"arn:{parts[1]}:iam::{parts[4]}:role/{parts[5].split('/')[1]}"
        return self.arn

    @property
    def is_account_root(self) -> bool:
        """Whether the principal is the account itself."""
        return self.arn.endswith(":root")

    def facts(self) -> dict[str, tuple[str, ...]]:
        """Return what the principal's ARN says to conditions and variables; `aws:username` is a user's alone."""
        kind, _, name = self.arn.split(":", 5)[5].partition("/")
        facts: dict[str, tuple[str, ...]] = {
            "aws:principalaccount": (self.account,),
            "aws:principalarn": (self.principal_arn,),
            "aws:principaltype": (_KINDS[kind],),
        }
        return facts | ({"aws:username": (name.rpartition("/")[2],)} if kind == "user" else {})


class Reach(Enum):
    """How far a Principal element reaches somebody."""

    NAMED = "named"
    ACCOUNT = "the account is named, and not the one who asks"
    NOT = "not named"


@dataclass(frozen=True, slots=True)
class NamedPrincipals:
    """A Principal or NotPrincipal element: ARNs, account ids and `*`. Services never call here, so they name nobody."""

    names: frozenset[str]
    others: bool = False

    def reach(self, caller: IamPrincipal) -> Reach:
        """Return how far a Principal element reaches this caller."""
        account = _account_names(caller)
        if not self.names.isdisjoint({"*", caller.arn, caller.principal_arn}):
            return Reach.NAMED
        if self.names.isdisjoint(account):
            return Reach.NOT
        return Reach.NAMED if caller.is_account_root else Reach.ACCOUNT

    def spares(self, caller: IamPrincipal) -> bool:
        """Whether a NotPrincipal element excepts this caller: session, role and account must all be named.

        AWS "might validate the account first, then the role, and then the assumed-role user", service by service; what
        some of them would refuse is refused here.
        """
        account = _account_names(caller)
        return not self.names.isdisjoint(account) and {caller.arn, caller.principal_arn} - account <= self.names


def _account_names(caller: IamPrincipal) -> set[str]:
    partition = caller.arn.split(":", 2)[1]
    return {caller.account, f"arn:{partition}:iam::{caller.account}:root"}


def parse_principals(raw: object, *, others: bool) -> NamedPrincipals:
    """Return what a Principal element names, or a NotPrincipal element (`others`).

    Raises:
        MalformedPolicyError: it names something that is no principal.
    """
    if raw == "*" and not others:
        return NamedPrincipals(frozenset("*"))
    if not isinstance(raw, dict) or not raw or not set(raw) <= _TYPES:
        raise MalformedPolicyError("it must be of type AWS, Service, Federated or CanonicalUser")
    names = {kind: texts(each) for kind, each in raw.items()}
    for name in names.get("AWS", []):
        _check(name, others=others)
    return NamedPrincipals(frozenset(names.get("AWS", [])), others=others)


def _check(name: str, *, others: bool) -> None:
    if name == "*" and not others:
        return
    if not _ACCOUNT.fullmatch(name) and not _ARN.fullmatch(name):
        raise MalformedPolicyError("a principal is neither an account, an ARN of a principal, nor *")
    if "*" in name:
        raise MalformedPolicyError("a principal holds a wildcard; use a condition on aws:PrincipalArn")


def texts(raw: object) -> list[str]:
    """Return a string, or a list of them, as a list.

    Raises:
        MalformedPolicyError: it is neither, or there is none.
    """
    values = raw if isinstance(raw, list) else [raw]
    found = [value for value in values if isinstance(value, str) and value]
    if not found or len(found) != len(values):
        raise MalformedPolicyError("it must be a string or a list of strings")
    return found
