"""Cursors open for the tenant and the question they were given for, and for nothing else."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinvault.errors import InvalidInput
from twinvault.keys.rows import NamedKey
from twinvault.records.cursor import make_cursor, read_cursor

KEY = NamedKey("idx", bytes(range(32)))
POSITION = {"pk": {"S": "tenant#acme#ledger#p1"}, "sk": {"S": "head"}, "list_at": {"S": "2026"}}
CURSOR = make_cursor(POSITION, key=KEY, tenant="acme", question="q", randomness=os.urandom)


def opened(cursor: str, *, key: NamedKey = KEY, tenant: str = "acme", question: str = "q") -> dict[str, dict[str, str]]:
    return read_cursor(cursor, key=key, tenant=tenant, question=question)


def test_a_cursor_gives_back_its_position() -> None:
    assert opened(CURSOR) == POSITION


def test_a_cursor_outlives_an_epoch_for_all_of_them_hold_the_same_key() -> None:
    later = NamedKey("idx#000002", KEY.key)
    assert (
        opened(make_cursor(POSITION, key=KEY, tenant="acme", question="q", randomness=os.urandom), key=later)
        == POSITION
    )


def test_a_cursor_tells_nothing_and_fits_into_a_url() -> None:
    assert CURSOR.isascii()
    assert all(character.isalnum() or character in "-_" for character in CURSOR)
    assert b"acme" not in base64.urlsafe_b64decode(CURSOR + "==")
    assert make_cursor(POSITION, key=KEY, tenant="acme", question="q", randomness=os.urandom) != CURSOR


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"tenant": "bolt"}, id="another tenant"),
        pytest.param({"question": "q2"}, id="another question"),
        pytest.param({"question": ""}, id="no question"),
        pytest.param({"key": NamedKey("idx#000001", bytes(32))}, id="another key"),
    ],
)
def test_a_cursor_opens_nowhere_else(other: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        opened(CURSOR, **other)  # type: ignore[arg-type]
    assert refused.value.field == "cursor"


def test_a_cursor_with_any_bit_flipped_or_any_byte_cut_does_not_open() -> None:
    data = base64.urlsafe_b64decode(CURSOR + "=" * (-len(CURSOR) % 4))
    for place in range(len(data)):
        for bit in range(8):
            flipped = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
            with pytest.raises(InvalidInput):
                opened(base64.urlsafe_b64encode(flipped).decode().rstrip("="))
        with pytest.raises(InvalidInput):
            opened(base64.urlsafe_b64encode(data[:place]).decode().rstrip("="))


@given(st.text(max_size=400))
def test_any_text_is_refused_as_the_callers_fault(text: str) -> None:
    with pytest.raises(InvalidInput):
        opened(text)


@pytest.mark.parametrize(
    "text", ["A" * 3000, "\ud800", "====", "A", "\u0661" * 8], ids=["long", "surrogate", "padding", "one", "digits"]
)
def test_odd_texts_are_refused_too(text: str) -> None:
    with pytest.raises(InvalidInput):
        opened(text)
