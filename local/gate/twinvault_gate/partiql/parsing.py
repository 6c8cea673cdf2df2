"""The strict parser: what it does not know it refuses, for what is not understood cannot be allowed.

It takes the statements that DynamoDB documents, and no more of PartiQL.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.statements.html
"""

from functools import lru_cache

from twinvault_gate.partiql.conditions import condition
from twinvault_gate.partiql.reading import TokenReader
from twinvault_gate.partiql.syntax import Operand, PartiqlStatement, StatementAction
from twinvault_gate.partiql.tokens import Lexeme
from twinvault_gate.partiql.values import operand, pairs, path, summed

_RETURNED = {
    ("ALL", "OLD"): "ALL_OLD",
    ("MODIFIED", "OLD"): "UPDATED_OLD",
    ("ALL", "NEW"): "ALL_NEW",
    ("MODIFIED", "NEW"): "UPDATED_NEW",
}


@lru_cache(maxsize=1024)
def parse_statement(statement: str) -> PartiqlStatement:
    """Return what a statement says.

    Raises:
        StatementError: it is none that is understood.
    """
    reading = TokenReader(statement)
    match reading.expect("SELECT", "INSERT", "UPDATE", "DELETE"):
        case "SELECT":
            parsed = _select(reading)
        case "INSERT":
            parsed = _insert(reading)
        case "UPDATE":
            parsed = _update(reading)
        case _:
            parsed = _delete(reading)
    if reading.token.lexeme is not Lexeme.END:
        raise reading.unlike("the end")
    return parsed


def _select(reading: TokenReader) -> PartiqlStatement:
    projected: list[Operand] | None = None
    if not reading.takes("*"):
        projected = [operand(reading)]
        while reading.takes(","):
            projected.append(operand(reading))
    reading.expect("FROM")
    table, index = reading.name(), None
    if reading.takes("."):
        index = reading.name()
    where = condition(reading) if reading.takes("WHERE") else None
    ordered: list[Operand] = []
    if reading.takes("ORDER"):
        reading.expect("BY")
        while not ordered or reading.takes(","):
            ordered.append(path(reading))
            reading.takes("ASC", "DESC")
    return PartiqlStatement(
        action=StatementAction.SELECT,
        table=table,
        index=index,
        projected=None if projected is None else tuple(projected),
        touched=tuple(ordered),
        where=where,
        placeholders=reading.placeholders,
    )


def _insert(reading: TokenReader) -> PartiqlStatement:
    reading.expect("INTO")
    table = reading.name()
    reading.expect("VALUE")
    item = pairs(reading)
    return PartiqlStatement(action=StatementAction.INSERT, table=table, item=item, placeholders=reading.placeholders)


def _update(reading: TokenReader) -> PartiqlStatement:
    table = reading.name()
    touched: list[Operand] = []
    while change := reading.takes("SET", "REMOVE"):
        touched.append(path(reading))
        if change == "SET":
            reading.expect("=")
            touched.append(summed(reading))
    if not touched:
        raise reading.unlike("SET or REMOVE")
    reading.expect("WHERE")
    where = condition(reading)
    return PartiqlStatement(
        action=StatementAction.UPDATE,
        table=table,
        touched=tuple(touched),
        where=where,
        returning=_returning(reading),
        placeholders=reading.placeholders,
    )


def _delete(reading: TokenReader) -> PartiqlStatement:
    reading.expect("FROM")
    table = reading.name()
    reading.expect("WHERE")
    where = condition(reading)
    returning = _returning(reading)
    if returning not in {"NONE", "ALL_OLD"}:
        raise reading.unlike("RETURNING ALL OLD *, or nothing,")
    return PartiqlStatement(
        action=StatementAction.DELETE,
        table=table,
        where=where,
        returning=returning,
        placeholders=reading.placeholders,
    )


def _returning(reading: TokenReader) -> str:
    if not reading.takes("RETURNING"):
        return "NONE"
    returned = _RETURNED[reading.expect("ALL", "MODIFIED"), reading.expect("OLD", "NEW")]
    reading.expect("*")
    return returned
