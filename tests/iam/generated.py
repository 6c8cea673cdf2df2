"""Policies and requests, drawn from a seed, that this engine and its oracle read in the same way.

What the oracle (@cloud-copilot/iam-simulate 0.1.173) does not model, or reads otherwise than AWS documents, is not
drawn; the tables beside this file test it:

- `Version` 2008: the oracle replaces variables in every version. AWS: they are "treated as literal strings".
- `ForAnyValue:…IfExists` without the key: there it does not hold. AWS: IfExists is "added to the end of any condition
  operator name except the Null condition", and holds without the key.
- Seconds of the epoch in date operators: it compares them with milliseconds. Dates are ISO 8601 here.
- Numbers with a tail ("10 apples" is 10 there), and addresses and dates that are none: refused in policies here.
- Binary values are compared as texts there, so they are in base64's one canonical form here.
- Negated operators with a variable that has no value: they hold never there. AWS: "Inverted condition operators like
  `StringNotEquals` or `StringNotLike` do match against a null value".
- A request's value that is no ARN: negated ARN operators do not hold there, as if it were a match; and variables before
  an ARN's fifth colon, for it splits ARNs at the colons of variables.
- `0.0.0.0/0` holds no address there, and `NotIpAddress` does not hold for an address of the other version. AWS: it is
  "all IP addresses except the specified".
- `${*}`, `${?}` and `${$}` with StringEquals: they stand for themselves there. AWS: they "can be used in any string
  where you can use regular policy variables".
- Empty strings, as the value of a key and as a default: there an empty default is none, and an empty value an element
  of a set. AWS: a set of an empty string is empty.
- Several values under a key without a set operator: refused for multivalued keys here.
- `NotPrincipal` that names some of an account: there the account's name alone spares all its principals. AWS's example
  names Bob and his account, and denies "all principals except the user named Bob".
- A caller that is an account's root: "add checks for root user" stands in its source.
- Variables with Bool: AWS's two pages disagree, and the engine refuses them.
- Wildcards that reach over the colons of a resource's ARN in its middle: it compares six parts there.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from twinvault_iam.principals import IamPrincipal
from twinvault_iam.vocabulary import Vocabulary

HERE, ELSEWHERE = "111122223333", "444455556666"
WORDS = Vocabulary(
    services=frozenset({"dynamodb", "kms"}),
    single=frozenset(
        {
            *("aws:currenttime", "aws:securetransport", "aws:sourceip", "aws:vpcsourceip", "aws:multifactorauthage"),
            *("aws:requestedregion", "aws:useragent"),
        }
    ),
    multi=frozenset({"aws:tagkeys", "aws:calledvia", "aws:principalorgpaths"}),
    prefixes=("aws:principaltag/",),
)
DATES = ["2030-01-01T00:00:00Z", "2030-01-01T01:00:00+01:00", "2030-01-02T00:00:00Z", "2030-06-30T23:59:59.500Z"]
ADDRESSES = ["203.0.113.7", "203.0.114.7", "10.0.0.1"]
RANGES = ["203.0.113.0/24", "203.0.0.0/16", "128.0.0.0/1", "203.0.113.7", "10.0.0.1/32"]
SIX_ADDRESSES = ["2001:db8:1234:5678::1", "2001:db8::1"]
SIX_RANGES = ["2001:DB8:1234:5678::/64", "2001:db8::/32", "2001:db8::1"]
NUMBERS = ["0", "1", "-1", "10", "9", "9.5", "9.50", "100"]
TEXTS = ["red", "Red", "blue", "red#1", "tenant#red", "a*", "?", "a.c", "x(y", "$x"]
PATTERNS = [*TEXTS, "r?d", "*", "tenant#*", "*#*", "[a-z]*", "a.?", "${*}*", "a${*}", "${?}", "${$}{*}"]
DEFAULTED = ("${aws:PrincipalTag/team, 'red'}#*", "${AWS:UserName, 'blue'}", "${aws:PrincipalAccount}")
VARIABLES = (
    *DEFAULTED,
    *("${aws:PrincipalTag/team}", "tenant#${aws:PrincipalTag/team}", "${aws:username}", "*${aws:RequestedRegion}"),
)
ARNS = [
    f"arn:aws:iam::{HERE}:role/writer",
    f"arn:aws:lambda:eu-central-1:{HERE}:function:a:b",
    f"arn:aws:lambda:eu-west-1:{ELSEWHERE}:function:a",
]
ARN_PATTERNS = [
    *ARNS,
    f"arn:aws:iam::{HERE}:role/*",
    "arn:*:lambda:eu-*-1:*:function:a*",
    "arn:aws:lambda:*:function:a",
    f"arn:aws:???:*:{HERE}:*",
]
ARN_VARIABLES = (f"arn:aws:iam::{HERE}:user/${{aws:username}}", "arn:aws:*:*:*:*${aws:PrincipalAccount, 'b'}")
SESSION = f"arn:aws:sts::{HERE}:assumed-role/writer/session-1"
CALLERS = [
    SESSION,
    f"arn:aws:sts::{HERE}:assumed-role/reader/session-2",
    f"arn:aws:iam::{HERE}:user/division/Bob",
    f"arn:aws:sts::{ELSEWHERE}:assumed-role/writer/session-1",
]
TABLE = f"arn:aws:dynamodb:eu-central-1:{HERE}:table/Thread"
KEY = f"arn:aws:kms:eu-central-1:{HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
SERVICES = {
    "dynamodb": {TABLE: ["GetItem", "PutItem", "Query"], f"{TABLE}/index/ByTime": ["Query", "Scan"]},
    "kms": {KEY: ["Decrypt", "Encrypt", "GenerateDataKey"]},
}
COMPARED = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is drawn for the keys of one kind: operators, a policy's values (also with variables), a request's.

    `always` are the variables that have a value in every request: negated operators get these alone.
    """

    operators: list[str]
    policy: list[str]
    request: list[str]
    variables: tuple[str, ...] = ()
    always: tuple[str, ...] = ()


