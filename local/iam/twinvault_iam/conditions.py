"""Condition blocks of policies: which operators and keys are known, and when a block holds.

Sources: IAM user guide, "IAM JSON policy elements: Condition operators", "Single-valued vs. multivalued context keys"
and "Set operators for multivalued context keys". A block with an operator or a key that is not known is refused when
the policy is read: a condition that is silently ignored allows too much.
"""

from dataclasses import dataclass
from typing import Protocol

from twinvault_iam.comparisons import OPERATORS, Comparison, Operator, parse_flag
from twinvault_iam.errors import MalformedPolicyError, NotEvaluatedError, at
from twinvault_iam.patterns import Dialect, RequestFacts, Values
from twinvault_iam.vocabulary import Vocabulary

_NULL = "null"
_QUANTIFIERS = {"", "forallvalues:", "foranyvalue:"}


class Condition(Protocol):
    """One operator on one key."""

    def holds(self, facts: RequestFacts) -> bool:
        """Whether the condition is met by these facts."""
        ...


@dataclass(frozen=True, slots=True)
class _Presence:
    """The Null operator: whether the key is absent, as one of the policy's flags says."""

    key: str
    absent: frozenset[bool]
    several: bool

    def holds(self, facts: RequestFacts) -> bool:
        values = facts.get(self.key, ())
        return (not (_filled(values) if self.several else values)) in self.absent


@dataclass(frozen=True, slots=True)
class _Comparing:
    """An operator that compares, with the values of the policy: any of them may match, or none if it is negated."""

    key: str
    comparisons: tuple[Comparison, ...]
    negated: bool
    if_exists: bool
    quantifier: str

    def holds(self, facts: RequestFacts) -> bool:
        present = facts.get(self.key, ())
        if self.quantifier:
            present = _filled(present)
        if not present and self.if_exists:
            return True
        match self.quantifier:
            case "forallvalues:":
                return all(self._matches(value, facts) for value in present)
            case "foranyvalue:":
                return any(self._matches(value, facts) for value in present)
        if not present:
            return self.negated
        return all(self._matches(value, facts) for value in present)

    def _matches(self, value: str, facts: RequestFacts) -> bool:
        return any(comparison(value, facts) for comparison in self.comparisons) is not self.negated


def _filled(values: Values) -> Values:
    """The values of a multivalued key: none, if there is nothing but an empty string."""
    return values if any(values) else ()


def parse_conditions(block: object, dialect: Dialect) -> tuple[Condition, ...]:
    """Return the conditions of a statement's Condition element.

    Raises:
        MalformedPolicyError: naming the operator or key that is not known.
    """
    if not isinstance(block, dict):
        raise MalformedPolicyError("it must be an object")
    conditions: list[Condition] = []
    for operator, keys in block.items():
        with at(operator):
            if not isinstance(keys, dict) or not keys:
                raise MalformedPolicyError("it must be an object of condition keys")
            for key, values in keys.items():
                with at(key):
                    conditions.append(_condition(operator, key, values, dialect))
    return tuple(conditions)


def _condition(name: str, key: str, raw: object, dialect: Dialect) -> Condition:
    quantifier, base, if_exists = _split(name)
    operator = OPERATORS.get(base)
    if (operator is None and base != _NULL) or quantifier not in _QUANTIFIERS:
        raise MalformedPolicyError("the condition operator is not known here")
    if operator is None and (quantifier or if_exists):
        raise MalformedPolicyError("the condition operator does not exist")
    lowered = key.lower()
    _check_key(lowered, dialect.vocabulary, quantifier=quantifier, null=operator is None)
    values = _values(raw)
    if operator is None:
        return _Presence(lowered, _flags(values), several=dialect.vocabulary.is_multi(lowered))
    comparisons = _comparisons(operator, values, dialect)
    return _Comparing(lowered, comparisons, negated=operator.negated, if_exists=if_exists, quantifier=quantifier)


def _split(name: str) -> tuple[str, str, bool]:
    """ForAllValues:StringLikeIfExists: the set operator, the operator, and whether it is one IfExists."""
    before, colon, base = name.lower().rpartition(":")
    return before + colon, base.removesuffix("ifexists"), base.endswith("ifexists")


def _comparisons(operator: Operator, values: Values, dialect: Dialect) -> tuple[Comparison, ...]:
    return tuple(operator.read(value, dialect) for value in values)


def _check_key(key: str, vocabulary: Vocabulary, *, quantifier: str, null: bool) -> None:
    single, multi = vocabulary.is_single(key), vocabulary.is_multi(key)
    if not single and not multi:
        raise NotEvaluatedError("the condition key is not known here")
    if single and quantifier == "forallvalues:":
        # KMS developer guide, "Using set operators with condition keys": AWS refuses this for the encryption context,
        # and the IAM user guide says of all single-valued keys that they must not be used so.
        error = NotEvaluatedError if key.startswith("aws:") else MalformedPolicyError
        raise error(
            "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key"
            " matches requests without it. To fix, remove ForAllValues"
        )
    if multi and not quantifier and not null:
        raise NotEvaluatedError("a multivalued condition key needs ForAnyValue or ForAllValues")


def _flags(values: Values) -> frozenset[bool]:
    flags = frozenset(map(parse_flag, values))
    if None in flags:
        raise MalformedPolicyError("its values are true and false")
    return frozenset(flag for flag in flags if flag is not None)


def _values(raw: object) -> Values:
    values = raw if isinstance(raw, list) else [raw]
    if not values:
        raise MalformedPolicyError("it has no values")
    return tuple(_value(value) for value in values)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int)):
        raise MalformedPolicyError("its values must be strings, numbers or flags")
    return str(value)
