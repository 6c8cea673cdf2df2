"""docs/entities.md says what the code does: its declarations work, its lists and limits are the library's."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import pytest

import twinvault
from twinvault import (
    FLAG,
    NULLABLE,
    NUMBER,
    SEALED,
    TEXT,
    Blind,
    Clear,
    EntitySpec,
    InvalidInput,
    Kind,
    KindSpec,
    PartitionStore,
    Record,
    Searchable,
    TypedPartition,
    head_spec,
)
from twinvault.envelope import Context, Number
from twinvault.envelope.numbers import MAX_DIGITS, canonical_number
from twinvault.records import opaque, spec
from twinvault.records.batches import MAX_DRAFTS
from twinvault.records.blind import MAX_BITS, SLOTS
from twinvault.records.carried import RESERVED as RESERVED_NAMES
from twinvault.records.paging import MAX_PAGE
from twinvault.records.payload import MAX_NESTING
from twinvault.records.record import MAX_ITEM_BYTES

PAGE = (Path(__file__).parents[2] / "docs" / "entities.md").read_text(encoding="utf-8")
RESERVED = PAGE.split("Reserved: ", 1)[1].split("\n\n", 1)[0]
NAMES = {name for name in re.findall(r"`([a-z_]+)`", RESERVED) if name != "bi_"}


def test_the_declaration_on_the_page_can_be_made():
    code = next(block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "EntitySpec(" in block)
    made = {"re": re, "EntitySpec": EntitySpec, "KindSpec": KindSpec, "head_spec": head_spec}
    made |= {"TEXT": TEXT, "NUMBER": NUMBER, "FLAG": FLAG, "NULLABLE": NULLABLE}
    made |= {"REQUEST": EntitySpec("request", re.compile("request"))}
    exec(code, made)  # noqa: S102  # the page's own lines
    assert made["GRANT"].entity("decision").clear["score"] == {"N", "NULL"}


def test_the_record_types_on_the_page_can_be_declared_and_used():
    code = next(block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "(Record, sk=" in block)
    made = {"__name__": __name__, "Literal": Literal, "StrEnum": StrEnum, "datetime": datetime}
    made |= {"Clear": Clear, "Kind": Kind, "Record": Record, "Searchable": Searchable}
    exec(code, made)  # noqa: S102  # the page's own lines
    decision = made["Decision"](
        number=7, outcome="granted", decided_by="Ada", decided_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert decision.sk == "decision#07"
    assert made["GRANTS"].spec.entity("decision").clear["score"] == {"N", "NULL"}
    assert made["GRANTS"].spec.entity("decision").searchable == {"decided_by": Blind(slot=1)}
    assert made["GRANTS"].spec.head.clear == {"state": {"S"}}


def test_the_search_on_the_page_finds_what_it_says(world, capsys):
    code = next(block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "acting.find(" in block)
    made = {name: getattr(twinvault, name) for name in twinvault.__all__}
    exec(code, {**made, "re": re, "vault": world.vault})  # noqa: S102  # the page's own lines
    printed = capsys.readouterr().out.strip()
    assert f"It prints `{printed}`" in PAGE


def test_the_limits_of_a_search_are_these():
    assert list(SLOTS) == [1, 2, 3]
    assert f"`limit`, 1 to {MAX_PAGE:,}, is how many hits" in PAGE
    assert f"whole numbers of at most {MAX_DIGITS} digits" in PAGE
    assert f"`bits`, {MAX_BITS} unless you say otherwise" in PAGE


def test_the_changed_declaration_on_the_page_can_be_made_and_reads_what_the_first_one_wrote():
    code = next(block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "retired={" in block)
    made = {"re": re, "EntitySpec": EntitySpec, "TEXT": TEXT, "NUMBER": NUMBER, "NULLABLE": NULLABLE, "SEALED": SEALED}
    exec(code, made)  # noqa: S102  # the page's own lines
    older = {"outcome": "granted", "score": Number("5")}
    found = made["DECISION"].read(
        Context("records", "acme", "pk", "decision#01", "", older), {"note": "a", "ticket": 7}
    )
    assert found.fields == {"outcome": "granted", "score": 5, "remark": "a", "ticket": 7}
    assert found.retired == {"ticket"}


def test_the_record_type_that_changed_on_the_page_is_the_same_declaration():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    beneath = {
        "re": re,
        "EntitySpec": EntitySpec,
        "TEXT": TEXT,
        "NUMBER": NUMBER,
        "NULLABLE": NULLABLE,
        "SEALED": SEALED,
    }
    exec(next(block for block in blocks if "retired={" in block), beneath)  # noqa: S102  # the page's own lines
    made = {name: getattr(twinvault, name) for name in twinvault.__all__} | {"__name__": __name__}
    made |= {"Annotated": Annotated, "Literal": Literal}
    exec(next(block for block in blocks if "retired()" in block), made)  # noqa: S102  # the page's own lines
    spec, expected = made["Decision"].__declared__.spec, beneath["DECISION"]
    assert (spec.retired, spec.moved) == (expected.retired, expected.moved)
    assert spec.was == {"remark": ("note",)}
    assert (spec.sealed, spec.defaults) == (expected.sealed, expected.defaults | {"score": None})
    assert spec.clear == expected.clear | {"number": NUMBER}


def test_the_limit_of_clear_fields_is_about_this():
    assert "300 with names of a dozen letters" in PAGE
    for number, fits in ((300, True), (400, False)):
        clear = {f"{'x' * 9}{count:03d}": TEXT for count in range(number)}
        if fits:
            EntitySpec("terms", re.compile("terms"), clear)
        else:
            with pytest.raises(InvalidInput):
                EntitySpec("terms", re.compile("terms"), clear)


def test_the_reserved_names_are_these():
    assert set(spec.COMMON) | RESERVED_NAMES | spec.HEAD_SEALED == NAMES


@pytest.mark.parametrize("name", sorted(NAMES - spec.HEAD_SEALED | {"bi_vendor"}))
def test_a_reserved_name_is_refused_when_it_is_declared(name):
    with pytest.raises(InvalidInput):
        EntitySpec("terms", re.compile("terms"), sealed=frozenset({name}))


def test_the_limits_are_these():
    assert f"one write | {MAX_DRAFTS} records" in PAGE
    assert f"up to {MAX_DRAFTS} records" in PAGE
    assert f"{MAX_ITEM_BYTES // 1024} KiB" in PAGE
    assert f"a caller's id | {opaque.MAX_ID_CHARACTERS} characters" in PAGE
    assert f"sealed values | {MAX_NESTING} lists" in PAGE
    assert canonical_number("1" * 38)


def test_every_call_on_the_page_exists():
    for name in re.findall(r"`partition\.([a-z_]+)\(", PAGE):
        assert hasattr(PartitionStore, name)
        assert hasattr(TypedPartition, name)
