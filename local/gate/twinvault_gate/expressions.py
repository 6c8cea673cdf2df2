"""The expressions of item operations: which attributes they name, and which values a key condition fixes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import operator
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache

from twinvault_gate.errors import validation
from twinvault_gate.partiql.meaning import AttributeValue

_TOKEN = re.compile(r"\s*(?:(#[A-Za-z0-9_]+|:[A-Za-z0-9_]+|[A-Za-z][A-Za-z0-9_]*|\d+|<>|<=|>=|[=<>(),.\[\]+-])|$)")
# All are reserved words of DynamoDB, so that none of them is an attribute's name unless behind a `#`.
_KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"})
_COMPARISONS: dict[str, Callable[..., bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NOT_IN_KEY_CONDITIONS = frozenset({"OR", "NOT", "IN", "<>"})


@lru_cache(maxsize=1024)
def _tokens(expression: str) -> tuple[str, ...]:
    found, position = [], 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            raise validation(f"Invalid expression: syntax error at character {position + 1}")
        if match[1]:
            found.append(match[1])
        position = match.end()
    return tuple(found)


def named_attributes(expression: str, names: Mapping[str, object]) -> Iterator[str]:
    """The top-level attributes that an expression names.

    Raises:
        DynamoDbError: ValidationException; it is no expression, or uses a name that is not given.
    """
    tokens = _tokens(expression)
    for index, token in enumerate(tokens):
        within = index > 0 and tokens[index - 1] == "."
        called = index + 1 < len(tokens) and tokens[index + 1] == "("
        if within or called or not _is_name(token):
            continue
        yield _resolved(token, names)


def fixed_in_key_condition(
    expression: str, attribute: str, *, names: Mapping[str, object], values: Mapping[str, object]
) -> tuple[AttributeValue, ...]:
    """The values that a key condition says an attribute is equal to: it has only AND, so all of them hold.

    Raises:
        DynamoDbError: ValidationException; it is no key condition, or uses a value that is not given.
    """
    tokens = _tokens(expression)
    if any(token.upper() in _NOT_IN_KEY_CONDITIONS for token in tokens):
        raise validation("Invalid operator used in KeyConditionExpression")
    found = []
    for left, sign, right in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if sign == "=":
            sides = (right, left) if left.startswith(":") else (left, right)
            if _is_name(sides[0]) and _resolved(sides[0], names) == attribute and sides[1].startswith(":"):
                found.append(_value(sides[1], values))
    return tuple(found)


def _is_name(token: str) -> bool:
    return (token[0].isalpha() and token.upper() not in _KEYWORDS) or token[0] == "#"


def _resolved(token: str, names: Mapping[str, object]) -> str:
    if not token.startswith("#"):
        return token
    name = names.get(token)
    if not isinstance(name, str):
        raise validation("An expression attribute name used in the document path is not defined")
    return name


def _value(token: str, values: Mapping[str, object]) -> AttributeValue:
    value = values.get(token)
    if not isinstance(value, dict):
        raise validation("An expression attribute value used in expression is not defined")
    return value


def key_condition_holds(
    expression: str, item: Mapping[str, AttributeValue], *, names: Mapping[str, object], values: Mapping[str, object]
) -> bool:
    """Whether an item meets a key condition; one whose attributes it has not does not.

    Raises:
        DynamoDbError: ValidationException; it is no key condition, or uses what is not given.
    """
    tokens = [token for token in _tokens(expression) if token not in {"(", ")", ","}]
    while tokens:
        taken = 3
        if tokens[1].upper() == "BETWEEN":
            taken = 5
        words, tokens = tokens[:taken], tokens[taken + 1 :]  # AND between two
        if len(words) < taken:
            raise validation("Invalid KeyConditionExpression")
        if not _holds(words, item, names, values):
            return False
    return True


def sort_value(value: AttributeValue) -> Decimal | bytes:
    """What values of one type are ordered by: numbers, or bytes.

    Raises:
        DynamoDbError: ValidationException; it is no value of a key.
    """
    match dict(value):
        case {"N": str(number)}:
            return Decimal(number)
        case {"S": str(characters)}:
            return characters.encode()
        case {"B": str(encoded)}:
            return b64decode(encoded)
    raise validation("The provided key element does not match the schema")


def _holds(
    words: list[str],
    item: Mapping[str, AttributeValue],
    names: Mapping[str, object],
    values: Mapping[str, object],
) -> bool:
    """One condition: NAME SIGN :VALUE, NAME BETWEEN :VALUE AND :VALUE, or begins_with NAME :VALUE."""
    name, sign = (words[1], words[0]) if words[0].lower() == "begins_with" else (words[0], words[1])
    attribute = item.get(_resolved(name, names))
    if attribute is None:
        return False
    left, right = sort_value(attribute), sort_value(_value(words[2], values))
    match left, right, sign.lower():
        case bytes(), bytes(), "begins_with":
            return left.startswith(right)
        case _, _, "between":
            return right <= left <= sort_value(_value(words[4], values))  # type: ignore[operator]  # both of the key's type
        case _, _, "=" | "<" | "<=" | ">" | ">=" as known:
            return _COMPARISONS[known](left, right)
    raise validation("Invalid operator used in KeyConditionExpression")
