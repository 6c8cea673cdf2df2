"""Condition blocks of policies: which operators and keys are known, and when a block holds.

Sources: IAM user guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys". A block with an
operator or a key that is not known is refused when the policy is read: a condition that is silently ignored allows too
much.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from twinvault_iam.errors import MalformedPolicyError
from twinvault_iam.vocabulary import Vocabulary

type Values = tuple[str, ...]
type RequestFacts = Mapping[str, Values]

_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key, with the values of the policy."""

    key: str
    values: Values
    test: Callable[[str, str], bool] | None  # None: the Null operator
    negated: bool = False
    if_exists: bool = False
    quantifier: str = ""

    def holds(self, facts: RequestFacts) -> bool:
        """Whether the condition is met by these facts."""
        present = facts.get(self.key, ())
        if self.test is None:
            return ("true" if not present else "false") in self.values
        if not present and self.if_exists:
            return True
        match self.quantifier:
            case "forallvalues":
                return all(self._matches(value) for value in present)
            case "foranyvalue":
                return any(self._matches(value) for value in present)
        if not present:
            return self.negated
        return all(self._matches(value) for value in present)

    def _matches(self, value: str) -> bool:
        test = self.test
        return test is not None and any(test(value, pattern) for pattern in self.values) is not self.negated


def parse_conditions(block: object, vocabulary: Vocabulary) -> tuple[Condition, ...]:
    """Return the conditions of a statement's Condition element.

    Raises:
        MalformedPolicyError: naming the operator or key that is not known.
    """
    if not isinstance(block, dict):
        raise MalformedPolicyError("Condition must be an object")
    conditions = []
    for operator, keys in block.items():
        if not isinstance(keys, dict) or not keys:
            raise MalformedPolicyError(f"Condition {operator} must be an object of condition keys")
        conditions += [_condition(operator, key, values, vocabulary) for key, values in keys.items()]
    return tuple(conditions)


def _condition(operator: str, key: str, raw: object, vocabulary: Vocabulary) -> Condition:
    quantifier, _, base = operator.rpartition(":")
    quantifier = quantifier.lower()
    if_exists = base.lower().endswith("ifexists")
    name = base[: -len("IfExists")] if if_exists else base
    if name.lower() not in _TESTS or quantifier not in {"", "forallvalues", "foranyvalue"}:
        raise MalformedPolicyError(f"the condition operator {operator} is not known here")
    test, negated = _TESTS[name.lower()]
    if test is None and (quantifier or if_exists):
        raise MalformedPolicyError(f"the condition operator {operator} does not exist")
    _check_key(key, vocabulary, quantifier=quantifier, null=test is None)
    values = tuple(_value(each) for each in (raw if isinstance(raw, list) else [raw]))
    if test is None or test is _equal_flags:
        values = tuple(value.lower() for value in values)
        if not set(values) <= {"true", "false"}:
            raise MalformedPolicyError(f"the values of {operator} are true and false")
    return Condition(key.lower(), values, test, negated=negated, if_exists=if_exists, quantifier=quantifier)


def _check_key(key: str, vocabulary: Vocabulary, *, quantifier: str, null: bool) -> None:
    lowered = key.lower()
    single, multi = vocabulary.is_single(lowered), lowered in vocabulary.multi
    if not single and not multi:
        raise MalformedPolicyError(f"the condition key {key} is not known here")
    if single and quantifier == "forallvalues":
        # KMS developer guide, "Using set operators with condition keys": AWS refuses this for the encryption context.
        raise MalformedPolicyError(
            f"OverlyPermissiveCondition: Using the ForAllValues set operator with the single-valued condition key {key}"
            " matches requests without it. To fix, remove ForAllValues"
        )
    if multi and not quantifier and not null:
        raise MalformedPolicyError(f"the multivalued condition key {key} needs ForAnyValue or ForAllValues")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int)):
        raise MalformedPolicyError("condition values must be strings")
    if "${" in str(value):
        raise MalformedPolicyError("policy variables are not known here")
    return str(value)


def matches_pattern(value: str, pattern: str) -> bool:
    """Whether `value` matches a pattern of `*` and `?`, case-sensitively."""
    return value == pattern or _wildcards(pattern).fullmatch(value) is not None


@cache
def _wildcards(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char) or re.escape(char) for char in pattern), re.DOTALL)


def _arn_like(value: str, pattern: str) -> bool:
    """Each of the six parts by itself, so that a `*` does not reach over a colon (IAM user guide, "ARN operators")."""
    values, patterns = value.split(":", _ARN_PARTS - 1), pattern.split(":", _ARN_PARTS - 1)
    return len(values) == len(patterns) and all(map(matches_pattern, values, patterns))


def _equal(value: str, pattern: str) -> bool:
    return value == pattern


def _equal_folded(value: str, pattern: str) -> bool:
    return value.casefold() == pattern.casefold()


def _equal_flags(value: str, pattern: str) -> bool:
    return value.lower() == pattern


_TESTS: dict[str, tuple[Callable[[str, str], bool] | None, bool]] = {
    "stringequals": (_equal, False),
    "stringnotequals": (_equal, True),
    "stringequalsignorecase": (_equal_folded, False),
    "stringnotequalsignorecase": (_equal_folded, True),
    "stringlike": (matches_pattern, False),
    "stringnotlike": (matches_pattern, True),
    "arnequals": (_arn_like, False),  # "ArnEquals and ArnLike behave identically"
    "arnnotequals": (_arn_like, True),
    "arnlike": (_arn_like, False),
    "arnnotlike": (_arn_like, True),
    "bool": (_equal_flags, False),
    "null": (None, False),
}
