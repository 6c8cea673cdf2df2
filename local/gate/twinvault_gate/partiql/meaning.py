"""What a parsed statement is about: its attributes, and the values of a key that it fixes."""

from collections.abc import Mapping, Sequence

from twinvault_gate.errors import StatementError
from twinvault_gate.partiql.syntax import (
    AllHold,
    AnyHolds,
    Constant,
    DocumentPath,
    Filter,
    OneOf,
    Operand,
    PartiqlStatement,
    Placeholder,
    StatementAction,
    attributes_of,
)

type AttributeValue = Mapping[str, object]
"""A value in DynamoDB's own form: {"S": "…"}."""


def check_parameters(statement: PartiqlStatement, parameters: Sequence[AttributeValue]) -> None:
    """Return if there is a parameter for each `?`.

    Raises:
        StatementError: there are more or fewer.
    """
    if statement.placeholders != len(parameters):
        raise StatementError("Number of parameters in request and statement don't match.")


def attributes(statement: PartiqlStatement) -> frozenset[str]:
    """The top-level attributes that a statement names; those of `*` are not among them."""
    parts = (*(statement.projected or ()), *statement.touched, *statement.item.values())
    names = [name for part in parts for name in attributes_of(part)]
    return frozenset((*statement.item, *names, *attributes_of(statement.where)))


def fixed_values(
    statement: PartiqlStatement, attribute: str, parameters: Sequence[AttributeValue]
) -> tuple[AttributeValue, ...] | None:
    """The values to one of which a statement fixes an attribute; None where it leaves it open."""
    if statement.action is StatementAction.INSERT:
        value = _value(statement.item.get(attribute), parameters)
        return None if value is None else (value,)
    return _fixed(statement.where, attribute, parameters)


def _fixed(
    where: Filter | None, attribute: str, parameters: Sequence[AttributeValue]
) -> tuple[AttributeValue, ...] | None:
    """Of AND one part is enough, and more than one are all named: what is named too much can only be refused.

    Of OR each part must fix it: "OrderID = 100 OR Address = '…'" is a scan (developer guide, "PartiQL select
    statements").
    """
    match where:
        case OneOf(left, others):
            return _equal(left, others, attribute, parameters)
        case AllHold(conditions):
            found = [_fixed(each, attribute, parameters) for each in conditions]
            fixing = [values for values in found if values is not None]
            return tuple(value for values in fixing for value in values) if fixing else None
        case AnyHolds(conditions):
            every = [_fixed(each, attribute, parameters) for each in conditions]
            if any(values is None for values in every):
                return None
            return tuple(value for values in every if values is not None for value in values)
    return None


def _equal(
    left: Operand, others: tuple[Operand, ...], attribute: str, parameters: Sequence[AttributeValue]
) -> tuple[AttributeValue, ...] | None:
    if left != DocumentPath(attribute):
        # `?="pk"` says the same as `"pk"=?`.
        if others == (DocumentPath(attribute),):
            return _equal(others[0], (left,), attribute, parameters)
        return None
    values = [_value(each, parameters) for each in others]
    known = tuple(value for value in values if value is not None)
    return known if known and len(known) == len(values) else None


def _value(operand: Operand | None, parameters: Sequence[AttributeValue]) -> AttributeValue | None:
    match operand:
        case Placeholder(position):
            return parameters[position]
        case Constant(value):
            return value
    return None
