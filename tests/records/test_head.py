"""The head's sum: pure."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.errors import IntegrityError
from twinvault.records.head import HeadState, Row, empty_head, surplus_row

KEY = bytes(range(32))
ROWS = st.lists(
    st.builds(Row, st.text("abc#", min_size=1, max_size=4), st.integers(1, 5), st.binary(min_size=32, max_size=32)),
    unique_by=lambda row: row.sk,
    max_size=6,
)


def full(rows: list[Row]) -> HeadState:
    return empty_head(KEY, dek_version=1).after(added=rows, replaced=[], dek_version=1, event_id="e")


def test_a_term_is_what_the_specification_says() -> None:
    import hashlib
    import hmac

    message = b"twinvault/v1/head\x00" + b"\x00\x00\x00\x04" + b"meta" + (7).to_bytes(8, "big") + b"c" * 32
    expected = int.from_bytes(hmac.new(KEY, message, hashlib.sha256).digest(), "big")
    assert empty_head(KEY, dek_version=1).term(Row("meta", 7, b"c" * 32)) == expected


@given(ROWS)
def test_exactly_the_rows_that_were_written_match_in_any_order(rows: list[Row]) -> None:
    assert full(rows).mismatch(reversed(rows)) is None
    assert full(rows).count == len(rows)


@given(ROWS.filter(bool))
def test_a_row_deleted_added_rolled_back_or_renamed_does_not(rows: list[Row]) -> None:
    state, row = full(rows), rows[0]
    assert state.mismatch(rows[1:]) is not None
    assert state.mismatch([*rows, row]) is not None
    assert state.mismatch([*rows[1:], Row(row.sk, row.version + 1, row.commitment)]) is not None
    assert state.mismatch([*rows[1:], Row(row.sk, row.version, os.urandom(32))]) is not None
    assert state.mismatch([*rows[1:], Row(row.sk + "x", row.version, row.commitment)]) is not None


@given(ROWS.filter(bool))
def test_one_row_too_many_is_named(rows: list[Row]) -> None:
    extra = Row("extra", 1, b"x" * 32)
    state = full(rows)
    mismatch = state.mismatch([*rows, extra])
    assert mismatch is not None
    assert surplus_row(state, [*rows, extra], difference=mismatch[1]) == extra


@given(ROWS.filter(bool))
def test_writes_one_after_another_end_at_the_sum_of_what_is_there(rows: list[Row]) -> None:
    state = empty_head(KEY, dek_version=1)
    for row in rows:
        state = state.after(added=[row], replaced=[], dek_version=1, event_id="e")
    newer = Row(rows[0].sk, rows[0].version + 1, b"n" * 32)
    state = state.after(added=[newer], replaced=[rows[0]], dek_version=2, event_id="f")
    assert state.mismatch([newer, *rows[1:]]) is None
    assert (state.dek_version, state.last_event) == (2, "f")


def test_the_sum_depends_on_the_key() -> None:
    row = Row("a", 1, b"c" * 32)
    assert empty_head(KEY, dek_version=1).term(row) != empty_head(bytes(32), dek_version=1).term(row)


def test_a_head_survives_its_fields_and_keeps_its_key_out_of_repr() -> None:
    state = full([Row("a", 1, b"c" * 32)])
    assert HeadState.from_fields(state.to_fields(), where="head") == state
    assert not re.search(KEY.hex(), repr(state))
    assert repr(KEY) not in repr(state)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("count", "1", id="a count in text"),
        pytest.param("count", True, id="a truth value as count"),
        pytest.param("count", 1.0, id="a float as count"),
        pytest.param("sum", "ab", id="a short sum"),
        pytest.param("sum", "zz" * 32, id="a sum that is not hex"),
        pytest.param("sum", 5, id="a number as sum"),
        pytest.param("hash_key", "00" * 31, id="a short key"),
        pytest.param("hash_key", None, id="no key"),
        pytest.param("dek_version", "1", id="a version in text"),
        pytest.param("last_event", 5, id="a number as event"),
    ],
)
def test_fields_that_are_no_heads_are_refused(name: str, value: object) -> None:
    with pytest.raises(IntegrityError):
        HeadState.from_fields({**full([]).to_fields(), name: value}, where="head")
    with pytest.raises(IntegrityError):
        HeadState.from_fields({key: value for key, value in full([]).to_fields().items() if key != name}, where="head")
