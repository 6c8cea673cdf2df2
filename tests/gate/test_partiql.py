"""The parser of PartiQL: what a statement needs and fixes, and what it refuses.

The examples are of the kinds that DynamoDB documents:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.statements.html
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.dynamodb.transaction import delete, insert, replace
from twinvault_gate.errors import StatementError
from twinvault_gate.partiql.meaning import attributes, check_parameters, fixed_values
from twinvault_gate.partiql.parsing import parse_statement
from twinvault_gate.partiql.syntax import StatementAction
from twinvault_gate.partiql.tokens import MAX_STATEMENT

PK, SK, COMMITMENT = {"S": "tenant#a"}, {"S": "head"}, {"B": "AAAA"}


def test_our_insert_fixes_the_whole_key():
    ours = insert("records", {"pk": PK, "sk": SK, "sealed": {"B": b"x"}})
    parsed = parse_statement(ours.text)
    assert (parsed.action, parsed.table, parsed.index) == (StatementAction.INSERT, "records", None)
    assert fixed_values(parsed, "pk", ours.parameters) == (PK,)
    assert fixed_values(parsed, "sk", ours.parameters) == (SK,)
    assert attributes(parsed) == {"pk", "sk", "sealed"}


def test_our_update_fixes_the_key_that_stands_behind_what_it_sets():
    item = {"pk": PK, "sk": SK, "sealed": {"B": b"x"}, "state": {"S": "open"}}
    ours = replace("records", item, remove=["gone"], commitment=b"c")
    parsed = parse_statement(ours.text)
    check_parameters(parsed, ours.parameters)
    assert parsed.action is StatementAction.UPDATE
    assert fixed_values(parsed, "pk", ours.parameters) == (PK,)
    assert attributes(parsed) == {"pk", "sk", "sealed", "state", "gone", "key_commitment"}
    assert parsed.returning == "NONE"


def test_our_delete_fixes_the_key():
    ours = delete("records", pk="tenant#a", sk="head", commitment=b"c")
    parsed = parse_statement(ours.text)
    assert (parsed.action, parsed.table) == (StatementAction.DELETE, "records")
    assert fixed_values(parsed, "pk", ours.parameters) == (PK,)
    assert attributes(parsed) == {"pk", "sk", "key_commitment"}


@pytest.mark.parametrize(
    ("where", "values"),
    [
        pytest.param("OrderID = 100", ["100"], id="equality"),
        pytest.param("\"OrderID\" = 100 AND Address = 'x'", ["100"], id="equality and more"),
        pytest.param("OrderID = 100 OR OrderID = 200", ["100", "200"], id="either of two"),
        pytest.param("OrderID IN [100, 300, 234]", ["100", "300", "234"], id="one of a list"),
        pytest.param("OrderID IN (100, 300)", ["100", "300"], id="one of a list in parentheses"),
        pytest.param("100 = OrderID", ["100"], id="the value first"),
        pytest.param("OrderID = -1.5e3", ["-1.5e3"], id="a negative number"),
        pytest.param("OrderID = 1 AND OrderID = 2", ["1", "2"], id="two at once: both are named"),
        pytest.param("OrderID = 1 AND (a = 1 OR b = 2)", ["1"], id="with an alternative beside it"),
        pytest.param("(OrderID = 1 AND a = 1) OR (OrderID = 2 AND b = 1)", ["1", "2"], id="in each alternative"),
        pytest.param("OrderID > 1", None, id="a range"),
        pytest.param("Address = 'x'", None, id="another attribute"),
        pytest.param("OrderID = 100 OR Address = 'x'", None, id="an alternative that leaves it open"),
        pytest.param("NOT OrderID = 100", None, id="its negation"),
        pytest.param("OrderID NOT IN [1, 2]", None, id="none of a list"),
        pytest.param("OrderID <> 1", None, id="unequal"),
        pytest.param("OrderID BETWEEN 1 AND 2", None, id="between"),
        pytest.param("begins_with(OrderID, '1')", None, id="a beginning"),
        pytest.param("OrderID.x = 1", None, id="something within it"),
        pytest.param("OrderID[0] = 1", None, id="an element of it"),
        pytest.param("OrderID IN []", None, id="one of none"),
        pytest.param("OrderID = Other", None, id="another attribute's value"),
        pytest.param("OrderID = size(Other)", None, id="a size"),
        pytest.param("OrderID IS NOT MISSING", None, id="present"),
    ],
)
def test_a_where_fixes_the_key_or_leaves_it_open(where: str, values: list[str] | None):
    parsed = parse_statement(f'SELECT * FROM "Orders" WHERE {where}')  # noqa: S608  # our own
    expected = None if values is None else tuple({"N": value} for value in values)
    assert fixed_values(parsed, "OrderID", ()) == expected


def test_a_select_names_its_table_index_and_attributes():
    parsed = parse_statement(
        'SELECT a, "b".c[0].d, size(e) FROM "T-1.x"."ByList" WHERE "f" = ? AND contains(g, ?) ORDER BY h DESC, i'
    )
    assert (parsed.action, parsed.table, parsed.index) == (StatementAction.SELECT, "T-1.x", "ByList")
    assert attributes(parsed) == {"a", "b", "e", "f", "g", "h", "i"}
    assert parsed.placeholders == 2


def test_everything_of_a_table_may_be_asked_for():
    parsed = parse_statement("select * from Music")
    assert (parsed.table, parsed.projected, parsed.where) == ("Music", None, None)
    assert fixed_values(parsed, "Artist", ()) is None


@pytest.mark.parametrize(
    ("returning", "value"),
    [
        ("", "NONE"),
        ("RETURNING ALL OLD *", "ALL_OLD"),
        ("RETURNING MODIFIED OLD *", "UPDATED_OLD"),
        ("RETURNING ALL NEW *", "ALL_NEW"),
        ("RETURNING MODIFIED NEW *", "UPDATED_NEW"),
    ],
)
def test_an_update_says_what_it_returns(returning: str, value: str):
    parsed = parse_statement(f"UPDATE Music SET AwardsWon=1 REMOVE x.y WHERE Artist='Acme' {returning}")  # noqa: S608  # our own
    assert parsed.returning == value


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO \"Music\" value {'Artist' : 'Acme Band','SongTitle' : 'PartiQL Rocks'}",
        "INSERT INTO T VALUE {'pk': ?, 'l': [1, 'two', ?], 's': <<'a', 'b'>>, 'm': {'x': NULL, 'y': TRUE}}",
        "UPDATE \"Music\" SET AwardsWon=1 SET AwardDetail={'Grammys':[2020, 2018]} WHERE Artist='A' AND SongTitle='P'",
        "UPDATE \"Music\" SET l=list_append(l,['Grammys']) WHERE Artist='A' AND SongTitle='P'",
        "UPDATE \"Music\" SET b=set_add(b, <<'x'>>) SET c=set_delete(c, <<1>>) SET n = n + 1 WHERE Artist='A'",
        'DELETE FROM "Music" WHERE "Artist" = \'Acme\'\'s Band\' AND "SongTitle" = ? RETURNING ALL OLD *',
        "SELECT a FROM T WHERE a IS NULL OR b IS NOT NULL OR attribute_type(c, 'S') OR d BETWEEN ? AND ?",
        "SELECT a FROM T WHERE NOT (begins_with(a, 'x') AND size(b) > 5) AND c <> 1 AND d != 2 AND e <= 3",
    ],
)
def test_what_dynamodb_documents_is_parsed(statement: str):
    assert parse_statement(statement).action


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("EXISTS(SELECT * FROM T WHERE pk=?)", id="EXISTS as a statement"),
        pytest.param("UPDATE T SET a=1 WHERE EXISTS(SELECT * FROM T WHERE pk=1)", id="EXISTS in a condition"),
        pytest.param("", id="nothing"),
        pytest.param("DROP TABLE T", id="another statement"),
        pytest.param("SELECT * FROM T; DELETE FROM T WHERE pk=1", id="two statements"),
        pytest.param("SELECT * FROM T -- all", id="a comment"),
        pytest.param("SELECT * FROM T WHERE pk='a", id="a string without an end"),
        pytest.param('SELECT * FROM "T', id="a name without an end"),
        pytest.param("SELECT * FROM 'T'", id="a string for a table"),
        pytest.param("SELECT * FROM T t", id="an alias"),
        pytest.param("SELECT * FROM T, U", id="two tables"),
        pytest.param("SELECT * FROM (SELECT * FROM T)", id="a select within"),
        pytest.param("SELECT * FROM T WHERE pk IN (SELECT pk FROM U)", id="a select within a condition"),
        pytest.param("SELECT * FROM T WHERE pk LIKE 'a%'", id="an unknown comparison"),
        pytest.param("SELECT * FROM T WHERE lower(pk) = 'a'", id="an unknown function"),
        pytest.param("SELECT * FROM T WHERE begins_with(pk)", id="too few values"),
        pytest.param("SELECT * FROM T WHERE pk", id="no comparison"),
        pytest.param("SELECT * FROM T WHERE pk = 1x", id="a number that goes on"),
        pytest.param("SELECT * FROM T WHERE pk = 1 + 1", id="a sum in a condition"),
        pytest.param("SELECT * FROM T LIMIT 1", id="LIMIT"),
        pytest.param("INSERT INTO T VALUE {'pk': 1, 'pk': 2}", id="an attribute twice"),
        pytest.param('INSERT INTO T VALUE {"pk": 1}', id="a name in double quotes within an item"),
        pytest.param("INSERT INTO T VALUE {'pk': 1} ON CONFLICT DO NOTHING", id="ON CONFLICT"),
        pytest.param("UPDATE T WHERE pk=1", id="no change"),
        pytest.param("UPDATE T SET a=1", id="an update without a WHERE"),
        pytest.param("UPDATE T SET a=1, b=2 WHERE pk=1", id="changes with a comma"),
        pytest.param("UPDATE T SET a=1 WHERE pk=1 RETURNING ALL OLD a", id="a part returned"),
        pytest.param("DELETE FROM T", id="a delete without a WHERE"),
        pytest.param("DELETE FROM T WHERE pk=1 RETURNING ALL NEW *", id="a delete that returns the new"),
        pytest.param("SELECT * FROM T WHERE " + "(" * 40 + "pk=1" + ")" * 40, id="nested too deep"),
        pytest.param("SELECT * FROM T WHERE " + "NOT " * 40 + "pk=1", id="negated too often"),
        pytest.param("INSERT INTO T VALUE {'a': " + "[" * 40 + "]" * 40 + "}", id="a list nested too deep"),
        pytest.param("SELECT * FROM T".ljust(MAX_STATEMENT + 1), id="too long"),
    ],
)
def test_what_is_not_understood_is_refused(statement: str):
    with pytest.raises(StatementError):
        parse_statement(statement)


@pytest.mark.parametrize("parameters", [(), ({"S": "a"}, {"S": "b"})], ids=["too few", "too many"])
def test_parameters_are_counted(parameters: Any):
    with pytest.raises(StatementError):
        check_parameters(parse_statement("SELECT * FROM T WHERE pk=?"), parameters)


def test_an_error_shows_no_value():
    with pytest.raises(StatementError) as caught:
        parse_statement("SELECT * FROM T WHERE pk LIKE 'secret'")
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(parse_statement("SELECT * FROM T WHERE pk = 'secret'"))


WORDS = [
    *("SELECT", "*", "FROM", "T", '"a"', "WHERE", "pk", "=", "?", "AND", "OR", "NOT", "IN", "[", "]", "(", ")", ","),
    *("INSERT", "INTO", "VALUE", "{", "}", "'x'", ":", "1", "UPDATE", "SET", "REMOVE", "DELETE", "RETURNING", "ALL"),
    *("OLD", "BETWEEN", "IS", "MISSING", "size", "<<", ">>", "-", ".", "EXISTS", "ORDER", "BY", "DESC"),
]


@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join) | st.text(max_size=60))
def test_whatever_comes_is_parsed_or_refused(statement: str):
    try:
        parsed = parse_statement(statement)
    except StatementError:
        return
    assert parsed.table
