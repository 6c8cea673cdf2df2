"""What stands after WHERE.

Sums are documented for SET alone, and refused here: a key that is compared with one would be fixed to a value that
nobody sees. EXISTS is refused: which action it needs is not documented, and a condition that is taken for less allows
too much.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-operators.html
"""

from twinvault_gate.errors import StatementError
from twinvault_gate.partiql.reading import TokenReader
from twinvault_gate.partiql.syntax import AllHold, AnyHolds, Filter, OneOf, Operand, Unbound
from twinvault_gate.partiql.values import listed, operand

_FUNCTIONS = {"BEGINS_WITH": 2, "CONTAINS": 2, "ATTRIBUTE_TYPE": 2}
_COMPARISONS = ("<>", "!=", "<", "<=", ">", ">=")


def condition(reading: TokenReader) -> Filter:
    """Take a condition: OR binds weaker than AND, AND weaker than NOT.

    Raises:
        StatementError: none comes next, or it is one that is not known.
    """
    reading.deeper()
    found = [_all(reading)]
    while reading.takes("OR"):
        found.append(_all(reading))
    reading.shallower()
    return found[0] if len(found) == 1 else AnyHolds(tuple(found))


def _all(reading: TokenReader) -> Filter:
    found = [_negated(reading)]
    while reading.takes("AND"):
        found.append(_negated(reading))
    return found[0] if len(found) == 1 else AllHold(tuple(found))


def _negated(reading: TokenReader) -> Filter:
    if reading.takes("NOT"):
        reading.deeper()
        inner = _negated(reading)
        reading.shallower()
        return Unbound(conditions=(inner,))
    return _single(reading)


def _single(reading: TokenReader) -> Filter:
    if reading.sees("EXISTS"):
        raise StatementError("EXISTS is not let through: the action that it needs is not documented")
    if reading.takes("("):
        inner = condition(reading)
        reading.expect(")")
        return inner
    for name, count in _FUNCTIONS.items():
        if reading.sees(name) and reading.sees("(", ahead=1):
            reading.next()
            reading.next()
            operands = listed(reading, until=")")
            if len(operands) != count:
                raise StatementError(f"{name.lower()} takes {count} values")
            return Unbound(operands)
    return _compared(reading, operand(reading))


def _compared(reading: TokenReader, left: Operand) -> Filter:
    if reading.takes("="):
        return OneOf(left, (operand(reading),))
    if reading.takes(*_COMPARISONS):
        return Unbound((left, operand(reading)))
    if reading.takes("IS"):
        reading.takes("NOT")
        reading.expect("MISSING", "NULL")
        return Unbound((left,))
    negated = reading.takes("NOT")
    if reading.takes("BETWEEN"):
        low = operand(reading)
        reading.expect("AND")
        return Unbound((left, low, operand(reading)))
    if reading.takes("IN"):
        others = listed(reading, until="]" if reading.expect("[", "(") == "[" else ")")
        return Unbound((left, *others)) if negated else OneOf(left, others)
    raise reading.unlike("a comparison")
