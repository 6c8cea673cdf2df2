"""Declarations that contradict themselves or cannot be stored are refused when they are made, by entity and field."""

import re
from typing import Any

import pytest

from twinvault import Kind, Record
from twinvault.dynamodb.transaction import insert, replace
from twinvault.envelope.item import ENVELOPE
from twinvault.errors import InvalidInput
from twinvault.records.fields import DECIMAL
from twinvault.records.spec import COMMON, FLAG, NULLABLE, NUMBER, SEALED, TEXT, EntitySpec, KindSpec, head_spec

SK = re.compile("line")
CLEAR, SECRET = {"amount": NUMBER, "currency": TEXT}, frozenset({"payee", "memo"})
ILL = ["pk", "version", "expires_at", "bi_1", "Upper", ""]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        pytest.param("amount", {"retired": {"amount": NUMBER}}, id="retired and clear"),
        pytest.param("memo", {"retired": {"memo": SEALED}}, id="retired and sealed"),
        pytest.param("old", {"retired": {"old": TEXT}, "was": {"memo": "old"}}, id="retired and an older name"),
        pytest.param("amount", {"was": {"currency": "amount"}}, id="an older name that is declared"),
        pytest.param("memo", {"was": {"memo": "memo"}}, id="an older name that is its own"),
        pytest.param("old", {"was": {"memo": "old", "payee": "old"}}, id="an older name of two fields"),
        pytest.param("old", {"was": {"memo": ["old", "old"]}}, id="an older name twice"),
        *(pytest.param(name, {"was": {"memo": name}}, id=f"an older name {name!r}") for name in ILL),
        *(pytest.param(name, {"retired": {name: TEXT}}, id=f"retired {name!r}") for name in ILL),
        pytest.param("other", {"was": {"other": "old"}}, id="an older name of what is not declared"),
        pytest.param("other", {"moved": {"other": SEALED}}, id="moved and not declared"),
        pytest.param("other", {"defaults": {"other": 1}}, id="a default of what is not declared"),
        pytest.param("old", {"retired": {"old": TEXT}, "defaults": {"old": ""}}, id="a default of what is retired"),
        pytest.param("old", {"retired": {"old": TEXT}, "moved": {"old": SEALED}}, id="moved and retired"),
        pytest.param("old", {"retired": {"old": frozenset()}}, id="retired without a form"),
        pytest.param("old", {"retired": {"old": frozenset({"B"})}}, id="retired of no form there is"),
        pytest.param("memo", {"moved": {"memo": SEALED}}, id="moved from where it is"),
        pytest.param("memo", {"moved": {"memo": TEXT | SEALED}}, id="moved from both sides"),
        pytest.param("amount", {"moved": {"amount": TEXT}}, id="clear and moved from the clear"),
        pytest.param("memo", {"moved": {"memo": frozenset()}}, id="moved without a form"),
        pytest.param("memo", {"moved": {"memo": DECIMAL}}, id="moved from a number's text alone"),
        pytest.param("old", {"retired": {"old": DECIMAL}}, id="retired from a number's text"),
        pytest.param("amount", {"defaults": {"amount": "1"}}, id="a default of another type"),
        pytest.param("currency", {"defaults": {"currency": None}}, id="a default of null"),
        pytest.param("memo", {"defaults": {"memo": {1: "a"}}}, id="a default that is not JSON"),
        pytest.param("memo", {"defaults": {"memo": float("nan")}}, id="a default of NaN"),
        pytest.param("a", {"clear": {"a": "S"}}, id="a letter instead of a type"),
        pytest.param("a", {"clear": {"a": frozenset()}}, id="no type"),
        pytest.param("a", {"clear": {"a": frozenset({"B"})}}, id="bytes in the clear"),
        pytest.param("a", {"clear": {"a": TEXT | SEALED}}, id="clear and sealed at once"),
        pytest.param("list_at", {"clear": {"list_at": NUMBER}}, id="a number in an index"),
        pytest.param("list_kind", {"clear": {"list_kind": TEXT | NULLABLE}}, id="null in an index"),
        pytest.param(
            "list_kind",
            {"clear": {"list_kind": TEXT}, "defaults": {"list_kind": ""}},
            id="an empty default in an index",
        ),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(field: str, changes: dict[str, Any]) -> None:
    declared: dict[str, Any] = {"clear": CLEAR, "sealed": SECRET, **changes}
    with pytest.raises(InvalidInput, match=r"^entity line: ") as refused:
        EntitySpec("line", SK, **declared)
    assert refused.value.field == field
    assert field in refused.value.message


@pytest.mark.parametrize(
    "changes", [{"was": {"store": "old"}}, {"moved": {"store": TEXT}}, {"defaults": {"store": {}}}]
)
def test_the_librarys_own_field_of_a_head_has_no_history(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"^entity head: 'store'"):
        head_spec({"title": TEXT}, **changes)
    with pytest.raises(InvalidInput, match=r"^entity head: 'store' is declared twice"):
        head_spec(retired={"store": SEALED})


def test_an_entity_is_written_or_retired_and_not_both() -> None:
    line = EntitySpec("line", SK, CLEAR, SECRET)
    for retired in ([line], [EntitySpec("line", SK)], [EntitySpec("head", SK)]):
        with pytest.raises(InvalidInput, match=r"^kind ledger: entity '(line|head)' is declared twice"):
            KindSpec("ledger", [line], retired=retired)
    with pytest.raises(InvalidInput, match="declared twice"):
        KindSpec("ledger", [], retired=[line, line])
    with pytest.raises(InvalidInput, match="head"):
        KindSpec("ledger", [], head=line)


