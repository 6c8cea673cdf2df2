"""What a record's class may declare. What could not be stored and read back is refused at the class statement."""

import dataclasses
import types
from collections.abc import Callable
from dataclasses import InitVar
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import pytest

from tests.records.typed.samples import CLINIC, Clearly, Clinic, Level, Note, Sealed, Visit
from twinvault.errors import InvalidInput
from twinvault.records.spec import FLAG, NULLABLE, NUMBER, TEXT, KindSpec, head_spec
from twinvault.records.typed.kind import Kind
from twinvault.records.typed.markers import Clear
from twinvault.records.typed.record import Record, to_draft


class Mixed(Enum):
    A = "a"
    ONE = 1


def declared(hint: Any, **more: Any) -> type[Record]:
    """A class with one field of this type."""
    namespace = {"__annotations__": {"a": hint}, "__module__": __name__, **more}
    return types.new_class("Declared", (Record,), {"sk": "declared"}, lambda body: body.update(namespace))


def test_entity_and_sort_key_are_declared_and_the_classs_name_is_free() -> None:
    assert Visit.__declared__.entity == "visit"
    assert Note.__declared__.entity == "remark"

    class AnotherName(Record, sk="visit#{number:04d}"):
        number: Clear[int]

    assert AnotherName.__declared__.entity == "visit"


def test_beneath_is_a_spec_with_the_same_fields() -> None:
    spec = Visit.__declared__.spec
    assert spec.clear == {"number": NUMBER, "state": TEXT}
    assert spec.sealed == {"email", "note", "scans", "seen_at"}
    assert spec.sk.fullmatch("visit#0007")
    assert not spec.sk.fullmatch("visit#7")
    assert Clearly.__declared__.spec.clear == {
        "state": TEXT,
        "ward": TEXT,
        "bed": NUMBER,
        "colour": TEXT,
        "text": TEXT,
        "price": NUMBER,
        "flag": FLAG,
        "gone": NULLABLE,
        "either": NUMBER | TEXT | NULLABLE,
        "named": TEXT | NULLABLE,
    }


def test_a_class_may_be_made_of_another_and_have_what_is_no_field() -> None:
    class Special(Visit, sk="special#{number:04d}"):
        LIMIT: ClassVar[list[int]] = [1]
        reason: str = ""

        def shout(self) -> str:
            return self.reason.upper()

    special = Special(number=1, state="open", email="", note="", reason="x")
    assert special.shout() == "X"
    assert to_draft(special).sk == "special#0001"
    assert "LIMIT" not in to_draft(special).fields
    assert Special.__declared__.spec.sealed == Visit.__declared__.spec.sealed | {"reason"}


@pytest.mark.parametrize(
    "hint",
    [
        float,
        bytes,
        datetime,
        list[str],
        dict[str, str],
        Any,
        object,
        Mixed,
        Level,
        Literal[1, 2],
        Literal[True],
        int | float,
        str | bytes,
    ],
    ids=str,
)
def test_a_clear_field_of_another_type_is_refused(hint: Any) -> None:
    with pytest.raises(InvalidInput, match="a clear field is an int") as refused:
        declared(Clear[hint])
    assert refused.value.field == "a"


@pytest.mark.parametrize(
    "hint", [Clear[int] | None, list[Clear[int]], Annotated[Clear[int] | None, "x"], Clear[list[Clear[int]]]], ids=str
)
def test_a_mark_within_a_type_is_refused_for_it_would_not_be_clear(hint: Any) -> None:
    with pytest.raises(InvalidInput, match="the mark is the outermost"):
        declared(hint)


