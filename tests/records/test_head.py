"""The head's sum: pure."""

import hashlib
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.errors import IntegrityError, Place, Step, TooLarge
from twinvault.records.head import MAX_RECORDS, HeadState, Row, empty_head, surplus_row

KEY = bytes(range(32))
ROWS = st.lists(
    st.builds(Row, st.text("abc#", min_size=1, max_size=4), st.binary(min_size=32, max_size=32)),
    unique_by=lambda row: row.sk,
    max_size=6,
)


WHERE = Place("records", "p", "head")


def full(rows: list[Row]) -> HeadState:
    return empty_head(KEY, dek_version=1).after(added=rows, removed=[], dek_version=1, event_id="e")


def test_a_term_is_what_the_specification_says() -> None:
    expected = hashlib.shake_256(b"twinvault/v1/term\x00" + KEY + b"d" * 32).digest(256)
    assert empty_head(KEY, dek_version=1).term(Row("meta", b"d" * 32)) == int.from_bytes(expected, "big")


@given(ROWS)
def test_exactly_the_rows_that_were_written_match_in_any_order(rows: list[Row]) -> None:
    assert full(rows).mismatch(reversed(rows)) is None
    assert full(rows).count == len(rows)


@given(ROWS.filter(bool))
def test_a_row_deleted_added_duplicated_or_changed_does_not(rows: list[Row]) -> None:
    state, row = full(rows), rows[0]
    assert state.mismatch(rows[1:]) is not None
    assert state.mismatch([*rows, row]) is not None
    assert state.mismatch([*rows, Row("extra", os.urandom(32))]) is not None
    assert state.mismatch([*rows[1:], Row(row.sk, os.urandom(32))]) is not None


@given(ROWS.filter(bool))
def test_one_row_too_many_is_named(rows: list[Row]) -> None:
    extra = Row("extra", b"x" * 32)
    state = full(rows)
    mismatch = state.mismatch([*rows, extra])
    assert mismatch is not None
    assert surplus_row(state, [*rows, extra], difference=mismatch[1]) == extra


@given(ROWS.filter(bool))
def test_writes_one_after_another_end_at_the_sum_of_what_is_there(rows: list[Row]) -> None:
    state = empty_head(KEY, dek_version=1)
    for row in rows:
        state = state.after(added=[row], removed=[], dek_version=1, event_id="e")
    newer = Row(rows[0].sk, b"n" * 32)
    state = state.after(added=[newer], removed=[rows[0]], dek_version=2, event_id="f")
    assert state.mismatch([newer, *rows[1:]]) is None
    assert (state.dek_version, state.lowest_dek_version, state.last_event) == (2, 1, "f")


def test_the_sum_depends_on_the_key() -> None:
    row = Row("a", b"d" * 32)
    assert empty_head(KEY, dek_version=1).term(row) != empty_head(bytes(32), dek_version=1).term(row)


def test_a_sum_stays_below_its_modulus() -> None:
    rows = [Row(str(number), number.to_bytes(32, "big")) for number in range(40)]
    assert full(rows).total == sum(map(empty_head(KEY, dek_version=1).term, rows)) % 2**2048
    assert full(rows).total.bit_length() <= 2048


def test_no_partition_holds_more_records_than_the_sum_is_made_for() -> None:
    rows = [Row(str(number), number.to_bytes(32, "big")) for number in range(MAX_RECORDS)]
    state = full(rows)
    assert state.after(added=[rows[1]], removed=[rows[0]], dek_version=1, event_id="").count == MAX_RECORDS
    with pytest.raises(TooLarge, match="at most 16384 records"):
        state.after(added=[Row("one more", b"x" * 32)], removed=[], dek_version=1, event_id="")


def test_a_head_survives_its_fields_and_keeps_its_key_out_of_repr() -> None:
    state = full([Row("a", b"d" * 32)])
    assert HeadState.from_fields(state.to_fields(), where=WHERE) == state
    assert not re.search(KEY.hex(), repr(state))
    assert repr(KEY) not in repr(state)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("count", "1", id="a count in text"),
        pytest.param("count", True, id="a truth value as count"),
        pytest.param("count", 1.0, id="a float as count"),
        pytest.param("count", -1, id="a negative count"),
        pytest.param("count", MAX_RECORDS + 1, id="too great a count"),
        pytest.param("sum", "ab", id="a short sum"),
        pytest.param("sum", "0" * 511, id="a sum of 511 digits"),
        pytest.param("sum", "0" * 513, id="a sum of 513 digits"),
        pytest.param("sum", "0" * 512 + "\n", id="a line break after a sum"),
        pytest.param("sum", "zz" * 256, id="a sum that is not hex"),
        pytest.param("sum", "AA" * 256, id="a sum in upper case"),
        pytest.param("sum", 5, id="a number as sum"),
        pytest.param("hash_key", "00" * 31, id="a short key"),
        pytest.param("hash_key", "AA" * 32, id="a key in upper case"),
        pytest.param("hash_key", None, id="no key"),
        pytest.param("dek_version", "1", id="a version in text"),
        pytest.param("dek_version", 0, id="a version of zero"),
        pytest.param("dek_version", 1_000_000, id="a version of seven digits"),
        pytest.param("lowest_dek_version", 0, id="a lowest version of zero"),
        pytest.param("lowest_dek_version", 2, id="a lowest version above the current"),
        pytest.param("lowest_dek_version", True, id="a truth value as lowest version"),
        pytest.param("last_event", 5, id="a number as event"),
    ],
)
def test_fields_that_are_no_heads_are_refused(name: str, value: object) -> None:
    with pytest.raises(IntegrityError) as refused:
        HeadState.from_fields({**full([]).to_fields(), name: value}, where=WHERE)
    assert refused.value.step is Step.PAYLOAD
    with pytest.raises(IntegrityError):
        HeadState.from_fields({key: value for key, value in full([]).to_fields().items() if key != name}, where=WHERE)


@pytest.mark.parametrize("fields", [None, "store", [], 1], ids=repr)
def test_what_is_no_object_is_no_head(fields: object) -> None:
    with pytest.raises(IntegrityError):
        HeadState.from_fields(fields, where=WHERE)
