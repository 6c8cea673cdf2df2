"""Values of a statement: paths, `?`, constants, collections, functions, sums.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.data-types.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-functions.html
"""

from twinvault_gate.partiql.reading import TokenReader
from twinvault_gate.partiql.syntax import Compound, Constant, DocumentPath, Operand, Placeholder
from twinvault_gate.partiql.tokens import Lexeme

FUNCTIONS_OF_VALUES = frozenset({"SIZE", "LIST_APPEND", "SET_ADD", "SET_DELETE"})
_BRACKETS = {"[": "]", "<<": ">>"}


def summed(reading: TokenReader) -> Operand:
    """Take a value, or a sum or difference of values.

    Raises:
        StatementError: none comes next.
    """
    parts = [operand(reading)]
    while reading.takes("+", "-"):
        parts.append(operand(reading))
    return parts[0] if len(parts) == 1 else Compound(tuple(parts))


def path(reading: TokenReader) -> DocumentPath:
    """Take an attribute's name and the way into it.

    Raises:
        StatementError: none comes next.
    """
    attribute, is_whole = reading.name(), True
    while sign := reading.takes(".", "["):
        is_whole = False
        if sign == ".":
            reading.name()
        else:
            _whole_number(reading)
            reading.expect("]")
    return DocumentPath(attribute, is_whole)


def pairs(reading: TokenReader) -> dict[str, Operand]:
    """Take a map: {'name': value, …}.

    Raises:
        StatementError: none comes next, or it names something twice.
    """
    reading.expect("{")
    reading.deeper()
    found: dict[str, Operand] = {}
    while not reading.takes("}"):
        if found:
            reading.expect(",")
        name = reading.token
        if name.lexeme is not Lexeme.STRING or name.text in found:
            raise reading.unlike("a name in single quotes, and none twice,")
        reading.next()
        reading.expect(":")
        found[name.text] = operand(reading)
    reading.shallower()
    return found


def operand(reading: TokenReader) -> Operand:
    """Take one value.

    Raises:
        StatementError: none comes next.
    """
    constant = _constant(reading)
    if constant is not None:
        return constant
    if reading.takes("?"):
        reading.placeholders += 1
        return Placeholder(reading.placeholders - 1)
    if reading.sees("{"):
        return Compound(tuple(pairs(reading).values()))
    if opening := reading.takes(*_BRACKETS):
        return Compound(listed(reading, until=_BRACKETS[opening]))
    if reading.sees(*FUNCTIONS_OF_VALUES) and reading.sees("(", ahead=1):
        reading.next()
        reading.next()
        return Compound(listed(reading, until=")"))
    return path(reading)


def _constant(reading: TokenReader) -> Constant | Compound | None:
    if reading.token.lexeme is Lexeme.STRING:
        return Constant({"S": reading.next().text})
    if reading.takes("TRUE", "FALSE", "NULL"):
        return Compound()
    sign = reading.takes("-") or ""
    if reading.token.lexeme is Lexeme.NUMBER:
        return Constant({"N": sign + reading.next().text})
    if sign:
        raise reading.unlike("a number")
    return None


def listed(reading: TokenReader, *, until: str) -> tuple[Operand, ...]:
    """Take values separated by commas, and the sign that ends them.

    Raises:
        StatementError: something else comes.
    """
    reading.deeper()
    found: list[Operand] = []
    while not reading.takes(until):
        if found:
            reading.expect(",")
        found.append(operand(reading))
    reading.shallower()
    return tuple(found)


def _whole_number(reading: TokenReader) -> None:
    if reading.token.lexeme is not Lexeme.NUMBER or not reading.token.text.isdigit():
        raise reading.unlike("the number of an element")
    reading.next()