@pytest.mark.parametrize(
    "hint",
    [
        object,
        complex,
        list[complex],
        dict[str, list[object]],
        Callable[[], int],
        datetime | str,
        bytes | str,
        set[int] | list[int],
        msgspec.Raw,
        type,
    ],
    ids=str,
)
def test_a_sealed_field_that_json_would_not_give_back_is_refused(hint: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        declared(hint)
    assert refused.value.field == "a"


def test_a_type_that_cannot_be_found_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is not defined"):
        declared("Nowhere")


@pytest.mark.parametrize(
    "name", ["stored", "sk", "pk", "version", "tenant_id", "bi_1", "Upper", "_private", "expires_at"]
)
def test_a_reserved_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        types.new_class("X", (Record,), {"sk": "x"}, lambda body: body.update({"__annotations__": {name: str}}))


@pytest.mark.parametrize("name", ["expected", "idempotency_key", "limit", "cursor"])
def test_a_field_of_the_sort_key_is_no_word_of_the_calls_that_take_it(name: str) -> None:
    body = {"__annotations__": {name: Clear[int]}}
    with pytest.raises(InvalidInput, match="is a word of the calls"):
        types.new_class("X", (Record,), {"sk": f"x#{{{name}}}"}, lambda namespace: namespace.update(body))


@pytest.mark.parametrize(
    ("hint", "default"),
    [
        pytest.param(str, 5, id="of another type"),
        pytest.param(Clear[Literal["a"]], "b", id="none of the literal's"),
        pytest.param(float, float("nan"), id="NaN"),
        pytest.param(list[int], [1], id="a list that is not empty"),
        pytest.param(dict[str, int], {"a": 1}, id="a dict that is not empty"),
        pytest.param(set[int], {1}, id="a set that is not empty"),
        pytest.param(int, dataclasses.field(default=1, compare=False), id="not compared"),
        pytest.param(int, dataclasses.field(default=1, init=False), id="not given"),
    ],
)
def test_a_default_that_could_not_be_sealed_is_refused(hint: Any, default: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        declared(hint, a=default)
    assert refused.value.field == "a"


def test_what_is_no_field_of_a_record_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is no field"):
        declared(InitVar[int])


@pytest.mark.parametrize(
    ("sk", "entity"),
    [
        pytest.param("{name}", "", id="no name before the first field"),
        pytest.param("x-{name}", "", id="a name that varies"),
        pytest.param("X#{name}", "", id="no name that may stand in a row"),
        pytest.param("#{name}", "", id="an empty name"),
        pytest.param("{sealed}#x", "x", id="a sealed field in the sort key"),
        pytest.param("x#{price}", "", id="a Decimal in the sort key"),
        pytest.param("x#{flag}", "", id="a truth value in the sort key"),
        pytest.param("x#{maybe}", "", id="null in the sort key"),
        pytest.param("head", "x", id="the head's sort key"),
        pytest.param("x#{name}", "head", id="the head's name"),
    ],
)
def test_a_sort_key_that_could_not_be_is_refused(sk: str, entity: str) -> None:
    with pytest.raises(InvalidInput):

        class Odd(Record, sk=sk, entity=entity):
            name: Clear[str]
            price: Clear[Decimal]
            flag: Clear[bool]
            maybe: Clear[int | None]
            sealed: str


def test_a_kind_is_its_records_and_its_head() -> None:
    assert CLINIC.spec == KindSpec(
        "clinic",
        [Visit.__declared__.spec, Note.__declared__.spec],
        head_spec({"city": TEXT}, frozenset({"owner"}), defaults={"owner": ""}),
    )
    assert Kind("clinic", [Visit]).spec.head == head_spec()
    CLINIC.require(Visit)
    CLINIC.require(Clinic)
    with pytest.raises(InvalidInput, match="Sealed"):
        CLINIC.require(Sealed)


def test_a_kind_whose_records_could_not_be_told_apart_is_refused() -> None:
    class Again(Record, sk="visit#{number}"):
        number: Clear[int]

    for make in (
        lambda: Kind("clinic", [Visit, Again]),
        lambda: Kind("clinic", [Visit, Clinic]),
        lambda: Kind("clinic", [], head=Visit),
        lambda: Kind("Clinic!", [Visit]),
    ):
        with pytest.raises(InvalidInput):
            make()
