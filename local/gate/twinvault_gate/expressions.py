"""The expressions of item operations: which attributes they name, and which values a key condition fixes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from twinvault_gate.errors import validation
from twinvault_gate.partiql.meaning import AttributeValue

_TOKEN = re.compile(r"\s*(?:(#[A-Za-z0-9_]+|:[A-Za-z0-9_]+|[A-Za-z][A-Za-z0-9_]*|\d+|<>|<=|>=|[=<>(),.\[\]+-])|$)")
# All are reserved words of DynamoDB, so that none of them is an attribute's name unless behind a `#`.
_KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"})
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
