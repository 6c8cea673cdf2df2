"""A PartiQL statement, parsed: no more of it than permissions can depend on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class StatementAction(StrEnum):
    """The IAM action that a statement needs (developer guide, "IAM security policies with PartiQL")."""

    SELECT = "PartiQLSelect"
    INSERT = "PartiQLInsert"
    UPDATE = "PartiQLUpdate"
    DELETE = "PartiQLDelete"


@dataclass(frozen=True, slots=True)
class DocumentPath:
    """An attribute, or something within it; permissions know its top level alone."""

    attribute: str
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A `?`; the first is 0."""

    position: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A string or a number, as DynamoDB's own form has it: {"S": …} or {"N": …}."""

    value: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Compound:
    """Everything else that has a value: a list, a set, a map, a call, a sum, NULL, TRUE."""

    parts: tuple["Operand", ...] = ()


type Operand = DocumentPath | Placeholder | Constant | Compound


@dataclass(frozen=True, slots=True)
class OneOf:
    """The left is equal to one of the others: `=` has one, IN a list of them."""

    left: Operand
    others: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class AllHold:
    """AND."""

    conditions: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyHolds:
    """OR."""

    conditions: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Unbound:
    """Any other condition: what it compares, and conditions within it. It fixes no attribute to a value."""

    operands: tuple[Operand, ...] = ()
    conditions: tuple["Filter", ...] = ()


type Filter = OneOf | AllHold | AnyHolds | Unbound


@dataclass(frozen=True, slots=True, kw_only=True)
class PartiqlStatement:
    """One statement.

    Attributes:
        projected: what a SELECT lists; None is `*`.
        item: the attributes of an INSERT.
        touched: the attributes that SET and REMOVE name, and the operands of SET.
        returning: as the ReturnValues of an item operation says it: ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW, NONE.
        placeholders: how many `?` there are.
    """

    action: StatementAction
    table: str
    index: str | None = None
    projected: tuple[Operand, ...] | None = None
    item: Mapping[str, Operand] = field(default_factory=dict, repr=False)
    touched: tuple[Operand, ...] = field(default=(), repr=False)
    where: Filter | None = field(default=None, repr=False)
    returning: str = "NONE"
    placeholders: int = 0


def attributes_of(part: "Operand | Filter | None") -> Iterator[str]:
    """The top-level attributes that an operand or a condition names."""
    match part:
        case DocumentPath(attribute):
            yield attribute
        case Compound(parts):
            for each in parts:
                yield from attributes_of(each)
        case OneOf(left, others):
            for each in (left, *others):
                yield from attributes_of(each)
        case AllHold(conditions) | AnyHolds(conditions):
            for condition in conditions:
                yield from attributes_of(condition)
        case Unbound(operands, conditions):
            for inner in (*operands, *conditions):
                yield from attributes_of(inner)
