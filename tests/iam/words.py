"""Policies for the tests of the language: words of KMS, and one statement that tests change."""

import json
from typing import Any

from twinvault_iam.documents import parse_policy
from twinvault_iam.policy import Access, Verdict
from twinvault_iam.principals import IamPrincipal
from twinvault_iam.vocabulary import Vocabulary

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/12345678-1234-4234-8234-123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/writer"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/writer/session-1"
VOCABULARY = Vocabulary(
    services=frozenset({"kms"}),
    single=frozenset(
        {
            "kms:calleraccount",
            "kms:grantisforawsresource",
            "kms:keyspec",
            "kms:keyusage",
            "kms:viaservice",
            "aws:sourceip",
        }
    ),
    multi=frozenset({"kms:encryptioncontextkeys", "kms:grantoperations"}),
    prefixes=("kms:encryptioncontext:", "aws:principaltag/"),
)


def statement(**elements: Any) -> dict[str, Any]:
    """An Allow for the role; an element that is None is left out."""
    usual = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:Decrypt", "Resource": "*"}
    return {name: value for name, value in (usual | elements).items() if value is not None}


def document(*statements: dict[str, Any], version: str | None = "2012-10-17") -> str:
    return json.dumps({"Statement": list(statements)} | ({"Version": version} if version else {}))


def access(caller: str = ROLE, action: str = "kms:Decrypt", resource: str = KEY, **facts: Any) -> Access:
    """A request; `aws__PrincipalTag` stands for a key with a colon, and what is given wins."""
    who = IamPrincipal(arn=caller)
    more = {name.replace("__", ":").lower(): value for name, value in facts.items()}
    return Access(who, action, resource, who.facts() | {"kms:calleraccount": (who.account,)} | more)


def verdict(*statements: dict[str, Any], asked: Access | None = None, version: str | None = "2012-10-17") -> Verdict:
    return parse_policy(document(*statements, version=version), VOCABULARY).verdict(asked or access())


def holds(condition: dict[str, Any], facts: dict[str, tuple[str, ...]], *, version: str | None = "2012-10-17") -> bool:
    """Whether a condition is met by a role's request with these facts besides, by their lower-case names."""
    asked = access()
    asked = Access(asked.caller, asked.action, asked.resource, dict(asked.facts) | facts)
    return verdict(statement(Condition=condition), asked=asked, version=version) is Verdict.ALLOW