STRINGS = Kind(
    ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
    TEXTS,
    TEXTS,
    VARIABLES,
    DEFAULTED,
)
LIKES = Kind(["StringLike", "StringNotLike"], PATTERNS, TEXTS, VARIABLES, DEFAULTED)
ARN = Kind(["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"], ARN_PATTERNS, ARNS, ARN_VARIABLES, ARN_VARIABLES[1:])
KEYS: dict[str, list[Kind]] = {
    "aws:TagKeys": [STRINGS, LIKES],
    "aws:PrincipalOrgPaths": [STRINGS, LIKES],
    "aws:RequestedRegion": [STRINGS, LIKES],
    "aws:PrincipalTag/team": [STRINGS, LIKES],
    "aws:CurrentTime": [Kind([f"Date{each}" for each in COMPARED], DATES, DATES)],
    "aws:MultiFactorAuthAge": [Kind([f"Numeric{each}" for each in COMPARED], NUMBERS, NUMBERS)],
    "aws:SecureTransport": [Kind(["Bool"], ["true", "false", "True"], ["true", "false", "TRUE"])],
    "aws:SourceIp": [Kind(["IpAddress", "NotIpAddress"], RANGES, ADDRESSES)],
    "aws:VpcSourceIp": [Kind(["IpAddress", "NotIpAddress"], SIX_RANGES, SIX_ADDRESSES)],
    "aws:UserAgent": [Kind(["BinaryEquals"], ["YQ==", "YWI=", "YWJj"], ["YQ==", "YWI=", "YWJj"])],
    "aws:SourceArn": [ARN],
    "aws:CalledVia": [ARN],
}


@dataclass(frozen=True, slots=True)
class Question:
    """One request, and the policies that are to answer it."""

    caller: str
    action: str
    resource: str
    facts: dict[str, str | list[str]]
    identity: list[dict[str, Any]]
    resource_policy: dict[str, Any] | None


