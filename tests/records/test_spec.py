"""What a team may declare of its records, and what is made of a draft."""

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.records.samples import LEDGER, LINE, SCOPE, counted, line
from twinvault.errors import InvalidInput, TooLarge
from twinvault.keys.rows import NamedKey
from twinvault.records.batches import MAX_DRAFTS, Batches, write_units
from twinvault.records.record import (
    MAX_ITEM_BYTES,
    Draft,
    Scope,
    Stamp,
    seal_record,
    sealed_size,
)
from twinvault.records.spec import FLAG, HEAD, NULLABLE, NUMBER, TEXT, EntitySpec, KindSpec, head_spec

ANY = re.compile(r"x#.*", re.DOTALL)
KEY = NamedKey("dek#ledger#p1#000001", bytes(32))
STAMP = Stamp(1, "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z", bytes(32), bytes(12))


@pytest.mark.parametrize(
    "name",
    [
        "pk",
        "sk",
        "key_id",
        "format",
        "version",
        "tenant_id",
        "content_nonce",
        "bi_email",
        "Upper",
        "1st",
        "a-b",
        "",
        "\u00e9",
        "a" * 65,
    ],
)
@pytest.mark.parametrize("where", ["clear", "sealed"])
def test_a_reserved_or_misshapen_name_cannot_be_declared(name: str, where: str) -> None:
    with pytest.raises(InvalidInput):
        EntitySpec("x", ANY, {name: TEXT} if where == "clear" else {}, frozenset({name} if where == "sealed" else ()))


def test_a_field_is_clear_or_sealed_not_both() -> None:
    with pytest.raises(InvalidInput):
        EntitySpec("x", ANY, {"a": TEXT}, frozenset({"a"}))


def test_the_heads_own_fields_are_the_librarys() -> None:
    with pytest.raises(InvalidInput, match="store"):
        head_spec({}, frozenset({"store"}))
    with pytest.raises(InvalidInput, match="store"):
        head_spec({"store": TEXT})
    assert head_spec({}, frozenset({"count", "sum"})).sealed == {"store", "count", "sum"}


def test_entities_of_a_kind_have_names_of_their_own() -> None:
    with pytest.raises(InvalidInput):
        KindSpec("ledger", (LINE, LINE))
    with pytest.raises(InvalidInput):
        KindSpec("ledger", (EntitySpec(HEAD, ANY),))
    with pytest.raises(InvalidInput):
        KindSpec("Ledger!", (LINE,))


@pytest.mark.parametrize(
    ("types", "value"),
    [
        pytest.param(TEXT, 1, id="a number as text"),
        pytest.param(TEXT, None, id="null as text"),
        pytest.param(TEXT, "\ud800", id="a lone surrogate"),
        pytest.param(NUMBER, "1", id="text as a number"),
        pytest.param(NUMBER, True, id="true as a number"),
        pytest.param(NUMBER, float("nan"), id="NaN"),
        pytest.param(NUMBER, float("inf"), id="an infinity"),
        pytest.param(NUMBER, 10**127, id="a number out of range"),
        pytest.param(NUMBER, 10**5000 + 1, id="a number of 5,000 digits"),
        pytest.param(NUMBER, Decimal("1.00000000000000000000000000000000000001"), id="39 digits"),
        pytest.param(FLAG, 1, id="a number as a truth value"),
        pytest.param(FLAG | NULLABLE, "", id="text as a truth value"),
        pytest.param(TEXT | NUMBER, b"x", id="bytes"),
        pytest.param(TEXT | NUMBER | FLAG | NULLABLE, ["x"], id="a list"),
    ],
)
def test_a_clear_value_of_another_type_is_refused_by_field(types: frozenset[str], value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        EntitySpec("x", ANY, {"a": types}).split({"a": value})
    assert refused.value.field == "x.a"
    assert "1.0000" not in refused.value.message


def test_an_undeclared_field_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        LINE.split({"amount": 1, "colour": "red"})
    assert refused.value.field == "colour"


def test_a_number_is_stored_in_one_form() -> None:
    for one in (1, 1.0, Decimal("1.00"), Decimal("10E-1")):
        assert LEDGER.as_stored("line", {"amount": one}) == {"amount": 1}
    assert LEDGER.as_stored("line", {"amount": 0.1}) == {"amount": Decimal("0.1")}


@pytest.mark.parametrize("sk", ["line#1", "line#00001", "note#0001", "line#0001\n", "", "head"])
def test_a_sort_key_must_have_its_entitys_form(sk: str) -> None:
    with pytest.raises(InvalidInput):
        seal_record(Draft("line", sk, {"amount": 1}), LINE, scope=SCOPE, key=KEY, stamp=STAMP)


@pytest.mark.parametrize(
    "sk",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 1025, id="over 1,024 bytes"),
        pytest.param("\u00e9" * 513, id="over 1,024 bytes in UTF-8"),
        pytest.param("x\ud800", id="no Unicode text"),
    ],
)
def test_a_sort_key_that_dynamodb_does_not_take_is_refused_whatever_its_entitys_form(sk: str) -> None:
    spec = EntitySpec("x", re.compile(".*", re.DOTALL))
    with pytest.raises(InvalidInput, match=r"^sk: ") as refused:
        seal_record(Draft("x", sk, {}), spec, scope=SCOPE, key=KEY, stamp=STAMP)
    assert refused.value.field == "sk"
    assert seal_record(Draft("x", "\u00e9" * 512, {}), spec, scope=SCOPE, key=KEY, stamp=STAMP)


