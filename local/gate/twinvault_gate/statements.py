"""The operations that hold PartiQL: each statement is an IAM call of its own."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress

from twinvault_gate.calls import Home, IamCall, iam_call
from twinvault_gate.document import JsonObject, mappings, text
from twinvault_gate.errors import DynamoDbError, StatementError, validation
from twinvault_gate.items import KnownTables
from twinvault_gate.partiql.meaning import attributes, check_parameters, fixed_values
from twinvault_gate.partiql.parsing import parse_statement
from twinvault_gate.partiql.syntax import PartiqlStatement, StatementAction

MEMBER_OF = {"BatchExecuteStatement": "Statements", "ExecuteTransaction": "TransactStatements"}
"""Where each of these operations has its statements; ExecuteStatement is one itself."""


def given_statements(operation: str, document: JsonObject) -> list[JsonObject]:
    """The statements of a request, each with its parameters.

    Raises:
        DynamoDbError: the request is malformed.
    """
    return mappings(document, MEMBER_OF[operation]) if operation in MEMBER_OF else [document]


def statement_call(operation: str, given: JsonObject, *, home: Home, tables: KnownTables) -> IamCall:
    """The call that one statement means.

    Raises:
        DynamoDbError: ValidationException; it is not understood, or the request is malformed.
    """
    statement, parameters = _parsed(given), mappings(given, "Parameters")
    try:
        check_parameters(statement, parameters)
    except StatementError as error:
        raise validation(str(error)) from None
    keys = tables[statement.table].of(statement.index) if statement.table in tables else ()
    fixed = [fixed_values(statement, attribute, parameters) for attribute in keys]
    is_scan = not keys or any(values is None for values in fixed)
    if keys and is_scan and statement.action is not StatementAction.SELECT:
        raise validation("Where clause does not contain a mandatory equality on all key attributes")
    everything = "ALL_PROJECTED_ATTRIBUTES" if statement.index else "ALL_ATTRIBUTES"
    return iam_call(
        statement.action,
        home.table(statement.table) + (f"/index/{statement.index}" if statement.index else ""),
        attributes=attributes(statement),
        leading=[] if is_scan else [values for values in fixed if values is not None],
        select=everything if statement.projected is None else "SPECIFIC_ATTRIBUTES",
        fulltablescan="true" if is_scan else "false",
        returnvalues=statement.returning,
        enclosingoperation="ExecuteTransaction" if operation == "ExecuteTransaction" else None,
    )


def stated_tables(operation: str, document: JsonObject) -> Iterator[str]:
    """The tables that the statements of a request name; those that are not understood name none.

    Raises:
        DynamoDbError: the request is malformed.
    """
    for given in given_statements(operation, document):
        try:
            yield _parsed(given).table
        except DynamoDbError:
            continue


def stated_actions(operation: str, document: JsonObject) -> set[str]:
    """What IAM calls the statements of a request that are understood, PartiQLInsert and its like; none if it has none.

    Raises:
        DynamoDbError: the request is malformed.
    """
    found = set()
    for given in given_statements(operation, document) if operation in {*MEMBER_OF, "ExecuteStatement"} else ():
        with suppress(DynamoDbError):
            found.add(str(_parsed(given).action))
    return found


def written_item(given: JsonObject, names: Mapping[str, Collection[str]]) -> Iterator[tuple[str, JsonObject]]:
    """The table and the key of the item that a statement writes, if it writes one of a table in `names`.

    `names` gives the attributes of a table's primary key.

    Raises:
        DynamoDbError: ValidationException; it is not understood.
    """
    statement, parameters = _parsed(given), mappings(given, "Parameters")
    if statement.action is StatementAction.SELECT:
        return
    key = {}
    for name in names.get(statement.table, ()):
        values = fixed_values(statement, name, parameters)
        if values is None or len(values) != 1:
            return
        key[name] = values[0]
    yield statement.table, key


def _parsed(given: JsonObject) -> PartiqlStatement:
    try:
        return parse_statement(text(given, "Statement"))
    except StatementError as error:
        raise validation(f"Statement wasn't well formed, can't be processed: {error}") from None