class Draws:
    """Questions, one after the other, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # a test's draws are to be repeated, not to be secret

    def question(self) -> Question:
        """A request, and policies of Version 2012-10-17 that often speak of it."""
        one = self._random.choice
        service = one(sorted(SERVICES))
        resource = one(sorted(SERVICES[service]))
        asked = Question(
            caller=one(CALLERS),
            action=f"{service}:{one(SERVICES[service][resource])}",
            resource=resource,
            facts=self._facts(),
            identity=[],
            resource_policy=None,
        )
        asked.identity.extend(self._policy(asked, principals=False) for _ in range(one([0, 1, 1, 2])))
        if service == "dynamodb" and self._once_in(3):
            return asked
        return replace(asked, resource_policy=self._policy(asked, principals=True))

    def _once_in(self, times: int) -> bool:
        return self._random.randrange(times) == 0

    def _some(self, values: Sequence[str]) -> str | list[str]:
        """One value, or a list of some."""
        return self._random.choice(values) if self._once_in(2) else self._random.choices(values, k=one_to(self._random))

    def _facts(self) -> dict[str, str | list[str]]:
        """Most of the condition keys, with several values where they are multivalued."""
        found: dict[str, str | list[str]] = {}
        for key, kinds in KEYS.items():
            if not self._once_in(4):
                values = self._random.choices(kinds[0].request, k=one_to(self._random))
                found[key] = values if WORDS.is_multi(key.lower()) else values[0]
        return found

    def _policy(self, asked: Question, *, principals: bool) -> dict[str, Any]:
        said = [self._statement(asked, principals=principals) for _ in range(one_to(self._random))]
        return {"Version": "2012-10-17", "Statement": said}

    def _statement(self, asked: Question, *, principals: bool) -> dict[str, Any]:
        drawn: dict[str, Any] = {"Effect": self._random.choice(["Allow", "Allow", "Deny"])}
        drawn["NotAction" if self._once_in(4) else "Action"] = self._some(_actions(asked))
        drawn["NotResource" if self._once_in(4) else "Resource"] = self._some(_resources(asked))
        for operator, key, values in (self._condition() for _ in range(self._random.choice([0, 1, 1, 2]))):
            drawn.setdefault("Condition", {}).setdefault(operator, {})[key] = values
        return drawn | (self._principal(asked.caller, drawn["Effect"]) if principals else {})

    def _condition(self) -> tuple[str, str, Any]:
        """An operator, a key, and values."""
        key = self._random.choice(sorted(KEYS))
        if self._once_in(10):
            return "Null", key, self._random.choice(["true", "false", ["true"]])
        kind = self._random.choice(KEYS[key])
        operator = self._random.choice(kind.operators)
        sets = ["ForAllValues:", "ForAnyValue:"] if WORDS.is_multi(key.lower()) else ["", "", "ForAnyValue:"]
        before = self._random.choice(sets)
        after = "IfExists" if before != "ForAnyValue:" and self._once_in(3) else ""
        variables = kind.always if "Not" in operator else kind.variables
        return before + operator + after, key, self._some([*kind.policy, *variables])

    def _principal(self, caller: str, effect: str) -> dict[str, Any]:
        """A Principal element, or one of NotPrincipal that names all callers of an account in full."""
        if effect == "Deny" and self._once_in(3):
            account = self._random.choice([HERE, ELSEWHERE])
            named = {name for each in CALLERS if account in each for name in _names(each)}
            return {"NotPrincipal": {"AWS": sorted(named)}}
        if self._once_in(5):
            return {"Principal": "*"}
        roots = [f"arn:aws:iam::{HERE}:root", ELSEWHERE]
        return {"Principal": {"AWS": self._some(["*", *roots, *CALLERS, *sorted(_names(caller)) * 3])}}


def one_to(draws: random.Random, most: int = 3) -> int:
    """How many of a thing."""
    return draws.randint(1, most)


def _names(caller: str) -> set[str]:
    who = IamPrincipal(arn=caller)
    return {caller, who.principal_arn, f"arn:aws:iam::{who.account}:root"}


def _actions(asked: Question) -> list[str]:
    """Actions and patterns of them, most of which have what is asked."""
    service, _, action = asked.action.partition(":")
    others = sorted({each for actions in SERVICES[service].values() for each in actions})
    patterns = [f"{service.upper()}:{action[:2].lower()}*", f"{service}:*{action[-2:]}", f"{service}:{action[:-1]}?"]
    return ["*", f"{service}:*", *patterns, *[f"{service}:{each}" for each in others], *[asked.action] * 3]


def _resources(asked: Question) -> list[str]:
    """Resources and patterns of them, most of which have what is asked."""
    name = asked.resource
    patterns = ["*", name[:-3] + "*", name[:-1] + "?", "arn:aws:*:*:*:*", name + "?", name[:-1] + "${?}"]
    variables = [name[:-1] + "${aws:PrincipalTag/team, '" + name[-1] + "'}", name[:-3] + "${aws:username}*"]
    others = [resource for resources in SERVICES.values() for resource in resources]
    return [*others, *patterns, *variables, *[name] * 3]