@pytest.mark.parametrize("name", ["list_kind", "list_status", "list_at"])
@pytest.mark.parametrize("value", ["", "x" * 513, "\u00e9" * 257], ids=["empty", "long", "long in UTF-8"])
def test_a_value_that_an_index_does_not_take_is_refused_by_field(name: str, value: str) -> None:
    spec = head_spec(dict.fromkeys(("list_kind", "list_status", "list_at", "title"), TEXT))
    with pytest.raises(InvalidInput, match="1 to 512 bytes") as refused:
        spec.split({name: value})
    assert refused.value.field == f"head.{name}"
    assert spec.split({name: "x" * 512, "title": ""})


@pytest.mark.parametrize("size", [0, 1, 200, 255, 256, 1000, 65_536, 300_000])
def test_the_size_of_an_item_is_known_before_it_is_sealed(size: int) -> None:
    draft = line(memo="x" * size, currency="EUR", paid=None)
    known = sealed_size(draft, LINE, scope=SCOPE)
    sealed = seal_record(draft, LINE, scope=SCOPE, key=KEY, stamp=STAMP)
    assert counted(sealed.item) <= sealed.size <= known <= counted(sealed.item) + 200


def test_a_record_over_the_limit_is_refused_before_it_is_sealed() -> None:
    draft = line(memo="x" * MAX_ITEM_BYTES)
    with pytest.raises(TooLarge, match=r"^line: over the limit of 409600 bytes \(400 KiB\)"):
        seal_record(draft, LINE, scope=SCOPE, key=KEY, stamp=STAMP)
    with pytest.raises(TooLarge, match="400 KiB"):
        batches(Clock()).check(draft)


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def batches(clock: Clock) -> Batches:
    return Batches(SCOPE, LEDGER, monotonic=lambda: clock.now, sleep=clock.sleep)


def test_a_part_is_the_longest_that_fits_into_a_write_and_into_500_write_units() -> None:
    drafts = [line(number) for number in range(150)]
    assert [len(part) for part in batches(Clock()).parts(drafts)] == [MAX_DRAFTS, 150 - MAX_DRAFTS]
    large = [line(number, memo="x" * 100_000) for number in range(7)]
    parts = list(batches(Clock()).parts(large))
    assert [len(part) for part in parts] == [2, 2, 2, 1]
    assert [draft for part in parts for draft in part] == large
    assert [len(part) for part in batches(Clock()).parts([line(n, memo="x" * 300_000) for n in range(2)])] == [1, 1]
    with pytest.raises(InvalidInput):
        batches(Clock()).check(Draft("page", "page#0001", {}))


def test_parts_come_no_faster_than_a_partition_takes_them() -> None:
    clock = Clock()
    units = 0
    for part in batches(clock).parts([line(number, memo="x" * 30_000) for number in range(60)]):
        assert clock.now >= units / 1000
        units += sum(write_units(batches(Clock()).check(draft)) for draft in part)
    assert clock.now > 3  # seconds, of 3,600 units and as many heads as parts


@pytest.mark.parametrize("bad", ["", "A", "a#b", "a" * 64, "-a", "a\n", "\u00e9"])
def test_a_scope_is_made_of_ids_that_can_stand_in_a_key(bad: str) -> None:
    for scope in (Scope(bad, "ledger", "p"), Scope("acme", bad, "p"), Scope("acme", "ledger", bad)):
        with pytest.raises(InvalidInput):
            _ = scope.pk


def test_no_field_of_a_draft_or_record_shows_in_its_repr() -> None:
    assert "Bo" not in repr(line())