def test_a_retired_field_is_refused_in_a_draft_by_its_name() -> None:
    kind = KindSpec("ledger", [EntitySpec("line", SK, CLEAR, SECRET, retired={"old": FLAG})])
    with pytest.raises(InvalidInput, match=r"^line\.old: is retired") as refused:
        kind.as_stored("line", {"old": True})
    assert refused.value.field == "old"


LONG = [f"{'x' * 61}{number:03d}" for number in range(200)]


def statements(clear: list[str], removed: list[str]) -> int:
    """The longest text of a write of a record with these clear fields, in a table of the longest name."""
    row: dict[str, Any] = {name: {} for name in (*COMMON, *ENVELOPE)}
    blind = [f"bi_{slot}" for slot in (1, 2, 3)]
    new = insert("t" * 255, {**row, **{name: {} for name in (*clear, *blind)}})
    taken = replace("t" * 255, row, remove=[*clear, *blind, *removed], commitment=b"")
    return max(len(new.text), len(taken.text))


def declare(count: int, **history: Any) -> EntitySpec:
    return EntitySpec("line", SK, dict.fromkeys(LONG[:count], TEXT), frozenset({"memo"}), **history)


@pytest.mark.parametrize(
    ("removed", "history"),
    [
        pytest.param([], {}, id="clear fields alone"),
        pytest.param(["old"], {"retired": {"old": TEXT, "older": SEALED}}, id="and a retired one"),
        pytest.param(["a", "b"], {"was": {LONG[0]: ["a", "b"]}}, id="and older names"),
        pytest.param(["memo", "old"], {"moved": {"memo": TEXT}, "was": {"memo": "old"}}, id="and one that was clear"),
    ],
)
def test_the_clear_fields_of_an_entity_fit_into_a_statement(removed: list[str], history: dict[str, Any]) -> None:
    most = max(count for count in range(1, 200) if statements(LONG[:count], removed) <= 8192)
    declare(most, **history)
    with pytest.raises(InvalidInput, match=r"^entity line: has more clear fields than a PartiQL statement of 8192"):
        declare(most + 1, **history)


def spec(**changes: Any) -> EntitySpec:
    return EntitySpec(**{"name": "line", "sk": SK, "clear": CLEAR, "sealed": SECRET, **changes})


@pytest.mark.parametrize(
    ("parameter", "given"),
    [
        pytest.param("sk", "line", id="a text as pattern"),
        pytest.param("sk", re.compile(b"line"), id="a pattern of bytes"),
        pytest.param("sk", None, id="no pattern"),
        pytest.param("clear", "amount", id="a text as clear fields"),
        pytest.param("clear", ["amount"], id="a list as clear fields"),
        pytest.param("clear", {1: TEXT}, id="a number as a clear field"),
        pytest.param("sealed", "memo", id="a text as a set: m, e, m, o"),
        pytest.param("sealed", ["memo"], id="a list as a set"),
        pytest.param("sealed", frozenset({1}), id="a number as a sealed field"),
        pytest.param("searchable", ["memo"], id="a list as searchable fields"),
        pytest.param("searchable", {"memo": 1}, id="a number as a blind index"),
        pytest.param("retired", "old", id="a text as retired fields"),
        pytest.param("was", ["memo"], id="a list as older names"),
        pytest.param("was", {"memo": 3}, id="a number as an older name"),
        pytest.param("moved", ["memo"], id="a list as moved fields"),
        pytest.param("defaults", ["memo"], id="a list as defaults"),
    ],
)
def test_what_is_of_another_type_is_refused_when_it_is_declared(parameter: str, given: object) -> None:
    with pytest.raises(InvalidInput, match=f"`{parameter}` must be") as refused:
        spec(**{parameter: given})
    assert refused.value.field == parameter


@pytest.mark.parametrize(
    ("parameter", "given"),
    [
        pytest.param("entities", spec(), id="one entity for a list of them"),
        pytest.param("entities", "line", id="a text as entities"),
        pytest.param("retired", spec(), id="one retired entity"),
        pytest.param("head", "head", id="a text as head"),
        pytest.param("tolerate", "no", id="a text as a truth value"),
    ],
)
def test_a_kind_of_other_types_is_refused(parameter: str, given: Any) -> None:
    declared: dict[str, Any] = {"entities": [spec()], parameter: given}
    with pytest.raises(InvalidInput, match="must be"):
        KindSpec("ledger", **declared)


def test_a_kind_of_record_types_takes_record_types() -> None:
    class Terms(Record, sk="terms"):
        price: str

    wrong: list[dict[str, Any]] = [{"records": Terms}, {"records": [spec()]}, {"records": [Terms], "head": head_spec()}]
    for declared in wrong:
        with pytest.raises(InvalidInput, match="must be of record types"):
            Kind("contract", **declared)
    with pytest.raises(InvalidInput, match="`sealed` must be a set"):
        head_spec({}, "ab")  # type: ignore[arg-type]  # as a caller without a type checker


def test_a_list_is_declared_whole() -> None:
    with pytest.raises(InvalidInput, match="'list_at' is declared without list_kind, list_status"):
        head_spec({"list_at": TEXT})
